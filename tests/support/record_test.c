/* SPDX-License-Identifier: MIT */
/* Each answer must be recorded with its own request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/directory.h"
#include "support/record.h"
#include "support/test.h"

#define GET "GET / HTTP/1.1\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
#define CHUNKED "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
#define HEAD "HTTP/1.1 200 OK\r\n\r\n"

/* Reads the file of this process and removes it. */
static void lines_take(const struct directory *directory, char ret_lines[4096])
{
    char path[256];
    FILE *file;
    size_t n;

    snprintf(path, sizeof(path), "%s/support_record.%d.jsonl", directory->path, (int)getpid());
    file = fopen(path, "r");
    assert_non_null(file);
    n = fread(ret_lines, 1, 4095, file);
    ret_lines[n] = '\0';
    fclose(file);
    directory_remove(directory);
    unsetenv("DISCOUNT_EXCHANGES");
}

static void directory_begin(struct directory *directory)
{
    directory_make(directory);
    assert_int_equal(setenv("DISCOUNT_EXCHANGES", directory->path, 1), 0);
}

static void pipelined_requests_are_distinguished(void **state)
{
    static const char sent[] = GET POST CHUNKED GET;
    struct directory directory;
    struct record record = {0};
    char lines[4096];

    (void)state;
    directory_begin(&directory);
    record_sent(&record, sent, 30);
    record_sent(&record, sent + 30, sizeof(sent) - 1 - 30);
    for (int i = 0; i < 4; i++) {
        char body[2] = {(char)('0' + i), '\0'};

        record_answer(&record, HEAD, body, 1);
    }
    assert_int_equal(record.n, 0);
    record_fini(&record);
    lines_take(&directory, lines);

#define LINE(request, body)                                                                        \
    "{\"request\":\"" request                                                                      \
    "\",\"head\":\"HTTP/1.1 200 OK\\u000d\\u000a\\u000d\\u000a\",\"body\":\"" body "\"}\n"
#define END "\\u000d\\u000a"
    assert_string_equal(lines,
                        LINE("GET / HTTP/1.1" END END, "0")
                            LINE("POST / HTTP/1.1" END "Content-Length: 3" END END "abc", "1")
                                LINE("POST / HTTP/1.1" END "Transfer-Encoding: chunked" END END
                                     "1" END "a" END "0" END END,
                                     "2") LINE("GET / HTTP/1.1" END END, "3"));
}

static void bytes_are_kept_as_they_are(void **state)
{
    struct directory directory;
    struct record record = {0};
    char lines[4096];

    (void)state;
    directory_begin(&directory);
    record_sent(&record, "\x00\xff\"\\", 4);
    record_answer(&record, "", "\x7f", 1);
    record_fini(&record);
    lines_take(&directory, lines);
    assert_string_equal(
        lines,
        "{\"request\":\"\\u0000\\u00ff\\u0022\\u005c\",\"head\":\"\",\"body\":\"\\u007f\"}\n");
}

static void a_long_body_is_left_out(void **state)
{
    static const char body[RECORD_BODY_MOST + 1];
    struct directory directory;
    struct record record = {0};
    char lines[4096];

    (void)state;
    directory_begin(&directory);
    record_answer(&record, "x", body, sizeof(body));
    lines_take(&directory, lines);
    assert_string_equal(lines, "{\"request\":\"\",\"head\":\"x\"}\n");
}

static void without_a_directory_nothing_is_kept(void **state)
{
    struct record record = {0};

    (void)state;
    record_sent(&record, GET, sizeof(GET) - 1);
    assert_null(record.sent);
    record_answer(&record, HEAD, "", 0);
    record_fini(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelined_requests_are_distinguished),
        cmocka_unit_test(bytes_are_kept_as_they_are),
        cmocka_unit_test(a_long_body_is_left_out),
        cmocka_unit_test(without_a_directory_nothing_is_kept),
    };

    unsetenv("DISCOUNT_EXCHANGES");
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
