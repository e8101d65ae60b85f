#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests ./start on copies of the tree. Its effects on a machine are tested in worlds: a PATH of stubs that record
# their calls. Its use by a person is tested for real, with a Redis.
# shellcheck disable=SC2016 # The stubs expand what they are made of.
set -u
cd "$(dirname "$0")/.." || exit 2

work=$(mktemp -d)
service=build/release/discountd
redis_pid='' pid=''
passed=0 failed=0 skipped=0

finish() {
    [ -z "$pid" ] || kill -KILL -- "-$pid" 2>/dev/null
    # It writes into the directory until it ends.
    [ -z "$redis_pid" ] || { kill "$redis_pid" && wait "$redis_pid"; } 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

# ---- Checks ----

# expect NAME COMMAND...: one test; it passes if the command does.
expect() {
    local name=$1
    shift
    if "$@" >/dev/null 2>&1; then
        passed=$((passed + 1))
    else
        echo "not ok: $name"
        failed=$((failed + 1))
        [ ! -e "$world/out" ] || sed 's/^/    /' "$world/out"
    fi
}

# Skips a test that cannot run. Where nobody would notice the skip, it is a failure.
skip() {
    echo "skipped: $1"
    if [ "${REQUIRE_ALL:-0}" = 1 ]; then failed=$((failed + 1)); else skipped=$((skipped + 1)); fi
}

not() {
    ! "$@"
}

# within SECONDS COMMAND...: repeats the command until it succeeds.
within() {
    local ends=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$ends" ] || return 1
        sleep 0.05
    done
}

said() {
    grep -qE -- "$1" "$world/out"
}

asked() {
    grep -qE -- "$1" "$world/asked"
}

code_is() {
    [ "$code" = "$1" ]
}

# ---- Worlds ----

# world NAME [THING...]: a machine on which root works and these things of `start` are missing. Its commands are stubs.
# They leave the same files as CMake, apt-get and discountd would.
world() {
    world=$work/$1
    shift
    mkdir -p "$world/bin" "$world/tree/build" "$world/missing"
    cp start "$world/tree"
    : >"$world/asked"
    local name
    for name in bash cat cut dirname env grep head mkdir readlink rm setsid sleep sort touch chmod; do
        ln -s "$(command -v "$name")" "$world/bin/$name"
    done
    stub id 'echo 0'
    stub apt-get '
        if read -r -t 5 line; then echo "apt-get was told $line" >>"$world/asked"; fi
        echo "apt-get $* DEBIAN_FRONTEND=${DEBIAN_FRONTEND:-}" >>"$world/asked"
        echo "words of apt-get"
        [ "$1" = update ] || rm -f "$world"/missing/*'
    stub sudo 'echo "sudo $*" >>"$world/asked"; env "$@"'
    stub gcc '[ ! -e "$world/missing/libc6-dev" ]'
    stub ninja 'true'
    stub pkg-config '[ ! -e "$world/missing/${!#}" ]'
    stub cmake '
        [ "$*" != --version ] || { echo "cmake version 3.25.1"; exit; }
        echo "cmake $*" >>"$world/asked"
        echo "words of cmake"
        mkdir -p build/release
        touch build/release/build.ninja
        echo "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" >build/release/CMakeCache.txt
        cat "$world/discountd" >build/release/discountd
        chmod +x build/release/discountd'
    service_is 'echo "discountd $* as $$ with ${DISCOUNT_STORE:-}" >>"$world/asked"'
    for name; do
        if [ -e "$world/bin/$name" ]; then rm "$world/bin/$name"; else touch "$world/missing/$name"; fi
    done
}

# stub NAME BODY
stub() {
    printf '#!/usr/bin/env bash\nworld=%q\n%s\n' "$world" "$2" >"$world/bin/$1"
    chmod +x "$world/bin/$1"
}

service_is() {
    printf '#!/usr/bin/env bash\nworld=%q\n%s\n' "$world" "$1" >"$world/discountd"
}

# start [ARGUMENT...]: runs it in the world to its end, and keeps its exit code.
start() {
    : >"$world/asked"
    (cd / && PATH=$world/bin exec "$world/tree/start" "$@") <<<'an answer' >"$world/out" 2>&1
    code=$?
}

usage_is_shown() {
    local option
    world usage gcc apt-get
    for option in --help -h; do
        start "$option"
        expect "$option exits with 0" code_is 0
        expect "$option says what ./start does" said 'builds the Discount API'
        expect "$option names DISCOUNT_STORE" said '^ +DISCOUNT_STORE '
        expect "$option names DISCOUNT_LISTEN" said '^ +DISCOUNT_LISTEN '
        expect "$option says how to end it" said 'Ctrl-C'
        expect "$option says what a path is relative to" said 'relative to this tree'
        expect "$option does nothing" not asked .
    done
    start --fast
    expect "an unknown argument is refused" code_is 2
    expect "an unknown argument does nothing" not asked .
    start --help me
    expect "two arguments are refused" code_is 2
    "$world/tree/start" --fast 2>/dev/null >"$world/out"
    expect "the usage after a fault is not output" not said .
}

complete_machine_is_left_alone() {
    world complete
    DISCOUNT_STORE=redis://somewhere start
    expect "on a complete machine it builds and serves" code_is 0
    expect "on a complete machine apt-get is not called" not asked apt-get
    expect "on a complete machine sudo is not called" not asked sudo
    expect "it says that it builds" said "^start: building $service$"
    expect "it configures release without tests" asked '^cmake .*--preset release .*-DDISCOUNT_TESTS=OFF'
    expect "it builds release, the service only" asked '^cmake --build --preset release --target discountd$'
    expect "a build that succeeds is quiet" not said 'words of cmake'
    expect "DISCOUNT_STORE reaches the service" asked '^discountd  as [0-9]+ with redis://somewhere$'

    start
    expect "the second time it serves" asked '^discountd'
    expect "the second time nothing is configured" not asked '^cmake .*DISCOUNT_TESTS'
    sed -i 's/INTERNAL=.*/INTERNAL=elsewhere/' "$world/tree/build/release/CMakeCache.txt"
    start
    expect "a tree that was moved is configured afresh" asked '^cmake --fresh '
}

root_installs_what_is_missing() {
    world root jansson uuid
    start
    expect "root: it serves in the end" asked '^discountd'
    expect "root: it says what is installed, no more" said '^start: installing libjansson-dev uuid-dev$'
    expect "root: apt-get gets what was said" asked ' libjansson-dev uuid-dev DEBIAN'
    expect "root: apt-get asks nothing" asked '^apt-get install -y .*DEBIAN_FRONTEND=noninteractive$'
    expect "root: apt-get cannot read answers" not asked 'was told'
    expect "root: nothing is installed beyond the need" asked '^apt-get install .*--no-install-recommends'
    expect "root: the lists are fetched first" [ "$(head -n 1 "$world/asked" | cut -d ' ' -f 2)" = update ]
    expect "root: apt-get is quiet" not said 'words of apt-get'
    expect "root: sudo is not called" not asked sudo
    start
    expect "root: the second time apt-get is not called" not asked apt-get

    world bare libc6-dev cmake ninja pkg-config
    stub apt-get 'echo "apt-get $*" >>"$world/asked"'
    start
    expect "a bare machine gets all of it" asked "gcc libc6-dev cmake ninja-build pkg-config \
libmicrohttpd-dev libhiredis-dev libjansson-dev libuv1-dev uuid-dev libsqlite3-dev$"

    world stale-source jansson
    stub apt-get '[ "$1" = install ] && rm -f "$world"/missing/*'
    start
    expect "a source without lists stops nothing" asked '^discountd'
}

another_user_takes_sudo() {
    world user jansson
    stub id 'echo 1000'
    start
    expect "sudo: it serves in the end" asked '^discountd'
    expect "sudo: it says what is installed" said '^start: installing libjansson-dev$'
    expect "sudo: it installs" asked '^sudo DEBIAN_FRONTEND=noninteractive apt-get install '
    expect "sudo: it fetches the lists" asked '^sudo DEBIAN_FRONTEND=noninteractive apt-get update$'

    world nobody jansson sudo
    stub id 'echo 1000'
    start
    expect "without sudo it exits with 1" code_is 1
    expect "without sudo it says what root must do" said '^start: .*root.*apt-get install libjansson-dev$'
    expect "without sudo nothing is tried" not asked .
}

apt_failure_is_shown() {
    world refused jansson
    stub apt-get 'echo "words of apt-get"; exit 100'
    start
    expect "apt-get failing: exit code 1" code_is 1
    expect "apt-get failing: its words are shown" said 'words of apt-get'
    expect "apt-get failing: what it was about" said '^start: apt-get could not install: libjansson-dev$'
    expect "apt-get failing: nothing is built" not asked cmake

    world old-release jansson
    stub cmake '[ "$*" != --version ] || echo "cmake version 3.18.4"'
    start
    expect "apt-get having less than is needed: exit code 1" code_is 1
    expect "apt-get having less than is needed: it is named" said '^ +CMake 3.25 or newer$'
    expect "apt-get having less than is needed: no more is named" not said '^ +(jansson|Ninja)'
}

without_apt_it_says_what_to_install() {
    local name
    world fedora apt-get sudo jansson ninja
    start
    expect "without apt-get: exit code 1" code_is 1
    expect "without apt-get: jansson is named" said '^ +jansson 2.13 or newer$'
    expect "without apt-get: Ninja is named" said '^ +Ninja$'
    expect "without apt-get: what is there is not named" [ "$(grep -c '^ ' "$world/out")" = 2 ]
    expect "without apt-get: nothing is built" not asked cmake
    rm "$world/missing/jansson"
    stub ninja-build 'true'
    start
    expect "without apt-get, with everything there, it serves" asked '^discountd'

    world empty apt-get sudo gcc cmake ninja pkg-config
    start
    for name in gcc 'CMake 3.25' Ninja pkg-config 'libmicrohttpd 0.9.75' hiredis jansson libuv \
        libuuid 'SQLite 3.37'; do
        expect "on an empty machine $name is named" said "^ +.*$name"
    done
}

build_failure_is_shown() {
    world broken
    stub cmake '
        [ "$*" != --version ] || { echo "cmake version 3.30.2-rc1"; exit; }
        echo "cmake $*" >>"$world/asked"
        echo "words of cmake"; echo "complaint" >&2; exit 3'
    start
    expect "configuration failing: exit code 1" code_is 1
    expect "configuration failing: what was said is shown" said 'words of cmake'
    expect "configuration failing: nothing is built" not asked 'cmake --build'
    mkdir "$world/tree/build/release"
    touch "$world/tree/build/release/build.ninja"
    echo "CMAKE_HOME_DIRECTORY:INTERNAL=$world/tree" >"$world/tree/build/release/CMakeCache.txt"
    start
    expect "build failing: exit code 1" code_is 1
    expect "build failing: the complaint is shown" said '^complaint$'
    expect "build failing: it says so" said '^start: the build failed$'
    expect "build failing: it was tried" asked 'cmake --build'
}

it_becomes_the_service() {
    world becomes
    service_is 'echo "last words" >&2; exit 7'
    start
    expect "the exit code is the service's" code_is 7
    expect "the service's words are passed on" within 5 said '^last words$'
    expect "an address that was not named is not announced" not said 'curl'
}

ctrl_c_ends_a_build() {
    world impatient
    stub cmake '
        [ "$*" != --version ] || { echo "cmake version 3.25.1"; exit; }
        echo building >>"$world/asked"
        exec sleep 600'
    start_in_background
    expect "a build begins" within 10 asked building
    kill -INT -- "-$pid"
    expect "Ctrl-C ends a build" within 10 gone
    start_is_over
    expect "a build that was ended is a failure" [ "$code" -gt 0 ]
    expect "a build that was ended is not gone on with" [ "$(wc -l <"$world/asked")" = 1 ]
}

every_library_is_known() {
    local library check
    world libraries
    while read -r library; do
        case $library in
            *'>='*) check="--atleast-version=${library#*>=} ${library%>=*}" ;;
            *) check="--exists $library" ;;
        esac
        expect "$library of CMakeLists.txt is known" grep -qF -- "$check" start
    done < <(sed -n 's/^pkg_check_modules(.* \([a-z0-9.>=]*\))$/\1/p' CMakeLists.txt)
    expect "CMake of CMakeLists.txt is known" \
        grep -qF "CMake $(sed -n 's/^cmake_minimum_required(VERSION \(.*\))/\1/p' CMakeLists.txt) " start
}

