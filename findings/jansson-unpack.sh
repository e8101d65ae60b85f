#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: json_unpack with "i", which checks types and missing members, also refuses a number that no int can hold.
# What happens: it returns success and an int of the lower 32 bits: 4294967301 is 5, also with JSON_STRICT.
# Why it matters: a count that is read in this way is wrong, and no error says so.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libjansson4=2.14-2 libjansson-dev=2.14-2
program unpack libjansson.so.4 <<'C'
#include <jansson.h>
#include <stdio.h>

int main(void) {
    json_t *object = json_loads("{\"count\": 4294967301}", 0, NULL);
    json_error_t error;
    json_int_t large = 0;
    int count = 0, code = json_unpack_ex(object, &error, JSON_STRICT, "{s:i}", "count", &count);
    printf("jansson %s\n", jansson_version_str());
    printf("\"i\": returns %d, count %d, error \"%s\"\n", code, count, error.text);
    code = json_unpack_ex(object, &error, JSON_STRICT, "{s:I}", "count", &large);
    printf("\"I\": returns %d, count %lld\n", code, (long long)large);
    return 0;
}
C
observe "$(cat <<'T'
jansson 2.14
"i": returns 0, count 5, error ""
"I": returns 0, count 4294967301
T
)" "$("$temp/unpack")"
