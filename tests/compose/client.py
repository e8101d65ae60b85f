# SPDX-License-Identifier: MIT
"""A small HTTP/1.1 client for the load: one keep-alive connection, one request at a time.

It never repeats a request by itself. The caller gets the result of one request, an answer or a broken connection, because that is
what the test counts.
"""

import asyncio
import json
from dataclasses import dataclass

DEADLINE_S = 30


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)

    def problem(self):
        """Returns the name of the problem in this answer, or None."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        return self.json()["type"].rpartition("/")[2]


class Connection:
    def __init__(self, port, host="127.0.0.1"):
        self.port = port
        self.host = host
        self.writer = None

    async def request(self, method, target, body=None, headers=None):
        """Returns the answer. Raises OSError, asyncio.IncompleteReadError or asyncio.TimeoutError if there is none."""
        try:
            return await asyncio.wait_for(self._request(method, target, body, headers or {}), DEADLINE_S)
        except BaseException:
            self.close()
            raise

    async def send(self, request):
        """Returns the answer to arbitrary bytes."""
        return await asyncio.wait_for(self._exchange("GET", request), DEADLINE_S)

    async def _request(self, method, target, body, headers):
        payload = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
        if body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
        return await self._exchange(method, "\r\n".join(lines + ["", ""]).encode() + payload)

    async def _exchange(self, method, request):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        self.writer.write(request)
        answer = await self._read_answer(method)
        if answer.headers.get("connection") == "close":
            self.close()
        return answer

    async def _read_answer(self, method):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split()[1])
        headers = {}
        for line in filter(None, head[1:]):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Answer(status, headers, await self._read_body(method, status, headers))

    async def _read_body(self, method, status, headers):
        if method == "HEAD" or status == 204:
            return b""
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers["content-length"]))
        chunks = []
        while size := int(await self.reader.readline(), 16):
            chunks.append((await self.reader.readexactly(size + 2))[:-2])
        await self.reader.readline()
        return b"".join(chunks)

    def close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None


async def once(port, method, target, body=None, headers=None, host="127.0.0.1"):
    """Sends one request on a new connection."""
    connection = Connection(port, host)
    try:
        return await connection.request(method, target, body, headers)
    finally:
        connection.close()

