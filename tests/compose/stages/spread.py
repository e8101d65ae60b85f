# SPDX-License-Identifier: MIT
"""Tests which replica handled a grant: Redis knows the sender of each command."""

import asyncio
import re

from client import Connection
from deployment import addresses
from history import History, violations
from load import create, grant, held


async def run(report, deployment):
    history, counts = await grants_per_replica(deployment, 30)
    report.check("both replicas grant", len(counts) == 2 and min(counts.values()) >= 10, counts)
    report.note(f"grants per replica: {sorted(counts.values())}")
    report.none("their grants keep the promises",
                violations(history, await held(deployment.port, history), await deployment.stored_grants(history.discount_id)))


async def grants_per_replica(deployment, count):
    """Grants to `count` users, one after the other. Returns how many grants each running replica sent to Redis."""
    history = History(await create(deployment.port, "spread", count), count)
    redis = await deployment.container("redis")
    monitor = await deployment.start("docker", "exec", redis["Id"], "timeout", "60", "redis-cli", "MONITOR")
    await asyncio.wait_for(monitor.stdout.readline(), 10)

    connection = Connection(deployment.port)
    for number in range(count):
        await grant(connection, history, f"{history.discount_id}:user-{number}")
    connection.close()

    seen = {}
    last = f"{history.discount_id}:user-{count - 1}"
    while last not in seen:
        line = (await asyncio.wait_for(monitor.stdout.readline(), 10)).decode()
        sender = re.match(r"\S+ \[\d+ ([\d.]+):\d+\]", line)
        user = re.search(re.escape(history.discount_id) + r":user-\d+", line)
        if sender and user:
            seen.setdefault(user[0], sender[1])
    monitor.kill()
    await monitor.wait()

    replicas = {addresses(container, "store"): 0 for container in await deployment.containers("app")}
    for sender in seen.values():
        replicas[sender] += 1
    return history, replicas
