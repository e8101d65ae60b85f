/* SPDX-License-Identifier: MIT */
/* Every bound of the service, in one place. Sizes are in bytes, times say their unit. */
#ifndef DISCOUNT_LIMITS_H
#define DISCOUNT_LIMITS_H

#include <stdint.h>

/* What a client may send. */
#define LIMIT_BODY 16384
#define LIMIT_TARGET 4096
#define LIMIT_HEADERS 4096
#define LIMIT_PATH_SEGMENTS 8
#define LIMIT_QUERY_PAIRS 8
#define LIMIT_JSON_DEPTH 8
#define LIMIT_REQUEST_ID 128
#define LIMIT_IDEMPOTENCY_KEY 255

/* What a discount and a grant may hold. */
#define LIMIT_BRAND_ID 128
#define LIMIT_USER_ID 255 /* as the `sub` of OpenID Connect */
#define LIMIT_DISCOUNT_CODE 256
#define LIMIT_TOTAL_COUNT 1000000000
#define LIMIT_TIME_US INT64_C(253402300799999999) /* the end of the year 9999 */

/* A clock of a store is wrong outside of these times: 2020-01-01 and 2255-01-01. Nothing is stored
 * with its times. grant.lua and create.lua have the same numbers. The end leaves room for times of
 * creation, which are pushed on when a clock is set back: in Redis they end 155 days later. */
#define LIMIT_CLOCK_FIRST_US INT64_C(1577836800000000)
#define LIMIT_CLOCK_END_US INT64_C(8993721600000000)

/* How long a store keeps the use of an idempotency key. */
#define LIMIT_KEY_LIFETIME_US INT64_C(86400000000)

/* Memory of one request, in addition to its connection: the body, its parsed form, and an answer
 * that lists every error in it. A request that needs more is answered 503 overloaded. */
#define LIMIT_REQUEST_MEMORY 1048576

/* LIMIT_LIST: the largest page of a list that a client may ask for. LIMIT_LIST_PAGE: the number of
 * items in one reply of the store while a list is streamed. */
#define LIMIT_LIST 1000
#define LIMIT_LIST_PAGE 100

/* The number of grants in one command to the store, for one discount or several. */
#define LIMIT_GRANTS_PER_BATCH 128

#endif
