# SPDX-License-Identifier: MIT
"""The service's user in Redis, with exactly the rights that docs/operations.md names; and the fault that takes one of them away."""

import asyncio
import os
import re

from tell import insist, tell_redis

DOCS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/operations.md")
USER, PASSWORD = "shop", "secret"
LINE = re.compile(rf"^ACL SETUSER {USER} on >{PASSWORD} (.+)$", re.MULTILINE)
FOR_VERIFY = re.compile(r"`verify` also needs `([^`]+)`")
LOGIN = "on"
TRIES = 3


def of_docs():
    with open(DOCS, encoding="utf-8") as file:
        text = file.read()
    return LINE.search(text)[1].split(), FOR_VERIFY.search(text)[1].split()


SERVICE, VERIFY = of_docs()
KEYS = [right for right in SERVICE if right.startswith("~")]
ALL = [LOGIN, *SERVICE]  # what can be taken


def settings():
    """Returns the words of a setting of Redis that makes the user."""
    return ["--user", USER, LOGIN, f">{PASSWORD}", *SERVICE, *VERIFY]


def to_take(right):
    """Returns the words of ACL SETUSER that take this right and no other."""
    if right == LOGIN:
        return ["off"]
    if right in KEYS:
        return ["resetkeys", *(other for other in KEYS if other != right)]
    return [f"-{right[1:]}"]


def to_give(right):
    return KEYS if right in KEYS else [right]


async def lose(conductor, dice):
    """Tries again later when Redis is down or hangs."""
    right, pause, resets = dice.choice(ALL), dice.uniform(0.3, 4), dice.random() < 0.5
    for _ in range(TRIES):
        if await take(conductor, right, pause, resets):
            return True
    return False


async def take(conductor, right, pause_s, resets):
    """Takes a right away and gives it back. `resets`: the connections of the user end, so the service meets it at its greeting."""
    async with conductor.alone(conductor.deployment.rights):
        told = await tell_redis(conductor, f"the service's user in Redis loses {right} for {pause_s:.2f} s",
                                "ACL", "SETUSER", USER, *to_take(right))
        if resets:
            await tell_redis(conductor, f"CLIENT KILL USER {USER}", "CLIENT", "KILL", "USER", USER)
        await asyncio.sleep(pause_s)
        await insist(conductor, "ACL", "SETUSER", USER, *to_give(right))
        return told