# By whatever name it is called, it serves the tree that it is in.
its_own_tree_is_served() {
    local world_path
    world links
    world_path=$world/bin
    ln -s "$world/tree/start" "$world/linked-start"
    ln -s linked-start "$world/linked-twice"
    (cd / && PATH=$world_path exec "$world/linked-twice") >"$world/out" 2>&1
    code=$?
    expect "through a link: it serves" code_is 0
    expect "through a link: its own tree is built" [ -x "$world/tree/$service" ]

    world cdpath
    world_path=$world/bin
    mkdir -p "$world/elsewhere"
    cp -r "$world/tree" "$world/elsewhere/sub"
    mv "$world/tree" "$world/sub"
    (cd "$world" && CDPATH=$world/elsewhere PATH=$world_path exec bash sub/start) >"$world/out" 2>&1
    code=$?
    expect "with CDPATH: it serves" code_is 0
    expect "with CDPATH: its own tree is built" [ -x "$world/sub/$service" ]
    expect "with CDPATH: nothing is built elsewhere" [ ! -e "$world/elsewhere/sub/$service" ]
    mv "$world/sub" "$world/-tree"
    (cd "$world" && PATH=$world_path exec bash -- -tree/start) >"$world/out" 2>&1
    code=$?
    expect "a tree whose name begins with a dash is served" code_is 0
}

