/* SPDX-License-Identifier: MIT */
/* In: the address of a Redis. Out: findings, and the numbers of discounts and grants.
 *
 * The script (scripts/verify.lua) knows which data must agree, and checks one key, or one page of
 * it, per call. This file chooses the next key and checks that values are valid. It begins with the
 * index of all discounts, from the oldest to the newest, and counts them. Then it checks every key
 * that SCAN returns. Each call is short, so that the requests of replicas are served in between. */
#include "store/redis/verify.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "discount/discount.h"
#include "store/audit.h"
#include "store/redis/settings.h"
#include "verify.lua.h"

/* The time limit of one reply. */
#define PATIENCE_S 10
/* The number of elements that the script checks per call, and the COUNT of SCAN. */
#define PAGE "250"
#define INDEX "discounts"
#define CURSOR_SIZE 24 /* 64 bits in decimal */

struct survey {
    struct store_audit *audit;
    redisContext *context;
    uint64_t entries, keys; /* entries of the index, keys of the database */
    uint64_t done;
    char *error; /* owned by the caller */
};

/* A key that is being checked. */
struct look {
    struct str key; /* borrowed */
    char position[CURSOR_SIZE];
};

/* ---- Queries ---- */

/* Sets the error. Always false, so that a function can end with it. */
static bool fail(const struct survey *survey, const char *text)
{
    snprintf(survey->error, STORE_ERROR_SIZE, "redis: %s", text);
    return false;
}

/* Returns why there is no reply. */
static const char *reason(const redisContext *context)
{
    bool is_late = context->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK);

    return is_late ? "Redis did not answer in time" : context->errstr;
}

/* Returns whether there is a reply and it is not an error. Otherwise the reply is freed. */
static bool is_answer(const struct survey *survey, redisReply *reply)
{
    bool is_one = reply != NULL && reply->type != REDIS_REPLY_ERROR;

    if (!is_one) {
        fail(survey, reply == NULL ? reason(survey->context) : reply->str);
        freeReplyObject(reply);
    }
    return is_one;
}

/* Returns the reply, or NULL after setting the error. */
static redisReply *ask(const struct survey *survey, int argc, const char **argv)
{
    redisReply *reply = redisCommandArgv(survey->context, argc, argv, NULL);

    return is_answer(survey, reply) ? reply : NULL;
}

/* For a command whose reply says only that it succeeded. */
static bool succeeds(const struct survey *survey, int argc, const char **argv)
{
    redisReply *reply = ask(survey, argc, argv);

    freeReplyObject(reply);
    return reply != NULL;
}

/* Reads the integer that a command returns. 0 for a key of a wrong type, which the script
 * reports. */
static bool count(const struct survey *survey, int argc, const char **argv, uint64_t *ret_count)
{
    redisReply *reply = redisCommandArgv(survey->context, argc, argv, NULL);

    if (reply == NULL) {
        return is_answer(survey, reply);
    }
    *ret_count = reply->type == REDIS_REPLY_INTEGER ? (uint64_t)reply->integer : 0;
    freeReplyObject(reply);
    return true;
}

static bool log_in(const struct survey *survey, const struct redis_address *address)
{
    const char *auth[] = {"AUTH", address->user, address->password};
    const char *auth_default[] = {"AUTH", address->password};
    const char *select[] = {"SELECT", address->db};
    const char *load[] = {"SCRIPT", "LOAD", verify_lua};

    if (address->password[0] != '\0' &&
        !(address->user[0] == '\0' ? succeeds(survey, 2, auth_default)
                                   : succeeds(survey, 3, auth))) {
        return false;
    }
    return succeeds(survey, 2, select) && succeeds(survey, 3, load);
}

/* ---- Checks ---- */

/* Each entry of the index is also in a brand's index, and each grant in a wallet. */
static void report_progress(const struct survey *survey)
{
    uint64_t total = survey->keys + 2 * (survey->entries + survey->audit->grants);

    survey->audit->progress(survey->audit->argument, survey->done < total ? survey->done : total,
                            total);
}

static bool look_send(const struct survey *survey, const struct look *look)
{
    const char *argv[] = {"EVALSHA", verify_lua_sha1, "1", look->key.p, look->position, PAGE};
    const size_t sizes[] = {7,           sizeof(verify_lua_sha1) - 1, 1,
                            look->key.n, strlen(look->position),      sizeof(PAGE) - 1};

    return redisAppendCommandArgv(survey->context, 6, argv, sizes) == REDIS_OK ||
           fail(survey, survey->context->errstr);
}

