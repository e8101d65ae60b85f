#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Plants faults in a copy of the server, the store and a handler, one at a time, and expects the
# simulation to find each:
#
#   tests/sim/planted.sh [SEEDS [PROGRAM]]    at most this many seeds for each fault (20000);
#                                             only sim or only refusal_cache_sim
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

seeds=${1:-20000} only=${2:-}
copy=build/planted
missed=0

rm -rf "$copy/tree"
mkdir -p "$copy/tree"
git ls-files -z CMakeLists.txt cmake src include openapi.yaml tests/sim |
    xargs -0 cp --parents -t "$copy/tree" || exit 2
cat >"$copy/tree/tests/CMakeLists.txt" <<'END'
add_subdirectory(sim)
END
# Removes the fuzz targets and the benchmarks from the build.
sed -i -e "/DISCOUNT_TESTS OR DISCOUNT_FUZZ/,/endif/d" -e "/add_subdirectory(bench)/d" "$copy/tree/CMakeLists.txt"
cmake -S "$copy/tree" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=gcc \
    -DCMAKE_C_FLAGS='-O1 -fsanitize=address,undefined -fno-sanitize-recover=all' >/dev/null || exit 2

# runs: builds the simulation and runs it; the output is in the log.
runs() {
    cmake --build "$copy/build" --target "$program" >"$copy/log" 2>&1 || { cat "$copy/log"; exit 2; }
    # In a subshell, so that bash's message about its end is dropped.
    (timeout 600 "$copy/build/tests/sim/$program" "$seeds" >"$copy/log" 2>&1; exit $?) 2>/dev/null
}

