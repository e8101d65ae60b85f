# SPDX-License-Identifier: MIT
"""A discountd on its own store, started under the tool that counts. Everything that is started here is ended here, by its id. It
also gets a signal if the test itself dies."""

import ctypes
import os
import random
import re
import signal
import socket
import subprocess
import tempfile
import time

PATIENCE_S = 60
PR_SET_PDEATHSIG = 1
# Makes libc set and copy memory in the plainest way, with as many instructions on every processor. With ERMS, one
# instruction does it all, and callgrind counts that once for each byte.
TUNABLES = "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-BMI2"

libc = ctypes.CDLL(None)


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def die_with_parent_on_one_processor():
    """So that two threads always take turns in the same way."""
    die_with_parent()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def wait_for(condition, what):
    """Returns its first true value."""
    ends = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        if time.monotonic() > ends:
            raise RuntimeError(f"gave up waiting: {what}")
        time.sleep(0.002)
    return value


def text_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


class Process:
    def __init__(self, argv, directory, prepare=die_with_parent, env=None):
        self.output = f"{directory}/{os.path.basename(argv[0])}.log"
        with open(self.output, "ab") as output:
            self.popen = subprocess.Popen(argv, cwd=directory, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL,
                                          stdout=output, stderr=output, preexec_fn=prepare)

    def log(self):
        return text_of(self.output)

    def is_over(self):
        return self.popen.poll() is not None

    def end(self):
        self.popen.kill()
        self.popen.wait()


def redis_start(directory):
    """Starts a Redis without persistence. If another process takes its port, it tries another port."""
    for _ in range(20):
        port = random.SystemRandom().randrange(12000, 32000)
        redis = Process(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""], directory)

        def settled():
            return redis.is_over() or "Ready to accept connections" in redis.log()
        wait_for(settled, "Redis starts")
        if not redis.is_over():
            return redis, port
    raise RuntimeError("no port for Redis")


class Service:
    """discountd with one worker, started by `tool`: a list of arguments that go before it."""

    def __init__(self, binary, store, tool):
        # In memory, so that the speed of a disk does not change how often the loop turns.
        where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.place = tempfile.TemporaryDirectory(prefix="discount-cost.", dir=where)
        self.directory = self.place.name
        self.redis = self.process = None
        try:
            url = f"sqlite:{self.directory}/discount.db"
            if store == "redis":
                self.redis, redis_port = redis_start(self.directory)
                url = f"redis://127.0.0.1:{redis_port}"
            tool = [part.replace("DIRECTORY", self.directory) for part in tool]
            self.process = Process([*tool, binary], self.directory, die_with_parent_on_one_processor, {
                "DISCOUNT_STORE": url, "DISCOUNT_LISTEN": "127.0.0.1:0", "DISCOUNT_WORKERS": "1",
                "DISCOUNT_DEADLINE_MS": "30000", "DISCOUNT_CLIENT_DEADLINE_MS": "60000", "GLIBC_TUNABLES": TUNABLES})
            found = wait_for(self._address, "discountd starts")
            self.port = int(found.group(1))
            wait_for(self._accepts, "discountd accepts connections")
            self.pid = self._pid(binary)
        except BaseException:
            self.end()
            raise

    def _address(self):
        if self.process.is_over():
            raise RuntimeError(f"discountd has ended:\n{self.process.log()}")
        return re.search(r" on http://127\.0\.0\.1:(\d+)", self.process.log())

    def _accepts(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _pid(self, binary):
        """Returns the process id of discountd: that of the tool, or of a child of the tool."""
        family = [self.process.popen.pid]
        for task in os.listdir(f"/proc/{family[0]}/task"):
            family += map(int, text_of(f"/proc/{family[0]}/task/{task}/children").split())
        path = os.path.realpath(binary)
        return next((pid for pid in family if os.path.realpath(f"/proc/{pid}/exe") == path), family[0])

    def end(self):
        if self.process is not None:
            if getattr(self, "pid", 0) not in (0, self.process.popen.pid) and not self.process.is_over():
                os.kill(self.pid, signal.SIGKILL)
            self.process.end()
        if self.redis is not None:
            self.redis.end()
        self.place.cleanup()
