#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The rules of the house that a text search can keep (docs/design.md, "The house"): which file may
# know which library, who may include whom, and the shape of files. house_rules_test.sh plants a
# breach of each and expects it to be found.
#
#   tests/house_rules.sh [TREE]
set -uo pipefail
cd "${1:-$(dirname "$0")/..}" || exit 2

breaches=0

# breach RULE LINES: reports what was found, if anything was.
breach() {
    if [ -n "$2" ]; then
        printf 'error: %s\n%s\n' "$1" "$2"
        breaches=$((breaches + 1))
    fi
}

# includes PATTERN PATH...: the lines that include a header that matches.
includes() {
    local pattern=$1
    shift
    grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$pattern" --include='*.c' --include='*.h' "$@" || true
}

breach "only http/server.c knows libmicrohttpd" \
    "$(includes 'microhttpd' src include | grep -v '^src/http/server\.c:')"
breach "only store/redis_* knows hiredis" \
    "$(includes 'hiredis' src include | grep -vE '^src/store/redis_[a-z]+\.[ch]:')"
breach "only store/sqlite_* knows SQLite" \
    "$(includes 'sqlite3' src include | grep -vE '^src/store/sqlite_[a-z]+\.[ch]:')"
breach "only api/*_json.c and json_memory.c know jansson" \
    "$(includes 'jansson' src include | grep -vE '^src/api/([a-z]+_json|json_memory)\.c:')"
breach "only discount.c knows libuuid" \
    "$(includes 'uuid/' src include | grep -v '^src/discount\.c:')"

breach "include/ knows only itself" "$(includes '(api|http|store|worker|config)[/.]' include)"
breach "http knows no other room" "$(includes '(api|store)/' src/http)"
breach "api knows no other room" "$(includes '(http|store)/' src/api)"
breach "store knows no other room" "$(includes '(api|http)/' src/store)"
breach "no room knows the hall" "$(includes '\"?(worker|config|bind|healthcheck)\.h' src/api src/http src/store)"
breach "no umbrella and no odds-and-ends file" \
    "$(find src include tests -name 'utils.*' -o -name 'util.*' -o -name 'common.*' -o -name 'misc.*')"

for file in $(find src include tests -name '*.c' -o -name '*.h' | sort); do
    head -n 1 "$file" | grep -q '^/\* SPDX-License-Identifier: MIT \*/$' ||
        breach "a file begins with its licence" "$file"
done
for file in $(find src -name '*.c' | sort); do
    header=${file#src/}
    header=${header%.c}.h
    [ -f "src/$header" ] || header="discount/$(basename "$header")"
    [ -f "src/$header" ] || [ -f "include/$header" ] || continue
    grep -m 1 '^#include' "$file" | grep -qF "\"$header\"" ||
        breach "a .c includes its own header first" "$file"
done

breach "no function over 70 lines" "$(find src include -name '*.c' | sort | xargs awk '
    FNR == 1 { open = 0 }
    /^\{/ { open = FNR }
    /^\}/ { if (open && FNR - open > 70) printf "%s:%d: %d lines\n", FILENAME, open, FNR - open; open = 0 }')"
breach "no sleep in a test" "$(grep -rnE '\b(usleep|sleep|nanosleep)[ (]+[0-9]' --include='*.c' tests || true)"
breach "nothing left open in the code" "$(grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' src include || true)"

[ "$breaches" -eq 0 ]
