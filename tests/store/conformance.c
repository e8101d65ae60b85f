/* SPDX-License-Identifier: MIT */
#include "store/conformance.h"

#include <stdlib.h>
#include <time.h>

#include "discount/engine.h"
#include "discount/limits.h"
#include "discount/log.h"
#include "store/cases/cases.h"
#include "support/clock.h"
#include "support/directory.h"

#define IN_FLIGHT 4096

struct stage {
    struct store_engine *engine; /* NULL: not open */
    struct store_fixture fixture;
};

static const struct conformance_backend *suite;
static struct directory directory;

int conformance_run(const struct conformance_backend *backend)
{
    int failed;

    log_set_level(LOG_WARNING);
    suite = backend;
    directory_make(&directory);
    failed = cases_discounts() + cases_grants() + cases_laws() + cases_lists() + cases_promises() +
             cases_refusal_cache();
    directory_remove(&directory);
    return failed;
}

/* ---- The store of a case ---- */

int case_setup(void **state)
{
    *state = calloc(1, sizeof(struct stage));
    return *state == NULL ? -1 : 0;
}

static void engine_open(struct stage *stage)
{
    const char *fault = "";

    stage->engine = store_engine_open(suite->url(directory.path), &fault);
    if (stage->engine == NULL) {
        fail_msg("%s: the engine does not open: %s", suite->name, fault);
    }
    if (!store_engine_start(stage->engine)) {
        fail_msg("%s: the engine does not start", suite->name);
    }
}

static void store_open_ready(struct stage *stage, size_t in_flight,
                             struct store_fixture *ret_fixture)
{
    /* store_fixture_settle gives up long before this deadline. */
    const struct store_limits limits = {.deadline_ms = 3 * CLOCK_PATIENCE_MS,
                                        .in_flight = in_flight};

    if (!store_fixture_open_ready(ret_fixture, suite->name, stage->engine, limits)) {
        fail_msg("%s: the store does not become ready", suite->name);
    }
}

struct store_fixture *case_store_bound(void **state, size_t in_flight)
{
    struct stage *stage = *state;

    engine_open(stage);
    store_open_ready(stage, in_flight, &stage->fixture);
    return &stage->fixture;
}

struct store_fixture *case_restart(void **state)
{
    struct stage *stage = *state;

    CHECK_NOTHING(&stage->fixture, store_fixture_close(&stage->fixture));
    if (!suite->forgets) {
        store_engine_close(stage->engine);
        engine_open(stage);
    }
    store_open_ready(stage, IN_FLIGHT, &stage->fixture);
    return &stage->fixture;
}

struct store_fixture *case_store(void **state)
{
    return case_store_bound(state, IN_FLIGHT);
}

struct store_engine *case_engine(void **state)
{
    const struct stage *stage = *state;

    return stage->engine;
}

void case_second(void **state, struct store_fixture *ret_fixture)
{
    store_open_ready(*state, IN_FLIGHT, ret_fixture);
}

int case_teardown(void **state)
{
    struct stage *stage = *state;
    const char *broken = NULL;

    if (stage->engine != NULL) {
        broken = store_fixture_close(&stage->fixture);
        store_engine_close(stage->engine);
    }
    free(stage);
    if (broken != NULL) {
        print_error("%s: %s\n", suite->name, broken);
    }
    return broken == NULL ? 0 : -1;
}

/* ---- First steps ---- */

int64_t now_us(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct attempt *settled(struct store_fixture *fixture, struct attempt *attempt)
{
    CHECK(fixture, store_fixture_settle(fixture));
    return attempt;
}

static struct str given(struct store_fixture *fixture, const struct discount *discount)
{
    struct attempt *created = create_now(fixture, discount, (struct str){0});

    CHECK_STATUS(fixture, created, STATUS_OK);
    return created->op.create.discount.id;
}

const struct discount case_discount = {
    .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};

struct str given_discount(struct store_fixture *fixture, int64_t total_count)
{
    struct discount discount = case_discount;

    discount.total_count = total_count;
    return given(fixture, &discount);
}

struct str given_window(struct store_fixture *fixture, int64_t starts_at_us, int64_t expires_at_us)
{
    struct discount discount = case_discount;

    discount.total_count = LIMIT_TOTAL_COUNT;
    discount.starts_at_us = starts_at_us;
    discount.expires_at_us = expires_at_us;
    return given(fixture, &discount);
}

struct attempt *grant_now(struct store_fixture *fixture, struct str id, struct str user)
{
    return settled(fixture, submit_grant(fixture, id, user));
}

struct attempt *grant_get_now(struct store_fixture *fixture, struct str id, struct str user)
{
    return settled(fixture, submit_grant_get(fixture, id, user));
}

struct attempt *get_now(struct store_fixture *fixture, struct str id)
{
    return settled(fixture, submit_get(fixture, id));
}

struct attempt *create_now(struct store_fixture *fixture, const struct discount *discount,
                           struct str key)
{
    return settled(fixture, submit_create(fixture, discount, key));
}
