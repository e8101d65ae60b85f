# SPDX-License-Identifier: MIT
"""The fault that takes the write-ahead log or the database of a SQLite store away while it is served.

The service then answers nothing more, saves what its open files hold to PATH-rescued-TIME, says so and exits with 1. The run puts
the copy in the place of the store, as that line says, and starts again."""

import asyncio
import glob
import os

from deployment import is_ready
from programs import GRACE_S

READY_S = 5


def remove(path):
    os.unlink(path)


def rename(path):
    os.rename(path, f"{path}.away")


def replace(path):
    with open(f"{path}.other", "wb"):
        pass
    os.rename(f"{path}.other", path)


def empty(path):
    os.truncate(path, 0)


def halve(path):
    os.truncate(path, os.path.getsize(path) // 2)


# What is done in words, the ending of the file's name, and the function.
TAKES = {
    "log removed": ("-wal", remove),
    "log renamed": ("-wal", rename),
    "log replaced by an empty file": ("-wal", replace),
    "log emptied": ("-wal", empty),
    "log cut in half": ("-wal", halve),
    "database removed": ("", remove),
    "database renamed": ("", rename),
    "database replaced by an empty file": ("", replace),
}


def do(name, path):
    ending, way = TAKES[name]
    way(path + ending)


async def lose(conductor, dice):
    return await take(conductor, dice.choice(list(TAKES)), dice.choice([0, dice.uniform(0.1, 2)]))


async def take(conductor, name, pause_s):
    deployment = conductor.deployment
    service = deployment.replicas[0]
    async with conductor.alone(service):
        if not await is_served(service) or os.path.getsize(f"{deployment.path}-wal") == 0:
            return False  # it has only just been started, and nothing was written since
        conductor.note(f"{name}, while {service.name} serves")
        service.wanted = "rescue"
        do(name, deployment.path)
        if not await service.ended(GRACE_S):
            await service.end_with_violence()
        conductor.note(f"{put_in_place(deployment.path) or 'nothing'} is put in the place of the store, back after {pause_s:.2f} s")
        await asyncio.sleep(pause_s)
        service.start()
        return True


async def is_served(service):
    for _ in range(10 * READY_S):
        if await is_ready(service.port, "/readyz"):
            return True
        await asyncio.sleep(0.1)
    return False


def rescued(path):
    """Returns the paths of the rescued copies, without their logs."""
    return [name for name in sorted(glob.glob(f"{glob.escape(path)}-rescued-*")) if not name.endswith(("-wal", "-partial"))]


def put_in_place(path):
    """Puts the newest rescued copy, with its log if it has one, in the place of the store. Returns the name that it had."""
    copies = rescued(path)
    if not copies:
        return None
    for ending in ("-wal", "-wal.away", ".away"):
        if os.path.exists(path + ending):
            os.unlink(path + ending)
    if os.path.exists(f"{copies[-1]}-wal"):
        os.rename(f"{copies[-1]}-wal", f"{path}-wal")
    os.rename(copies[-1], path)
    return os.path.basename(copies[-1])