# ---- The real thing ----

# start_in_background: starts it as the leader of a process group, as in a terminal. Ctrl-C is a signal to the whole
# group; bash would let its own background children ignore it.
start_in_background() {
    : >"$world/out"
    (cd / && exec env --default-signal=INT "PATH=${real_path:-$world/bin}" setsid "$world/tree/start") \
        </dev/null >"$world/out" 2>&1 &
    pid=$!
}

gone() {
    [ ! -e "/proc/$pid" ] || [ "$(cut -d ' ' -f 3 "/proc/$pid/stat")" = Z ]
}

# Zombies do not count: they wait for init.
group_lives() {
    cat /proc/[0-9]*/stat 2>/dev/null |
        awk -v group="$1" '$5 == group && $3 != "Z" { found = 1 } END { exit !found }'
}

# Keeps its exit code. If it did not end in time, this does not wait.
start_is_over() {
    gone || kill -KILL -- "-$pid"
    wait "$pid" 2>/dev/null
    code=$?
    pid=''
}

# Runs the real ./start until it has announced its port. Later checks need the port.
serve() {
    start_in_background
    within 60 announced_or_gone
    port=$(announced_port)
    expect "it announces its address" [ -n "$port" ]
    [ -n "$port" ] || start_is_over
    [ -n "$port" ]
}

