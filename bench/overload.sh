#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Ten times more requests than the store can serve. Measures how many are served, how long that takes, and how soon
# the others are refused. Also whether the process still answers, and how long the recovery takes.
#
#   bench/overload.sh [BINARY [SECONDS [TIMES]]]
#
#   DISCOUNTS='1 100' (numbers of discounts that share the grants) WORKERS=2 CONNECTIONS=4000 CPU_MS=2
#
# A cgroup gives Redis CPU_MS of a processor in every 100 ms. So Redis is the bottleneck, not the machine, which also
# makes the load. This needs root and cgroups of version 1. The best rate is the maximum over 64, 256 and 1024 clients
# that wait for their answers. SQLite runs in the serving process, so it cannot be slowed down alone.
#
# Needs rush beside BINARY (bench/CMakeLists.txt), and what lib.sh needs.
set -euo pipefail
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
binary=${1:-$here/../build/release/discountd} seconds=${2:-10} times=${3:-10}
rush=$(dirname "$binary")/bench/rush
workers=${WORKERS:-2} connections=${CONNECTIONS:-4000} cpu_ms=${CPU_MS:-2}
read -ra discount_counts <<<"${DISCOUNTS:-1 100}"
group=/sys/fs/cgroup/cpu/discount-overload-$$
faults=0 probe=''

[ -x "$rush" ] || die "there is no $rush"
mkdir "$group" 2>/dev/null || { echo "skipped: $group cannot be made"; exit 77; }
trap '[ $? -eq 0 ] || logs_show; stop "$probe"; stop_both; rmdir "$group"; rm -rf "$work"' EXIT
ulimit -n "$(ulimit -Hn)"

# field NAME [OUTCOME]: prints a value of rush's output in $work/rush.
field() {
    if [ $# -eq 2 ]; then sed -E "s/.*\"$2\":\{([^}]*)\}.*/{\1}/" "$work/rush"; else cat "$work/rush"; fi |
        sed -E "s/.*[{,]\"$1\":([0-9.]+).*/\1/"
}
# rush_run RATE COUNT CONNECTIONS PREFIX: makes grants of all $ids, each for a new user. Sets rate: grants per second.
rush_run() {
    "$rush" --port "${url##*:}" "${discounts[@]}" --rate "$1" --count "$2" --connections "$3" --prefix "$4" \
        >"$work/rush"
    rate=$(awk -v n="$(field count granted)" -v ms="$(field last_granted_ms)" \
        'BEGIN { printf "%.0f", ms ? n * 1000 / ms : 0 }')
}
# With more clients than the store serves without a wait, and fewer than it refuses.
best_find() {
    local clients
    best=0
    for clients in 64 256 1024; do
        rush_run 100000 6000 "$clients" "best-$clients-"
        [ "$rate" -le "$best" ] || best=$rate
    done
    [ "$best" -gt 0 ] || die 'nothing was granted'
}
livez_probe() {
    while curl -s -m 10 -o /dev/null -w '%{time_total}\n' "$url/livez"; do sleep 0.1; done >"$work/livez"
}
# Prints the milliseconds until a new user, who asks again and again, is granted a unit.
recovery() {
    local began now
    began=$(date +%s%N)
    until curl -fs -o /dev/null "$url/discount/${ids[0]}/grant" -H 'Content-Type: application/json' \
        -d '{"user_id":"after"}'; do :; done
    now=$(date +%s%N)
    awk -v ns=$((now - began)) 'BEGIN { printf "%.0f", ns / 1e6 }'
}
problems() {
    curl -fs "$url/metrics" | sed -n "s/^discount_http_problems_total{problem=\"$1\"} //p" | grep . || echo 0
}
granted_in_all() {
    local sum=0 id
    for id in "${ids[@]}"; do sum=$((sum + $(granted_count "$id"))); done
    echo "$sum"
}

# one DISCOUNTS: prints a line of the table.
one() {
    local stored unknown again livez
    start "$binary" redis "$workers"
    echo 100000 >"$group/cpu.cfs_period_us"
    echo $((cpu_ms * 1000)) >"$group/cpu.cfs_quota_us"
    ids=() discounts=()
    for _ in $(seq "$1"); do
        ids+=("$(create 1000000000)")
        discounts+=(--discount "${ids[-1]}")
    done
    echo "$redis" >"$group/cgroup.procs"
    best_find
    stored=$(granted_in_all) unknown=$(problems outcome-unknown)
    livez_probe &
    probe=$!
    rush_run $((best * times)) $((best * times * seconds)) "$connections" over-
    again=$(recovery)
    stop "$probe"
    probe=''
    livez=$(sort -n "$work/livez" | awk '{ v[NR] = $1 * 1000 } END { printf "%.1f/%.1f", v[int((NR + 1) / 2)], v[NR] }')
    unknown=$(($(problems outcome-unknown) - unknown))
    stored=$(($(granted_in_all) - stored - 1))
    if [ "$stored" -lt "$(field count granted)" ] ||
        [ "$stored" -gt $(($(field count granted) + unknown + $(field unanswered))) ]; then
        echo "FAULT: $(field count granted) grants were answered and $unknown unknown, $stored are in the store" >&2
        faults=$((faults + 1))
    fi
    printf '| %9d | %6d | %7d | %9d | %5.2f | %7.0f | %7.0f | %7d | %7.1f | %7.1f | %7d | %8d | %9s | %5d |\n' "$1" "$best" \
        $((best * times)) "$rate" "$(awk -v a="$rate" -v b="$best" 'BEGIN { print a / b }')" \
        "$(field p50_ms granted)" "$(field p99_ms granted)" "$(field count put_off)" "$(field p50_ms put_off)" \
        "$(field p99_ms put_off)" "$unknown" "$(field unanswered)" "$livez" "$again"
    stop_both
}

facts
echo "load      $times times the best for $seconds s over at most $connections connections; Redis has $cpu_ms ms of a processor" \
    "in 100 ms; workers: $workers; /livez: median/most"
echo
printf '| %9s | %6s | %7s | %9s | %5s | %7s | %7s | %7s | %7s | %7s | %7s | %8s | %9s | %5s |\n' discounts best/s asked/s granted/s ratio \
    'p50 ms' 'p99 ms' refused 'p50 ms' 'p99 ms' unknown no\ answer livez\ ms again
echo '|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|'
for count in "${discount_counts[@]}"; do
    one "$count"
done
[ "$faults" -eq 0 ] || die "$faults runs do not count"
