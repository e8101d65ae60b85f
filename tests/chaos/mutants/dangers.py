# SPDX-License-Identifier: MIT
"""What happens in the trials of a Redis that evicts, of a lost right, and of files that are taken away."""

import os
import random

import eviction
import rights
import taken_files
from faults import Conductor
from mutants.load import REQUESTS, load

LESS = 100000  # bytes; some hundred keys
WATCHED_S = 1


def conductor_of(trial):
    return Conductor(trial.deployment, trial.log, say=lambda _: None)


async def ask_redis(trial, ask):
    door = trial.deployment.door()
    try:
        return await ask(door)
    finally:
        door.close()


# ---- Eviction ----

async def allow_eviction(trial):
    """Nothing is evicted in fact. Every replica must notice, and serve again afterwards."""
    await load(trial, REQUESTS // 2)
    if not await eviction.allow(conductor_of(trial), random.Random(trial.seed).choice(eviction.POLICIES), WATCHED_S):
        raise RuntimeError("Redis could not be told")
    if await ask_redis(trial, lambda door: eviction.info(door, "evicted_keys")):
        raise RuntimeError("Redis did evict")
    await trial.deployment.ready()
    await load(trial, REQUESTS // 2)


async def evict(trial):
    """Redis evicts keys, as for a neighbour who needs the memory."""
    await load(trial)

    async def begin(door):
        await door.call("CONFIG", "SET", "maxmemory-policy", "allkeys-random",
                        "maxmemory", await eviction.info(door, "used_memory") - LESS)
    trial.log.fault("Redis evicts")
    await ask_redis(trial, begin)
    await load(trial, REQUESTS // 4)
    await ask_redis(trial, lambda door: door.call("CONFIG", "SET", "maxmemory", 0))
    if not await ask_redis(trial, lambda door: eviction.info(door, "evicted_keys")):
        raise RuntimeError("Redis did not evict")
    await load(trial, REQUESTS // 4)


async def meet_a_neighbour(trial):
    await load(trial, REQUESTS // 2)
    if not await eviction.fill(conductor_of(trial), random.Random(trial.seed)):
        raise RuntimeError("Redis has refused nothing")
    await load(trial, REQUESTS // 2)


# ---- Rights ----

async def lose_each_right(trial):
    await load(trial, REQUESTS // 4)
    for number, right in enumerate(rights.ALL):
        if not await rights.take(conductor_of(trial), right, 0.25, resets=number % 2 == 1):
            raise RuntimeError(f"{right} could not be taken")
    await load(trial, REQUESTS // 2)


async def lose_zadd(trial):
    await lose_one(trial, "+zadd")


async def lose_time(trial):
    await lose_one(trial, "+time")


async def lose_one(trial, right):
    await load(trial, REQUESTS // 2)
    await rights.take(conductor_of(trial), right, 1, resets=False)
    await load(trial, REQUESTS // 2)


# ---- The files of SQLite ----

async def take_each(trial):
    for name in taken_files.TAKES:
        await load(trial, REQUESTS // 6)
        if not await taken_files.take(conductor_of(trial), name, 0):
            raise RuntimeError(f"it does not serve: not {name}")
    await load(trial, REQUESTS // 4)


async def rescue_without_the_log(trial):
    """The copy that a service starts on lacks the log, which held the newest grants."""
    await load(trial)
    service = trial.deployment.replicas[0]
    trial.log.fault("kill, and the store is put back without its log")
    await service.kill()
    os.unlink(f"{trial.deployment.path}-wal")
    service.start()
    await load(trial, REQUESTS // 4)
