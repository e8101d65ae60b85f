# SPDX-License-Identifier: MIT
"""The load: a sale that is over in seconds, and a steady mix of requests while replicas come and go."""

import asyncio
import collections
import random
import time
from urllib.parse import quote

from client import Connection, once
from history import GRANTED, REPEATED, History

BROKEN = (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError)


async def create(port, code, stock):
    body = {"brand_id": "compose-test", "discount_code": code, "total_count": stock}
    answer = await once(port, "POST", "/discount", body)
    if answer.status != 201:
        raise RuntimeError(f"a create was answered {answer.status}: {answer.body}")
    return answer.json()["id"]


async def grant(connection, history, user):
    attempt = history.begin(user)
    try:
        answer = await connection.request("POST", f"/discount/{history.discount_id}/grant", {"user_id": user})
    except BROKEN as error:
        history.broke(attempt, error)
        return
    history.end(attempt, answer)


async def grant_all(port, history, users, clients):
    """Asks once for each of `users`, in order, over as many connections as there are clients."""
    waiting = collections.deque(users)

    async def client():
        connection = Connection(port)
        while waiting:
            await grant(connection, history, waiting.popleft())
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))


async def sale(port, stock, users, requests_per_user, clients, seed):
    """Every user asks several times, in a random order, for less than the demand."""
    history = History(await create(port, "sale", stock), stock)
    asks = [f"User {number}" for number in range(users)] * requests_per_user
    random.Random(seed).shuffle(asks)
    await grant_all(port, history, asks, clients)
    return history


async def held(port, history, clients=16):
    """Returns what the API lists for each user who ever asked: pairs of user and granted_at."""
    waiting = collections.deque(sorted({attempt.user for attempt in history.attempts}))
    found = []

    async def client():
        connection = Connection(port)
        while waiting:
            user = waiting.popleft()
            answer = await connection.request("GET", f"/discount/{history.discount_id}/grant?user_id={quote(user)}")
            if answer.status == 200:
                found.append((user, answer.json()["granted_at"]))
            elif answer.problem() != "grant-not-found":
                raise RuntimeError(f"the grant of {user} was answered {answer.status}: {answer.body}")
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return found


async def settle(port, history, deadline_s=30):
    """Repeats requests in doubt until the service answers them, as P6 promises."""
    ends = time.monotonic() + deadline_s
    while history.in_doubt() and time.monotonic() < ends:
        await grant_all(port, history, sorted(history.in_doubt()), 4)
        await asyncio.sleep(0.2 if history.in_doubt() else 0)


class Mix:
    """Grants to new and old users, creates and reads, at a limited rate, until it is stopped."""

    CLIENTS = 12
    REQUESTS_PER_S = 360
    # New users, old users, creates, reads.
    WEIGHTS = (6, 3, 1, 2)

    def __init__(self, port, history, seed):
        self.port = port
        self.history = history
        self.random = random.Random(seed)
        self.prefix = f"{history.discount_id}:"
        self.users = 0
        self.created = []
        self.failures = collections.Counter()
        self.answered = 0
        self.slowest_s = 0

    def start(self):
        self.stopping = False
        self.tasks = [asyncio.create_task(self._client()) for _ in range(self.CLIENTS)]

    async def go_on(self, seconds, deadline_s=120):
        """Waits for as many more answers as a healthy service gives in this time; a busy machine takes longer."""
        wanted = self.answered + seconds * self.REQUESTS_PER_S
        ends = time.monotonic() + deadline_s
        while self.answered < wanted:
            if time.monotonic() > ends:
                raise RuntimeError(f"{wanted - self.answered:.0f} answers are missing after {deadline_s} s")
            await asyncio.sleep(0.05)

    async def stop(self):
        self.stopping = True
        await asyncio.gather(*self.tasks)

    async def _client(self):
        connection = Connection(self.port)
        due = time.monotonic()
        while not self.stopping:
            began = time.monotonic()
            await self.random.choices([self._new, self._repeat, self._create, self._read], self.WEIGHTS)[0](connection)
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.answered += 1
            # A client that was delayed catches up a little, but not all at once.
            due = max(due + self.CLIENTS / self.REQUESTS_PER_S, time.monotonic() - 0.5)
            await asyncio.sleep(max(0, due - time.monotonic()))
        connection.close()

    async def _new(self, connection):
        self.users += 1
        await self._grant(connection, f"User {self.users}")

    async def _repeat(self, connection):
        await self._grant(connection, f"User {self.random.randint(1, max(1, self.users))}")

    async def _grant(self, connection, user):
        await grant(connection, self.history, user)

    async def _create(self, connection):
        code = f"{self.prefix}{len(self.created)}"
        self.created.append(code)
        body = {"brand_id": "compose-test", "discount_code": code, "total_count": 1}
        await self._expect(connection, 201, "POST", "/discount", body)

    async def _read(self, connection):
        target = self.random.choice(["/healthy", f"/discount/{self.history.discount_id}"])
        await self._expect(connection, 200, "GET", target)

    async def _expect(self, connection, status, method, target, body=None):
        try:
            answer = await connection.request(method, target, body)
        except BROKEN as error:
            self.failures[f"{method} {target.split('/')[1]}: {error!r}"] += 1
            return
        if answer.status != status:
            self.failures[f"{method} {target.split('/')[1]}: {answer.status} {answer.problem()}"] += 1

    def all_failures(self):
        """Returns the failures of all requests, with counts."""
        return self.failures + collections.Counter(f"grant: {answer}" for answer in self.history.unanswered())

    def granted_users(self):
        return {attempt.user for attempt in self.history.with_outcome(GRANTED, REPEATED)}
