# SPDX-License-Identifier: MIT
"""The load of a soak: every kind of request, valid and invalid, by clients that may leave at any byte.

The stored data stay nearly the same size, so memory that grows is a leak. The number of discounts and users is fixed, and few new
ones are made."""

import asyncio
import collections
import random

from wire import Connection, NoAnswer, request_bytes

DISCOUNTS, USERS = 40, 100
NEW = 0.01    # of the users and of the creations
LEAVES = 0.1  # share of requests at which the client leaves within the request or the answer
EXPECTED = {200, 201, 204, 304, 400, 404, 405, 409, 415, 422}


class Load:
    """All clients of one service."""

    def __init__(self, port, seed, clients, pause_s):
        self.port, self.seed, self.clients, self.pause_s = port, seed, clients, pause_s
        self.discounts = []
        self.answers = collections.Counter()  # by status; 0: the service closed the connection
        self.left = 0
        self.fresh = 0
        self.stopping = False

    async def run(self):
        await asyncio.gather(*(Client(self, number).live() for number in range(self.clients)))

    def stop(self):
        self.stopping = True

    def unexpected(self):
        return {status: count for status, count in self.answers.items() if status not in EXPECTED}

    def new_name(self):
        self.fresh += 1
        return f"new {self.fresh}"


class Client:
    def __init__(self, load, number):
        self.load, self.random = load, random.Random(f"{load.seed} {number}")
        self.connection = Connection("127.0.0.1", load.port)

    async def live(self):
        while not self.load.stopping:
            request = self.draw()
            if self.random.random() < LEAVES:
                await self.leave(request)
            else:
                await self.ask(request)
            await asyncio.sleep(self.random.expovariate(1 / self.load.pause_s))
        self.connection.close()

    # ---- Choosing a request ----

    def draw(self):
        """Returns method, target, body and headers."""
        acts = [self.create, self.grant, self.read, self.wrong]
        if not self.load.discounts:
            return self.create()
        return self.random.choices(acts, [8, 55, 30, 7])[0]()

    def create(self):
        number = self.random.randrange(DISCOUNTS)
        name = self.load.new_name() if self.random.random() < NEW else f"soak {number}"
        body = {"brand_id": f"brand {number % 4}", "discount_code": name, "total_count": 50 if number % 2 else 100000}
        return "POST", "/discount", body, {"Idempotency-Key": name.replace(" ", "-")}

    def user(self):
        return self.load.new_name() if self.random.random() < NEW else f"user {self.random.randrange(USERS)}"

    def discount(self):
        return self.random.choice(self.load.discounts)

    def grant(self):
        return "POST", f"/discount/{self.discount()}/grant", {"user_id": self.user()}, {}

    def read(self):
        id, user = self.discount(), f"user%20{self.random.randrange(USERS)}"
        target = self.random.choice([f"/discount/{id}", f"/discount/{id}/grant?user_id={user}", f"/discount/{id}/grant",
                                     f"/discount/{id}/grant?limit=10", f"/user/{user}/discount", "/discount",
                                     "/discount?brand_id=brand%201", "/healthy", "/livez", "/metrics"])
        return self.random.choice(["GET", "GET", "GET", "HEAD"]), target, None, {}

    def wrong(self):
        id = self.discount()
        return self.random.choice([
            ("POST", f"/discount/{id}/grant", {"user": "x"}, {}),
            ("POST", f"/discount/{id}/grant", {"user_id": "x" * 3000}, {}),
            ("POST", "/discount/dsc-none/grant", {"user_id": "x"}, {}),
            ("POST", "/discount", {"brand_id": 1, "total_count": -1}, {}),
            ("POST", "/discount", None, {}),
            ("GET", "/nothing/here", None, {}),
            ("GET", "/discount?page=1", None, {}),
            ("DELETE", f"/discount/{id}", None, {}),
        ])

    # ---- Sending it ----

    async def ask(self, request):
        try:
            answer = await self.connection.request(*request)
        except NoAnswer:
            self.load.answers[0] += 1
            return
        self.load.answers[answer.status] += 1
        if request[1] == "/discount" and answer.status in (200, 201) and request[0] == "POST":
            self.learn(answer.json()["id"])

    def learn(self, id):
        if len(self.load.discounts) < DISCOUNTS and id not in self.load.discounts:
            self.load.discounts.append(id)

    async def leave(self, request):
        """Leaves after some bytes of the request or of the answer, mostly with a reset."""
        self.load.left += 1
        data = request_bytes(*request)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.load.port)
        try:
            if self.random.random() < 0.5:
                writer.write(data[:self.random.randrange(len(data))])
                await asyncio.sleep(self.random.choice([0, 0.001, 0.02]))
            else:
                writer.write(data)
                await reader.read(self.random.choice([1, 100, 1000, 10000]))
        except OSError:
            pass  # the service closed first
        finally:
            writer.transport.abort()
