/* SPDX-License-Identifier: MIT */
#include "store/memory.h"

#include <stdio.h>

#include "discount/limits.h"
#include "store/refusal_cache.h"
#include "support/clock.h"
#include "support/test.h"

#define AT_ONCE_MOST 128

bool memory_refuses(struct store_fixture *fixture, struct str id, struct str user,
                    enum status status)
{
    const struct grant grant = {.discount_id = id, .user_id = user};
    enum status found = STATUS_OK;

    if (!store_refuses(fixture->turn.store, &grant, &found)) {
        return false;
    }
    CHECK_INT(fixture, found, status);
    return true;
}

void memory_ask(struct store_fixture *fixture, struct str id, enum status status, size_t count,
                size_t at_once)
{
    static size_t number; /* a new one each time, so that no user holds a grant */
    struct attempt *asked[AT_ONCE_MOST];
    char user[32];

    CHECK(fixture, at_once <= AT_ONCE_MOST);
    for (size_t done = 0; done < count; done += at_once) {
        for (size_t i = 0; i < at_once; i++) {
            int n = snprintf(user, sizeof(user), "late %zu", number++);

            asked[i] = submit_grant(fixture, id, (struct str){user, (size_t)n});
        }
        CHECK(fixture, store_fixture_settle(fixture));
        for (size_t i = 0; i < at_once; i++) {
            CHECK_STATUS(fixture, asked[i], status);
        }
    }
}

struct str memory_fill(struct store_fixture *fixture, struct str id, enum status status)
{
    static const struct str strangers[] = {STR_INIT("eve"), STR_INIT("mallory"), STR_INIT("trent"),
                                           STR_INIT("oscar"), STR_INIT("peggy")};
    int64_t end_ms = clock_ms() + CLOCK_PATIENCE_MS;

    for (size_t i = 0;; i = (i + 1) % (sizeof(strangers) / sizeof(strangers[0]))) {
        /* The first request may be the one that is let through to the store. */
        if (memory_refuses(fixture, id, strangers[i], status) ||
            memory_refuses(fixture, id, strangers[i], status)) {
            return strangers[i];
        }
        CHECK(fixture, clock_ms() < end_ms);
        memory_ask(fixture, id, status, REFUSAL_CACHE_REFUSALS, REFUSAL_CACHE_REFUSALS);
    }
}
