#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A flash sale. Users arrive at their own times, even while others wait (open loop). Each wants one unit of a
# discount that has far fewer. Measures how long until all is sold, and how long winners and refused users wait.
# Checks whether every answer was true. Prints a table in Markdown. Every single run is a line of
# build/bench/flash_sale.tsv (or of a file in RESULTS=DIR).
#
#   bench/flash_sale.sh [BINARY [ROUNDS]]
#
#   CONTENDERS='sqlite redis redis-always nginx-2 threads nginx-lua fastify seed'
#               nginx-N are N replicas of discountd behind Nginx, over Redis without persistence.
#               threads to seed are in peers/peers.sh, the others in lib.sh.
#   RATES='10000 25000 50000' UNITS=1000   users who arrive in a second, and the stock
#   ARRIVALS    how many arrive in all; by default as many as in one second
#   CONNECTIONS=2000   open before the first user arrives. A user who finds none free waits, and that counts
#   AGAIN=2000  number of refused users who ask again afterwards, besides all others.
#   PATIENCE_MS=15000  how long to wait for answers after the last arrival, and again for the repeats
#   WORKERS=1   of discountd
#   PLOTS=DIR   also draws flash-sale-sold-out.svg, -winners.svg and -refused.svg there
#
# Every time is measured from the moment at which a user arrives. In these cases a run does not count, and the
# command fails. More units are stored than there are, or fewer although a user was refused. An answered grant is
# not stored, or a stored one was never answered. A user who asked after a refusal was granted a unit. A repeat
# got another answer.
#
# rush makes the load, with one thread on the same machine (RUSH is its path; by default it is beside BINARY).
# The table shows its share of a processor. lib.sh explains LOAD_ON, SERVE_ON and DATA_DIR.
set -euo pipefail
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
binary=${1:-$here/../build/release/discountd} rounds=${2:-3}
rush=${RUSH:-$(dirname "$binary")/bench/rush}
read -ra contenders <<<"${CONTENDERS:-sqlite redis redis-always nginx-2 threads nginx-lua fastify seed}"
read -ra rates <<<"${RATES:-10000 25000 50000}"
units=${UNITS:-1000} connections=${CONNECTIONS:-2000} again=${AGAIN:-2000} patience_ms=${PATIENCE_MS:-15000}
workers=${WORKERS:-1}
results=${RESULTS:-$peers_built}/flash_sale.tsv faults=0
columns=(rate contender round users units sold_out won win_p50 win_p99 win_p999 win_max refused refused_p50 refused_p99
    refused_p999 refused_max put_off other unanswered last_winner stored empty_after late rush_cpu)

[ -x "$rush" ] || die "there is no $rush: cmake --preset release && cmake --build --preset release"
ulimit -n "$(ulimit -Hn)"

contender_start() {
    case $1 in
    sqlite | redis | redis-always) start "$binary" "$1" "$workers" ;;
    nginx-[0-9]*) start_replicas "$binary" redis "$workers" "${1#nginx-}" ;;
    *) start_peer "$1" ;;
    esac
}

# ---- A run ----

