# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A Docker engine for this test alone. Sourced. All its data are in one directory, which the caller owns.
#
# It shares only the names of docker0 and of the iptables chains with another engine of the machine. Two engines cannot
# both have these, so it does not start beside another one. engine_stop restores the machine's network.

# engine_start DIRECTORY: starts the engine and sets DOCKER_HOST. Its log is DIRECTORY/engine.log.
engine_start() {
    engine_dir=$1
    if [ -S /var/run/docker.sock ] && docker --host unix:///var/run/docker.sock version >/dev/null 2>&1; then
        echo "A Docker engine runs on this machine already; stop it first." >&2
        return 1
    fi
    engine_remember_network

    # overlay2 shares the layers between images; vfs copies them all and works on every filesystem.
    for engine_driver in overlay2 vfs; do
        engine_launch "$engine_driver" && return 0
    done
    tail -n 30 "$engine_dir/engine.log" >&2
    return 1
}

engine_launch() {
    setsid dockerd --data-root "$engine_dir/data" --exec-root "$engine_dir/exec" --pidfile "$engine_dir/engine.pid" \
        --host "unix://$engine_dir/engine.sock" --storage-driver "$1" --log-level warn \
        >>"$engine_dir/engine.log" 2>&1 9>&- &
    engine_pid=$!
    export DOCKER_HOST="unix://$engine_dir/engine.sock"

    engine_deadline=$(($(date +%s) + 60))
    until docker version >/dev/null 2>&1; do
        if ! kill -0 "$engine_pid" 2>/dev/null || [ "$(date +%s)" -ge "$engine_deadline" ]; then
            engine_kill
            return 1
        fi
        sleep 0.2
    done
}

# Stops the engine with all its containers, by its id, and restores the network. It may be called at any time, more than
# once.
engine_stop() {
    [ -n "${engine_dir:-}" ] || return 0
    engine_clear
    engine_kill
    engine_restore_network
    # Anything that is still mounted there must not be deleted.
    awk -v dir="$engine_dir/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mounted; do
        umount -l "$mounted"
    done
    rm -rf --one-file-system "$engine_dir/data" "$engine_dir/exec"
    engine_dir=""
}

# Bridges of networks that are not removed would remain after the engine.
engine_clear() {
    [ -n "${engine_pid:-}" ] || return 0
    docker ps --all --quiet | xargs --no-run-if-empty docker rm --force >/dev/null
    docker network prune --force >/dev/null
}

engine_kill() {
    [ -n "${engine_pid:-}" ] || return 0
    kill "$engine_pid" 2>/dev/null || true
    engine_deadline=$(($(date +%s) + 40))
    while kill -0 "$engine_pid" 2>/dev/null; do
        [ "$(date +%s)" -lt "$engine_deadline" ] || kill -KILL "$engine_pid" 2>/dev/null || true
        sleep 0.2
    done
    engine_pid=""
}

# The engine adds chains, sets the policy of FORWARD to DROP, enables forwarding and makes a bridge.
engine_remember_network() {
    # A table is saved and restored only if it was in use: a short-lived chain is enough for that.
    for engine_table in filter nat raw; do
        iptables -t "$engine_table" -N DISCOUNT-TEST && iptables -t "$engine_table" -X DISCOUNT-TEST
    done
    iptables-save >"$engine_dir/iptables.before"
    cat /proc/sys/net/ipv4/ip_forward >"$engine_dir/ip_forward.before"
    if [ -e /sys/class/net/docker0 ]; then touch "$engine_dir/docker0.before"; fi
}

engine_restore_network() {
    iptables-restore <"$engine_dir/iptables.before"
    cat "$engine_dir/ip_forward.before" >/proc/sys/net/ipv4/ip_forward
    if [ ! -e "$engine_dir/docker0.before" ] && [ -e /sys/class/net/docker0 ]; then ip link delete docker0; fi
}
