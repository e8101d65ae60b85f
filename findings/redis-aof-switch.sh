#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: a Redis that is started again with "appendonly yes" loads its snapshot and goes on from there.
# What happens: it starts empty, without an error, beside a full dump.rdb. CONFIG SET appendonly keeps everything.
# Why it matters: an operator who wants more durability loses all data. The next snapshot then replaces the last copy of it.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm redis-server=5:7.0.15-1~deb12u7 redis-tools=5:7.0.15-1~deb12u7
redis_libraries
start_redis
redis SET grants 3 >/dev/null
redis SAVE >/dev/null
stop_redis
start_redis --appendonly yes
restarted=$(redis DBSIZE)
stop_redis
rm -rf "$temp/appendonlydir"
start_redis
snapshot=$(redis DBSIZE)
redis CONFIG SET appendonly yes >/dev/null
until_true sh -c "'$temp/bookworm/usr/bin/redis-cli' -s '$temp/redis' INFO persistence | grep -q aof_rewrite_in_progress:0"
stop_redis
start_redis --appendonly yes
observe "$(cat <<'T'
keys in dump.rdb: 1
keys after a restart with appendonly yes: 0
keys after CONFIG SET appendonly yes and the same restart: 1
T
)" "keys in dump.rdb: $snapshot
keys after a restart with appendonly yes: $restarted
keys after CONFIG SET appendonly yes and the same restart: $(redis DBSIZE)"
