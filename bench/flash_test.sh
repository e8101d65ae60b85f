#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests bench/flash_sale.sh and rush on a server that lies. Each lie must be found, and what is no lie must pass.
# Waiting must count from a user's arrival.
#
#   bench/flash_test.sh [RUSH]      by default build/release/bench/rush
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export RUSH=${1:-$here/../build/release/bench/rush} LIE PYTHONDONTWRITEBYTECODE=1
if ! command -v wrk >/dev/null || [ ! -x "$RUSH" ]; then
    echo "skipped: there is no wrk, or no $RUSH"
    [ "${REQUIRE_ALL:-0}" = 1 ] && exit 1
    exit 77
fi
outputs=$(mktemp -d)
mkdir "$outputs/said"
trap 'rm -rf "$outputs"' EXIT
export CONTENDERS=sqlite PROBE_S=0.1 CONNECTIONS=20 RATES=1000 ARRIVALS=300 UNITS=100 AGAIN=50 PATIENCE_MS=3000

# expect NAME EXIT-CODE TEXT: runs a flash sale on the liar, with the settings in the environment. Three at a time.
expect() {
    while [ "$(jobs -rp | wc -l)" -ge 3 ]; do wait -n; done
    verdict "$@" >"$outputs/said/$1" &
}
verdict() {
    local out
    out=$(RESULTS=$outputs/$1 timeout 60 "$here/flash_sale.sh" "$here/flash_liar.py" 1 2>&1)
    if [ $? -eq "$2" ] && grep -qE -- "$3" <<<"$out"; then
        echo "ok $1"
    else
        printf 'not ok %s\n%s\n' "$1" "$out"
    fi
}
# column NAME TEST: checks a column of the last test's results with an awk expression of its value v.
column() {
    local value
    wait
    value=$(awk -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } NR == 2 { print $at }' \
        "$outputs/$1/flash_sale.tsv")
    if awk -v v="${value:-nothing}" "BEGIN { exit !(v != \"nothing\" && ($3)) }"; then
        echo "ok $1_$2" >"$outputs/said/$1_$2"
    else
        echo "not ok $1_$2: $value is not $3" >"$outputs/said/$1_$2"
    fi
}

LIE=honest expect an_honest_sale_counts 0 '\| discountd, SQLite.* 1,000 .* 100 \|.* 200 \|.* 100 \|'
LIE=oversell expect more_than_there_are_is_found 1 'FAULT: .*101 of 100 units'
LIE=keep expect a_unit_that_is_left_is_found 1 'FAULT: .*only 99 of 100 units'
LIE=lose expect a_lost_grant_is_found 1 'FAULT: .*(100 were granted one, 99 are|only 99 of 100)'
LIE=invent UNITS=400 expect an_invented_grant_is_found 1 'FAULT: .*301 are in the store, of which 300 know'
LIE=lose UNITS=400 expect a_lost_grant_of_an_unsold_stock_is_found 1 'FAULT: .*300 were granted one, 299 are'
LIE=late expect a_grant_after_a_refusal_is_found 1 'FAULT: .*were granted one who asked after another was refused'
LIE=change expect another_answer_to_who_asks_again_is_found 1 'FAULT: .*100 were told something else'
LIE=forget expect a_forgotten_grant_is_found 1 'FAULT: .*100 were told something else'
LIE=renew expect a_second_first_time_is_found 1 'FAULT: .*100 were told something else'
LIE=mute expect who_is_not_answered_asks_again 0 '\| discountd, SQLite'
LIE=busy expect who_is_put_off_asks_again 0 '\| discountd, SQLite'
LIE=close expect a_connection_that_ends_is_opened_again 0 '\| discountd, SQLite'
LIE=slow expect a_slow_sale_counts 0 '\| discountd, SQLite'
LIE=slow CONNECTIONS=1 ARRIVALS=10 UNITS=5 expect waiting_for_a_connection_counts 0 '\| discountd, SQLite'

column an_honest_sale_counts sold_out 'v >= 99'
column an_honest_sale_counts last_winner 'v == 100'
column an_honest_sale_counts other 'v == 0'
column who_is_not_answered_asks_again unanswered 'v == 10'
column who_is_not_answered_asks_again won 'v == 90'
column who_is_put_off_asks_again put_off 'v >= 10'
column a_connection_that_ends_is_opened_again unanswered 'v == 0'
column a_slow_sale_counts win_p50 'v >= 100'
# Ten users arrive within 9 ms and queue for one connection: the last one waits for all of them.
column waiting_for_a_connection_counts win_max 'v >= 490'
column waiting_for_a_connection_counts refused_max 'v >= 980'
column waiting_for_a_connection_counts empty_after 'v >= 980'

cat "$outputs"/said/*
passed=$(cat "$outputs"/said/* | grep -c '^ok ')
failed=$(cat "$outputs"/said/* | grep -c '^not ok ')
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -eq 26 ]
