#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Measures how many grants a second there are, and how much CPU each costs. All are of one discount, each for a
# new user, over keep-alive connections, against a release build. lib.sh explains the stores, DATA_DIR and USERS.
#
#   bench/grants.sh [BINARY [WORKERS [CONNECTIONS [SECONDS [STORE]]]]]
#
# Needs wrk, redis-server and curl. On a busy machine, run two binaries in turns and compare their CPU.
set -euo pipefail
# shellcheck source=bench/lib.sh
source "$(dirname "$0")/lib.sh"
binary=${1:-$here/../build/release/discountd} workers=${2:-1} connections=${3:-64} seconds=${4:-5}
store=${5:-redis}

start "$binary" "$store" "$workers"
grants_run "$connections" "$seconds"
awk -v rate="$rate" -v a="$server_us" -v b="$redis_us" \
    'BEGIN { printf "%d grants/s, CPU per grant: server %.1f us, Redis %.1f us, together %.1f us\n",
        rate, a, b, a + b }'
echo "p50 $p50_ms ms, p99 $p99_ms ms, $disk_bytes bytes to the disk per grant"
[ -z "$fault" ] || die "$fault"
