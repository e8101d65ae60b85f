/* SPDX-License-Identifier: MIT */
/* Prints the counters of all workers in the exposition format of Prometheus, version 0.0.4.
 * Counters that are 0 are left out, except those without labels. */
#include "api/routes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "discount/store.h"

/* Room for every series there can be: 32 routes with a handful of codes each, and the rest. */
#define TEXT_SIZE 65536

struct text {
    char *at;
    size_t used; /* more than TEXT_SIZE if the text did not fit */
};

static void __attribute__((format(printf, 2, 3))) put(struct text *text, const char *format, ...)
{
    va_list arguments;
    int n;

    if (text->used >= TEXT_SIZE) {
        return;
    }
    va_start(arguments, format);
    n = vsnprintf(text->at + text->used, TEXT_SIZE - text->used, format, arguments);
    va_end(arguments);
    text->used += n < 0 ? TEXT_SIZE : (size_t)n;
}

static void put_head(struct text *text, const char *name, const char *kind, const char *help)
{
    put(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

/* Returns the sum over all workers of the counter at this offset. */
static uint64_t sum(const struct metrics_board *board, size_t offset)
{
    uint64_t total = 0;

    for (size_t i = 0; i < board->count; i++) {
        const void *counter = (const char *)&board->workers[i] + offset;

        total += atomic_load_explicit((const atomic_uint_least64_t *)counter, memory_order_relaxed);
    }
    return total;
}

#define OFFSET(member) offsetof(struct metrics, member)

static void put_responses(struct text *text, const struct metrics_board *board)
{
    put_head(text, "discount_http_responses_total", "counter",
             "Answers by route and code; the route is empty if none was found.");
    for (size_t i = 0; i <= routes_count; i++) {
        bool is_route = i < routes_count;

        for (size_t j = 0; j < METRICS_CODES; j++) {
            uint64_t n = sum(board, OFFSET(responses[i][j]));

            if (n > 0) {
                put(text,
                    "discount_http_responses_total{method=\"%s\",route=\"%s\",code=\"%d\"} %" PRIu64
                    "\n",
                    is_route ? routes_table[i].method : "", is_route ? routes_table[i].path : "",
                    metrics_codes[j], n);
            }
        }
    }
}

static void put_problems(struct text *text, const struct metrics_board *board)
{
    put_head(text, "discount_http_problems_total", "counter", "Refusals by the problem's name.");
    for (enum status status = STATUS_OK + 1; status < STATUS_COUNT; status++) {
        uint64_t n = sum(board, OFFSET(problems[status]));

        if (n > 0) {
            put(text, "discount_http_problems_total{problem=\"%s\"} %" PRIu64 "\n",
                status_name(status), n);
        }
    }
}

static void put_durations(struct text *text, const struct metrics_board *board)
{
    static const char name[] = "discount_http_request_duration_seconds";
    uint64_t count = 0;

    put_head(text, name, "histogram", "Time from the request line to the answer.");
    for (size_t i = 0; i < METRICS_BOUNDS; i++) {
        count += sum(board, OFFSET(durations[i]));
        put(text, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double)metrics_bounds_us[i] / 1e6,
            count);
    }
    count += sum(board, OFFSET(durations[METRICS_BOUNDS]));
    put(text, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    put(text, "%s_sum %.6f\n", name, (double)sum(board, OFFSET(duration_sum_us)) / 1e6);
    put(text, "%s_count %" PRIu64 "\n", name, count);
}

static void put_one(struct text *text, const char *name, const char *kind, const char *help,
                    uint64_t n)
{
    put_head(text, name, kind, help);
    put(text, "%s %" PRIu64 "\n", name, n);
}

static void put_numbers(struct text *text, const struct metrics_board *board)
{
    static const struct {
        const char *name, *kind, *help;
    } rows[METRIC_COUNT] = {
#define ROW(NAME, kind, name, help) {name, #kind, help},
        METRICS_LIST(ROW)
#undef ROW
    };

    for (size_t i = 0; i < METRIC_COUNT; i++) {
        put_one(text, rows[i].name, rows[i].kind, rows[i].help, sum(board, OFFSET(numbers[i])));
    }
}

/* Returns the memory of the process, which Linux gives in pages; 0 if it cannot be read. */
static uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[64] = "", *rest = line;
    uint64_t pages = 0;

    if (file != NULL) {
        if (fgets(line, sizeof(line), file) != NULL) {
            strtoull(line, &rest, 10); /* skips the size of the address space, which means little */
            pages = strtoull(rest, &rest, 10);
        }
        fclose(file);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void put_all(struct text *text, const struct metrics_board *board, const struct store *store)
{
    put_responses(text, board);
    put_problems(text, board);
    put_durations(text, board);
    put_numbers(text, board);
    put_one(text, "discount_workers", "gauge", "Threads that serve.", board->count);
    put_one(text, "discount_store_warnings", "gauge",
            "Settings of the database that weaken a promise; the log names them.",
            store_warnings(store));
    put_one(text, "process_resident_memory_bytes", "gauge", "Memory of the process.",
            resident_bytes());
    put_head(text, "discount_build_info", "gauge", "The version that runs.");
    put(text, "discount_build_info{version=\"%s\"} 1\n", DISCOUNT_VERSION);
}

/* GET /metrics */
void metrics_text(struct request *request)
{
    struct text text = {.at = arena_alloc(&request->arena, TEXT_SIZE)};

    if (request->query_count > 0) {
        request_refuse(request, STATUS_MALFORMED_REQUEST);
        return;
    }
    if (text.at != NULL) {
        put_all(&text, request->board, request->store);
    }
    if (text.at == NULL || text.used >= TEXT_SIZE) {
        request_refuse(request, STATUS_OVERLOADED);
        return;
    }
    request_reply(request, &(struct reply){
                               .code = 200,
                               .content_type = "text/plain; version=0.0.4; charset=utf-8",
                               .body = {text.at, text.used},
                           });
}