announced_or_gone() {
    [ -n "$(announced_port)" ] || gone
}

announced_port() {
    sed -n 's/^The Discount API is on http:\/\/[^ ]*:\([0-9]*\) .*/\1/p' "$world/out"
}

announced_host() {
    sed -n 's/^The Discount API is on http:\/\/\([^ ]*\):[0-9]* .*/\1/p' "$world/out"
}

# connects PORT [HOST]
connects() {
    (exec 3<>"/dev/tcp/${2:-127.0.0.1}/$1") 2>/dev/null
}

# Starts a Redis for this test on a random free port. If another process takes the port, it tries another one.
start_redis() {
    local attempt
    command -v redis-server >/dev/null || return 1
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        redis_port=$((20000 + RANDOM % 12000))
        redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --dir "$work" \
            --logfile "$work/redis.log" &
        redis_pid=$!
        within 5 redis_runs_or_not
        kill -0 "$redis_pid" 2>/dev/null && return 0
        echo "attempt $attempt: port $redis_port is taken"
    done
    redis_pid=''
    return 1
}

redis_runs_or_not() {
    ! kill -0 "$redis_pid" || grep -q 'Ready to accept connections' "$work/redis.log"
}

# Returns the command as a person would copy it.
announced_command() {
    sed -n '/^curl /,/^$/p' "$world/out"
}