enum {
    LOOK_POSITION,
    LOOK_LOOKED,
    LOOK_GRANTS,
    LOOK_FINDINGS,
    LOOK_DISCOUNT,
    LOOK_USERS,
    LOOK_PARTS
};
enum { ROW_ID, ROW_BRAND, ROW_CODE, ROW_TOTAL, ROW_CREATED, ROW_STARTS, ROW_EXPIRES, ROW_COLUMNS };

/* Returns whether it is an array of texts only. */
static bool is_texts(const redisReply *reply)
{
    bool is_so = reply->type == REDIS_REPLY_ARRAY;

    for (size_t i = 0; is_so && i < reply->elements; i++) {
        is_so = reply->element[i]->type == REDIS_REPLY_STRING;
    }
    return is_so;
}

static bool is_look(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == LOOK_PARTS &&
           reply->element[LOOK_POSITION]->type == REDIS_REPLY_STRING &&
           reply->element[LOOK_POSITION]->len < CURSOR_SIZE &&
           reply->element[LOOK_LOOKED]->type == REDIS_REPLY_INTEGER &&
           reply->element[LOOK_GRANTS]->type == REDIS_REPLY_INTEGER &&
           is_texts(reply->element[LOOK_FINDINGS]) && is_texts(reply->element[LOOK_DISCOUNT]) &&
           is_texts(reply->element[LOOK_USERS]) &&
           (reply->element[LOOK_DISCOUNT]->elements == 0 ||
            reply->element[LOOK_DISCOUNT]->elements == ROW_COLUMNS);
}

static struct str text_at(const redisReply *texts, size_t i)
{
    return (struct str){texts->element[i]->str, (size_t)texts->element[i]->len};
}

/* The script has already checked that it is a number. */
static int64_t number_at(const redisReply *texts, size_t i)
{
    return strtoll(texts->element[i]->str, NULL, 10);
}

static void findings_take(struct store_audit *audit, const redisReply *findings)
{
    for (size_t i = 0; i < findings->elements; i++) {
        audit_add(audit, text_at(findings, i));
    }
}

/* Checks a discount; `row` may be empty. */
static void discount_check(struct store_audit *audit, const redisReply *row)
{
    struct discount discount = {0};
    const char *error;

    if (row->elements == 0) {
        return;
    }
    discount.id = text_at(row, ROW_ID);
    discount.brand_id = text_at(row, ROW_BRAND);
    discount.discount_code = text_at(row, ROW_CODE);
    discount.total_count = number_at(row, ROW_TOTAL);
    discount.created_at_us = number_at(row, ROW_CREATED);
    discount.starts_at_us = number_at(row, ROW_STARTS);
    discount.expires_at_us = number_at(row, ROW_EXPIRES);
    for (size_t at = 0; (error = discount_next_error(&discount, &at)) != NULL;) {
        audit_report(audit, "%.*s: %s", (int)discount.id.n, discount.id.p, error);
    }
}

/* Checks the users of a page of grants. `users`: the discount's id and the users, or empty. */
static void users_check(struct store_audit *audit, const redisReply *users)
{
    for (size_t i = 1; i < users->elements; i++) {
        struct str id = text_at(users, 0), user = text_at(users, i);

        if (!user_id_is_valid(user)) {
            audit_report(
                audit,
                "%.*s: was granted to a user whose id is empty, too long or not plain text: "
                "%.*s",
                (int)id.n, id.p, (int)user.n, user.p);
        }
    }
}

/* Takes one reply of the script. `look` then continues where it stopped. */
static bool look_take(struct survey *survey, struct look *look)
{
    redisReply *reply = NULL;
    bool is_valid;

    redisGetReply(survey->context, (void **)&reply); /* NULL when it fails */
    if (!is_answer(survey, reply)) {
        return false;
    }
    is_valid = is_look(reply);
    if (is_valid) {
        strcpy(look->position, reply->element[LOOK_POSITION]->str);
        survey->done += (uint64_t)reply->element[LOOK_LOOKED]->integer;
        survey->audit->grants += (uint64_t)reply->element[LOOK_GRANTS]->integer;
        findings_take(survey->audit, reply->element[LOOK_FINDINGS]);
        discount_check(survey->audit, reply->element[LOOK_DISCOUNT]);
        users_check(survey->audit, reply->element[LOOK_USERS]);
    }
    freeReplyObject(reply);
    return is_valid || fail(survey, "verify.lua returned an unexpected reply");
}

