#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Sold out is the common case: this compares the cost of a refusal with that of a grant. It measures grants of one
# discount, refusals by the store, and refusals from the cache for discounts with few and with many holders. Each
# request is for a new user. It also counts the refusals until the cache is loaded. Afterwards no discount may have
# more grants than its stock. lib.sh explains the stores and DATA_DIR.
#
#   bench/refusals.sh [BINARY [SECONDS]]          at most 7 seconds for each row
#
#   STORES='sqlite redis' CONNECTIONS=64 WORKERS=1 HOLDERS='1000 1000000'
#   LIMIT_S=600    time limit for granting a stock, and for loading the cache
#
# Also writes build/bench/refusals.tsv. Needs wrk, redis-server and curl.
set -euo pipefail
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
binary=${1:-$here/../build/release/discountd} seconds=${2:-5}
read -ra stores <<<"${STORES:-sqlite redis}"
read -ra holder_counts <<<"${HOLDERS:-1000 1000000}"
connections=${CONNECTIONS:-64} workers=${WORKERS:-1} limit_s=${LIMIT_S:-600}
tsv=$here/../build/bench/refusals.tsv
faults=0
# In the last ten seconds before its end a discount is not cached, so the store is asked.
[ "$seconds" -le 7 ] || die "more than 7 seconds are too many: see the ten in src/store/backend.h"

# metric NAME: prints the value of a series.
metric() { curl -fs "$url/metrics" | awk -v name="$1" '$1 == name { print $2; found = 1 } END { if (!found) print 0 }'; }
from_memory() { metric discount_grants_refused_from_cache_total; }
exhausted() { metric 'discount_http_problems_total{problem="discount-exhausted"}'; }

# create_ending TOTAL_COUNT SECONDS: creates a discount that ends then; prints its id.
create_ending() {
    curl -fs "$url/discount" -H 'Content-Type: application/json' \
        -d "{\"brand_id\":\"bench\",\"discount_code\":\"bench\",\"total_count\":$1,\"expires_at\":\"$(
            date -u -d "+$2 seconds" +%Y-%m-%dT%H:%M:%SZ)\"}" |
        grep -o 'dsc-[A-Za-z0-9_-]*' | head -n 1
}
# sell_out ID: grants it to as many users as needed.
sell_out() {
    UNTIL_SOLD_OUT=1 DISCOUNT=$1 wrk -t1 -c"$connections" -d"${limit_s}s" -s "$here/grants.lua" "$url" >"$work/wrk" || true
}

# refusals_run ID STOCK: sets rate, server_us, redis_us, p50_ms, p99_ms, remembered (per cent) and fault.
refusals_run() {
    local before after memory_before refused_before refused requests answered broken took_s
    memory_before=$(from_memory) refused_before=$(exhausted)
    before="$(cpu_us "$server") $(cpu_us "$redis")"
    DISCOUNT=$1 USERS=sequential wrk -t1 -c"$connections" -d"${seconds}s" -s "$here/grants.lua" "$url" >"$work/wrk"
    after="$(cpu_us "$server") $(cpu_us "$redis")"
    read -r answered refused broken _ took_s p50_ms p99_ms _ < <(sed -n 's/^figures //p' "$work/wrk")
    requests=$(($(exhausted) - refused_before))
    fault=''
    if [ "$answered" -gt 0 ] || [ "$broken" -gt 0 ]; then
        fault="$answered answers were no refusals, $broken connections broke"
    elif [ "$refused" -gt "$requests" ] || [ "$requests" -gt $((refused + connections)) ]; then
        fault="$refused refusals came, the server counts $requests as sold out"
    elif [ "$(granted_count "$1")" -ne "$2" ]; then
        fault="of $2 units $(granted_count "$1") are granted"
    elif [ "$refused" -eq 0 ]; then
        fault='nothing was refused'
    fi
    read -r rate server_us redis_us remembered < <(awk -v n="$refused" -v s="$took_s" \
        -v m="$(($(from_memory) - memory_before))" -v all="$requests" \
        '{ k = n ? n : 1; printf "%.0f %.2f %.2f %.2f\n", n / s, ($3 - $1) / k, ($4 - $2) / k, 100 * m / (all ? all : 1) }' \
        <<<"$before $after")
}
# learn ID: asks until the first refusal from the cache; prints how many the store gave before.
learn() {
    local before after
    before=$(exhausted)
    for _ in $(seq "$limit_s"); do
        after=$(from_memory)
        DISCOUNT=$1 wrk -t1 -c"$connections" -d1s -s "$here/grants.lua" "$url" >"$work/wrk"
        if [ "$(from_memory)" -gt $((after + 1000)) ]; then
            # Refusals of the last second that came from the cache did not load it.
            echo $(($(exhausted) - before - ($(from_memory) - after)))
            return
        fi
    done
    echo never
}

# row STORE WHAT HOLDERS LEARNT: prints the last measurement.
row() {
    if [ -n "$fault" ]; then
        echo "FAULT: $1, $2, $3 holders: $fault" >&2
        faults=$((faults + 1))
    fi
    printf '| %-12s | %-20s | %9s | %8s | %9.2f | %8.2f | %6.2f | %7.2f | %7.2f | %10s |\n' "$1" "$2" "$3" "$rate" \
        "$server_us" "$redis_us" "$p50_ms" "$p99_ms" "$remembered" "$4"
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$rate" "$server_us" "$redis_us" "$p50_ms" \
        "$p99_ms" "$remembered" "$4" >>"$tsv"
}

facts
mkdir -p "${tsv%/*}"
printf 'store\twhat\tholders\tper_s\tserver_us\tredis_us\tp50_ms\tp99_ms\tfrom_memory_percent\tasked_before\n' >"$tsv"
echo "$connections connections, $workers workers, $seconds s each; CPU in us for each answer"
echo
echo '| store        | what                 |   holders |    per s | server us | redis us | p50 ms |  p99 ms | memory% | asked first |'
echo '|--------------|----------------------|----------:|---------:|----------:|---------:|-------:|--------:|--------:|------------:|'
for store in "${stores[@]}"; do
    start "$binary" "$store" "$workers"
    grants_run "$connections" "$seconds"
    remembered=0
    row "$store" granted - -
    id=$(create_ending 1 $((seconds + 3)))
    sell_out "$id"
    refusals_run "$id" 1
    row "$store" 'refused by the store' 1 -
    for holders in "${holder_counts[@]}"; do
        id=$(create "$holders")
        sell_out "$id"
        learnt=$(learn "$id")
        refusals_run "$id" "$holders"
        row "$store" 'refused from memory' "$holders" "$learnt"
    done
    stop_both
done
[ "$faults" -eq 0 ]