# field NAME [OUTCOME]: prints a value of rush's output.
field() {
    if [ $# -eq 2 ]; then sed -E "s/.*\"$2\":\{([^}]*)\}.*/{\1}/" "$work/rush"; else cat "$work/rush"; fi |
        sed -E "s/.*[{,]\"$1\":([0-9.]+).*/\1/"
}

# verify RATE USERS STORED: sets fault, or '' for none.
verify() {
    local granted refused knowing
    granted=$(field count granted) refused=$(($(field count refused) + $(field now_refused)))
    knowing=$((granted + $(field now_granted)))
    fault=''
    if [ "$3" -gt "$units" ]; then
        fault="$3 of $units units are granted in the store"
    elif [ "$refused" -gt 0 ] && [ "$3" -lt "$units" ]; then
        fault="$refused were refused, but only $3 of $units units are granted in the store"
    elif [ "$3" -lt "$knowing" ]; then
        fault="$knowing were granted one, $3 are in the store"
    elif [ "$3" -gt $((knowing + $(field unsettled))) ]; then
        fault="$3 are in the store, of which $knowing know"
    elif [ "$(field granted_after_refusal)" -gt 0 ]; then
        fault="$(field granted_after_refusal) were granted one who asked after another was refused"
    elif [ "$(field different)" -gt 0 ]; then
        fault="$(field different) were told something else when they asked again"
    fi
}

# figures RATE USERS STORED: prints the run's columns from sold_out on.
figures() {
    local outcome
    field last_granted_ms
    for outcome in granted refused; do
        field count $outcome
        field p50_ms $outcome
        field p99_ms $outcome
        field p999_ms $outcome
        field max_ms $outcome
    done
    field count put_off
    field count other
    field unanswered
    field last_winner
    echo "$3"
    awk -v rate="$1" -v users="$2" -v last="$(field last_answer_ms)" \
        'BEGIN { ms = last - (users - 1) / rate * 1000; print ms < 0 ? 0 : ms }'
    field late_ms
    awk -v cpu="$(field cpu_ms)" -v ms="$(field last_answer_ms)" 'BEGIN { printf "%.0f\n", ms ? 100 * cpu / ms : 0 }'
}

# one RATE CONTENDER ROUND: writes a line of the results, or sets fault.
one() {
    local id stored users=${ARRIVALS:-$1}
    contender_start "$2"
    id=$(create "$units")
    ${LOAD_ON:+taskset -c "$LOAD_ON"} "$rush" --port "${url##*:}" --discount "$id" --rate "$1" --count "$users" --open \
        --connections "$connections" --again "$again" --patience "$patience_ms" >"$work/rush"
    stored=$(granted_count "$id")
    verify "$1" "$users" "${stored:--1}"
    # This peer may not end by itself after it had more clients than its threads take.
    [ "$2" != threads ] || kill -KILL "$server"
    stop_both
    if [ -n "$fault" ]; then
        echo "FAULT: $2, $1 users in a second, round $3: $fault" >&2
        faults=$((faults + 1))
        return
    fi
    { printf '%s\n' "$1" "$2" "$3" "$users" "$units"; figures "$1" "$users" "$stored"; } | paste -s >>"$results"
    printf '%-14s %6d/s, round %d: sold out after %8.1f ms, %d refused, p99 %8.1f ms\n' "$2" "$1" "$3" \
        "$(field last_granted_ms)" "$(field count refused)" "$(field p99_ms refused)" >&2
}

# ---- All of them ----

prepare() {
    local peers peer
    read -ra peers <<<"$(printf '%s\n' "${contenders[@]}" | grep -xE 'threads|nginx-lua|fastify|seed' | paste -sd ' ')"
    [ ${#peers[@]} -gt 0 ] || return 0
    peers_install "${peers[@]}"
    for peer in "${peers[@]}"; do peer_build "$peer"; done
}

mkdir -p "$(dirname "$results")"
prepare
{
    facts
    echo "load      rush, one thread${LOAD_ON:+ on $LOAD_ON}${SERVE_ON:+, all else on $SERVE_ON}; $connections connections, open before" \
        "the first arrives; $units units; afterwards all winners and $again of the refused ask again"
    echo "runs      $rounds, medians; workers: $workers; every run was verified"
} | tee "${results%.tsv}.facts" | sed 's/^/    /'
printf '%s\n' "${columns[@]}" | paste -s >"$results"
for round in $(seq "$rounds"); do
    for rate in "${rates[@]}"; do
        for contender in "${contenders[@]}"; do one "$rate" "$contender" "$round"; done
    done
done
"$here/flash_table.py" table <"$results"
[ -z "${PLOTS:-}" ] || "$here/flash_table.py" plot "$PLOTS" <"$results"
[ "$faults" -eq 0 ] || die "$faults runs do not count"
