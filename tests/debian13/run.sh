#!/bin/bash
# SPDX-License-Identifier: MIT
# The whole suite on Debian 13, which has newer libraries: libmicrohttpd 1.0, hiredis 1.2, Redis 8. Run as root on Debian:
# tests/debian13/run.sh [PRESET...], by default debug only.
#
# It makes a small Debian 13 with debootstrap. In it, it builds and tests a copy of this tree, in its own namespaces. Its
# mounts are visible nowhere else, and disappear in any case when it ends. Only the Debian stays, in the cache, which
# makes the next run fast.
set -euo pipefail

debian13_tests=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-/var/cache}/discount-debian13
# shellcheck source=tests/debian13/root.sh
. "$debian13_tests/root.sh"

fail() {
    echo "FAIL $1"
    echo "0 passed, 1 failed"
    exit 1
}

# shellcheck disable=SC2317 # The trap calls it.
finish() {
    status=$?
    trap - EXIT INT TERM
    if [ -n "${running:-}" ]; then
        kill -KILL "$running" 2>/dev/null || true
        wait "$running" 2>/dev/null || true
    fi
    rm -rf --one-file-system "$work"
    exit "$status"
}

# isolated COMMAND...: runs it so that it sees only its own processes, network and mounts, and ends with this script. It
# runs in the background, so that a signal ends this script too, not only its child.
isolated() {
    setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child --ipc --uts "$@" 9>&- &
    running=$!
    status=0
    wait "$running" || status=$?
    running=""
    return "$status"
}

# Copies the files of the tree as they are now, without build results.
copy_tree() {
    mkdir "$work/tree"
    cd "$debian13_tests/../.."
    git ls-files -z --cached --others --exclude-standard |
        tar --create --null --files-from - --ignore-failed-read | tar --extract --directory "$work/tree"
}

# Passed tests are counted in the logs: cmocka's counts, and lines such as "12 passed, 0 failed". Failed tests are those
# of ctest.
count() {
    awk '
        /\[  PASSED  \] [0-9]+ test/ { for (i = 1; i < NF; i++) if ($i == "]") passed += $(i + 1) }
        /^([0-9]+: )?[0-9]+ passed, [0-9]+ failed/ { sub(/^[0-9]+: /, ""); passed += $1 }
        /^ *[0-9]+\/[0-9]+ Test .*\*\*\*/ { failed++ }
        END { print passed + 0 " passed, " failed + 0 " failed" }' "$@"
}

if [ "$(id -u)" != 0 ]; then
    [ "${REQUIRE_ALL:-}" != 1 ] || fail "the test makes a Debian and enters it, so it must run as root"
    echo "SKIPPED: only root can make a Debian and enter it" >&2
    exit 0
fi
root_install || fail "what the test needs can be installed"
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
work=$(mktemp -d /tmp/discount-debian13.XXXXXX)
trap finish EXIT
trap 'exit 130' INT TERM

began=$SECONDS
root_make "$cache" "$work" || fail "Debian 13 is made"
copy_tree
echo "Debian 13 is there after $((SECONDS - began)) s"

status=0
isolated --net "$debian13_tests/enter.sh" "$root" "$work" "${@:-debug}" || status=$?
sums=$(count "$work"/*.log)
if [ "$status" != 0 ]; then
    # Shows the logs to find the reason, but without the counts, which would be counted twice.
    cat "$work"/*.log | grep -vE '\[  (PASSED|FAILED)  \] .*[0-9]+ test|[0-9]+ passed, [0-9]+ failed' || true
    case $sums in *" 0 failed") sums="${sums% 0 failed} 1 failed" ;; esac
fi
echo "$sums"
exit "$status"
