/* SPDX-License-Identifier: MIT */
#include "store/store_fixture.h"

#include <stdlib.h>

#include "discount/limits.h"
#include "support/clock.h"

typedef void (*verb_fn)(struct store *store, struct store_op *op, store_done_fn done);

/* ---- Attempts ---- */

static struct attempt *attempt_new(struct scene *scene)
{
    struct attempt *attempt = calloc(1, sizeof(*attempt));

    if (attempt == NULL) {
        abort();
    }
    arena_init(&attempt->arena, LIMIT_REQUEST_MEMORY);
    attempt->op.arena = &attempt->arena;
    attempt->scene = scene;
    attempt->next = scene->attempts;
    scene->attempts = attempt;
    return attempt;
}

static struct str keep(struct attempt *attempt, struct str text)
{
    struct str kept = arena_dup(&attempt->arena, text);

    if (kept.p == NULL) {
        abort();
    }
    return kept;
}

static void submit(struct attempt *attempt, verb_fn verb);

static void done(struct store_op *op)
{
    struct attempt *attempt = CONTAINER_OF(op, struct attempt, op);
    struct scene *scene = attempt->scene;

    attempt->done++;
    scene->open--;
    if (scene->is_submitting) {
        scene->broken = "law 2: done was called inside submit";
    }
    if (attempt->done > attempt->submitted) {
        scene->broken = "law 1: an operation was done more often than submitted";
    } else if (attempt->again > 0) {
        attempt->again--;
        submit(attempt, store_grant);
    }
}

static void submit(struct attempt *attempt, verb_fn verb)
{
    struct scene *scene = attempt->scene;

    attempt->submitted++;
    scene->open++;
    scene->is_submitting = true;
    verb(scene->turn.store, &attempt->op, done);
    scene->is_submitting = false;
}

struct attempt *submit_ping(struct scene *scene)
{
    struct attempt *attempt = attempt_new(scene);

    submit(attempt, store_ping);
    return attempt;
}

struct attempt *submit_create(struct scene *scene, const struct discount *discount, struct str key)
{
    struct attempt *attempt = attempt_new(scene);
    char id[DISCOUNT_ID_LENGTH];

    discount_id_make(id);
    attempt->op.create.discount = *discount;
    attempt->op.create.discount.id = keep(attempt, (struct str){id, sizeof(id)});
    attempt->op.create.discount.brand_id = keep(attempt, discount->brand_id);
    attempt->op.create.discount.discount_code = keep(attempt, discount->discount_code);
    attempt->op.create.idempotency_key = key.n > 0 ? keep(attempt, key) : key;
    submit(attempt, store_create);
    return attempt;
}

struct attempt *submit_get(struct scene *scene, struct str id)
{
    struct attempt *attempt = attempt_new(scene);

    attempt->op.get.discount.id = keep(attempt, id);
    submit(attempt, store_get);
    return attempt;
}

struct attempt *submit_list(struct scene *scene, int64_t after_us, size_t limit)
{
    struct attempt *attempt = attempt_new(scene);

    attempt->op.list.after_us = after_us;
    attempt->op.list.limit = limit;
    submit(attempt, store_list);
    return attempt;
}

struct attempt *submit_grant_again(struct scene *scene, struct str id, struct str user,
                                   unsigned again)
{
    struct attempt *attempt = attempt_new(scene);

    attempt->op.grant.grant.discount_id = keep(attempt, id);
    attempt->op.grant.grant.user_id = keep(attempt, user);
    attempt->again = again;
    submit(attempt, store_grant);
    return attempt;
}

struct attempt *submit_grant(struct scene *scene, struct str id, struct str user)
{
    return submit_grant_again(scene, id, user, 0);
}

struct attempt *submit_grant_get(struct scene *scene, struct str id, struct str user)
{
    struct attempt *attempt = attempt_new(scene);

    attempt->op.grant.grant.discount_id = keep(attempt, id);
    attempt->op.grant.grant.user_id = keep(attempt, user);
    submit(attempt, store_grant_get);
    return attempt;
}

struct attempt *submit_list_of(struct scene *scene, struct str brand, int64_t after_us,
                               size_t limit)
{
    struct attempt *attempt = attempt_new(scene);

    attempt->op.list.brand_id = keep(attempt, brand);
    attempt->op.list.after_us = after_us;
    attempt->op.list.limit = limit;
    submit(attempt, store_list);
    return attempt;
}

struct attempt *submit_grants_of(struct scene *scene, struct str id, const struct grant *after,
                                 size_t limit)
{
    struct attempt *attempt = attempt_new(scene);

    attempt->op.grants.discount_id = keep(attempt, id);
    if (after != NULL) {
        attempt->op.grants.after_us = after->granted_at_us;
        attempt->op.grants.after_user = keep(attempt, after->user_id);
    }
    attempt->op.grants.limit = limit;
    submit(attempt, store_grants);
    return attempt;
}

struct attempt *submit_wallet_of(struct scene *scene, struct str user,
                                 const struct user_grant *before, size_t limit)
{
    struct attempt *attempt = attempt_new(scene);

    attempt->op.wallet.user_id = keep(attempt, user);
    if (before != NULL) {
        attempt->op.wallet.before_us = before->granted_at_us;
        attempt->op.wallet.before_id = keep(attempt, before->discount.id);
    }
    attempt->op.wallet.limit = limit;
    submit(attempt, store_wallet);
    return attempt;
}

/* ---- The scene ---- */

bool scene_open(struct scene *scene, const char *who, struct store_engine *engine,
                struct store_limits limits)
{
    *scene = (struct scene){.who = who};
    return turn_open(&scene->turn, engine, limits);
}

bool scene_open_ready(struct scene *scene, const char *who, struct store_engine *engine,
                      struct store_limits limits)
{
    return scene_open(scene, who, engine, limits) &&
           turn_until_ready(&scene->turn, CLOCK_PATIENCE_MS);
}

static bool is_settled(void *argument)
{
    const struct scene *scene = argument;

    return scene->open == 0;
}

bool scene_settle(struct scene *scene)
{
    return turn_until(&scene->turn, is_settled, scene, CLOCK_PATIENCE_MS);
}

void scene_end(struct scene *scene)
{
    if (!turn_close(&scene->turn, CLOCK_PATIENCE_MS)) {
        scene->broken = "the store does not close";
    }
    if (scene->open > 0 && scene->broken == NULL) {
        scene->broken = "law 1: an operation was not done when the store had closed";
    }
}

const char *scene_free(struct scene *scene)
{
    struct attempt *next;

    for (struct attempt *at = scene->attempts; at != NULL; at = next) {
        next = at->next;
        arena_fini(&at->arena);
        free(at);
    }
    scene->attempts = NULL;
    return scene->broken;
}

const char *scene_close(struct scene *scene)
{
    scene_end(scene);
    return scene_free(scene);
}
