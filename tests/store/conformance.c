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
    struct scene scene;
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

/* ---- The stage of a case ---- */

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

static void store_open_ready(struct stage *stage, size_t in_flight, struct scene *ret_scene)
{
    /* scene_settle gives up long before this deadline. */
    const struct store_limits limits = {.deadline_ms = 3 * CLOCK_PATIENCE_MS,
                                        .in_flight = in_flight};

    if (!scene_open_ready(ret_scene, suite->name, stage->engine, limits)) {
        fail_msg("%s: the store does not become ready", suite->name);
    }
}

struct scene *case_scene_bound(void **state, size_t in_flight)
{
    struct stage *stage = *state;

    engine_open(stage);
    store_open_ready(stage, in_flight, &stage->scene);
    return &stage->scene;
}

struct scene *case_restart(void **state)
{
    struct stage *stage = *state;

    CHECK_NOTHING(&stage->scene, scene_close(&stage->scene));
    if (!suite->forgets) {
        store_engine_close(stage->engine);
        engine_open(stage);
    }
    store_open_ready(stage, IN_FLIGHT, &stage->scene);
    return &stage->scene;
}

struct scene *case_scene(void **state)
{
    return case_scene_bound(state, IN_FLIGHT);
}

struct store_engine *case_engine(void **state)
{
    const struct stage *stage = *state;

    return stage->engine;
}

void case_second(void **state, struct scene *ret_scene)
{
    store_open_ready(*state, IN_FLIGHT, ret_scene);
}

int case_teardown(void **state)
{
    struct stage *stage = *state;
    const char *broken = NULL;

    if (stage->engine != NULL) {
        broken = scene_close(&stage->scene);
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

static struct attempt *settled(struct scene *scene, struct attempt *attempt)
{
    CHECK(scene, scene_settle(scene));
    return attempt;
}

static struct str given(struct scene *scene, const struct discount *discount)
{
    struct attempt *created = create_now(scene, discount, (struct str){0});

    CHECK_STATUS(scene, created, STATUS_OK);
    return created->op.create.discount.id;
}

const struct discount case_discount = {
    .brand_id = STR_INIT("a brand"), .discount_code = STR_INIT("A CODE"), .total_count = 1};

struct str given_discount(struct scene *scene, int64_t total_count)
{
    struct discount discount = case_discount;

    discount.total_count = total_count;
    return given(scene, &discount);
}

struct str given_window(struct scene *scene, int64_t starts_at_us, int64_t expires_at_us)
{
    struct discount discount = case_discount;

    discount.total_count = LIMIT_TOTAL_COUNT;
    discount.starts_at_us = starts_at_us;
    discount.expires_at_us = expires_at_us;
    return given(scene, &discount);
}

struct attempt *grant_now(struct scene *scene, struct str id, struct str user)
{
    return settled(scene, submit_grant(scene, id, user));
}

struct attempt *grant_get_now(struct scene *scene, struct str id, struct str user)
{
    return settled(scene, submit_grant_get(scene, id, user));
}

struct attempt *get_now(struct scene *scene, struct str id)
{
    return settled(scene, submit_get(scene, id));
}

struct attempt *create_now(struct scene *scene, const struct discount *discount, struct str key)
{
    return settled(scene, submit_create(scene, discount, key));
}
