# SPDX-License-Identifier: MIT
"""Replaces every replica, one after another, and then changes their number from 2 to 4 to 1. The load is more than a thousand
requests a second. No request may fail, and every process that is stopped must exit with 0.

Each connection has one request at a time, and none is ever repeated. An error, a reset, a connection that is not accepted and a
missing answer are a failure each.
"""

import asyncio
import contextlib
import json
import re
import time

import load
from client import once
from deployment import CommandFailed, addresses
from history import History
from stages.scaling import check_outcome

STOCK = 1_000_000
WANTED_PER_S = 1000
GRANTS_ANSWERED = re.compile(r'^discount_http_responses_total\{method="POST",route="[^"]*/grant",.*\} (\d+)$', re.M)


class Crowd(load.Mix):
    # Each client waits for its answer, so there must be enough clients for the rate even on a slow machine.
    CLIENTS = 64
    REQUESTS_PER_S = 1300
    # Few new users and discounts, because at the end each of them is looked up.
    WEIGHTS = (20, 50, 1, 50)


async def run(report, deployment, seed):
    await deployment.scale(2)
    await deployment.wait_until_healthy("app", 2)
    history = History(await load.create(deployment.port, "rolling", STOCK), STOCK)
    crowd = Crowd(deployment.port, history, seed)
    began, began_at = time.monotonic(), time.time()
    async with deaths(deployment) as died:
        crowd.start()
        await crowd.go_on(2)
        ended = 0
        for replicas in (2, 4):
            await deployment.scale(replicas)
            await deployment.wait_until_healthy("app", replicas)
            ended += await replace_all(report, deployment, crowd)
        await deployment.scale(1)
        await crowd.go_on(3)
        await crowd.stop()
        elapsed_s = time.monotonic() - began
        report.none("no request fails while 2 replicas become 4 and 1", crowd.all_failures().items())
        report.equal("one replica is left", len(await deployment.containers("app")), 1)
        # The three that scaling stopped are gone with their logs, but their exit codes are known.
        await deaths_are_known(died, ended + 3)

    report.equal("every process that is stopped ends with 0, and no other ends", sorted(died), [("app", "0")] * (ended + 3))
    per_s = crowd.answered / elapsed_s
    report.note(f"{crowd.answered} requests, {per_s:.0f} a second, the slowest took {crowd.slowest_s:.2f} s")
    report.note(f"failures: {dict(crowd.all_failures())}; {await second_tries(deployment, began_at)}")
    report.check(f"the load was of {WANTED_PER_S} requests a second and more", per_s >= WANTED_PER_S, f"{per_s:.0f}")
    await check_outcome(report, deployment, crowd)
    # As it was before the stage.
    await deployment.scale(2)
    await deployment.wait_until_healthy("app", 2)


async def replace_all(report, deployment, crowd):
    """Replaces every running replica. Returns how many there were."""
    replicas = await deployment.containers("app")
    for replica in replicas:
        await replace(report, deployment, replica["Id"], len(replicas))
    report.none(f"no request fails while each of {len(replicas)} replicas is replaced", crowd.all_failures().items())
    return len(replicas)


async def replace(report, deployment, old, count):
    await deployment.run("docker", "stop", old)
    log = await deployment.shell(f"docker logs {old} 2>&1")
    report.check("a replica that is stopped drains", "serve: drained" in log, log[-1000:])
    # Otherwise docker-compose would start it again instead of making a new one.
    await deployment.run("docker", "rm", old)
    before = {replica["Id"] for replica in await deployment.containers("app")}
    await deployment.scale(count)
    for replica in await deployment.containers("app"):
        if replica["Id"] not in before:
            await wait_until_it_serves(replica)


async def wait_until_it_serves(replica, deadline_s=60):
    """Waits until nginx has found the new replica, which then has answered some of the load."""
    address = addresses(replica, "replicas")
    ends = time.monotonic() + deadline_s
    while await grants_answered(address) < 10:
        if time.monotonic() > ends:
            raise CommandFailed(f"the new replica {address} gets no requests")
        await asyncio.sleep(0.1)


async def grants_answered(address):
    """Returns how many grants a replica has counted; 0 while it does not listen."""
    try:
        metrics = (await once(8080, "GET", "/metrics", host=address)).body.decode()
    except load.BROKEN:
        return 0
    return sum(int(count) for count in GRANTS_ANSWERED.findall(metrics))


@contextlib.asynccontextmanager
async def deaths(deployment):
    """Returns a list to which the service and exit code of each container that ends are added."""
    died = []
    events = await deployment.start("docker", "events", "--filter", "event=die", "--format", "{{json .Actor.Attributes}}",
                                    "--filter", "label=com.docker.compose.project=discount")

    async def listen():
        while line := await events.stdout.readline():
            attributes = json.loads(line)
            died.append((attributes["com.docker.compose.service"], attributes["exitCode"]))

    listener = asyncio.create_task(listen())
    try:
        yield died
    finally:
        events.kill()
        await events.wait()
        await listener


async def deaths_are_known(died, count, deadline_s=10):
    ends = time.monotonic() + deadline_s
    while len(died) < count and time.monotonic() < ends:
        await asyncio.sleep(0.1)


async def second_tries(deployment, since):
    """Returns how many requests needed a second replica, or the list of replicas again, from nginx's log."""
    nginx = await deployment.container("nginx")
    log = await deployment.shell(f"docker logs --since {since:.3f} {nginx['Id']} 2>/dev/null")
    tried = [json.loads(line)["replicas"] for line in log.splitlines() if line.startswith("{")]
    anew = sum(" : " in replicas for replicas in tried)
    return f"{sum(',' in replicas for replicas in tried)} requests went on to another replica, {anew} began anew"
