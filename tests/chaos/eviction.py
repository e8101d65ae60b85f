# SPDX-License-Identifier: MIT
"""Faults of Redis's memory: an operator lets Redis evict what it holds, and a neighbour fills the memory that all share.

The service reads the settings every NOTICE_S seconds. Keys that Redis evicts before that are lost, and nobody promises otherwise.
So this operator sets a limit far above the present use, and Redis never evicts in fact."""

import asyncio

from deployment import is_ready
from tell import UNTOLD, info, insist, tell_redis

NOTICE_S = 10  # REDIS_SETTINGS_MS in src/store/redis/settings.h
SLACK_S = 3  # the timer of the service and a busy machine
POLICIES = ["allkeys-lru", "allkeys-lfu", "allkeys-random"]
FAR_ABOVE_USE = 1 << 30
NEIGHBOUR, PIECE, ROOM = "neighbour", 1 << 16, 1 << 20


# ---- An operator ----

async def let_evict(conductor, dice):
    """Half of the times it lasts so long that every replica must have noticed."""
    policy, is_long = dice.choice(POLICIES), dice.random() < 0.5
    return await allow(conductor, policy, dice.uniform(1, 3) if is_long else None, dice.uniform(0.5, NOTICE_S - 1))


async def allow(conductor, policy, watched_s, pause_s=0):
    """Allows eviction for some seconds, or until it was noticed and that was watched for some seconds. Nobody takes the right to
    INFO meanwhile: without it the service serves on."""
    deployment = conductor.deployment
    length = f"{pause_s:.2f} s" if watched_s is None else f"{NOTICE_S + SLACK_S} s and more"
    async with conductor.alone(deployment.redis, deployment.rights):
        told = await tell_redis(conductor, f"Redis may evict anything ({policy}), for {length}",
                                "CONFIG", "SET", "maxmemory", FAR_ABOVE_USE, "maxmemory-policy", policy)
        if told and watched_s is not None:
            await asyncio.sleep(NOTICE_S + SLACK_S)
            await watch(conductor, watched_s)
        else:
            await asyncio.sleep(pause_s)
        await insist(conductor, "CONFIG", "SET", "maxmemory", 0, "maxmemory-policy", "noeviction")
        return told


async def watch(conductor, seconds):
    """By now every replica has noticed, unless it is frozen. On a connection the settings are read before later requests are sent,
    so slow networks do not matter."""
    deployment = conductor.deployment
    async with conductor.alone(*deployment.replicas):
        await asyncio.sleep(1)
        conductor.log.unfit(True)
        await asyncio.sleep(seconds)
        for replica in deployment.replicas:
            if await is_ready(replica.port, "/readyz"):
                conductor.log.ready(replica.name)
        conductor.log.unfit(False)


# ---- A neighbour ----

async def fill(conductor, dice):
    """The neighbour fills the memory, gives some back and takes it again. Nothing may be evicted, so Redis refuses writes."""
    redis, door = conductor.deployment.redis, conductor.deployment.door()
    times, pause = dice.randint(1, 4), dice.uniform(0.1, 1)
    async with conductor.alone(redis):
        conductor.note(f"a neighbour fills the memory of Redis, {times} times for {pause:.2f} s")
        try:
            for _ in range(times):
                await door.call("CONFIG", "SET", "maxmemory", await info(door, "used_memory") + ROOM, timeout_s=2)
                told = await take_all(door)
                await asyncio.sleep(pause)
                await door.call("DEL", NEIGHBOUR, timeout_s=2)
        except UNTOLD:
            told = False
        finally:
            door.close()
        await insist(conductor, "CONFIG", "SET", "maxmemory", 0)
        await insist(conductor, "DEL", NEIGHBOUR)
        return told


async def take_all(door):
    """Returns whether Redis refused more in the end."""
    for _ in range(2 * ROOM // PIECE):
        try:
            await door.call("APPEND", NEIGHBOUR, b"x" * PIECE, timeout_s=2)
        except UNTOLD as error:
            if "OOM" not in str(error):
                raise
            return True
    return False
