/* SPDX-License-Identifier: MIT */
/* Redis replies as literals. They live as long as the block that they are written in. */
#ifndef UNIT_REDIS_REDIS_REPLY_H
#define UNIT_REDIS_REDIS_REPLY_H

#include <hiredis/hiredis.h>

#define TEXT_OF_TYPE(kind, literal)                                                                \
    (&(redisReply){.type = (kind), .str = "" literal, .len = sizeof(literal) - 1})

#define TEXT(literal) TEXT_OF_TYPE(REDIS_REPLY_STRING, literal)
#define STATUS_REPLY(literal) TEXT_OF_TYPE(REDIS_REPLY_STATUS, literal)
#define ERROR_OUTCOME(literal) TEXT_OF_TYPE(REDIS_REPLY_ERROR, literal)
#define INTEGER(number) (&(redisReply){.type = REDIS_REPLY_INTEGER, .integer = (number)})
#define NIL (&(redisReply){.type = REDIS_REPLY_NIL})
#define EMPTY_ARRAY (&(redisReply){.type = REDIS_REPLY_ARRAY})
#define ARRAY(...)                                                                                 \
    (&(redisReply){.type = REDIS_REPLY_ARRAY,                                                      \
                   .elements = sizeof((redisReply *[]){__VA_ARGS__}) / sizeof(redisReply *),       \
                   .element = (redisReply *[]){__VA_ARGS__}})

#endif
