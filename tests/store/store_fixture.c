/* SPDX-License-Identifier: MIT */
#include "store/store_fixture.h"

#include <stdlib.h>

#include "discount/limits.h"
#include "support/clock.h"

typedef void (*verb_fn)(struct store *store, struct store_op *op, store_done_fn done);

/* ---- Attempts ---- */

static struct attempt *attempt_new(struct store_fixture *fixture)
{
    struct attempt *attempt = calloc(1, sizeof(*attempt));

    if (attempt == NULL) {
        abort();
    }
    arena_init(&attempt->arena, LIMIT_REQUEST_MEMORY);
    attempt->op.arena = &attempt->arena;
    attempt->fixture = fixture;
    attempt->next = fixture->attempts;
    fixture->attempts = attempt;
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
    struct store_fixture *fixture = attempt->fixture;

    attempt->done++;
    fixture->open--;
    if (fixture->is_submitting) {
        fixture->broken = "law 2: done was called inside submit";
    }
    if (attempt->done > attempt->submitted) {
        fixture->broken = "law 1: an operation was done more often than submitted";
    } else if (attempt->again > 0) {
        attempt->again--;
        submit(attempt, store_grant);
    }
}

static void submit(struct attempt *attempt, verb_fn verb)
{
    struct store_fixture *fixture = attempt->fixture;

    attempt->submitted++;
    fixture->open++;
    fixture->is_submitting = true;
    verb(fixture->turn.store, &attempt->op, done);
    fixture->is_submitting = false;
}

struct attempt *submit_ping(struct store_fixture *fixture)
{
    struct attempt *attempt = attempt_new(fixture);

    submit(attempt, store_ping);
    return attempt;
}

struct attempt *submit_create(struct store_fixture *fixture, const struct discount *discount,
                              struct str key)
{
    struct attempt *attempt = attempt_new(fixture);
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

struct attempt *submit_get(struct store_fixture *fixture, struct str id)
{
    struct attempt *attempt = attempt_new(fixture);

    attempt->op.get.discount.id = keep(attempt, id);
    submit(attempt, store_get);
    return attempt;
}

struct attempt *submit_list(struct store_fixture *fixture, int64_t after_us, size_t limit)
{
    struct attempt *attempt = attempt_new(fixture);

    attempt->op.list.after_us = after_us;
    attempt->op.list.limit = limit;
    submit(attempt, store_list);
    return attempt;
}

struct attempt *submit_grant_again(struct store_fixture *fixture, struct str id, struct str user,
                                   unsigned again)
{
    struct attempt *attempt = attempt_new(fixture);

    attempt->op.grant.grant.discount_id = keep(attempt, id);
    attempt->op.grant.grant.user_id = keep(attempt, user);
    attempt->again = again;
    submit(attempt, store_grant);
    return attempt;
}

struct attempt *submit_grant(struct store_fixture *fixture, struct str id, struct str user)
{
    return submit_grant_again(fixture, id, user, 0);
}

struct attempt *submit_grant_get(struct store_fixture *fixture, struct str id, struct str user)
{
    struct attempt *attempt = attempt_new(fixture);

    attempt->op.grant.grant.discount_id = keep(attempt, id);
    attempt->op.grant.grant.user_id = keep(attempt, user);
    submit(attempt, store_grant_get);
    return attempt;
}

struct attempt *submit_list_of(struct store_fixture *fixture, struct str brand, int64_t after_us,
                               size_t limit)
{
    struct attempt *attempt = attempt_new(fixture);

    attempt->op.list.brand_id = keep(attempt, brand);
    attempt->op.list.after_us = after_us;
    attempt->op.list.limit = limit;
    submit(attempt, store_list);
    return attempt;
}

struct attempt *submit_grants_of(struct store_fixture *fixture, struct str id,
                                 const struct grant *after, size_t limit)
{
    struct attempt *attempt = attempt_new(fixture);

    attempt->op.grants.discount_id = keep(attempt, id);
    if (after != NULL) {
        attempt->op.grants.after_us = after->granted_at_us;
        attempt->op.grants.after_user = keep(attempt, after->user_id);
    }
    attempt->op.grants.limit = limit;
    submit(attempt, store_grants);
    return attempt;
}

struct attempt *submit_wallet_of(struct store_fixture *fixture, struct str user,
                                 const struct user_grant *before, size_t limit)
{
    struct attempt *attempt = attempt_new(fixture);

    attempt->op.wallet.user_id = keep(attempt, user);
    if (before != NULL) {
        attempt->op.wallet.before_us = before->granted_at_us;
        attempt->op.wallet.before_id = keep(attempt, before->discount.id);
    }
    attempt->op.wallet.limit = limit;
    submit(attempt, store_wallet);
    return attempt;
}

/* ---- The fixture ---- */

bool store_fixture_open(struct store_fixture *fixture, const char *who, struct store_engine *engine,
                        struct store_limits limits)
{
    *fixture = (struct store_fixture){.who = who};
    return turn_open(&fixture->turn, engine, limits);
}

bool store_fixture_open_ready(struct store_fixture *fixture, const char *who,
                              struct store_engine *engine, struct store_limits limits)
{
    return store_fixture_open(fixture, who, engine, limits) &&
           turn_until_ready(&fixture->turn, CLOCK_PATIENCE_MS);
}

static bool is_settled(void *argument)
{
    const struct store_fixture *fixture = argument;

    return fixture->open == 0;
}

bool store_fixture_settle(struct store_fixture *fixture)
{
    return turn_until(&fixture->turn, is_settled, fixture, CLOCK_PATIENCE_MS);
}

void store_fixture_end(struct store_fixture *fixture)
{
    if (!turn_close(&fixture->turn, CLOCK_PATIENCE_MS)) {
        fixture->broken = "the store does not close";
    }
    if (fixture->open > 0 && fixture->broken == NULL) {
        fixture->broken = "law 1: an operation was not done when the store had closed";
    }
}

const char *store_fixture_free(struct store_fixture *fixture)
{
    struct attempt *next;

    for (struct attempt *at = fixture->attempts; at != NULL; at = next) {
        next = at->next;
        arena_fini(&at->arena);
        free(at);
    }
    fixture->attempts = NULL;
    return fixture->broken;
}

const char *store_fixture_close(struct store_fixture *fixture)
{
    store_fixture_end(fixture);
    return store_fixture_free(fixture);
}
