# SPDX-License-Identifier: MIT
"""The planted faults: the name of each, the promise that it breaks, the layer before Redis, and what happens meanwhile."""

import functools
import os
from dataclasses import dataclass
from typing import Callable, Optional

from cut_proxy import Proxy
from deployment import OverRedis, OverSqlite, redis_program
from mutants import dangers
from mutants.load import REQUESTS, load
from mutants.middle import (AnswerBeforeCommit, CallsItDamage, CheckThenWrite, DeniesWhatItDid, HidesEviction, Middle, ScriptMutant,
                            StaleReads)
from programs import free_port, until

CUT_BYTES = 3000  # from the end of the append-only file: a few dozen grants
CUT_LOG_BYTES = 400000  # from the end of the write-ahead log, whose pages are much larger than their changes


# ---- Faults of a correct Redis ----

async def kill_redis(trial):
    """Kills Redis twice, so that some requests were in progress."""
    for _ in range(2):
        await load(trial, REQUESTS // 2)
        trial.log.fault("kill -9 redis")
        await trial.deployment.redis.kill()
        trial.deployment.redis.start()
    await load(trial, REQUESTS // 4)


async def cut_the_tail(trial):
    """Redis dies, and its disk lacks the last writes that it had confirmed."""
    await load(trial)
    redis = trial.deployment.redis
    trial.log.fault("kill, and the tail of the append-only file is gone")
    await redis.kill()
    root = f"{trial.directory}/redis/appendonlydir"
    path = next(f"{root}/{name}" for name in sorted(os.listdir(root)) if name.endswith(".incr.aof"))
    os.truncate(path, os.path.getsize(path) - CUT_BYTES)
    redis.start()
    await load(trial, REQUESTS // 4)


async def cut_the_log(trial):
    """Does the same to SQLite: the write-ahead log loses answered grants."""
    await load(trial)
    service = trial.deployment.replicas[0]
    trial.log.fault("kill, and the tail of the write-ahead log is gone")
    await service.kill()
    path = f"{trial.deployment.path}-wal"
    os.truncate(path, max(0, os.path.getsize(path) - CUT_LOG_BYTES))
    service.start()
    await load(trial, REQUESTS // 4)


async def behind_a_proxy(deployment):
    """Puts a proxy before Redis, so that the replicas can be sent to another one."""
    deployment.way = Proxy("to redis", deployment.host, deployment.redis_port)
    deployment.proxies.append(deployment.way)
    await deployment.way.open(free_port())
    return deployment.way.port


async def fail_over(trial):
    """Promotes a replica of Redis that lacks the last writes: its link was cut before."""
    deployment = trial.deployment
    port = free_port()
    master, deployment.redis_other = deployment.redis, redis_program("other redis", deployment, deployment.host, port)
    deployment.redis_other.start()
    try:
        await promote(trial, deployment, port)
        await master.kill()
        deployment.redis, deployment.redis_other = deployment.redis_other, master
    finally:
        deployment.redis_other.end()
    await load(trial, REQUESTS // 4)


async def promote(trial, deployment, port):
    other = type(deployment.door())(deployment.host, port)
    await until(lambda: answers(other), "the other Redis does not start")
    await other.call("REPLICAOF", deployment.host, deployment.redis_port)

    async def is_linked():
        return b"master_link_status:up" in await other.call("INFO", "replication")
    await until(is_linked, "the other Redis does not follow")
    await load(trial, REQUESTS // 2)
    await other.call("REPLICAOF", deployment.host, 1)
    await load(trial, REQUESTS // 2)
    await other.call("REPLICAOF", "NO", "ONE")
    trial.log.fault("failover")
    deployment.redis_port = deployment.way.target = port
    deployment.way.reset_all()
    other.close()


async def answers(redis):
    try:
        return await redis.call("PING") == b"PONG"
    except OSError:
        return False


# ---- The table ----

@dataclass
class Planted:
    name: str
    breaks: list  # promises; at least one must be found broken (a race decides which one); empty: none may be
    middle: Callable = Middle  # made from a deployment
    during: Callable = load
    front: Optional[Callable] = None
    over_sqlite: bool = False  # with no layer before it

    def deployment(self, directory, log, discountd):
        if self.over_sqlite:
            return OverSqlite(directory, log, discountd)
        return OverRedis(directory, log, discountd, front=self.stand_before)

    async def stand_before(self, deployment):
        if self.front:
            return await self.front(deployment)
        deployment.middle = self.middle(deployment)
        return await deployment.middle.open()


def script(title, *changes):
    return functools.partial(ScriptMutant, title=title, changes=changes)


GRANTS, CREATES = "Grants discounts", "Stores a discount"

PLANTED = [
    Planted("nothing planted", []),
    Planted("nothing planted, Redis killed", [], during=kill_redis),
    Planted("nothing planted, over SQLite", [], over_sqlite=True),
    Planted("no stock check", ["P1"], script(GRANTS, ("elseif left <= 0 then", "elseif false then"))),
    Planted("check and write in two steps", ["P1", "P4"], CheckThenWrite),
    Planted("answer before commit", ["P3"], AnswerBeforeCommit, kill_redis),
    Planted("a new time on repeat", ["P4"], script(GRANTS, ("held_token(held[i])", "held_token(now)"))),
    Planted("the tail of the append-only file cut off", ["P3"], during=cut_the_tail),
    Planted("the tail of the write-ahead log cut off", ["P3"], during=cut_the_log, over_sqlite=True),
    Planted("a promoted replica that missed writes", ["P3"], during=fail_over, front=behind_a_proxy),
    Planted("every repeat is told that it is new", ["P4"], script(GRANTS, ("held_token(held[i])", "'g'"))),
    Planted("one unit is kept back", ["P5"], script(GRANTS, ("left <= 0", "left <= 1"), ("granted + count <= total", "granted + count < total"))),
    Planted("sold out is said to holders too", ["P4"], script(GRANTS, ("elseif held[i] then", "elseif held[i] and left > 0 then"))),
    Planted("applied and denied", ["P6"], DeniesWhatItDid),
    Planted("no wallet entry", ["P6"], script(GRANTS, ("error_text(try('ZADD', KEYS[key], time, id))", "nil"))),
    Planted("idempotency keys are forgotten", ["P6"], script(CREATES, ("if kept then", "if false then"))),
    Planted("reads lag behind", ["P3"], StaleReads),
    Planted("a page begins with the last of the one before", ["P2"],
            script("Reads the next grants", ("rank and rank + 1", "rank"))),
    Planted("the list does not count", ["P6"],
            script("Reads the next discounts", ("redis.call('ZCARD', key .. ':grants')", "0"))),
    Planted("nothing planted, eviction allowed", [], during=dangers.allow_eviction),
    Planted("nothing planted, memory filled by a neighbour", [], during=dangers.meet_a_neighbour),
    Planted("nothing planted, each right lost once", [], during=dangers.lose_each_right),
    Planted("nothing planted, the log or the database taken away", [], during=dangers.take_each, over_sqlite=True),
    Planted("eviction allowed, and nobody notices", ["P3"], HidesEviction, dangers.allow_eviction),
    Planted("Redis evicts, and nobody notices", ["P3"], HidesEviction, dangers.evict),
    Planted("a write refused for a lost right is told as done", ["P3"],
            script(GRANTS, ("refusal = error_text(added) or refusal", ""),
                   ("not error_text(added) and added", "error_text(added) and #new / 2 or added"),
                   ("error_text(try('ZADD', KEYS[key], time, id))", "try('ZADD', KEYS[key], time, id) == ''")), dangers.lose_zadd),
    Planted("a lost right is told as damage", ["P5"], CallsItDamage, dangers.lose_time),
    Planted("a rescued copy without its log", ["P3"], during=dangers.rescue_without_the_log, over_sqlite=True),
]
