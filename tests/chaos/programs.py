# SPDX-License-Identifier: MIT
"""The processes of a run. Each is started, frozen, killed and stopped by its id. Its end is logged, with the reason.

A process gets a signal when the run itself dies, so nothing is left behind."""

import asyncio
import ctypes
import os
import random
import signal
import socket
import subprocess
import time

PATIENCE_S = 30
# The longest time from the last signal to the exit: the drain, the deadline of the store, and a busy machine.
GRACE_S = 20
PR_SET_PDEATHSIG = 1
# Below the ports of outgoing connections, so that a server finds its own port still free after a restart.
PORTS = range(12000, 32000)

libc = ctypes.CDLL(None)
taken = set()


def free_port():
    while True:
        port = random.SystemRandom().choice(PORTS)
        if port not in taken and is_free(port):
            taken.add(port)
            return port


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def die_with_parent(number):
    def prepare():
        libc.prctl(PR_SET_PDEATHSIG, number)
    return prepare


class Program:
    """One process, or none while it is down. `last_wish` is the signal that also ends its children."""

    def __init__(self, name, argv, log, env=None, last_wish=signal.SIGKILL):
        self.name, self.argv, self.log, self.env, self.last_wish = name, argv, log, env, last_wish
        self.process = None
        self.wanted = None  # the way in which it is to end, if it ends now
        self.busy = asyncio.Lock()  # held by the fault that acts on it
        self.output = f"{os.path.dirname(log.file.name)}/{name.replace(' ', '-')}.log"

    def start(self):
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            env={**os.environ, **(self.env or {})},
                                            preexec_fn=die_with_parent(self.last_wish))
        self.wanted = None

    def is_up(self):
        return self.process is not None

    def look(self):
        """Records its end, if it has ended."""
        if self.process is not None and self.process.poll() is not None:
            self.log.exit(self.name, self.process.returncode, self.wanted)
            self.process = None

    async def ended(self, deadline_s=PATIENCE_S):
        """Waits for its end. Returns False if it does not come."""
        ends = time.monotonic() + deadline_s
        while self.process is not None and time.monotonic() < ends:
            self.look()
            await asyncio.sleep(0.01)
        return self.process is None

    def signal(self, number):
        if self.process is not None:
            self.process.send_signal(number)

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    async def kill(self):
        if self.process is not None:
            self.wanted = "kill"
            self.signal(signal.SIGKILL)
            await self.ended()

    async def stop(self, deadline_s=PATIENCE_S):
        """Tells it to stop and waits for its end. If it does not stop in time it is killed, which is recorded as a violation."""
        if self.process is None:
            return
        await until(self._takes_signals, f"{self.name} does not get ready to be stopped")
        self.wanted = "stop"
        self.signal(signal.SIGTERM)
        if not await self.ended(deadline_s):
            await self.end_with_violence()

    async def end_with_violence(self):
        """Kills it after it did not end as it was wanted to. The log then shows that as a violation."""
        self.signal(signal.SIGKILL)
        await self.ended()

    async def _takes_signals(self):
        """Returns whether it has already set up SIGTERM. Before that, the signal would kill it."""
        self.look()
        return self.process is None or minds(self.process.pid, signal.SIGTERM)

    def children(self):
        """Returns the ids of the processes that it has started."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and self.process is not None and parent_of(entry) == self.process.pid:
                found.append(int(entry))
        return found

    def end(self):
        """Kills it at once, after the run is over."""
        if self.process is not None:
            self.signal(signal.SIGCONT)
            for child in self.children():
                send(child, signal.SIGCONT)
            self.signal(self.last_wish)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return None


def minds(pid, number):
    """Returns whether a process catches this signal or waits for it. A thread that waits for it does not show it as blocked, but
    the other threads do."""
    masks = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/status", encoding="latin-1") as file:
                masks += [int(line.split()[1], 16) for line in file if line.startswith(("SigBlk:", "SigCgt:"))]
    except OSError:
        return False
    return any(mask >> (number - 1) & 1 for mask in masks)


def send(pid, number):
    """Signals a child of a program, which may have ended already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


async def until(condition, what, deadline_s=PATIENCE_S):
    """Waits for an awaitable condition."""
    ends = time.monotonic() + deadline_s
    while not await condition():
        if time.monotonic() > ends:
            raise RuntimeError(f"{what}: not within {deadline_s} s")
        await asyncio.sleep(0.02)
