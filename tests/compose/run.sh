#!/bin/bash
# SPDX-License-Identifier: MIT
# The compose test: builds the images, runs the README's commands as written, and counts grants exactly while replicas
# come, go and are killed. Run as root on Debian: tests/compose/run.sh
#
# It starts its own Docker engine. It leaves nothing behind except the base images in its cache, which make the next run
# fast. KEEP_LOGS=DIRECTORY keeps the logs of the engine and of the containers.
set -euo pipefail

compose_tests=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-/var/cache}/discount-compose
# shellcheck source=tests/compose/engine.sh
. "$compose_tests/engine.sh"
# shellcheck source=tests/compose/base_images.sh
. "$compose_tests/base_images.sh"

fail() {
    echo "FAIL $1"
    echo "0 passed, 1 failed"
    exit 1
}

finish() {
    status=$?
    trap - EXIT INT TERM
    if [ -n "${main_pid:-}" ]; then kill "$main_pid" 2>/dev/null || true; fi
    engine_stop || status=1
    if [ "$status" != 0 ]; then tail -n 25 "$work"/*.log >&2 || true; fi
    if [ -n "${KEEP_LOGS:-}" ]; then
        mkdir -p "$KEEP_LOGS"
        cp "$work"/*.log "$KEEP_LOGS" || true
    fi
    rm -rf --one-file-system "$work"
    exit "$status"
}

[ "$(id -u)" = 0 ] || fail "the test starts a Docker engine, so it must run as root"
"$compose_tests/install.sh" >/dev/null || fail "what the test needs can be installed"

# Two engines at a time would remove each other's iptables chains.
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

export PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d /tmp/discount-compose.XXXXXX)
trap finish EXIT
trap 'exit 130' INT TERM

python3 "$compose_tests/test_history.py" || fail "the checker finds planted faults"
engine_start "$work" || fail "the Docker engine starts"
base_images_load "$cache" "$work" || fail "the base images are made"

# In the background, so that a signal ends this script too, not only its child.
timeout 1500 python3 "$compose_tests/main.py" "$work" &
main_pid=$!
wait "$main_pid"
main_pid=""
