# SPDX-License-Identifier: MIT
"""A TCP proxy with the faults of networks: it cuts a connection after some bytes, delays, holds, loses and resets."""

import asyncio
import collections
import socket
import struct

UP, DOWN = "requests", "replies"
HOLD = "hold"  # keep the bytes and pass them on later
CUT = object()  # a marker instead of data: the connection is cut here
LOSE = "lose"  # the connection stays open, but nothing arrives any more


class Side(asyncio.Protocol):
    """One end of a connection through the proxy. What arrives here is sent at `other`."""

    def __init__(self, proxy, direction):
        self.proxy, self.direction = proxy, direction
        self.other = self.transport = None
        self.early = []  # bytes that came before the other end was connected, or that are held
        self.budget = None  # how many more bytes pass before the cut
        self.late = collections.deque()  # delayed bytes, with the time at which each is due
        self.timer = None

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        if self.proxy.mode == LOSE:
            return
        self.early.append(data)
        self.pump()

    def pump(self):
        if self.other is None or self.other.transport is None or self.proxy.mode == HOLD:
            return
        while self.early:
            self.send(self.early.pop(0))

    def send(self, data):
        if self.budget is not None:
            data, self.budget = data[:self.budget], self.budget - len(data)
        self.late.append((asyncio.get_running_loop().time() + self.proxy.delay_s, data))
        if self.budget is not None and self.budget <= 0:
            self.late.append((0, CUT))
        self.drain()

    def drain(self):
        """Sends the bytes that are due, in order. Waits for the next ones if some are left."""
        loop = asyncio.get_running_loop()
        while self.late:
            due, data = self.late[0]
            if due > loop.time():
                self.timer = self.timer or loop.call_at(due, self.wake)
                return
            self.late.popleft()
            if data is CUT:
                self.cut()
            elif not self.other.transport.is_closing():
                self.other.transport.write(data)

    def wake(self):
        self.timer = None
        self.drain()

    def cut(self):
        """Ends both directions. The side that got the last bytes sees a close or a reset, and so does the other."""
        self.proxy.cuts += 1
        for side in (self, self.other):
            if self.proxy.resets:
                side.reset()
            else:
                side.transport.close()

    def reset(self):
        sock = self.transport.get_extra_info("socket") if self.transport else None
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if self.transport:
            self.transport.abort()

    def connection_lost(self, error):
        self.proxy.sides.discard(self)
        if self.other is not None and self.other.transport is not None:
            if error is not None:
                self.other.reset()
            else:
                self.pump()
                if self.late:  # bytes sent before the end also arrive before it
                    asyncio.get_running_loop().call_at(self.late[-1][0] + 0.01, self.other.transport.close)
                else:
                    self.other.transport.close()


class Proxy:
    def __init__(self, name, host, port):
        self.name, self.host, self.target = name, host, port
        self.sides = set()
        self.mode, self.delay_s, self.resets = None, 0, False
        self.next_budget = {}  # by direction, for the next connection
        self.cuts = 0
        self.busy = asyncio.Lock()
        self.tasks = set()

    async def open(self, port):
        self.port = port
        self.server = await asyncio.get_running_loop().create_server(self._accept, "127.0.0.1", port)

    def close(self):
        self.server.close()
        self.reset_all()

    def _accept(self):
        side = Side(self, UP)
        task = asyncio.create_task(self._connect(side))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return side

    async def _connect(self, near):
        try:
            _, far = await asyncio.get_running_loop().create_connection(lambda: Side(self, DOWN), self.host, self.target)
        except OSError:
            near.reset()
            return
        near.other, far.other = far, near
        self.sides |= {near, far}
        for side in (near, far):
            side.budget = self.next_budget.pop(side.direction, None)
        if near.transport.is_closing():
            far.transport.close()
        near.pump()
        far.pump()

    # ---- Faults ----

    def reset_all(self):
        for side in list(self.sides):
            side.reset()

    def cut_after(self, direction, size, resets):
        """Cuts every open connection, and the next one, after this many more bytes in this direction."""
        self.resets = resets
        self.next_budget[direction] = size
        for side in self.sides:
            if side.direction == direction:
                side.budget = size

    def spare(self):
        """Cancels all cuts that have not happened yet."""
        self.next_budget.clear()
        for side in self.sides:
            side.budget = None

    def set_mode(self, mode):
        was, self.mode = self.mode, mode
        if was == LOSE:
            self.reset_all()  # a stream with missing bytes is useless
        for side in list(self.sides):
            side.pump()
