# SPDX-License-Identifier: MIT
"""The protocols: HTTP/1.1 as the clients speak it, and RESP as Redis does."""

import asyncio
import json
from dataclasses import dataclass


class NoAnswer(Exception):
    """The reason why there was no answer. `unsent`: not a byte of the request was sent, so it was certainly not applied."""

    def __init__(self, why):
        super().__init__(why)
        self.why = why


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
    """A client's keep-alive connection. It has one request at a time, and never repeats one by itself."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.writer = None

    async def request(self, method, target, body=None, headers=None, timeout_s=10, tear=None):
        """Returns the answer or raises NoAnswer. `tear`: hang up after this many bytes of the request, at once or after some
        seconds."""
        try:
            await self._connect(timeout_s)
            return await asyncio.wait_for(self._exchange(method, request_bytes(method, target, body, headers), tear), timeout_s)
        except asyncio.TimeoutError:
            self.close()
            raise NoAnswer("timeout") from None
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError, KeyError) as error:
            self.close()
            raise NoAnswer(type(error).__name__) from None
        except BaseException:
            self.close()
            raise

    async def _connect(self, timeout_s):
        if self.writer is None:
            try:
                self.reader, self.writer = await asyncio.wait_for(
                    asyncio.open_connection(self.host, self.port, limit=1 << 24), timeout_s)
            except (OSError, asyncio.TimeoutError):
                raise NoAnswer("unsent") from None

    async def _exchange(self, method, request, tear):
        if tear is not None:
            size, seconds = tear
            self.writer.write(request[:size])
            await asyncio.sleep(seconds)
            raise NoAnswer("left")
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
        if method == "HEAD" or status in (204, 304):
            return b""
        if headers.get("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(headers["content-length"]))
        chunks = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            chunks.append((await self.reader.readexactly(size + 2))[:-2])
        await self.reader.readline()
        return b"".join(chunks)

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
            self.writer = None


def request_bytes(method, target, body, headers):
    payload = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    return "\r\n".join(lines + ["", ""]).encode() + payload


# ---- RESP ----

class RedisError(Exception):
    pass


def command_bytes(*words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


async def read_raw(reader):
    """Reads one complete value as raw bytes."""
    line = await reader.readuntil(b"\r\n")
    if line[:1] == b"$" and line[1:2] != b"-":
        return line + await reader.readexactly(int(line[1:]) + 2)
    if line[:1] == b"*":
        return line + b"".join([await read_raw(reader) for _ in range(int(line[1:]))])
    return line


async def read_value(reader):
    """Reads one value. An error is returned, not raised."""
    line = (await reader.readuntil(b"\r\n"))[:-2]
    kind, rest = line[:1], line[1:]
    if kind == b"$":
        return None if rest == b"-1" else (await reader.readexactly(int(rest) + 2))[:-2]
    if kind == b"*":
        return [await read_value(reader) for _ in range(int(rest))]
    if kind == b":":
        return int(rest)
    return RedisError(rest.decode()) if kind == b"-" else rest


class Redis:
    """A connection to Redis for the run's own commands."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.writer = None

    async def call(self, *words, timeout_s=10):
        try:
            value = await asyncio.wait_for(self._call(words), timeout_s)
        except BaseException:
            self.close()
            raise
        if isinstance(value, RedisError):
            raise value
        return value

    async def _call(self, words):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=1 << 26)
        self.writer.write(command_bytes(*words))
        return await read_value(self.reader)

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
            self.writer = None
