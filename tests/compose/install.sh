#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what the compose test needs. If everything is there, it does nothing and asks no mirror.
set -eu

packages="ca-certificates curl debootstrap docker-compose docker.io git iproute2 iptables procps python3 util-linux"

missing=""
for package in $packages; do
    status=$(dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # The list is split on purpose.
apt-get install -y -qq --no-install-recommends $missing
