#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Measures peak memory, and the stored size of a grant and of a discount. One load is many grants of one discount;
# the other is many discounts, which are listed once. All requests use HTTP, and each load has a fresh process.
#
#   bench/memory.sh [BINARY]
#
#   STORES='sqlite redis' GRANTS=1000000 DISCOUNTS=100000 LIMIT_S=300 (for each load)
#
# lib.sh explains the stores, DATA_DIR and USERS. A user's id has about 20 bytes. Needs wrk, redis-server
# and curl.
set -euo pipefail
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
binary=${1:-$here/../build/release/discountd}
grants=${GRANTS:-1000000} discounts=${DISCOUNTS:-100000} limit_s=${LIMIT_S:-300}
read -ra stores <<<"${STORES:-sqlite redis}"

# load SCRIPT: runs wrk until the script ends it.
load() {
    timeout "$limit_s" wrk -t1 -c64 -d3600s -s "$here/$1" "$url" >"$work/wrk" ||
        die "not loaded within $limit_s s"
}
load_grants() {
    local id
    id=$(create "$grants")
    DISCOUNT=$id UNTIL_SOLD_OUT=1 load grants.lua
    count=$(granted_count "$id")
    [ "$count" = "$grants" ] || die "sold out with $count of $grants grants in the store"
}
load_discounts() {
    COUNT=$discounts load discounts.lua
    count=$(curl -fs "$url/discount" | grep -o '"id":' | wc -l)
    [ "$count" = "$discounts" ] || die "$discounts discounts were created, $count are listed"
}

# Prints MiB of a process: the peak and the present value.
memory() { awk '/^VmHWM|^VmRSS/ { printf "%.1f ", $2 / 1024 } END { print "" }' "/proc/$1/status"; }
# Prints the bytes of all files.
files() { du -sb "$data" | cut -f 1; }
# Prints the bytes of data, in Redis's memory or in the files.
stored() {
    if [ -n "$redis" ]; then
        redis-cli -p "$redis_port" info memory | tr -d '\r' | sed -n 's/^used_memory://p'
    else
        files
    fi
}

# one STORE LOAD COUNT: prints a line of the table.
one() {
    local empty peak now redis_peak=- redis_now=- full at_rest
    start "$binary" "$1" 1
    empty=$(stored)
    "load_$2"
    read -r peak now < <(memory "$server")
    [ -z "$redis" ] || read -r redis_peak redis_now < <(memory "$redis")
    full=$(stored)
    stop "$server"
    server=''
    # By now the log is in the file.
    [ -n "$redis" ] || full=$(stored)
    stop_both
    at_rest=$(files)
    awk -v store="$1" -v what="$3 $2" -v peak="$peak" -v now="$now" -v redis_peak="$redis_peak" \
        -v redis_now="$redis_now" -v full="$full" -v files="$at_rest" -v each=$(((full - empty) / $3)) \
        'BEGIN { printf "| %-12s | %-17s | %11s | %11s | %11s | %11s | %8.1f | %9.1f | %10d |\n",
            store, what, peak, now, redis_peak, redis_now, full / 1048576, files / 1048576, each }'
}

facts
echo "MiB; data: in Redis used_memory, in SQLite the file; users: $USERS"
echo
printf '| %-12s | %-17s | %11s | %11s | %11s | %11s | %8s | %9s | %10s |\n' store load server\ peak \
    server\ now Redis\ peak Redis\ now data files bytes\ each
echo '|---|---|--:|--:|--:|--:|--:|--:|--:|'
for store in "${stores[@]}"; do
    one "$store" grants "$grants"
    one "$store" discounts "$discounts"
done
