#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Measures how the cost of an operation grows with connections, workers, discounts, grants, the list and a wallet.
# A constant cost is 1.0: the last column is the cost at the largest size divided by that at the smallest. Some
# are divided by the cost at 64 connections, 100 discounts or a wallet of 100. At smaller sizes fewer operations
# are combined, and no page is full. All requests use HTTP and a real store.
# If the store does not hold what was counted, this fails.
#
#   bench/growth.sh [SECTION...]      connections workers discounts grants list wallet; by default all
#
#   BINARY=build/release/discountd STORES='sqlite redis' RESULTS=build/bench, with growth-SECTION.tsv and
#   .md, .plot.tsv and, by bench/plot.py, .svg
#   CONNECTIONS='1 8 64 512 2000 10000' WORKERS='1 2' RUN_S=5    timed runs; workers at 64 and 512
#   DISCOUNTS='1 100 10000 1000000'                              number of discounts
#   GRANTS='1 1000 100000 1000000 10000000'                      grants of one discount
#   LISTS='10000 1000000' WALLETS='1 100 10000'                  lengths
#   PROBE=10000    requests by which an operation is measured (fewer where each takes long), at 64
#                  connections; LIMIT_S=1800 for each load
#
# lib.sh explains the stores and DATA_DIR. Needs the same tools, and LuaJIT's ffi in wrk.
set -euo pipefail
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
binary=${BINARY:-$here/../build/release/discountd} results=${RESULTS:-$here/../build/bench}
probe=${PROBE:-10000} limit_s=${LIMIT_S:-1800} page_probe=$((${PROBE:-10000} / 10))
export RUN_S=${RUN_S:-5} WARM_S=${WARM_S:-1}
read -ra stores <<<"${STORES:-sqlite redis}"
read -ra connection_counts <<<"${CONNECTIONS:-1 8 64 512 2000 10000}"
read -ra worker_counts <<<"${WORKERS:-1 2}"
read -ra discount_counts <<<"${DISCOUNTS:-1 100 10000 1000000}"
read -ra grant_counts <<<"${GRANTS:-1 1000 100000 1000000 10000000}"
read -ra list_sizes <<<"${LISTS:-10000 1000000}"
read -ra wallet_sizes <<<"${WALLETS:-1 100 10000}"
sections=("$@")
[ $# -gt 0 ] || sections=(connections workers discounts grants list wallet)
stock=1000000000 reader=''
trap '[ $? -eq 0 ] || logs_show; stop "$reader"; stop_both; rm -rf "$work"' EXIT
ulimit -n "$(ulimit -Hn)"
mkdir -p "$results"

fault() { die "FAULT: $store, $section, $size: $*"; }

# ---- Figures ----

# note WHAT UNIT VALUE [OF-REDIS [PER-SECOND]]: records a figure of $store at $size.
note() { printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$store" "$1" "$2" "$size" "$3" "${4:--}" "${5:--}" >>"$tsv"; }
over() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", b ? a / b : 0 }'; }

# table [SIZE]: prints the figures of a section side by side, as "server + Redis" if both have a part. They are compared
# with those at SIZE, or at the smallest size.
table() {
    awk -F '\t' -v base="${1:-none}" '
        function cell(k) {
            if (!(k in value)) return "-"
            return redis[k] == "-" || redis[k] == 0 ? short(value[k]) : short(value[k] - redis[k]) " + " short(redis[k])
        }
        function short(v) { return sprintf(v >= 100 || v == int(v) ? "%.0f" : v >= 10 ? "%.1f" : "%.2f", v) }
        # Only the cost of an operation is compared: a rate or a wait over more connections means something else.
        function level(row, unit) {
            if (unit !~ /^(us|bytes)/ || times[row] < 2 || !first[row]) return "-"
            return sprintf("%.2f", last[row] / first[row])
        }
        NR == 1 { next }
        {
            row = $1 "\t" $2 "\t" $3
            if (!(row in seen)) { seen[row] = 1; rows[++count] = row; first[row] = $5 }
            if (!($4 in known)) { known[$4] = 1; sizes[++most] = $4 }
            if ($4 == base) first[row] = $5
            value[row, $4] = $5; redis[row, $4] = $6; last[row] = $5; times[row]++
        }
        END {
            line = "| store | what | unit |"; rule = "|---|---|---|"
            for (i = 1; i <= most; i++) { line = line " " sizes[i] " |"; rule = rule "--:|" }
            print line " level |\n" rule "--:|"
            for (r = 1; r <= count; r++) {
                split(rows[r], names, "\t")
                line = "| " names[1] " | " names[2] " | " names[3] " |"
                for (i = 1; i <= most; i++) line = line " " cell(rows[r] SUBSEP sizes[i]) " |"
                print line " " level(rows[r], names[3]) " |"
            }
        }' "$tsv"
}

# plot SECTION AXIS WHAT-REGEX UNIT: prints the store's figures by size, in the form of bench/plot.py.
plot() {
    awk -F '\t' -v axis="$2" -v what="^($3)$" -v unit="$4" '
        NR > 1 && $2 ~ what && $3 == unit {
            line = $2 ", " $1
            if (!(line in seen)) { seen[line] = 1; lines[++count] = line }
            if (!($4 in known)) { known[$4] = 1; sizes[++most] = $4 }
            value[line, $4] = $5
        }
        END {
            printf axis
            for (i = 1; i <= count; i++) printf "\t%s", lines[i]
            for (k = 1; k <= most; k++) {
                printf "\n%s", sizes[k]
                for (i = 1; i <= count; i++) printf "\t%s", (lines[i], sizes[k]) in value ? value[lines[i], sizes[k]] : "-"
            }
            print ""
        }' "$tsv" >"$results/growth-$1.plot.tsv"
    [ ! -x "$here/plot.py" ] || "$here/plot.py" lines --title "Growth: $1" --x "$2" --y "$4" --log-x \
        <"$results/growth-$1.plot.tsv" >"$results/growth-$1.svg"
}

# ---- Loads ----

# ask KIND COUNT VARIABLE=VALUE...: sends this many requests with growth.lua. Sets count and per_s, and per request
# server_us, redis_us and written, the bytes that the server wrote to the disk.
ask() {
    local kind=$1 most=$2 connections=$2
    shift 2
    [ "$connections" -le 64 ] || connections=64
    env KIND="$kind" COUNT="$most" CONNECTIONS="$connections" SERVER="$server" REDIS="$redis" "$@" \
        timeout "$limit_s" "${wrk[@]:-wrk}" -t1 -c"$connections" -d86400s --timeout 60s -s "$here/growth.lua" "$url" \
        >"$work/wrk" || fault "$most requests of kind $kind did not all get their answer"
    figures_read
}
# probe WHAT KIND COUNT VARIABLE=VALUE...: does the same and records the result: the median of three, without the first
# fifth.
probe() {
    local what=$1
    ask "$2" "$3" WARM=$(($3 / 5)) PARTS=3 "${@:4}"
    note "$what" 'us CPU' "$(awk -v a="$server_us" -v b="$redis_us" 'BEGIN { print a + b }')" "$redis_us" "$per_s"
    [ "$written" -eq 0 ] || note "$what, written" bytes "$written"
}
# Of several parts, takes the median by CPU.
figures_read() {
    awk '$1 == "figures" { n = $2 ? $2 : 1
        printf "%d %.0f %.2f %.2f %.0f\n", $2, $2 / $3, $4 / n, $5 / n, $6 / n }' "$work/wrk" |
        awk '{ print $3 + $4, $0 }' | sort -n >"$work/parts"
    read -r _ count per_s server_us redis_us written < <(awk '{ line[NR] = $0 }
        END { if (NR) print line[int((NR + 1) / 2)] }' "$work/parts") || fault "the load ended without figures"
}

# timed CONNECTIONS: makes new grants of a new discount for some time. Sets the same as ask, and p50_ms and p99_ms of
# the whole run.
timed() {
    local refused broken late answered stored
    id=$(create "$stock")
    KIND=grant DISCOUNT=$id CONNECTIONS=$1 SERVER=$server REDIS=$redis TAG=timed \
        "${wrk[@]:-wrk}" -t1 -c"$1" -d"$(awk -v a="$WARM_S" -v b="$RUN_S" 'BEGIN { printf "%d", a + b + 1 }')s" --timeout 10s \
        -s "$here/growth.lua" "$url" >"$work/wrk"
    figures_read
    read -r refused broken late p50_ms p99_ms < <(sed -n 's/^latency //p' "$work/wrk")
    answered=$(sed -n 's/^answered //p' "$work/wrk")
    stored=$(granted_count "$id")
    [ "$refused$broken$late" = 000 ] || fault "$refused answers were no grants, $broken connections broke, $late were late"
    [ "$count" -gt 0 ] || fault 'nothing was granted'
    [ "${stored:-0}" -ge "$answered" ] || fault "$answered grants were answered, ${stored:-0} are in the store"
    [ "$stored" -le $((answered + $1)) ] || fault "$answered grants were answered over $1 connections, but $stored are in the store"
}
timed_note() {
    note "grants/s$1" /s "$per_s"
    note "p50$1" ms "$p50_ms"
    note "p99$1" ms "$p99_ms"
    note "CPU of a grant$1" 'us CPU' "$(awk -v a="$server_us" -v b="$redis_us" 'BEGIN { print a + b }')" "$redis_us"
}

# ---- Content of the store ----

# walk PATH ITEM EXPECTED: reads a list page by page to its end; it must have this many items. Sets middle and last, the
# queries of a page there, or '' if there are too few pages.
walk() {
    local limit=100 pages items
    [ "$3" -le 20000 ] || limit=1000
    TARGET=$1 LIMIT=$limit ITEM=$2 timeout "$limit_s" "${wrk[@]:-wrk}" -t1 -c1 -d86400s --timeout 60s \
        -s "$here/growth_pages.lua" "$url" >"$work/wrk" || fault "$1 has no end"
    read -r pages items middle last < <(sed -n 's/^pages //p' "$work/wrk") || fault "$1 has no end"
    [ "$items" -eq "$3" ] || fault "$1 has $items items on $pages pages, and not $3"
    [ "$pages" -gt 2 ] || middle='' last=''
}
# pages PATH: measures the first page, one in the middle and the last one, of 100 items each, as found by walk.
pages() {
    probe 'page of 100: first' get "$page_probe" TARGET="$1?limit=100"
    [ -n "$last" ] || return 0
    probe 'page of 100: in the middle' get "$page_probe" TARGET="$1?limit=100&cursor=$middle"
    probe 'page of 100: at the end' get "$page_probe" TARGET="$1?limit=100&cursor=$last"
}
is_there() {
    local stored
    stored=$(granted_count "$id")
    [ "${stored:-none}" = "$1" ] || fault "$1 grants were answered, ${stored:-none} are in the store"
}
# Writes the ids of all discounts to $work/ids; there must be this many.
ids_read() {
    local listed
    curl -fs "$url/discount" | grep -o '"id":"[^"]*' | cut -d '"' -f 4 >"$work/ids" || true
    listed=$(wc -l <"$work/ids")
    [ "$listed" -eq "$1" ] || fault "$1 discounts were created, $listed are listed"
}

# Checks the number of grants of all discounts.
all_are_there() {
    local stored
    stored=$(curl -fs "$url/discount" | grep -o '"granted_count":[0-9]*' | awk -F : '{ n += $2 } END { printf "%d", n }') || true
    [ "$stored" -eq "$1" ] || fault "$1 grants were answered, $stored are in the store"
}

# ---- Bytes ----

# Sets bytes: of Redis's memory, or of SQLite's file. After the server has stopped, the log is in the file.
bytes_read() {
    if [ -n "$redis" ]; then
        bytes=$(redis-cli -p "$redis_port" info memory | tr -d '\r' | sed -n 's/^used_memory://p')
        return
    fi
    stop "$server"
    bytes=$(du -sb "$data" | cut -f 1)
    DISCOUNT_STORE=sqlite:$data/discount.db DISCOUNT_LISTEN=${url#http://} DISCOUNT_WORKERS=1 \
        "$binary" 2>>"$work/log" &
    server=$!
    wait_for curl -fs "$url/healthy"
}
# With few items the fixed size is larger than the data, so the figure would mean nothing.
stored_note() {
    bytes_read
    [ "$size" -lt 1000 ] || note 'stored for each' bytes "$(over $((bytes - empty)) "$size")"
}
# Prints KiB of a process: what it has, and the peak since peak_forget.
kib() { if [ -n "$2" ]; then sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$2/status"; else echo 0; fi; }
peak_forget() {
    local pid
    for pid in $server $redis; do echo 5 >"/proc/$pid/clear_refs"; done
}

# fresh WORKERS: starts a server on an empty store of this kind.
fresh() {
    stop_both
    start "$binary" "$store" "$1"
    bytes_read
    empty=$bytes
}

# ---- Sections ----

# One worker takes all these connections. It lets as many operations wait, and for as long as needed: with the defaults
# it would refuse some.
section_connections() {
    local alone
    for size in "${connection_counts[@]}"; do
        DISCOUNT_CONNECTIONS=$((size + 100)) DISCOUNT_IN_FLIGHT=$((size + 100)) \
            DISCOUNT_DEADLINE_MS=30000 fresh 1
        timed "$size"
        timed_note ''
        alone=${alone:-$(kib VmHWM "$server")}
        [ "$size" -lt 500 ] || note 'memory for each' KiB "$(over $(($(kib VmHWM "$server") - alone)) "$size")"
    done
}

section_workers() {
    local connections
    for size in "${worker_counts[@]}"; do
        for connections in 64 512; do
            fresh "$size"
            timed "$connections"
            timed_note ", $connections connections"
        done
    done
}

section_discounts() {
    local there=0 granted=0
    for size in "${discount_counts[@]}"; do
        if [ "$there" -eq 0 ] || [ "$there" -gt "$size" ]; then
            fresh 1
            there=0 granted=0
        fi
        ask create $((size - there)) FROM="$there"
        [ "$size" -lt $((probe * 2)) ] || note 'loading them' /s "$per_s"
        there=$size
        ids_read "$there"
        probe 'read of any' any "$probe" IDS="$work/ids"
        stored_note
        probe 'grant of any' spread "$probe" IDS="$work/ids" TAG="any-of-$size"
        granted=$((granted + probe))
        all_are_there "$granted"
        probe 'one more' create "$probe" FROM="$there"
        there=$((there + probe))
        ids_read "$there"
    done
}

section_grants() {
    local there=0
    for size in "${grant_counts[@]}"; do
        if [ "$there" -eq 0 ] || [ "$there" -gt "$size" ]; then
            fresh 1
            id=$(create "$stock")
            there=0
        fi
        ask grant $((size - there)) DISCOUNT="$id" FROM="$there"
        [ "$size" -lt $((probe * 2)) ] || note 'loading them' /s "$per_s"
        there=$size
        is_there "$there"
        stored_note
        probe 'new grant' grant "$probe" DISCOUNT="$id" FROM="$there"
        there=$((there + probe))
        is_there "$there"
        probe 'repeat of one' repeat "$probe" DISCOUNT="$id" FROM="$there"
        probe 'read of one' held "$probe" DISCOUNT="$id" FROM="$there"
        probe 'read of the discount' get "$probe" TARGET="/discount/$id"
        is_there "$there"
        walk "/discount/$id/grant" '"user_id":' "$there"
        pages "/discount/$id/grant"
    done
}

# stream PATH ITEM EXPECTED: reads the whole list once to measure it, and again to count it.
stream() {
    local items first_s total_s listed_bytes server_kib redis_kib
    peak_forget
    server_kib=$(kib VmRSS "$server") redis_kib=$(kib VmRSS "$redis")
    read -r first_s total_s listed_bytes < <(curl -fs -o /dev/null \
        -w '%{time_starttransfer} %{time_total} %{size_download}\n' "$url$1") || fault "$1 is not there"
    server_kib=$(($(kib VmHWM "$server") - server_kib)) redis_kib=$(($(kib VmHWM "$redis") - redis_kib))
    items=$(curl -fs "$url$1" | grep -o -- "$2" | wc -l) || true
    [ "$items" -eq "$3" ] || fault "$1 has $items items, and not $3"
    note 'streamed: first byte' us "$(over "$first_s" 0.000001)"
    note 'streamed: for each' us "$(over "${total_s}e6" "$3")"
    note 'streamed: in all' s "$total_s"
    note 'streamed: in all' MiB "$(over "$listed_bytes" 1048576)"
    note 'streamed: more memory of the server' KiB "$server_kib"
    [ -z "$redis" ] || note 'streamed: more memory of Redis' KiB "$redis_kib"
}
read_again_and_again() {
    while curl -fs -o /dev/null "$url$1"; do echo; done >"$work/read"
}
section_list() {
    for size in "${list_sizes[@]}"; do
        fresh 1
        ask create "$size"
        stream /discount '"id":' "$size"
        walk /discount '"id":' "$size"
        pages /discount
        timed 64
        timed_note ''
        read_again_and_again /discount &
        reader=$!
        timed 64
        timed_note ', the list streamed meanwhile'
        stop "$reader"
        reader=''
    done
}

# Users with a wallet of this size and users without one are granted the same discounts.
section_wallet() {
    local most=0 few=$((probe / 5)) granted=0
    for size in "${wallet_sizes[@]}"; do [ "$size" -le "$most" ] || most=$size; done
    size=$most
    fresh 1
    ask create $((most + few))
    ids_read $((most + few))
    for size in "${wallet_sizes[@]}"; do
        ask collect "$size" IDS="$work/ids" HOLDER="holder-$size"
        stream "/user/holder-$size/discount" '"id":' "$size"
        walk "/user/holder-$size/discount" '"id":' "$size"
        pages "/user/holder-$size/discount"
        probe 'new grant of its user' collect "$few" IDS="$work/ids" HOLDER="holder-$size" FROM="$size"
        walk "/user/holder-$size/discount" '"id":' $((size + few))
        probe 'new grant of other users' collect "$few" IDS="$work/ids" TAG="other-$size" FROM="$size"
        granted=$((granted + size + few * 2))
        all_are_there "$granted"
    done
}

for section in "${sections[@]}"; do
    declare -F "section_$section" >/dev/null || die "no such section: $section"
done
facts
echo "load      $RUN_S s a timed run, otherwise $probe requests over 64 connections, of single pages $page_probe; users: scattered"
for section in "${sections[@]}"; do
    tsv=$results/growth-$section.tsv
    printf 'store\twhat\tunit\tsize\tvalue\tof_redis\tper_s\n' >"$tsv"
    for store in "${stores[@]}"; do
        "section_$section"
        stop_both
    done
    printf '\n%s\n\n' "$section"
    case $section in connections) base=64 ;; discounts | wallet) base=100 ;; *) base='' ;; esac
    table "$base" | tee "$results/growth-$section.md"
    case $section in
    connections) plot "$section" connections 'CPU of a grant' 'us CPU' ;;
    workers) plot "$section" workers 'CPU of a grant.*' 'us CPU' ;;
    discounts) plot "$section" discounts 'read of any|grant of any|one more' 'us CPU' ;;
    grants) plot "$section" 'grants of the discount' 'new grant|repeat of one|read of one' 'us CPU' ;;
    list) plot "$section" discounts 'page of 100: (first|at the end)' 'us CPU' ;;
    wallet) plot "$section" 'discounts held' 'page of 100: (first|at the end)' 'us CPU' ;;
    esac
done