/* One round trip: checks a page of each of these keys. Keys with more pages stay in `looks`. */
static bool look_once(struct survey *survey, struct look *looks, size_t *n)
{
    size_t left = 0;

    for (size_t i = 0; i < *n; i++) {
        if (!look_send(survey, &looks[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < *n; i++) {
        if (!look_take(survey, &looks[i])) {
            return false;
        }
        if (strcmp(looks[i].position, "0") != 0) {
            looks[left++] = looks[i];
        }
    }
    survey->done += *n - left;
    *n = left;
    report_progress(survey);
    return true;
}

static bool look_at(struct survey *survey, struct look *looks, size_t n)
{
    while (n > 0) {
        if (!look_once(survey, looks, &n)) {
            return false;
        }
    }
    return true;
}

/* ---- Which keys to check ---- */

/* The entries of the index are the discounts, each exactly once. */
static bool look_at_index(struct survey *survey)
{
    struct look index = {STR_INIT(INDEX), "0"};

    if (!look_at(survey, &index, 1)) {
        return false;
    }
    survey->audit->discounts = survey->done - 1;
    return true;
}

/* Checks all keys of a page of SCAN, except the index. */
static bool look_at_keys(struct survey *survey, const redisReply *keys)
{
    struct look *looks = calloc(keys->elements + 1, sizeof(*looks));
    size_t n = 0;
    bool goes_on;

    if (looks == NULL) {
        return fail(survey, "out of memory");
    }
    for (size_t i = 0; i < keys->elements; i++) {
        struct str key = {keys->element[i]->str, (size_t)keys->element[i]->len};

        if (!str_eq(key, STR(INDEX))) {
            looks[n++] = (struct look){key, "0"};
        }
    }
    goes_on = look_at(survey, looks, n);
    free(looks);
    return goes_on;
}

static bool is_page(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           reply->element[0]->type == REDIS_REPLY_STRING && reply->element[0]->len < CURSOR_SIZE &&
           reply->element[1]->type == REDIS_REPLY_ARRAY;
}

static bool look_at_all_keys(struct survey *survey)
{
    char cursor[CURSOR_SIZE] = "0";
    const char *scan[] = {"SCAN", cursor, "COUNT", PAGE};

    do {
        redisReply *page = ask(survey, 4, scan);
        bool goes_on;

        if (page == NULL) {
            return false;
        }
        goes_on = is_page(page) ? look_at_keys(survey, page->element[1])
                                : fail(survey, "SCAN returned an unexpected reply");
        if (goes_on) {
            strcpy(cursor, page->element[0]->str);
        }
        freeReplyObject(page);
        if (!goes_on) {
            return false;
        }
    } while (strcmp(cursor, "0") != 0);
    return true;
}

static bool look_at_everything(struct survey *survey)
{
    const char *entries[] = {"ZCARD", INDEX}, *keys[] = {"DBSIZE"};

    return count(survey, 2, entries, &survey->entries) && count(survey, 1, keys, &survey->keys) &&
           look_at_index(survey) && look_at_all_keys(survey);
}

/* ---- Settings ---- */

/* A Redis that evicts may have evicted grants, which nothing else shows. False when there is no
 * answer at all; a user without the rights to read settings verifies the data alone. */
static bool settings_check(const struct survey *survey)
{
    redisReply *info = redisCommand(survey->context, "INFO");
    redisReply *config = redisCommand(survey->context, "CONFIG GET appendfsync");
    bool is_answered = info != NULL && config != NULL;
    char text[REDIS_SETTINGS_TEXT];
    struct redis_settings settings;

    redis_settings_init(&settings);
    if (is_answered) {
        redis_settings_take_info(&settings, info);
        redis_settings_take_config(&settings, config);
    }
    freeReplyObject(info);
    freeReplyObject(config);
    if (redis_settings_obstacle(&settings, text)) {
        audit_report(survey->audit, "Redis: %s (%llu keys were evicted since it started)", text,
                     (unsigned long long)settings.evicted_keys);
    }
    return is_answered || fail(survey, reason(survey->context));
}

bool redis_verify_at(const struct redis_address *address, struct store_audit *audit,
                     char ret_error[STORE_ERROR_SIZE])
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct survey survey = {.audit = audit, .error = ret_error};
    bool is_whole;

    survey.context =
        redisConnectWithTimeout(address->host, (int)strtol(address->port, NULL, 10), patience);
    if (survey.context == NULL) {
        return fail(&survey, "out of memory");
    }
    is_whole = (survey.context->err == 0 || fail(&survey, survey.context->errstr)) &&
               (redisSetTimeout(survey.context, patience) == REDIS_OK ||
                fail(&survey, survey.context->errstr)) &&
               log_in(&survey, address) && settings_check(&survey) && look_at_everything(&survey);
    redisFree(survey.context);
    return is_whole;
}
