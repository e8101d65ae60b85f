#!/bin/bash
# SPDX-License-Identifier: MIT
# enter.sh ROOT WORK PRESET...: enters the read-only root, with the directory WORK as its /mnt, and runs the suite
# there. run.sh runs it in its own namespaces.
set -euo pipefail
root=$1 work=$2
shift 2

mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
mount --bind "$work" "$root/mnt"

# Nothing of this machine's environment is passed on. A test that cannot run is a failure, because everything is
# installed.
exec chroot "$root" /usr/bin/env --ignore-environment PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/tmp LC_ALL=C.UTF-8 REQUIRE_ALL=1 /bin/bash /mnt/tree/tests/debian13/suite.sh "$@"
