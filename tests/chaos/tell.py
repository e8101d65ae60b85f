# SPDX-License-Identifier: MIT
"""Commands that a fault sends to Redis, over a connection of its own."""

import asyncio

from wire import RedisError

UNTOLD = (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, RedisError)


async def tell_redis(conductor, text, *words):
    """Sends a command and notes it. Returns False if Redis is down, hangs or refuses it."""
    door = conductor.deployment.door()
    try:
        await door.call(*words, timeout_s=2)
        conductor.note(text)
        return True
    except UNTOLD:
        conductor.note(f"{text}: Redis could not be told")
        return False
    finally:
        door.close()


async def insist(conductor, *words):
    """Sends Redis the command that ends a fault, and repeats it until it arrives. A Redis that restarts has forgotten the fault."""
    door = conductor.deployment.door()
    for _ in range(20):
        try:
            await door.call(*words, timeout_s=1)
            break
        except UNTOLD:
            await asyncio.sleep(0.5)
    door.close()


async def info(door, name):
    """Returns a number that INFO shows."""
    lines = (await door.call("INFO", timeout_s=2)).decode().splitlines()
    return int(next(line.partition(":")[2] for line in lines if line.startswith(f"{name}:")))
