/* SPDX-License-Identifier: MIT */
/* Stands in for the server: a program with this file has its own request_problem and
 * request_refuse, which keep the refusal instead of sending it. */
#ifndef UNIT_API_REFUSAL_H
#define UNIT_API_REFUSAL_H

#include "api/document_json.h"

/* What a client would read of these faults, refused with this status: a line "POINTER DETAIL" for
 * each, sorted as they were found. In the faults' arena. Fails the test when the refusal is no
 * sound problem. */
const char *refusal_print(enum status status, const struct document_errors *errors);

/* The status that document_refuse answers with, whatever the body. */
enum status refusal_status(enum status status, const struct document_errors *errors);

#endif
