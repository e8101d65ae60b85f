#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a JSON text that is read and written again has the same numbers, as in every browser.
# What happens: jansson writes 17 digits, so 0.1 becomes 0.10000000000000001 and 19.99 becomes 19.989999999999998.
# Why it matters: a price that passes through the service looks wrong, and a hash or a comparison of the text differs.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libjansson4=2.14-2 libjansson-dev=2.14-2
program real libjansson.so.4 <<'C'
#include <jansson.h>
#include <stdio.h>

int main(void) {
    json_t *array = json_loads("[0.1, 19.99, 1e2, 1E22, -0, 5.0]", 0, NULL);
    printf("jansson %s\n", jansson_version_str());
    printf("as it is: %s\n", json_dumps(array, JSON_COMPACT));
    printf("with 15 digits: %s\n", json_dumps(array, JSON_COMPACT | JSON_REAL_PRECISION(15)));
    return 0;
}
C
observe "$(cat <<'T'
jansson 2.14
as it is: [0.10000000000000001,19.989999999999998,100.0,1e22,0,5.0]
with 15 digits: [0.1,19.99,100.0,1e22,0,5.0]
T
)" "$("$temp/real")"
