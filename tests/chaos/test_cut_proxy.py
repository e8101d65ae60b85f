#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the proxy of the chaos run: an error of the proxy would look like one of the service."""

import asyncio
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from cut_proxy import DOWN, HOLD, LOSE, UP, Proxy
from programs import free_port


class Passing(unittest.IsolatedAsyncioTestCase):
    """A proxy before a server that echoes."""

    async def asyncSetUp(self):
        self.server = await asyncio.start_server(self.echo, "127.0.0.1", 0)
        self.proxy = Proxy("p", "127.0.0.1", self.server.sockets[0].getsockname()[1])
        await self.proxy.open(free_port())
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)

    async def asyncTearDown(self):
        self.writer.transport.abort()
        self.proxy.close()
        self.server.close()

    async def echo(self, reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the connection was cut, or the test is over
        finally:
            writer.close()

    async def say(self, data):
        self.writer.write(data)
        return await asyncio.wait_for(self.reader.readexactly(len(data)), 10)

    async def rest(self):
        """Returns the bytes before the end or a reset."""
        received = b""
        try:
            while data := await asyncio.wait_for(self.reader.read(1), 10):
                received += data
        except ConnectionError:
            pass
        return received

    async def test_what_is_said_arrives(self):
        self.assertEqual(b"hello", await self.say(b"hello"))

    async def test_the_order_stays_when_a_delay_ends(self):
        self.proxy.delay_s = 0.05
        words = [bytes([number]) * 100 for number in range(50)]
        for word in words[:40]:
            self.writer.write(word)
            await asyncio.sleep(0.001)
        self.proxy.delay_s = 0
        for word in words[40:]:
            self.writer.write(word)
            await asyncio.sleep(0)
        self.assertEqual(b"".join(words), await asyncio.wait_for(self.reader.readexactly(5000), 10))

    async def test_replies_are_cut_after_so_many_bytes(self):
        await self.say(b"hello")
        self.proxy.cut_after(DOWN, 3, resets=False)
        self.writer.write(b"world")
        self.assertEqual(b"wor", await self.rest())

    async def test_requests_are_cut_after_so_many_bytes(self):
        await self.say(b"hello")
        self.proxy.cut_after(UP, 0, resets=True)
        self.writer.write(b"world")
        self.assertEqual(b"", await self.rest())

    async def test_a_new_connection_is_cut_too(self):
        await self.say(b"hello")
        self.proxy.cut_after(DOWN, 4, resets=False)
        self.writer.transport.abort()
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        self.writer.write(b"hello")
        self.assertEqual(b"hell", await self.rest())

    async def test_what_is_held_arrives_later(self):
        await self.say(b"hello")
        self.proxy.set_mode(HOLD)
        self.writer.write(b"world")
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(self.reader.read(1), 0.1)
        self.proxy.set_mode(None)
        self.assertEqual(b"world", await asyncio.wait_for(self.reader.readexactly(5), 10))

    async def test_what_is_lost_never_arrives(self):
        await self.say(b"hello")
        self.proxy.set_mode(LOSE)
        self.writer.write(b"world")
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(self.reader.read(1), 0.1)
        self.proxy.set_mode(None)
        self.assertEqual(b"", await self.rest())

    async def test_all_are_reset(self):
        await self.say(b"hello")
        self.proxy.reset_all()
        self.assertEqual(b"", await self.rest())


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=0).result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
