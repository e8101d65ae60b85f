#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Plants needless costs in a copy of the sources, one at a time, and expects cost_test.py to find each:
#
#   tests/cost/planted.sh
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

copy=build/planted-cost
missed=0

rm -rf "$copy/tree"
mkdir -p "$copy/tree"
git ls-files -z CMakeLists.txt cmake src include openapi.yaml | xargs -0 cp --parents -t "$copy/tree" || exit 2
cmake -S "$copy/tree" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=gcc \
    -DCMAKE_C_FLAGS=-O2 -DDISCOUNT_TESTS=OFF >/dev/null || exit 2

# is_cheap: builds it and counts; the output is in the log.
is_cheap() {
    cmake --build "$copy/build" --target discountd >"$copy/log" 2>&1 || { cat "$copy/log"; exit 2; }
    REQUIRE_ALL=1 tests/cost/cost_test.py "$copy/build/discountd" >"$copy/log" 2>&1
}

# plant NAME FILE EXPRESSION: changes the file by a Perl expression, which must match.
plant() {
    local file=$copy/tree/$2
    cp "$file" "$copy/sound"
    perl -0pi -e "$3" "$file"
    if cmp -s "$file" "$copy/sound"; then
        echo "not planted: $1" >&2
        exit 2
    fi
    if is_cheap; then
        printf '%-46s MISSED\n' "$1"
        missed=$((missed + 1))
    else
        printf '%-46s %s of 16 fail: %s\n' "$1" "$(grep -c '^not ok' "$copy/log")" "$(grep -m 1 '^not ok' "$copy/log")"
    fi
    cp "$copy/sound" "$file"
}

is_cheap || { echo "it costs too much where nothing is planted"; cat "$copy/log"; exit 1; }

router=src/http/router.c
plant "a system call more for each request" $router \
    "s/(bool found = false;)\n/\$1\n    extern int getppid(void);\n    getppid();\n/"
plant "an allocation more for each request" $router \
    "s/(bool found = false;)\n/\$1\n    extern void *malloc(unsigned long);\n    extern void free(void *);\n    void *volatile more = malloc(40);\n    free(more);\n/"
plant "2,000 instructions more for each request" $router \
    "s/(bool found = false;)\n/\$1\n    for (volatile int i = 0; i < 500; i++) {\n    }\n/"
plant "each request waits suspended" src/http/exchange.c \
    's/#define POLL_ATTEMPTS_MAX 8/#define POLL_ATTEMPTS_MAX 0/'
plant "grants of one discount are not combined" src/store/redis/backend.c \
    's/batch->count < batch->room && batch->ops\[0\]/batch->count < 1 \&\& batch->ops[0]/'

rm -rf "$copy/tree"
[ "$missed" -eq 0 ]