# plant NAME FILE EXPRESSION: changes the file by a Perl expression, which must match.
plant() {
    local file=$copy/tree/$2
    [ -z "$only" ] || [ "$only" = "$program" ] || return 0
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

# sound PROGRAM: selects the program for the following faults. It must find nothing yet.
sound() {
    program=$1
    [ -z "$only" ] || [ "$only" = "$program" ] || return 0
    runs || { echo "$program finds something where nothing is planted"; tail -n 5 "$copy/log"; exit 1; }
}

exchange=src/http/exchange.c
server=src/http/server.c
store=src/store/store.c
listing=src/api/listing.c
memory=src/store/refusal_cache.c
filter=src/store/bloom_filter.c

sound sim

plant "a request is freed when its answer is queued" $exchange \
    's/(static void )(wait_end.*?MHD_resume_connection\(exchange->connection\);)/$1exchange_free(struct exchange *exchange);\n$1$2 exchange_free(exchange);/s'
plant "a request is never freed" $exchange \
    's/\} else \{\s+exchange_free\(exchange\);\s+\}/}/'
plant "a request is freed although its operation is with the store" $exchange \
    's/waiting_set\(exchange, WAITING_LEFT\);/exchange_free(exchange);\n        return;/'
plant "a request whose client has left is never freed" $exchange \
    's/queue_append\(&exchange->exchanges->left, &exchange->link\);/;/'
plant "a connection is never forgotten" $server \
    's/conn_free\(\*socket_context\);/;/'
plant "a connection is not resumed for its answer" $exchange \
    's/MHD_resume_connection\(exchange->connection\);/;/'
plant "nothing more is done after an answer" $exchange \
    's/(exchange->exchanges->wants_run = true;)\s+exchanges_event_seen\(exchange->exchanges\);/$1/'
plant "the daemon runs once after an answer" src/http/exchange.h \
    's/#define EXCHANGES_RUNS_AFTER 4/#define EXCHANGES_RUNS_AFTER 1/'
plant "nothing is done for an answer" $exchange \
    's/exchange->exchanges->wants_run = true;/;/'
plant "a stream that waits does not know it" $exchange \
    's/suspend\(exchange\);\s+conn_enter\(exchange->conn, CONN_WORKING\);/MHD_suspend_connection(exchange->connection);\n    conn_enter(exchange->conn, CONN_WORKING);/'
plant "a drained server does not wait for its requests" $server \
    's/ \|\| server->exchanges\.count > 0//'
plant "a piece of a body is lost when there are several" $exchange \
    's/request->body\.n \+= size;/request->body.n += request->body.n == 0 || size > 1 ? size : 0;/'
plant "an answer to HEAD ends as a body does" $exchange \
    's/str_eq\(request->method, STR\("HEAD"\)\)\) \{/0) {/'
plant "a client that dawdles is not cut" $server \
    's/conns_cut_late\(&server->conns\);/;/'
plant "an operation is late and its backend is not told" $store \
    's/store->backend->cancel\(store->self, op\)/op_status_if_reply_lost(op)/'
plant "the second deadline is not waited for" $store \
    's/deadlines_arm\(store\);\n\}\n\n\/\* ---- The store/}\n\n\/* ---- The store/'
plant "of completions of one turn all but one are lost" $store \
    's/while \(!queue_is_empty\(&delivered\)\)/if (!queue_is_empty(&delivered))/'
plant "a completion is delivered again in the next turn" $store \
    's/(queue_remove\(&op->link\);)\s+(op->done\(op\);)/$1 queue_append(&store->completed, &op->link); $2/'
plant "an operation that has completed still counts" $store \
    's/store->in_flight_count -= in_flight_share\(store, op\);/;/'
plant "a list frees a piece before it is sent" $listing \
    's/(request_stream_push\(request, text\);)/$1\n arena_fini(&request->page);/'

# One run of it takes as long as several of the other.
seeds=$((seeds / 25))
sound refusal_cache_sim
plant "the last page of holders is not added" $memory \
    's/i < op->grants\.count; i\+\+/op->grants.count == op->grants.limit \&\& i < op->grants.count; i++/'
plant "one holder of a page is not added" $memory \
    's/size_t i = 0; i < op->grants\.count/size_t i = 1; i < op->grants.count/'
plant "the end of the load is not waited for" $memory \
    's/op->grants\.count < op->grants\.limit/true/; s/holders->is_complete = holders->count == closed->count/holders->is_complete = true/'
plant "a filter looks for a place that was not set" $filter \
    's/(may_have\(.*?)i < PROBES/$1i < PROBES + 1/s'
plant "a filter is believed that has another number of holders" $memory \
    's/holders->is_complete = holders->count == closed->count/holders->is_complete = true/; s/holders->count > closed->count/false/'
plant "the last word is good for ever" $memory \
    's/is_older\(closed->confirmed_ms, now_ms, REFUSAL_CACHE_FRESH_MS\) \|\|//'
plant "and nobody is let through" $memory \
    's/is_older\(closed->confirmed_ms, now_ms, REFUSAL_CACHE_FRESH_MS\) \|\|//; s/if \(is_older\(closed->let_ms, now_ms, REFUSAL_CACHE_ASK_MS\)\)/if (closed->let_ms == 0)/'
plant "the last word is good from its arrival on" $store \
    's/op->deadline_ms - store->limits\.deadline_ms/uv_now(store->loop)/'
plant "a holder who asks renews the last word" $memory \
    's/(if \(closed != NULL &&\s+\(is_open)/if (closed != NULL \&\& status == STATUS_OK) {\n closed->confirmed_ms = asked_ms;\n }\n $1/'
plant "the number of holders is not compared" $memory \
    's/ \|\| closed->count != op->grant\.final_count//'
plant "another status is taken for the same" $memory \
    's/closed->status != status \|\| //'
plant "memory is kept over a reconnect" $store \
    's/connection_check\(store\);\n/;\n/'
plant "a filter is good for ever" $memory \
    's/if \(is_older\(closed->holders->begun_ms, now_ms, REFUSAL_CACHE_FILTER_MS\)\)/if (false)/'
plant "a grant that was made is not noticed" $memory \
    's/\(status == STATUS_OK && !op->grant\.replayed\) \|\|//'
plant "a discount that is gone is not noticed" $memory \
    's/status == STATUS_DISCOUNT_NOT_FOUND \|\|//'
plant "the backend calls final what is about to end" tests/sim/model_store.c \
    's/bool is_near =/bool is_near = false \&\&/'
plant "holders are read for nothing" $memory \
    's/closed->refusals -= REFUSAL_CACHE_REFUSALS;/;/'
plant "two pages are read at once" $memory \
    's/refusal_cache->is_asking \|\| //'

rm -rf "$copy/tree"
[ "$missed" -eq 0 ]
