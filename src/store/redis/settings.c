/* SPDX-License-Identifier: MIT */
/* In: replies to INFO, CONFIG GET and probe.lua. Out: what makes this Redis unfit, and what weakens
 * a promise on it. */
#include "store/redis/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discount/log.h"

/* The first major version that will do; see REDIS_LEAST_VERSION. */
#define LEAST_MAJOR 7
#define US_PER_SECOND 1000000

enum {
    WARN_UNREADABLE = 1 << 0,
    WARN_VOLATILE = 1 << 1,
    WARN_NO_AOF = 1 << 2,
    WARN_EVERYSEC = 1 << 3,
    WARN_NO_FSYNC = 1 << 4,
    WARN_FSYNC_UNKNOWN = 1 << 5,
};

static const struct {
    unsigned bit;
    const char *text;
} warnings[] = {
    {WARN_UNREADABLE, "its settings cannot be read (INFO is refused): whether it keeps every grant "
                      "is not known"},
    {WARN_VOLATILE,
     "maxmemory-policy evicts idempotency keys when memory is full: a create that is "
     "repeated then stores a second discount"},
    {WARN_NO_AOF, "appendonly is off: grants since the last snapshot are lost when Redis ends"},
    {WARN_EVERYSEC, "appendfsync is everysec: the grants of the last 1 to 2 seconds are lost when "
                    "the machine ends"},
    {WARN_NO_FSYNC, "appendfsync is no: the grants of the last half a minute are lost when the "
                    "machine ends"},
    {WARN_FSYNC_UNKNOWN,
     "appendfsync cannot be read (CONFIG GET is refused): whether grants survive "
     "the end of the machine is not known"},
};

#define WARNING_COUNT (sizeof(warnings) / sizeof(warnings[0]))

/* ---- Reading ---- */

void redis_settings_init(struct redis_settings *settings)
{
    *settings = (struct redis_settings){.has_info = false};
}

/* The value of a line "name:value" of INFO, borrowed; n == 0 when there is no such line. */
static struct str line_of(struct str text, const char *name)
{
    size_t n = strlen(name);

    for (size_t at = 0; at < text.n;) {
        const char *line = text.p + at;
        const char *end = memchr(line, '\n', text.n - at);
        size_t length = end == NULL ? text.n - at : (size_t)(end - line);

        at += length + 1;
        length -= length > 0 && line[length - 1] == '\r';
        if (length > n && memcmp(line, name, n) == 0 && line[n] == ':') {
            return (struct str){line + n + 1, length - n - 1};
        }
    }
    return (struct str){NULL, 0};
}

static void text_take(struct str value, size_t size, char *ret_text)
{
    snprintf(ret_text, size, "%.*s", (int)value.n, value.n == 0 ? "" : value.p);
}

static uint64_t number_of(struct str value)
{
    char digits[24];

    text_take(value, sizeof(digits), digits);
    return strtoull(digits, NULL, 10);
}

void redis_settings_take_info(struct redis_settings *settings, const redisReply *reply)
{
    struct str text;

    /* RESP3 gives INFO as a verbatim text. */
    if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS) {
        return;
    }
    text = (struct str){reply->str, (size_t)reply->len};
    settings->has_info = true;
    text_take(line_of(text, "redis_version"), sizeof(settings->version), settings->version);
    settings->major = (unsigned)strtoul(settings->version, NULL, 10);
    settings->is_cluster = number_of(line_of(text, "cluster_enabled")) == 1 ||
                           str_eq(line_of(text, "redis_mode"), STR("cluster"));
    settings->has_aof = number_of(line_of(text, "aof_enabled")) == 1;
    settings->maxmemory = number_of(line_of(text, "maxmemory"));
    settings->evicted_keys = number_of(line_of(text, "evicted_keys"));
    text_take(line_of(text, "maxmemory_policy"), sizeof(settings->policy), settings->policy);
}

void redis_settings_take_config(struct redis_settings *settings, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
        reply->element[1]->type == REDIS_REPLY_STRING) {
        settings->has_config = true;
        text_take((struct str){reply->element[1]->str, (size_t)reply->element[1]->len},
                  sizeof(settings->appendfsync), settings->appendfsync);
    }
}

/* ---- Judging ---- */

static bool policy_begins_with(const struct redis_settings *settings, const char *prefix)
{
    return strncmp(settings->policy, prefix, strlen(prefix)) == 0;
}

