# SPDX-License-Identifier: MIT
"""A proxy between the replicas and a real Redis that understands RESP, so that a fault can be planted in a correct system. It
replaces a script by a wrong one, or executes a command after it was answered, or not at all."""

import asyncio
import hashlib
import re

from programs import free_port
from wire import command_bytes, read_raw, read_value


class Middle:
    """Passes everything on unchanged. Mutants override handle(), which processes a command."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.scripts = {}  # SHA-1 that the replicas know: SHA-1 of the script that Redis got instead
        self.names = {}    # SHA-1 that the replicas know: the first line of the script
        self.tasks = set()

    async def open(self):
        self.port = free_port()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 24)
        return self.port

    def mutate(self, text):
        """Returns the script that Redis gets instead of this one."""
        return text

    async def handle(self, words, redis):
        """Returns the raw reply to a command."""
        return await redis.ask(words)

    def is_grant(self, words):
        return words[0] == b"EVALSHA" and self.names.get(words[1], b"").startswith(b"-- Grants discounts")

    def replace_script(self, words):
        """Returns the command with our script instead of theirs."""
        if words[0] == b"SCRIPT" and words[1] == b"LOAD":
            return [*words[:2], self._learn(words[2])]
        if words[0] == b"EVAL":
            return [words[0], self._learn(words[1]), *words[2:]]
        if words[0] == b"EVALSHA":
            return [words[0], self.scripts.get(words[1], words[1]), *words[2:]]
        return words

    def _learn(self, text):
        instead = self.mutate(text.decode()).encode()
        sha1 = hashlib.sha1(text).hexdigest().encode()
        self.scripts[sha1] = hashlib.sha1(instead).hexdigest().encode()
        self.names[sha1] = text.partition(b"\n")[0]
        return instead

    async def _serve(self, reader, writer):
        redis = Upstream(self)
        try:
            await redis.connect(self.deployment)
            while True:
                writer.write(await self.handle(await read_value(reader), redis))
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one side has hung up, and so does the other; or the run is over
        finally:
            redis.close()
            writer.transport.abort()

    def later(self, coroutine):
        """Starts something that no reply waits for."""
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class Upstream:
    """One connection to Redis."""

    def __init__(self, middle):
        self.middle = middle
        self.writer = None

    async def connect(self, deployment):
        self.reader, self.writer = await asyncio.open_connection(deployment.host, deployment.redis_port, limit=1 << 24)

    async def ask(self, words):
        self.writer.write(command_bytes(*self.middle.replace_script(words)))
        return await read_raw(self.reader)

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()


def substitute(text, was, now):
    if was not in text:
        raise RuntimeError(f"the script has no {was!r} any more")
    return text.replace(was, now)


class ScriptMutant(Middle):
    """One script with one error. `title` begins the script's first line; `changes` are pairs of old and new text."""

    def __init__(self, deployment, title, changes):
        super().__init__(deployment)
        self.title, self.changes = title, changes

    def mutate(self, text):
        if text.startswith(f"-- {self.title}"):
            for was, now in self.changes:
                text = substitute(text, was, now)
        return text


class CheckThenWrite(ScriptMutant):
    """The grant script only checks and decides. Other commands write its decision afterwards."""

    GAP_S = 0.15
    LOOK_ONLY = [("try('ZADD', KEYS[key], 'NX', unpack(new))", "0"),
                 ("try('ZADD', KEYS[key], time, id)", "0")]

    def __init__(self, deployment):
        super().__init__(deployment, "Grants discounts", self.LOOK_ONLY)

    async def handle(self, words, redis):
        reply = await super().handle(words, redis)
        if self.is_grant(words):
            await self.commit(writes_of(words, await parse(reply)), redis)
        return reply

    async def commit(self, writes, redis):
        await asyncio.sleep(self.GAP_S)
        for write in writes:
            await redis.ask(write)


class AnswerBeforeCommit(CheckThenWrite):
    """The decision is answered at once and written soon, like a store that keeps promised writes in memory."""

    DELAY_S = 0.2

    async def commit(self, writes, redis):
        self.later(self.write_behind(writes))

    async def write_behind(self, writes):
        redis = Upstream(self)
        try:
            await redis.connect(self.deployment)
            await asyncio.sleep(self.DELAY_S)
            for write in writes:
                await redis.ask(write)
        except (OSError, asyncio.IncompleteReadError):
            pass  # Redis was killed meanwhile: these writes are lost
        finally:
            redis.close()


class DeniesWhatItDid(Middle):
    """Sometimes Redis executes a command, but the replica gets a refusal."""

    def __init__(self, deployment):
        super().__init__(deployment)
        self.count = 0

    async def handle(self, words, redis):
        reply = await super().handle(words, redis)
        if self.is_grant(words):
            self.count += 1
            if self.count % 20 == 0:
                return b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
        return reply


class HidesEviction(Middle):
    """INFO says that there is no limit to the memory, so a service cannot see that Redis evicts."""

    async def handle(self, words, redis):
        reply = await super().handle(words, redis)
        if words[0] != b"INFO" or reply.startswith(b"-"):
            return reply
        text = re.sub(rb"\r\nmaxmemory:[0-9]+", b"\r\nmaxmemory:0", await parse(reply))
        return b"$%d\r\n%s\r\n" % (len(text), text)


class CallsItDamage(Middle):
    """Redis calls it damaged data when a script lacks a right."""

    async def handle(self, words, redis):
        reply = await super().handle(words, redis)
        if words[0] == b"EVALSHA" and reply.startswith(b"-") and not reply.startswith(b"-NOSCRIPT"):
            return b"-CORRUPT data\r\n"
        return reply


class StaleReads(Middle):
    """A read gets an earlier reply, as from a replica of Redis that lags."""

    LAG_S = 5

    def __init__(self, deployment):
        super().__init__(deployment)
        self.kept = {}  # command: the time of execution, and the reply

    async def handle(self, words, redis):
        if words[0] != b"EVALSHA" or not self.names.get(words[1], b"").startswith(b"-- Reads"):
            return await super().handle(words, redis)
        now, command = asyncio.get_running_loop().time(), b" ".join(words)
        since, reply = self.kept.get(command, (0, None))
        if reply is None or reply.startswith(b"-") or now - since > self.LAG_S:
            reply = await super().handle(words, redis)
            self.kept[command] = now, reply
        return reply


async def parse(reply):
    reader = asyncio.StreamReader()
    reader.feed_data(reply)
    reader.feed_eof()
    return await read_value(reader)


def writes_of(words, answer):
    """Returns the commands that a grant script without writes has left out: the grants, then the wallets."""
    if not isinstance(answer, list):
        return []
    keys, rest = words[3:3 + int(words[2])], words[3 + int(words[2]):]
    now, told = answer[0], answer[1:]
    grants, wallets = [], []
    while rest:
        id, count = rest[0], int(rest[1])
        outcomes = re.findall(rb"[a-z][0-9]*", told[3]) if isinstance(told[3], bytes) else []
        for user, wallet, outcome in zip(rest[2:2 + count], keys[2:2 + count], outcomes):
            if outcome == b"g":
                grants.append([b"ZADD", keys[1], now, user])
                wallets.append([b"ZADD", wallet, now, id])
        keys, rest, told = keys[2 + count:], rest[2 + count:], told[4:]
    return grants + wallets
