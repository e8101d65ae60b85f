/* SPDX-License-Identifier: MIT */
/* Replaces the server: a program with this file has its own request_problem and request_refuse.
 * They keep the refusal instead of sending it. */
#ifndef UNIT_API_REFUSAL_H
#define UNIT_API_REFUSAL_H

#include "api/document_json.h"

/* Returns the refusal of these errors, with this status, as a client would read it: a line "POINTER
 * DETAIL" for each, in order. The text is in the arena of the errors. Fails the test if the problem
 * is invalid. */
const char *refusal_print(enum status status, const struct document_errors *errors);

/* Returns the status that document_refuse answers with, whatever the body. */
enum status refusal_status(enum status status, const struct document_errors *errors);

#endif
