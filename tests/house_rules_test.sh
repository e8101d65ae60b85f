#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests house_rules.sh: the tree as it is passes, and each planted breach is found.
set -u
cd "$(dirname "$0")/.." || exit 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# plant NAME RULE FILE LINE: a fresh copy of the tree with the line put at the end of the file (at its
# beginning for ^LINE) must be refused because of that rule.
plant() {
    local name=$1 rule=$2 file=$3 line=$4 tree="$work/$1"
    mkdir "$tree"
    cp -r src include tests "$tree"
    mkdir -p "$tree/$(dirname "$file")"
    if [ "${line#^}" != "$line" ]; then
        printf '%s\n' "${line#^}" | cat - "$file" >"$tree/$file"
    else
        printf '%s\n' "$line" >>"$tree/$file"
    fi
    if grep -qF "error: $rule" <<<"$(tests/house_rules.sh "$tree")"; then
        passed=$((passed + 1))
    else
        echo "not ok: $name was not found"
        failed=$((failed + 1))
    fi
}

if tests/house_rules.sh; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
fi
plant microhttpd "only http/server.c knows libmicrohttpd" src/http/router.c '#include <microhttpd.h>'
plant hiredis "only store/redis_* knows hiredis" src/store/store.c '#include <hiredis/hiredis.h>'
plant sqlite "only store/sqlite_* knows SQLite" src/store/store.c '#include <sqlite3.h>'
plant jansson "only api/*_json.c and json_memory.c know jansson" src/api/grants.c '#include <jansson.h>'
plant uuid "only discount.c knows libuuid" src/main.c '#include <uuid/uuid.h>'
plant include-up "include/ knows only itself" include/discount/store.h '#include "store/backend.h"'
plant http-to-api "http knows no other room" src/http/server.c '#include "api/routes.h"'
plant api-to-store "api knows no other room" src/api/grants.c '#include "store/backend.h"'
plant store-to-http "store knows no other room" src/store/redis/backend.c '#include "http/server.h"'
plant room-to-hall "no room knows the hall" src/http/server.c '#include "config.h"'
plant utils "no umbrella and no odds-and-ends file" src/utils.c '/* SPDX-License-Identifier: MIT */'
plant licence "a file begins with its licence" src/base/arena.c '^/* no licence */'
plant own-header "a .c includes its own header first" src/http/router.c '^#include <stdio.h>'
plant long "no function over 70 lines" src/base/arena.c \
    "$(echo 'void f(void)' && echo '{' && yes '    f();' | head -n 71 && echo '}')"
plant sleep "no sleep in a test" tests/http/race_test.c 'void f(void) { sleep(1); }'
plant todo "nothing left open in the code" src/base/arena.c '/* TODO */'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
