#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: out of memory, a script that only reads is answered, whichever way it is called.
# What happens: with "#!lua" as its first line, or as a function, it is refused before it begins, also by EVAL_RO and FCALL_RO.
# Why it matters: with one more line a script fails in an outage that it used to survive. Only flags=no-writes helps, and forbids writing.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm redis-server=5:7.0.15-1~deb12u7 redis-tools=5:7.0.15-1~deb12u7
redis_libraries
start_redis --maxmemory-policy noeviction
redis SET grant CODE >/dev/null
redis FUNCTION LOAD "#!lua name=shop
redis.register_function('read', function(keys) return redis.call('GET', keys[1]) end)" >/dev/null
redis CONFIG SET maxmemory 1 >/dev/null
old="return redis.call('GET', KEYS[1])"
new="#!lua
$old"
say() { redis "$@" | sed 's/^\(OOM\).*/\1/'; }
observe "$(cat <<'T'
GET: CODE
the script: CODE
the script after a line #!lua: OOM
the function: OOM
the function, by FCALL_RO: OOM
the script after #!lua, by EVAL_RO: OOM
the script after #!lua flags=no-writes: CODE
T
)" "GET: $(say GET grant)
the script: $(say EVAL "$old" 1 grant)
the script after a line #!lua: $(say EVAL "$new" 1 grant)
the function: $(say FCALL read 1 grant)
the function, by FCALL_RO: $(say FCALL_RO read 1 grant)
the script after #!lua, by EVAL_RO: $(say EVAL_RO "$new" 1 grant)
the script after #!lua flags=no-writes: $(say EVAL "#!lua flags=no-writes
$old" 1 grant)"
