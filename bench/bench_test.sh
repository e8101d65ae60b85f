#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests the benchmarks on a server whose count is right, too small or too large, and on one that refuses everything.
# What they print must be what is in the store. Four run at a time, since each mostly waits.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v wrk >/dev/null; then
    echo 'skipped: there is no wrk'
    [ "${REQUIRE_ALL:-0}" = 1 ] && exit 1
    exit 77
fi
outputs=$(mktemp -d)
mkdir "$outputs/said"
trap 'rm -rf "$outputs"' EXIT
export LIE

# expect NAME EXIT-CODE TEXT COMMAND...: requires the exit code and the output of a command.
expect() {
    while [ "$(jobs -rp | wc -l)" -ge 4 ]; do wait -n; done
    verdict "$@" >"$outputs/said/$1" &
}
verdict() {
    local name=$1 code=$2 text=$3 out
    shift 3
    out=$(RESULTS=$outputs/$name timeout 30 "$@" 2>&1)
    if [ $? -eq "$code" ] && grep -q -- "$text" <<<"$out"; then
        echo "ok $name"
    else
        printf 'not ok %s\n%s\n' "$name" "$out"
    fi
}

liar=$here/liar.py
export STORES=sqlite CONNECTIONS=2 GRANTS=2000 DISCOUNTS=2000 LIMIT_S=1 PROBE_S=0.1

LIE=honest expect stores_shows_what_is_in_the_store 0 '^| sqlite  *|  *2 |' "$here/stores.sh" "$liar" 1 1
LIE=few expect stores_fails_when_grants_are_missing 1 'FAULT: .* grants were answered, ' "$here/stores.sh" "$liar" 1 1
LIE=many expect stores_fails_when_there_are_too_many 1 'FAULT: .* but ' "$here/stores.sh" "$liar" 1 1
LIE=refuse expect stores_fails_when_grants_are_refused 1 'FAULT: .* were no grants' "$here/stores.sh" "$liar" 1 1
LIE=few expect grants_fails_when_grants_are_missing 1 'grants were answered, ' "$here/grants.sh" "$liar" 1 2 1 sqlite
LIE=honest expect refusals_fails_when_nobody_is_refused 1 'FAULT: .* were no refusals' "$here/refusals.sh" "$liar" 1
LIE=refuse expect refusals_fails_when_it_is_not_for_the_stock 1 'FAULT: .* as sold out' "$here/refusals.sh" "$liar" 1
LIE=honest expect memory_fails_when_the_load_does_not_end 1 'not loaded within' "$here/memory.sh" "$liar"

# For 50 discounts by popularity, with a liar instead of discountd, and instead of a peer.
export DISCOUNTS=50 MORE_CONNECTIONS='' WORKLOADS=zipf WARM_UP=0 CALLS_S=0
compare() { "$here/compare.sh" "$liar" 1 1; }
export -f compare
export here liar
LIE=honest CONTENDERS='sqlite liar' expect compare_shows_what_is_in_the_store 0 '^| liar  *|  *[1-9]' bash -c compare
LIE=few CONTENDERS=sqlite expect compare_fails_when_grants_are_missing 1 'FAULT: sqlite, zipf, .* grants were answered, ' bash -c compare
LIE=many CONTENDERS=sqlite expect compare_fails_when_there_are_too_many 1 'FAULT: sqlite, zipf, .* but ' bash -c compare
LIE=refuse CONTENDERS=sqlite expect compare_fails_when_grants_are_refused 1 'FAULT: sqlite, zipf, .* were no grants' bash -c compare
LIE=few CONTENDERS=liar WORKLOADS=hot expect compare_fails_when_a_peer_has_lost_grants 1 'FAULT: liar, hot, .* grants were answered, ' bash -c compare

# A request costs the liar about one call for each of its steps: wait, read, write.
if perf stat -e raw_syscalls:sys_enter true >/dev/null 2>&1 || command -v strace >/dev/null; then
    LIE=honest CALLS_S=1 CONTENDERS=sqlite expect compare_counts_system_calls 0 '^| discountd, SQLite, .*| *[1-5][.][0-9]* | *[0-9]* | *– |$' bash -c compare
else
    echo 'skipped compare_counts_system_calls: there is neither perf nor strace'
fi

# Tests medians, the ratio per round, and the plot, with figures whose result is known. CPU 20, 30 and 60 are 2, 3 and
# 1.5 times the ceiling's 10, 10 and 40 of the same rounds.
known() {
    printf '%s\n' workload connections contender round rate p50 p99 p999 server_us balancer_us redis_us calls peak_mib redis_mib | paste -s
    printf 'hot 64 ceiling %d 80000 1 2 3 %d 0 0 2.1 5 0\n' 1 10 2 10 3 40 | tr ' ' '\t'
    printf 'hot 64 redis %d 40000 1 2 3 %d 0 %d 4.5 8 20\n' 1 15 5 2 20 10 3 40 20 | tr ' ' '\t'
}
export -f known
# shellcheck disable=SC2016 # $here is the inner shell's
expect compare_shows_medians_and_ratios_of_one_round 0 \
    '^| discountd, Redis  *|  *40,000 .* 0.50 .* 20.0 |  *10.0 |  *30.0 |  *2.00 |  *4.50 |' bash -c 'known | "$here/compare.py" table'
# shellcheck disable=SC2016
expect compare_says_whether_the_aim_is_reached 0 'discountd, Redis: 2.00 (missed)' bash -c 'known | "$here/compare.py" table'
# The second part of a bar begins where the first ends, and is half as long: 0 0.5.
parts() {
    printf 'what\ta\tb\nbar\t20\t10\n' | "$here/plot.py" bars --title Title |
        sed -nE 's/.*class="(a|b)" x="([0-9.]+)" y="[0-9.]+" width="([0-9.]+)" height="20.0".*/\2 \3/p' |
        awk 'NR == 1 { end = $1 + $2; width = $2 } NR == 2 { printf "%.0f %.1f\n", $1 - end, $2 / width }'
}
export -f parts
expect plot_stacks_the_parts_of_a_bar 0 '^-*0 0.5$' bash -c parts
# shellcheck disable=SC2016
expect plot_refuses_a_table_with_a_hole 1 'as many cells' \
    bash -c 'printf "what\ta\tb\nbar\t20\n" | "$here/plot.py" bars --title Title'

in_memory=''
for place in $(findmnt -rnt tmpfs -o TARGET); do [ -w "$place" ] && in_memory=$place; done
if [ -n "$in_memory" ]; then
    DATA_DIR=$in_memory LIE=honest expect a_disk_in_memory_is_refused 1 tmpfs "$here/stores.sh" "$liar" 1 1
else
    echo 'skipped a_disk_in_memory_is_refused: there is none'
fi

wait
cat "$outputs"/said/*
passed=$(cat "$outputs"/said/* | grep -c '^ok ') failed=$(cat "$outputs"/said/* | grep -c '^not ok ')
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
