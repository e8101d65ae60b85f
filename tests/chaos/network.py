# SPDX-License-Identifier: MIT
"""A network for Redis alone: a namespace that is reached over a pair of TUN devices. This process carries every packet between
them. It may also lose, delay or repeat a packet, or block one direction. It does the work of netem with the run's own random
numbers, also on kernels without netem. It needs root."""

import asyncio
import fcntl
import os
import random
import struct
import subprocess

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET = 65536
PREFIX, PER_PROCESS = "chaos-", 8
THERE, BACK = "to Redis", "from Redis"


class Network:
    made = 0

    def __init__(self, seed):
        Network.made += 1
        # No two networks of a machine have the same number at one time.
        number = os.getpid() * PER_PROCESS + Network.made % PER_PROCESS
        self.name = f"{PREFIX}{number}"
        self.devices = {THERE: f"chn{number}", BACK: f"chf{number}"}
        # The range 198.18.0.0/15 is reserved for tests of networks.
        block = number * 4 % 65536
        self.near_address = f"198.18.{block // 256}.{block % 256 + 1}"
        self.address = f"198.18.{block // 256}.{block % 256 + 2}"
        self.random = random.Random(f"network {seed}")
        self.loss, self.delay_s, self.jitter_s, self.doubled = 0, 0, 0, 0
        self.cut = set()  # directions that are blocked
        self.busy = asyncio.Lock()
        self.carried = self.lost = 0
        self.ends = {}

    def open(self):
        """Returns None, or the reason why it is impossible."""
        try:
            sweep()
            for direction, device in self.devices.items():
                self.ends[direction] = open_device(device)
            near, far = self.devices[THERE], self.devices[BACK]
            ip("netns", "add", self.name)
            ip("addr", "add", self.near_address, "peer", self.address, "dev", near)
            ip("link", "set", near, "up")
            ip("link", "set", far, "netns", self.name)
            for command in (("addr", "add", self.address, "peer", self.near_address, "dev", far), ("link", "set", far, "up"),
                            ("link", "set", "lo", "up")):
                ip("-n", self.name, *command)
        except (OSError, subprocess.CalledProcessError) as error:
            self.close()
            return str(error)
        loop = asyncio.get_running_loop()
        loop.add_reader(self.ends[THERE], self._carry, THERE, self.ends[THERE], self.ends[BACK])
        loop.add_reader(self.ends[BACK], self._carry, BACK, self.ends[BACK], self.ends[THERE])
        return None

    def close(self):
        for end in self.ends.values():
            try:
                asyncio.get_running_loop().remove_reader(end)
            except RuntimeError:
                pass  # the loop has ended, and its readers too
            os.close(end)
        self.ends = {}
        subprocess.run(["ip", "netns", "del", self.name], stderr=subprocess.DEVNULL, check=False)

    def heal(self):
        self.loss = self.delay_s = self.jitter_s = self.doubled = 0
        self.cut.clear()

    def _carry(self, direction, source, sink):
        for _ in range(64):
            try:
                packet = os.read(source, PACKET)
            except BlockingIOError:
                return
            if direction in self.cut or self.random.random() < self.loss:
                self.lost += 1
                continue
            self._pass_on(sink, packet)
            if self.random.random() < self.doubled:
                self._pass_on(sink, packet)

    def _pass_on(self, sink, packet):
        """Jitter lets packets overtake each other."""
        delay = self.delay_s + self.random.random() * self.jitter_s
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._write, sink, packet)
        else:
            self._write(sink, packet)

    def _write(self, sink, packet):
        try:
            os.write(sink, packet)
            self.carried += 1
        except OSError:
            self.lost += 1  # a full queue loses packets too


def sweep():
    """Removes the namespaces of runs that were killed."""
    for name in ip("netns", "list").split("\n"):
        number = name.split(" ")[0].removeprefix(PREFIX)
        if name.startswith(PREFIX) and number.isdigit() and not os.path.exists(f"/proc/{int(number) // PER_PROCESS}"):
            ip("netns", "del", PREFIX + number)


def open_device(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
