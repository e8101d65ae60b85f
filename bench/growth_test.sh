#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests the growth bench, with tiny sizes, on an honest server and on servers that lie. What it prints must be what is
# in the store.
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
export LIE BINARY=$here/growth_liar.py STORES=redis PROBE_S=0.1 PROBE=50 RUN_S=0.4 WARM_S=0.2 LIMIT_S=20
export CONNECTIONS='1 4' WORKERS=1 DISCOUNTS='1 60' GRANTS='1 60' LISTS='30 60' WALLETS='1 60'

# expect NAME EXIT-CODE TEXT LIE SECTION...: requires the exit code and the output. Four at a time.
expect() {
    while [ "$(jobs -rp | wc -l)" -ge 4 ]; do wait -n; done
    verdict "$@" >"$outputs/said/$1" &
}
verdict() {
    local name=$1 code=$2 text=$3 out
    LIE=$4
    shift 4
    out=$(RESULTS=$outputs/$name timeout 60 "$here/growth.sh" "$@" 2>&1)
    if [ $? -eq "$code" ] && grep -q -- "$text" <<<"$out"; then
        echo "ok $name"
    else
        printf 'not ok %s\n%s\n' "$name" "$out"
    fi
}

expect connections_are_measured 0 '^| redis | CPU of a grant | us CPU | [0-9]' honest connections
expect workers_are_measured 0 '^| redis | p99, 512 connections | ms | [0-9]' honest workers
expect discounts_are_measured 0 '^| redis | one more | us CPU | [0-9]' honest discounts
expect grants_are_measured 0 '^| redis | page of 100: first | us CPU | [0-9]' honest grants
expect a_list_is_measured 0 '^| redis | streamed: in all | s | [0-9]' honest list
expect a_wallet_is_measured 0 '^| redis | new grant of its user | us CPU | [0-9]' honest wallet
expect connections_fail_when_grants_are_missing 1 'FAULT: .* grants were answered, ' forget connections
expect connections_fail_when_there_are_too_many 1 'FAULT: .* over 1 connections, but ' double connections
expect connections_fail_when_grants_are_refused 1 'FAULT: .* answers were no grants' refuse connections
expect discounts_fail_when_some_are_missing 1 'FAULT: .* discounts were created, ' vanish discounts
expect grants_fail_when_some_are_missing 1 'FAULT: .* grants were answered, ' forget grants
expect grants_fail_when_they_are_refused 1 'FAULT: grant was answered 503' refuse grants
expect grants_fail_when_their_list_is_too_short 1 'FAULT: .* items on .* pages, and not ' hide grants
expect a_list_fails_that_is_too_short 1 'FAULT: .* items, and not 30' hide list
expect a_wallet_fails_that_is_too_short 1 'FAULT: .* items.* and not ' forget wallet
expect discounts_fail_when_grants_are_missing 1 'FAULT: .* grants were answered, ' forget discounts
expect a_section_that_is_none_is_refused 1 'no such section: grant$' honest grant

wait
cat "$outputs"/said/*
passed=$(cat "$outputs"/said/* | grep -c '^ok ') failed=$(cat "$outputs"/said/* | grep -c '^not ok ')
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
