# SPDX-License-Identifier: MIT
"""The clients: they create discounts, compete for those that sell out, repeat unanswered requests, read, give up, and hang up.

Each takes its random numbers from the seed. A request is logged before it is sent. A repetition is logged as a request of its own."""

import asyncio
import collections
import random
import urllib.parse

from content import microseconds
from history import REPEATABLE
from wire import Connection, NoAnswer, request_bytes

USERS = 1200
BRANDS = ["IKEA", "a}:b", "Ø & Co", "brand/4"]
TIMEOUTS_S = [2.5, 4, 8]
PATIENCE = [1, 1, 2, 3, 5, 9]  # the number of attempts; some give up at once
TORN = 0.02  # share of requests at which the client hangs up before the answer
MOST_BACK_OFF_S = 1
HOT, SMALL, WIDE = "hot", "small", "wide"


class Discount:
    def __init__(self, kind, id, total):
        self.kind, self.id, self.total = kind, id, total
        self.users = {HOT: total * 5 // 2, SMALL: total + 4, WIDE: USERS}[kind]
        self.asks_left = {HOT: total * 8, SMALL: 40, WIDE: 2000}[kind]


class Market:
    """The discounts that can be asked for at the moment. One that was asked for often enough is replaced by a new one."""

    WANTED = {HOT: 3, SMALL: 25, WIDE: 1}

    def __init__(self):
        self.open = {kind: [] for kind in self.WANTED}
        self.made = 0

    def lacking(self):
        return next((kind for kind, count in self.WANTED.items() if len(self.open[kind]) < count), None)

    def add(self, discount):
        self.open[discount.kind].append(discount)

    def pick(self, kind, rnd):
        if not self.open[kind]:
            return None
        discount = rnd.choice(self.open[kind])
        discount.asks_left -= 1
        if discount.asks_left <= 0:
            self.open[kind].remove(discount)
        return discount


def user_name(number):
    return f"User {number}" if number % 3 else f"ü/{number}%"


class Crowd:
    """All clients of a run."""

    def __init__(self, log, routes, seed, clients=24, pause_s=0.03, hot=(20, 150)):
        self.hot = hot  # lowest and highest stock of the discounts that most clients want
        self.log, self.routes, self.seed, self.clients, self.pause_s = log, routes, seed, clients, pause_s
        self.market = Market()
        self.pairs = set()     # (discount, user) that were ever asked for
        self.keyed = {}        # the body of a create: its key
        self.users = set()
        self.tasks = []
        self.recent = collections.deque(maxlen=1000)  # (discount, user) pairs for the clients that read
        self.counts = collections.Counter()

    def start(self):
        self.stopping = False
        self.tasks = [asyncio.create_task(Client(self, number).live()) for number in range(self.clients)]

    async def stop(self):
        """Lets each client finish its request. Raises an exception that ended a client: that is no fault of the service."""
        self.stopping = True
        await asyncio.gather(*self.tasks)

    async def abandon(self):
        """Ends all clients at once, after the run itself has failed."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def replay(self):
        """Repeats the grant request of every user who ever tried, and every create with a key."""
        waiting = [("grant", {"discount": id, "user": user}) for id, user in self.pairs]
        waiting += [("create", dict(zip(("brand", "code", "total", "key"), create))) for create in self.keyed]
        random.Random(f"{self.seed} replay").shuffle(waiting)

        async def repeat(number):
            client = Client(self, f"replay {number}")
            client.patience, client.torn = 12, 0
            while waiting:
                await client.perform(*waiting.pop())
            client.hang_up()
        await asyncio.gather(*(repeat(number) for number in range(12)))


class Client:
    def __init__(self, crowd, number):
        self.crowd, self.name = crowd, f"client {number}"
        self.random = random.Random(f"{crowd.seed} {number}")
        self.connection, self.patience, self.torn = None, None, TORN

    async def live(self):
        acts = [self.want_hot, self.want_small, self.want_wide, self.create, self.read]
        while not self.crowd.stopping:
            act = self.create if self.crowd.market.lacking() else self.random.choices(acts, [40, 20, 18, 2, 20])[0]
            await act()
            await asyncio.sleep(self.random.expovariate(1 / self.crowd.pause_s))
            if self.random.random() < 0.01:
                self.hang_up()
        self.hang_up()

    # ---- Choosing a request ----

    async def want_hot(self):
        await self.want(HOT)

    async def want_small(self):
        await self.want(SMALL)

    async def want_wide(self):
        await self.want(WIDE)

    async def want(self, kind):
        discount = self.crowd.market.pick(kind, self.random)
        if discount is not None:
            user = user_name(self.random.randrange(discount.users))
            self.crowd.pairs.add((discount.id, user))
            self.crowd.users.add(user)
            self.crowd.recent.append((discount.id, user))
            await self.perform("grant", {"discount": discount.id, "user": user})

    async def create(self):
        market = self.crowd.market
        kind = market.lacking() or SMALL
        market.made += 1
        total = {HOT: self.random.randint(*self.crowd.hot), SMALL: self.random.randint(1, 3), WIDE: 100000}[kind]
        asked = {"brand": self.random.choice(BRANDS), "code": f"{kind} {market.made}", "total": total,
                 "key": f"key-{market.made}" if self.random.random() < 0.6 else None}
        if asked["key"]:
            self.crowd.keyed[tuple(asked.values())] = asked["key"]
        said = await self.perform("create", asked)
        if said and "id" in said:
            market.add(Discount(kind, said["id"], total))

    async def read(self):
        if not self.crowd.recent:
            return
        id, user = self.random.choice(self.crowd.recent)
        kind = self.random.choices(["get", "grant_get", "wallet", "grants", "list"], [6, 8, 4, 2, 1])[0]
        asked = {"get": {"discount": id}, "grant_get": {"discount": id, "user": user}, "wallet": {"user": user},
                 "grants": {"discount": id}, "list": {"brand": self.random.choice([None, *BRANDS])}}
        await self.perform(kind, asked[kind])

    # ---- Sending it ----

    async def perform(self, kind, asked):
        """Sends a request, and repeats it if needed. Returns the final answer or None."""
        patience = self.patience or self.random.choice(PATIENCE)
        for turn in range(patience):
            status, name, said = await self.once(kind, asked)
            if status != 0 and status not in (502, 503, 504):
                return said if status < 300 else None
            if turn + 1 < patience and may_repeat(kind, asked, name):
                most = min(MOST_BACK_OFF_S, 0.05 * 2 ** turn)
                await asyncio.sleep(most * self.random.uniform(0.5, 1))
            else:
                return None
        return None

    async def once(self, kind, asked):
        if self.connection is None:
            self.route, port = self.random.choice(self.crowd.routes)
            self.connection = Connection("127.0.0.1", port)
        seq = self.crowd.log.ask(self.name, self.route, kind, asked)
        try:
            answer = await self.connection.request(*request_of(kind, asked), timeout_s=self.random.choice(TIMEOUTS_S),
                                                   tear=self.draw_tear(kind, asked))
            status, name, said = answer.status, *read_answer(kind, asked, answer)
        except NoAnswer as none:
            status, name, said = 0, none.why, {}
            self.hang_up()
        self.crowd.log.said(seq, status, name, said)
        self.crowd.counts[kind, status, name] += 1
        return status, name, said

    def draw_tear(self, kind, asked):
        """Mostly None. Otherwise the number of bytes after which the client hangs up, and the delay."""
        if self.random.random() >= self.torn:
            return None
        size = len(request_bytes(*request_of(kind, asked)))
        return self.random.choice([size, size, self.random.randrange(1, size)]), self.random.choice([0, 0, 0.002, 0.05])

    def hang_up(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def may_repeat(kind, asked, name):
    """A create without a key is repeated only if it was certainly not applied: otherwise there might be two discounts."""
    return kind != "create" or asked["key"] is not None or name in ("unsent", *REPEATABLE[:2])


def request_of(kind, asked):
    """Returns method, target, body and headers."""
    id, user = asked.get("discount"), urllib.parse.quote(asked.get("user", ""), safe="")
    if kind == "create":
        body = {"brand_id": asked["brand"], "discount_code": asked["code"], "total_count": asked["total"]}
        return "POST", "/discount", body, {"Idempotency-Key": asked["key"]} if asked["key"] else {}
    if kind == "grant":
        return "POST", f"/discount/{id}/grant", {"user_id": asked["user"]}, {}
    if kind == "list":
        brand = "" if asked["brand"] is None else f"?brand_id={urllib.parse.quote(asked['brand'], safe='')}"
        return "GET", f"/discount{brand}", None, {}
    target = {"grant_get": f"/discount/{id}/grant?user_id={user}", "grants": f"/discount/{id}/grant",
              "get": f"/discount/{id}", "wallet": f"/user/{user}/discount"}[kind]
    return "GET", target, None, {}


def read_answer(kind, asked, answer):
    """Returns the name of the problem or None, and the content of a 2xx in the form of the log."""
    try:
        name = answer.problem()
        return name, READ[kind](answer, answer.json()) if answer.status < 300 else {}
    except (ValueError, KeyError, TypeError) as error:
        return None, {"malformed": f"{error!r}: {answer.body[:200]!r}"}


def read_created(answer, body):
    return {"id": body["id"], "brand": body["brand_id"], "code": body["discount_code"], "total": body["total_count"],
            "created_at": microseconds(body["created_at"]), "replayed": "idempotent-replayed" in answer.headers}


def read_granted(answer, body):
    return {"discount": body["discount_id"], "user": body["user_id"], "granted_at": microseconds(body["granted_at"]),
            "replayed": "idempotent-replayed" in answer.headers}


READ = {
    "create": read_created,
    "grant": read_granted,
    "grant_get": read_granted,
    "get": lambda _, body: {"granted": body["granted_count"], "remaining": body["remaining_count"]},
    "grants": lambda _, body: {item["user_id"]: microseconds(item["granted_at"]) for item in body["grants"]},
    "wallet": lambda _, body: {item["id"]: microseconds(item["granted_at"]) for item in body["discounts"]},
    "list": lambda _, body: {item["id"]: item["granted_count"] for item in body["discounts"]},
}