announced_command_creates() {
    bash -c "$(announced_command) --silent --show-error --fail --max-time 10 --output '$world/answer'" &&
        grep -q '"brand_id":"IKEA"' "$world/answer"
}

announced_command_can_be_run() {
    if command -v curl >/dev/null; then
        expect "$1: the command that is shown creates a discount" announced_command_creates
    else
        skip "$1: the command that is shown creates a discount (no curl here)"
    fi
}

objects() {
    find "$world/tree/build/release" \( -name '*.o' -o -name discountd \) -printf '%p %T@ %i\n' | sort
}

newcomer_is_served() {
    world=$work/newcomer real_path=$PATH
    mkdir -p "$world/tree"
    # Uncommitted files count too; removed ones do not.
    git ls-files --cached --others --exclude-standard | while read -r file; do
        [ ! -e "$file" ] || cp --parents "$file" "$world/tree"
    done
    export DISCOUNT_LISTEN=127.0.0.1:0 DISCOUNT_STORE=redis://127.0.0.1:$redis_port DISCOUNT_DRAIN_MS=100

    serve || return
    expect "what is announced is the port of the log" said "discountd .* on http://127.0.0.1:$port$"
    expect "what is announced listens" connects "$port"
    announced_command_can_be_run "Redis"
    expect "the discount is in the Redis that was named" redis_has_it
    end_with -INT "-$pid" "Ctrl-C"

    local before
    before=$(objects)
    serve || return
    expect "the second time it serves" connects "$port"
    expect "the second time nothing is compiled" [ "$(objects)" = "$before" ]
    busy_port_is_said
    end_with -TERM "$pid" "SIGTERM"
}

# The README's own commands: ./start, which was tested above, the build by hand, and all that its test runs.
readme_is_true() {
    local build=build/readme-build.log
    export -n DISCOUNT_LISTEN DISCOUNT_STORE DISCOUNT_DRAIN_MS
    if ! command -v python3 >/dev/null || ! command -v curl >/dev/null; then
        skip "the README's commands (no python3 or no curl here)"
        return
    fi
    expect "README: its first command is ./start" [ "$(readme_block ./start)" = ./start ]
    expect "README: the build by hand builds" \
        bash -c "cd '$world/tree' && $(readme_block cmake | head -n 1) >$build 2>&1"
    expect "README: every command is tried" readme_test_passes
    export DISCOUNT_LISTEN DISCOUNT_STORE DISCOUNT_DRAIN_MS
}

readme_block() {
    python3 -B tests/compose/readme.py "$1"
}

readme_test_passes() {
    python3 -B tests/readme_test.py "$world/tree/$service" >"$world/out" 2>&1
}

redis_has_it() {
    [ "$(redis-cli -p "$redis_port" dbsize)" != 0 ]
}

# end_with SIGNAL TARGET NAME
end_with() {
    local group=$pid
    kill "$1" -- "$2"
    expect "$3 ends it" within 20 gone
    start_is_over
    expect "$3: exit code 0" code_is 0
    expect "$3: the last line of the log is shown" within 5 said 'serve: drained$'
    expect "$3: the port is closed" not connects "$port"
    expect "$3: no process is left" within 5 not group_lives "$group"
}

