#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests house_rules.sh and house_lists.py: the present tree passes, and each planted breach is found.
set -u
cd "$(dirname "$0")/.." || exit 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# in_a_copy NAME ERROR CHECK COMMAND...: runs the command in a copy of the tree. The check must then refuse the copy
# because of ERROR. Two copies are checked at a time.
in_a_copy() {
    local name=$1 error=$2 check=$3 tree="$work/$1"
    shift 3
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
    (
        mkdir "$tree"
        git ls-files -z -- '*.md' src include tests docs 'fuzz/*.c' fuzz/connection.dict bench openapi.yaml nginx.conf |
            xargs -0 cp --parents -t "$tree" 2>/dev/null
        (cd "$tree" && "$@") || echo "not planted" >"$work/$name.result"
        if ! grep -qF "error: $error" <<<"$("$check" "$tree")"; then
            echo "not ok: $name was not found" >>"$work/$name.result"
        fi
        rm -rf "$tree"
    ) &
    echo "$name" >>"$work/planted"
}

put_at_the_end() { mkdir -p "$(dirname "$1")" && printf '%s\n' "$2" >>"$1"; }
put_first() { printf '%s\n' "$2" | cat - "$1" >"$1.new" && mv "$1.new" "$1"; }

# plant NAME RULE FILE LINE: adds the line at the end of the file.
plant() { in_a_copy "$1" "$2" tests/house_rules.sh put_at_the_end "$3" "$4"; }
# first NAME RULE FILE LINE: adds the line at the beginning.
first() { in_a_copy "$1" "$2" tests/house_rules.sh put_first "$3" "$4"; }
# forget NAME ERROR FILE EXPRESSION: removes an entry of a list by a sed expression, which must match.
forget() { in_a_copy "$1" "$2" tests/house_lists.py change "$3" "$4"; }
change() { cp "$1" "$1.before" && sed -i -E "$2" "$1" && ! cmp -s "$1" "$1.before"; }

rule="a room includes only what its row in house_rules.sh allows"
plant include-up "$rule" include/discount/store.h '#include "store/backend.h"'
plant base-to-http "$rule" src/base/arena.c '#include "http/reply.h"'
plant http-to-api "$rule" src/http/router.c '#include "api/routes.h"'
plant http-to-service "$rule" src/http/router.c '#include "service/config.h"'
plant api-to-store "$rule" src/api/grants.c '#include "store/backend.h"'
plant store-to-http "$rule" src/store/redis/backend.c '#include "http/server.h"'
plant store-to-backend "$rule" src/store/op.c '#include "store/redis/verbs.h"'
plant backend-to-backend "$rule" src/store/redis/link.c '#include "store/sqlite/db.h"'
plant backend-to-schema "$rule" src/store/redis/link.c '#include "sqlite_schema_1.h"'
plant control-to-http "$rule" src/control/server.c '#include "http/server.h"'
plant service-to-commands "$rule" src/service/worker.c '#include "commands/verify.h"'
plant commands-to-http "$rule" src/commands/verify.c '#include "http/server.h"'
plant main-to-store "$rule" src/main.c '#include "store/backend.h"'
plant new-room "$rule" src/coupons/coupons.c '#include "base/progress.h"'

rule="only http/server.c and http/exchange.c include http/exchange.h, and exchange never needs server"
plant exchange-elsewhere "$rule" src/http/router.c '#include "http/exchange.h"'
plant exchange-to-server "$rule" src/http/exchange.c '#include "http/server.h"'

rule="a library is known only where its row in house_rules.sh says"
plant microhttpd "$rule" src/http/router.c '#include <microhttpd.h>'
plant hiredis "$rule" src/store/store.c '#include <hiredis/hiredis.h>'
plant sqlite "$rule" src/store/redis/link.c '#include <sqlite3.h>'
plant libpq "$rule" src/store/sqlite/db.c '#include <libpq-fe.h>'
plant jansson "$rule" src/api/grants.c '#include <jansson.h>'
plant uuid "$rule" src/main.c '#include <uuid/uuid.h>'
plant unknown-library "$rule" src/base/arena.c '#include <curl/curl.h>'

rule="a function that is not static begins with the name of its file"
plant prefix "$rule" src/store/redis/link.c "$(printf 'void link_open(void)\n{\n}')"
plant prefix-of-a-noun "$rule" src/api/grants.c "$(printf 'void wallet_list(void)\n{\n}')"
plant word "an identifier is in house_words.txt" src/base/arena.c 'static int culprit;'
plant file-word "a file name is in house_words.txt" src/base/soundness.c '/* SPDX-License-Identifier: MIT */'
plant phrase "a phrase of house_words.txt is in prose" docs/design.md 'This is the hull of it.'
plant utils "no umbrella and no odds-and-ends file" src/utils.c '/* SPDX-License-Identifier: MIT */'
first licence "a file begins with its licence" src/base/arena.c '/* no licence */'
first own-header "a .c includes its own header first" src/http/router.c '#include <stdio.h>'
in_a_copy guard "an include guard is the path of its header" tests/house_rules.sh \
    sed -i 's/HTTP_ROUTER_H/ROUTER_H/' src/http/router.h
plant long "no function over 70 lines" src/base/arena.c \
    "$(echo 'static void f(void)' && echo '{' && yes '    f();' | head -n 71 && echo '}')"
