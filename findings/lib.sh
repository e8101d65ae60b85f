# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the findings share: a temporary folder, public packages unpacked into it, a clean end, and a comparison. To be sourced.

temp=$(mktemp -d)
started=()

cleanup() {
    local status=$?
    trap - EXIT
    if [ "${#started[@]}" -gt 0 ]; then
        kill -CONT "${started[@]}" 2>/dev/null || true
        kill -KILL "${started[@]}" 2>/dev/null || true
        wait "${started[@]}" 2>/dev/null || true
    fi
    rm -rf "$temp"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# debian SUITE NAME=VERSION...: unpacks these packages below $temp/SUITE and prints their versions. It installs nothing.
# The mirror is the one that apt is configured with. FINDINGS_APT is a folder to keep lists and packages in.
debian() {
    local suite=$1 keys=/usr/share/keyrings/debian-archive-keyring.gpg mirror apt package
    shift
    local place=${FINDINGS_APT:-$temp/apt}/$suite
    # shellcheck disable=SC2016 # apt-get expands them.
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
        awk '$2 !~ /-/ { print $1; exit }')
    [ -n "$mirror" ] || { echo "apt's sources name no mirror of Debian." >&2; return 1; }

    mkdir -p "$place"/{state/lists/partial,cache/archives/partial,debs} "$temp/debs" "$temp/$suite"
    echo "deb [signed-by=$keys] $mirror $suite main" >"$place/sources"
    apt=(nice apt-get -qq -o Dir::State="$place/state" -o Dir::State::status=/dev/null -o Dir::Cache="$place/cache"
        -o Dir::Etc::SourceList="$place/sources" -o Dir::Etc::SourceParts=/dev/null
        -o Acquire::Languages=none -o APT::Sandbox::User="$(id -un)")
    if [ ! -e "$place/updated" ]; then
        "${apt[@]}" update
        touch "$place/updated"
    fi
    (cd "$place/debs" && "${apt[@]}" download "$@")
    for package; do
        dpkg-deb -x "$place/debs/${package%%=*}"_*.deb "$temp/$suite"
    done
    printf '%s\n' "${@/=/ }"
}

# node NAME@VERSION...: installs these packages of npm below $temp/node.
node_packages() {
    mkdir -p "$temp/node"
    (cd "$temp/node" && nice npm install --silent --no-audit --no-fund --ignore-scripts --no-save "$@" >/dev/null)
}

# program NAME LIBRARY...: compiles standard input into $temp/NAME with the unpacked headers and libraries of Debian 12.
program() {
    local name=$1 usr=$temp/bookworm/usr arch library libraries=()
    shift
    arch=$(gcc -print-multiarch)
    for library; do libraries+=("-l:$library"); done
    nice gcc -std=gnu11 -O1 -Wall -Werror -o "$temp/$name" -x c - -x none \
        -isystem "$usr/include" -isystem "$usr/include/$arch" -L "$usr/lib/$arch" -L "$temp/bookworm/lib/$arch" \
        -Wl,-rpath,"$usr/lib/$arch:$temp/bookworm/lib/$arch" "${libraries[@]}" -lpthread
}

# start COMMAND...: runs it in the background until the script ends.
start() {
    "$@" &
    started+=($!)
}

# start_nginx PROGRAM: runs an nginx with what standard input says for its block http, until its last socket below $temp is there.
start_nginx() {
    {
        printf 'daemon off; master_process off; pid %s/pid; events {}\nhttp {\naccess_log off;\n' "$temp"
        for kind in client_body proxy fastcgi uwsgi scgi; do printf '%s_temp_path %s/%s;\n' "$kind" "$temp" "$kind"; done
        cat
        echo '}'
    } >"$temp/nginx.conf"
    start "$@" -e "$temp/errors" -p "$temp" -c "$temp/nginx.conf"
    until_true test -S "$(sed -n 's/.*listen unix:\(.*\);/\1/p' "$temp/nginx.conf" | tail -n 1)"
}

# What Debian's Redis needs beside itself. Unpacked after it.
redis_libraries() {
    debian bookworm liblua5.1-0=5.1.5-9 lua-cjson=2.1.0+dfsg-2.2 lua-bitop=1.0.2-7 liblzf1=3.6-3 libjemalloc2=5.3.0-1 \
        libatomic1=12.2.0-14+deb12u1 >/dev/null
    export LD_LIBRARY_PATH
    LD_LIBRARY_PATH=$temp/bookworm/usr/lib/$(gcc -print-multiarch)
}

# start_redis OPTION...: runs the unpacked Redis with its socket and files in $temp, without snapshots, until it answers `redis`.
start_redis() {
    start "$temp/bookworm/usr/bin/redis-server" --port 0 --unixsocket "$temp/redis" --dir "$temp" --save '' "$@" >/dev/null
    until_true redis PING
}

stop_redis() {
    redis SHUTDOWN NOSAVE
    until_true test ! -S "$temp/redis"
}

redis() { "$temp/bookworm/usr/bin/redis-cli" -s "$temp/redis" "$@"; }

# until_true COMMAND...: waits up to ten seconds until the command succeeds.
until_true() {
    local i
    for ((i = 0; i < 200; i++)); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.05
    done
    echo "waited too long for: $*" >&2
    return 1
}

# observe EXPECTED ACTUAL: prints what was observed, and fails if it is not what was seen before.
observe() {
    printf '%s\n' "$2"
    [ "$1" != "$2" ] || return 0
    printf 'This has changed. Expected:\n%s\n' "$1" >&2
    return 1
}