# While its store does not answer, the service has named its address but does not listen.
store_that_is_away_is_waited_for() {
    local DISCOUNT_STORE=redis://127.0.0.1:1 DISCOUNT_DEADLINE_MS=1000
    export DISCOUNT_DEADLINE_MS
    serve || return
    expect "without a store: what is announced listens" connects "$port"
    end_with -TERM "-$pid" "SIGTERM to all"

    DISCOUNT_DEADLINE_MS=60000
    start_in_background
    within 60 said 'discountd .* on http://'
    port=$(sed -n 's/.*discountd .* on http:.*:\([0-9]*\)$/\1/p' "$world/out")
    expect "without a store: nothing is announced yet" [ -z "$(announced_port)" ]
    end_with -TERM "$pid" "SIGTERM before it listens"
}

busy_port_is_said() {
    DISCOUNT_LISTEN=127.0.0.1:$port "$world/tree/start" >"$world/second" 2>&1
    code=$?
    expect "a port that is taken: exit code 1" code_is 1
    expect "a port that is taken: it is said" \
        within 5 grep -q "cannot bind to 127.0.0.1 port $port" "$world/second"
    expect "a port that is taken: nothing is announced" not grep -q curl "$world/second"
}

# The defaults: a store that needs no other server.
default_store_is_enough() {
    unset DISCOUNT_STORE
    serve || return
    announced_command_can_be_run "plain"
    expect "plain: it is well" answers_ok
    end_with -INT "-$pid" "plain: Ctrl-C"
}

# At a level that drops the other lines of the log.
quiet_log_hides_no_address() {
    local level
    for level in warning error; do
        export DISCOUNT_LOG_LEVEL=$level
        serve || continue
        announced_command_can_be_run "$level"
        expect "$level: the rest of the log is kept back" not said ' info .*(connected|drained)'
        kill -TERM "$pid"
        expect "$level: SIGTERM ends it" within 20 gone
        start_is_over
        expect "$level: exit code 0" code_is 0
    done
    unset DISCOUNT_LOG_LEVEL
}

# listens_on LISTEN HOST CONNECT: the announced address must answer a person on this machine.
listens_on() {
    local DISCOUNT_LISTEN=$1
    serve || return
    expect "$1: the host that is announced" [ "$(announced_host)" = "$2" ]
    expect "$1: it listens" connects "$port" "$3"
    announced_command_can_be_run "$1"
    kill -TERM "$pid"
    expect "$1: SIGTERM ends it" within 20 gone
    start_is_over
    expect "$1: exit code 0" code_is 0
}

every_kind_of_address_is_announced() {
    listens_on 0.0.0.0:0 localhost 127.0.0.1
    if grep -qs '^0*1 ' /proc/net/if_inet6; then
        listens_on '[::1]:0' '[::1]' ::1
        listens_on '[::]:0' localhost ::1
    else
        skip "an address of IPv6 is announced (no loopback of it here)"
    fi
}

answers_ok() {
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
    grep -q '^HTTP/1.1 200 ' <&3
}

unset DEBIAN_FRONTEND "${!DISCOUNT_@}"
usage_is_shown
complete_machine_is_left_alone
root_installs_what_is_missing
another_user_takes_sudo
apt_failure_is_shown
without_apt_it_says_what_to_install
build_failure_is_shown
it_becomes_the_service
ctrl_c_ends_a_build
its_own_tree_is_served
every_library_is_known
if start_redis; then
    newcomer_is_served
    readme_is_true
    store_that_is_away_is_waited_for
    default_store_is_enough
    quiet_log_hides_no_address
    every_kind_of_address_is_announced
else
    skip "a newcomer is served (no redis-server here)"
fi
[ "$skipped" = 0 ] || echo "[  SKIPPED ] $skipped test(s)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