bool redis_settings_obstacle(const struct redis_settings *settings,
                             char ret_text[REDIS_SETTINGS_TEXT])
{
    if (!settings->has_info) {
        return false;
    }
    if (settings->major < LEAST_MAJOR) {
        snprintf(ret_text, REDIS_SETTINGS_TEXT,
                 "its version is %s, and this service needs Redis " REDIS_LEAST_VERSION " or later",
                 settings->version);
        return true;
    }
    if (settings->is_cluster) {
        snprintf(ret_text, REDIS_SETTINGS_TEXT,
                 "it is a node of a Redis Cluster, which a redis:// URL does not stand for");
        return true;
    }
    /* Keys of discounts, grants and wallets have no TTL. */
    if (settings->maxmemory > 0 && !policy_begins_with(settings, "noeviction") &&
        !policy_begins_with(settings, "volatile-")) {
        snprintf(ret_text, REDIS_SETTINGS_TEXT,
                 "it evicts grants when its memory is full (maxmemory-policy %s): set "
                 "maxmemory-policy noeviction, or maxmemory 0",
                 settings->policy);
        return true;
    }
    return false;
}

static unsigned persistence_warnings(const struct redis_settings *settings)
{
    if (!settings->has_aof) {
        return WARN_NO_AOF;
    }
    if (!settings->has_config) {
        return WARN_FSYNC_UNKNOWN;
    }
    return strcmp(settings->appendfsync, "always") == 0     ? 0
           : strcmp(settings->appendfsync, "everysec") == 0 ? WARN_EVERYSEC
                                                            : WARN_NO_FSYNC;
}

unsigned redis_settings_warnings(const struct redis_settings *settings)
{
    bool is_volatile = settings->maxmemory > 0 && policy_begins_with(settings, "volatile-");

    if (!settings->has_info) {
        return WARN_UNREADABLE;
    }
    return persistence_warnings(settings) | (is_volatile ? WARN_VOLATILE : 0);
}

const char *redis_settings_warning(unsigned bits)
{
    for (size_t i = 0; i < WARNING_COUNT; i++) {
        if ((bits & warnings[i].bit) != 0) {
            return warnings[i].text;
        }
    }
    return "";
}

bool redis_settings_lacks(const redisReply *probe, char ret_text[REDIS_SETTINGS_TEXT])
{
    size_t used;

    if (probe->type == REDIS_REPLY_ERROR) {
        snprintf(ret_text, REDIS_SETTINGS_TEXT,
                 "it refuses scripts on discounts, discount:*, brand:*, user:* and idempotency:*: "
                 "%.*s",
                 (int)probe->len, probe->str);
        return true;
    }
    if (probe->type != REDIS_REPLY_ARRAY || probe->elements == 0) {
        return false;
    }
    used = (size_t)snprintf(ret_text, REDIS_SETTINGS_TEXT, "it refuses what this service needs:");
    for (size_t i = 0; i < probe->elements && used < REDIS_SETTINGS_TEXT; i++) {
        const redisReply *line = probe->element[i];

        used += (size_t)snprintf(ret_text + used, REDIS_SETTINGS_TEXT - used, "%s %.*s",
                                 i == 0 ? "" : ",", (int)line->len, line->str);
    }
    return true;
}

/* ---- The log ---- */

void redis_settings_log_warnings(struct redis_settings_log *log, unsigned now)
{
    unsigned before = atomic_exchange(&log->warnings, now);

    for (size_t i = 0; i < WARNING_COUNT; i++) {
        unsigned bit = warnings[i].bit;

        if ((now & bit) != 0 && (before & bit) == 0) {
            log_write(LOG_WARNING, "redis: %s", warnings[i].text);
        } else if ((now & bit) == 0 && (before & bit) != 0) {
            log_write(LOG_INFO, "redis: over: %s", warnings[i].text);
        }
    }
}

/* FNV-1a, and never 0. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);

    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    }
    return hash | 1;
}

void redis_settings_log_obstacle(struct redis_settings_log *log, const char *text)
{
    uint64_t hash = text == NULL ? 0 : hash_of(text);

    if (atomic_exchange(&log->obstacle, hash) != hash && text != NULL) {
        log_write(LOG_ERROR, "redis: not used: %s", text);
    }
}

/* The text is "CLOCK SECONDS ...", as the scripts return it. Of the seconds, 12 characters are
 * read: these fit into microseconds, and are enough until the year 33658. */
void redis_settings_log_clock(struct redis_settings_log *log, uint64_t now_ms, struct str text)
{
    static const struct str code = STR_INIT("CLOCK ");
    char seconds[13];

    text_take(str_from(text, code.n), sizeof(seconds), seconds);
    wall_clock_log_wrong(&log->clock, "redis", strtoll(seconds, NULL, 10) * US_PER_SECOND, now_ms);
}
