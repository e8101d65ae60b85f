#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The benchmarks against a server whose count is right, too small, too large, and one that refuses
# everything: what they would print must be what is in the store.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0
export LIE

# expect NAME EXIT-CODE TEXT COMMAND...: its exit code, and what it says.
expect() {
    local name=$1 code=$2 text=$3 out
    shift 3
    out=$(timeout 30 "$@" 2>&1)
    if [ $? -eq "$code" ] && grep -q -- "$text" <<<"$out"; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        printf 'not ok %s\n%s\n' "$name" "$out"
        failed=$((failed + 1))
    fi
}

liar=$here/liar.py
export STORES=sqlite CONNECTIONS=2 GRANTS=2000 DISCOUNTS=2000 LIMIT_S=1 PROBE_S=0.1

LIE=honest expect stores_shows_what_is_in_the_store 0 '^| sqlite  *|  *2 |' "$here/stores.sh" "$liar" 1 1
LIE=few expect stores_fails_when_grants_are_missing 1 'FAULT: .* grants were answered, ' "$here/stores.sh" "$liar" 1 1
LIE=many expect stores_fails_when_there_are_too_many 1 'FAULT: .* but ' "$here/stores.sh" "$liar" 1 1
LIE=refuse expect stores_fails_when_grants_are_refused 1 'FAULT: .* were no grants' "$here/stores.sh" "$liar" 1 1
LIE=few expect grants_fails_when_grants_are_missing 1 'grants were answered, ' "$here/grants.sh" "$liar" 1 2 1 sqlite
LIE=honest expect memory_fails_when_the_load_does_not_end 1 'not loaded within' "$here/memory.sh" "$liar"

in_memory=''
for place in $(findmnt -rnt tmpfs -o TARGET); do [ -w "$place" ] && in_memory=$place; done
if [ -n "$in_memory" ]; then
    DATA_DIR=$in_memory LIE=honest expect a_disk_in_memory_is_refused 1 tmpfs "$here/stores.sh" "$liar" 1 1
else
    echo 'skipped a_disk_in_memory_is_refused: there is none'
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
