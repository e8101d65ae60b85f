# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A Debian 13 in a directory, with little more than the build and the suite need. Sourced; needs `isolated` of run.sh.

root_packages=gcc,libc6-dev,cmake,ninja-build,pkgconf,libmicrohttpd-dev,libhiredis-dev,libjansson-dev,libuv1-dev,uuid-dev
root_packages+=,libsqlite3-dev,libcmocka-dev,redis-server,nginx,slowhttptest,curl,iproute2,python3,python3-jsonschema,python3-yaml

# Installs the tools that make and enter it. If they are all there, it asks no mirror.
root_install() {
    command -v debootstrap >/dev/null && command -v unshare >/dev/null && command -v setpriv >/dev/null && return
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        debootstrap util-linux >/dev/null
}

# root_make CACHE WORK: sets `root`; it comes from the cache if this recipe made it before.
root_make() {
    root="$1/$(sha256sum "${BASH_SOURCE[0]}" | cut -c 1-16)"
    [ ! -d "$root" ] || return 0

    # shellcheck disable=SC2016 # apt-get expands them.
    root_mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
        awk '$2 !~ /-/ { print $1; exit }')
    [ -n "$root_mirror" ] || { echo "apt's sources name no mirror of Debian." >&2; return 1; }

    # Removes roots of other recipes, and leftovers of an interrupted run.
    rm -rf --one-file-system "${1:?}"/*/
    if ! isolated debootstrap --variant=minbase --include="$root_packages" trixie "$root.new" "$root_mirror" \
        >"$2/debootstrap" 2>&1; then
        tail -n 20 "$2/debootstrap" >&2
        return 1
    fi
    rm -rf "$root.new"/var/cache/apt/archives/*.deb "$root.new"/var/lib/apt/lists/* \
        "$root.new"/usr/share/{doc,man,locale}/*
    mv "$root.new" "$root"
}
