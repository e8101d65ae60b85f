/* SPDX-License-Identifier: MIT */
/* What a Redis says of itself, and whether the promises hold on it: its version, its mode, its
 * memory policy and its persistence. Pure, but for the log; a link asks at each handshake and every
 * REDIS_SETTINGS_MS, and `discountd verify` once. */
#ifndef STORE_REDIS_SETTINGS_H
#define STORE_REDIS_SETTINGS_H

#include <hiredis/hiredis.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "discount/str.h"
#include "store/wall_clock.h"

/* How often the settings are read again: an operator may change them while Redis runs. */
#define REDIS_SETTINGS_MS 10000
/* The longest line about them, with its NUL. */
#define REDIS_SETTINGS_TEXT 400
/* The oldest Redis that has every command of the scripts and that the tests run on. */
#define REDIS_LEAST_VERSION "7.0"

struct redis_settings {
    bool has_info, has_config; /* whether Redis answered INFO, and CONFIG GET */
    char version[16];
    unsigned major;
    bool is_cluster, has_aof;
    uint64_t maxmemory, evicted_keys;
    char policy[24];
    char appendfsync[16];
};

/* Forgets what was read. */
void redis_settings_init(struct redis_settings *settings);
/* Takes in the reply to INFO. An error reply, such as a missing right, leaves has_info false. */
void redis_settings_take_info(struct redis_settings *settings, const redisReply *reply);
/* Takes in the reply to CONFIG GET appendfsync. */
void redis_settings_take_config(struct redis_settings *settings, const redisReply *reply);

/* Whether no grant may be stored on such a Redis, and why: it evicts keys that have no TTL, is too
 * old, or is a node of a cluster. */
bool redis_settings_obstacle(const struct redis_settings *settings,
                             char ret_text[REDIS_SETTINGS_TEXT]);

/* Settings that weaken a promise, as bits; 0: none. */
unsigned redis_settings_warnings(const struct redis_settings *settings);
/* What the lowest of these bits means. A static text. */
const char *redis_settings_warning(unsigned bits);

/* Whether the reply of probe.lua names something that Redis refuses; then the text names it. */
bool redis_settings_lacks(const redisReply *probe, char ret_text[REDIS_SETTINGS_TEXT]);

/* What the log has been told by all links of an engine, so that it is told once. */
struct redis_settings_log {
    atomic_uint warnings;
    atomic_uint_least64_t obstacle; /* a hash of the text; 0: none */
    struct wall_clock_log clock;
};

/* Logs the warnings that are new since the last call of any link, and those that are over. */
void redis_settings_log_warnings(struct redis_settings_log *log, unsigned now);
/* Logs an obstacle unless it is the last one that was logged; NULL: there is none any more. */
void redis_settings_log_obstacle(struct redis_settings_log *log, const char *text);

/* Logs that the clock of Redis is wrong, once a minute for all links. `now_ms` is that of a clock
 * that all threads share. */
void redis_settings_log_clock(struct redis_settings_log *log, uint64_t now_ms, struct str text);

#endif
