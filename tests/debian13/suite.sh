#!/bin/bash
# SPDX-License-Identifier: MIT
# suite.sh PRESET...: builds and tests the tree for each preset, inside the root. The log is /mnt/PRESET.log. Run by
# enter.sh.
set -euo pipefail
cd /mnt/tree

versions() {
    # shellcheck disable=SC2016 # dpkg-query expands them.
    dpkg-query --show --showformat '${Package} ${Version}\n' 'libmicrohttpd1*' 'libhiredis[0-9]*' redis-server \
        libsqlite3-0 'libuv1t*' 'libjansson[0-9]*' libuuid1 nginx gcc-14 libc6 | awk 'NF == 2'
}

build() {
    cmake --preset "$1" -DDISCOUNT_TESTS=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=ON && cmake --build --preset "$1" -j 2
}

ip link set lo up
echo "Debian $(cat /etc/debian_version)"
versions
for preset in "$@"; do
    began=$SECONDS
    build "$preset" >"/mnt/$preset.log" 2>&1
    built=$SECONDS
    # The tests of the benchmarks need wrk, and test scripts that are the same on any Debian.
    ctest --preset "$preset" --verbose -j 2 -LE bench >>"/mnt/$preset.log" 2>&1
    echo "$preset: built in $((built - began)) s, tested in $((SECONDS - built)) s"
done