plant wide "a line of prose has at most 150 characters" docs/design.md "$(yes word | head -n 40 | tr '\n' ' ')"
plant sleep "no sleep in a test" tests/http/race_test.c 'void f(void) { sleep(1); }'
plant todo "nothing left open in the code" src/base/arena.c '/* TODO */'

forget route-contract "GET /livez is not in openapi.yaml" openapi.yaml 's#^  /livez:#  /lives:#'
forget route-story "POST /discount is not in tests/contract/story.py" tests/contract/story.py '/"POST", "\/discount",/d'
forget route-memory "GET /user/{user_id}/discount is not in tests/http/memory_test.c" tests/http/memory_test.c '/\/user\/holder/d'
forget route-sim "POST /discount/{id}/grant is not in tests/sim/script.c" tests/sim/script.c 's#"POST /discount/dsc.*/grant#"#'
forget route-fuzz "GET /metrics is not in fuzz/connection.dict" fuzz/connection.dict '/metrics/d'
forget route-readme "GET /user/{user_id}/discount is not in README.md" README.md 's#/user/\{user_id\}/discount#/user#'
forget route-new "GET /coupon is not in openapi.yaml" src/api/routes.c 's#^(.*)"/livez", ops_livez(.*)$#\1"/coupon", coupon_get\2#'
forget verb-op "STORE_WALLET has no row in src/store/op.c" src/store/op.c 's/\[STORE_WALLET\] =/[STORE_WALLETS] =/'
forget verb-redis "STORE_GET has no row in src/store/redis/verbs.c" src/store/redis/verbs.c 's/\[STORE_GET\] =/[0] =/'
forget verb-sqlite "STORE_LIST has no row in src/store/sqlite/verbs.c" src/store/sqlite/verbs.c 's/\[STORE_LIST\] =/[0] =/'
in_a_copy verb-script "STORE_WALLET has no src/store/redis/scripts/wallet.lua" tests/house_lists.py rm src/store/redis/scripts/wallet.lua
forget verb-wire "STORE_GET has no row in tests/store/redis/wire_test.c" tests/store/redis/wire_test.c 's/\[STORE_GET\] =/[0] =/'
forget verb-fake "STORE_GRANTS is not in tests/sim/fake_store.c" tests/sim/fake_store.c 's/STORE_GRANTS\b/STORE_GRANT/'
forget verb-fuzz "STORE_LIST is not in fuzz/redis_fuzz.c" fuzz/redis_fuzz.c 's/STORE_LIST\b/STORE_GRANT/'
forget verb-submit "store_wallet is not submitted in tests/store/store_fixture.c" tests/store/store_fixture.c 's/store_wallet/store_get/'
forget verb-case "STORE_WALLET has no case in the conformance suite" tests/store/cases/lists.c 's/submit_wallet_of/submit_wallets/'
forget verb-corrupt "STORE_LIST is not in tests/store/corrupt_ones.c" tests/store/corrupt_ones.c '/submit_list/d'
forget verb-failing "STORE_GET does not name the discount of a damaged reply" src/store/redis/verbs.c 's/, failing_get\}/, NULL}/'
forget verb-new "STORE_REVOKE has no row in src/store/op.c" include/discount/store.h 's/^    STORE_PING,/    STORE_PING,\n    STORE_REVOKE,/'
forget backend-help "redis:// is not in src/service/config.c" src/service/config.c 's#redis://##'
forget backend-readme "sqlite: is not in README.md" README.md 's/sqlite:/file:/g'
forget backend-engine "redis_backend is not in src/store/engine.c" src/store/engine.c 's/, &redis_backend//'
forget backend-suite "no test in tests/store/redis runs the conformance suite" tests/store/redis/conformance_test.c 's/conformance_run/run/'
in_a_copy backend-verbs "src/store/sqlite has no verbs.c" tests/house_lists.py mv src/store/sqlite/verbs.c src/store/sqlite/codec.c
forget variable-readme "DISCOUNT_WORKERS is not in README.md" README.md 's/DISCOUNT_WORKERS/DISCOUNT_THREADS/g'
forget variable-code "DISCOUNT_DRAIN_MS of README.md is not in src/service/config.c" src/service/config.c 's/"DRAIN_MS"/"GRACE_MS"/'
forget variable-test "DISCOUNT_DRAIN_MS is not set in tests/unit/service/config_test.c" tests/unit/service/config_test.c \
    's/DISCOUNT_DRAIN_MS=/DISCOUNT_GRACE_MS=/g'
forget variable-use "DISCOUNT_DRAIN_MS is not used in src" src/service/worker.c 's/config->drain_ms/config->deadline_ms/'
forget metric-count "METRIC_REPLAYS is not counted in src" src/http/exchange.c 's/METRIC_REPLAYS/METRIC_REQUESTS/'
forget metric-test "discount_http_replays_total is not read by a test" tests/http/metrics_test.c 's/_replays_total/_repeats_total/'
forget problem-code "410 of STATUS_DISCOUNT_EXPIRED is not in metrics_codes" src/base/metrics.c 's/409, 410,/409, 599,/'
forget problem-title "nginx.conf words overloaded otherwise than include/discount/status.h" nginx.conf 's/Too much is in progress/Too much/'
forget problem-status "nginx.conf words not-found otherwise than include/discount/status.h" nginx.conf 's/return 404/return 410/'

wait
passed=0 failed=0
if tests/house_rules.sh && tests/house_lists.py; then
    passed=1
else
    failed=1
fi
for name in $(cat "$work/planted"); do
    if [ -s "$work/$name.result" ]; then
        cat "$work/$name.result"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
