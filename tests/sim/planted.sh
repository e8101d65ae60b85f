#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Plants faults in a copy of the server, the store and a handler, one at a time, and expects the
# simulation to find each:
#
#   tests/sim/planted.sh [SEEDS]    at most so many seeds for each fault (20000)
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

seeds=${1:-20000}
copy=build/planted
missed=0

rm -rf "$copy/tree"
mkdir -p "$copy/tree"
git ls-files -z CMakeLists.txt cmake src include openapi.yaml tests/sim |
    xargs -0 cp --parents -t "$copy/tree" || exit 2
cat >"$copy/tree/tests/CMakeLists.txt" <<'END'
add_subdirectory(sim)
END
# The fuzz targets and the benchmarks are no part of this.
sed -i -e "/DISCOUNT_TESTS OR DISCOUNT_FUZZ/,/endif/d" -e "/add_subdirectory(bench)/d" "$copy/tree/CMakeLists.txt"
cmake -S "$copy/tree" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=gcc \
    -DCMAKE_C_FLAGS='-O1 -fsanitize=address,undefined -fno-sanitize-recover=all' >/dev/null || exit 2

# runs: builds the simulation and runs it; the log tells.
runs() {
    cmake --build "$copy/build" --target sim >"$copy/log" 2>&1 || { cat "$copy/log"; exit 2; }
    # In a shell of its own, whose word on how it ended nobody needs.
    (timeout 600 "$copy/build/tests/sim/sim" "$seeds" >"$copy/log" 2>&1; exit $?) 2>/dev/null
}

# plant NAME FILE EXPRESSION: a change of the file by a Perl expression, which must match.
plant() {
    local file=$copy/tree/$2
    cp "$file" "$copy/sound"
    perl -0pi -e "$3" "$file"
    if cmp -s "$file" "$copy/sound"; then
        echo "not planted: $1" >&2
        exit 2
    fi
    if runs; then
        printf '%-58s MISSED in %d seeds\n' "$1" "$seeds"
        missed=$((missed + 1))
    else
        printf '%-58s seed %-6s %s\n' "$1" "$(sed -n 's/^seed //p' "$copy/log" | head -n 1)" \
            "$(grep -m 1 -oE 'found: .*|Assertion .*failed|AddressSanitizer: [a-z-]+|Fatal error.*' "$copy/log")"
    fi
    cp "$copy/sound" "$file"
}

server=src/http/server.c
store=src/store/store.c
listing=src/api/listing.c
runs || { echo "the simulation finds something where nothing is planted"; tail -n 5 "$copy/log"; exit 1; }

plant "a request is freed when its answer is queued" $server \
    's/(static void )(wait_end.*?MHD_resume_connection\(exchange->connection\);)/$1exchange_free(struct exchange *exchange);\n$1$2 exchange_free(exchange);/s'
plant "a request is never freed" $server \
    's/\} else \{\s+exchange_free\(exchange\);\s+\}/}/'
plant "a request is freed although its operation is with the store" $server \
    's/waiting_set\(exchange, WAITING_LEFT\);/exchange_free(exchange);\n        return;/'
plant "a request whose client has left is never freed" $server \
    's/queue_append\(&exchange->server->left, &exchange->link\);/;/'
plant "a connection is never forgotten" $server \
    's/conn_free\(\*socket_context\);/;/'
plant "a connection is not resumed for its answer" $server \
    's/MHD_resume_connection\(exchange->connection\);/;/'
plant "nothing more is done behind an answer" $server \
    's/(exchange->server->wants_run = true;)\s+something_happened\(exchange->server\);/$1/'
plant "the daemon runs once behind an answer" $server \
    's/#define RUNS_AFTER 4/#define RUNS_AFTER 1/'
plant "nothing is done for an answer" $server \
    's/exchange->server->wants_run = true;/;/'
plant "a stream that waits does not know it" $server \
    's/suspend\(exchange\);\s+conn_enter\(exchange->conn, CONN_WORKING\);/MHD_suspend_connection(exchange->connection);\n    conn_enter(exchange->conn, CONN_WORKING);/'
plant "a drained server does not wait for its requests" $server \
    's/ \|\| server->exchange_count > 0//'
plant "a piece of a body is lost when there are several" $server \
    's/request->body\.n \+= size;/request->body.n += request->body.n == 0 || size > 1 ? size : 0;/'
plant "an answer to HEAD ends as a body does" $server \
    's/str_eq\(request->method, STR\("HEAD"\)\)\) \{/0) {/'
plant "a client that dawdles is not cut" $server \
    's/conns_cut_late\(&server->conns\);/;/'
plant "an operation is late and its backend is not told" $store \
    's/store->backend->cancel\(store->self, op\)/store_lost(op)/'
plant "the second deadline is not waited for" $store \
    's/deadlines_arm\(store\);\n\}\n\n\/\* ---- The store/}\n\n\/* ---- The store/'
plant "of completions of one turn all but one are lost" $store \
    's/while \(!queue_is_empty\(&delivered\)\)/if (!queue_is_empty(&delivered))/'
plant "a completion is delivered again in the next turn" $store \
    's/(queue_remove\(&op->link\);)\s+(op->done\(op\);)/$1 queue_append(&store->completed, &op->link); $2/'
plant "an operation that has completed still counts" $store \
    's/store->in_flight_count--;/;/'
plant "a list frees its request before the next piece" $listing \
    's/arena_fini\(&request->page\);/arena_fini(&request->arena);/'

rm -rf "$copy/tree"
[ "$missed" -eq 0 ]
