# SPDX-License-Identifier: MIT
"""Replicas are killed, hang and disappear under load. Redis is killed while it grants."""

import asyncio
import time

import load
from history import History, violations
from stages.scaling import check_outcome

STOCK = 1_000_000


async def run(report, deployment, seed):
    await kill_replicas(report, deployment, seed + 1)
    await kill_redis(report, deployment, seed + 2)
    await hang_the_only_replica(report, deployment)


async def kill_replicas(report, deployment, seed):
    history = History(await load.create(deployment.port, "kill", STOCK), STOCK)
    mix = load.Mix(deployment.port, history, seed)
    mix.start()
    await mix.go_on(1)

    gone = (await deployment.container("app"))["Id"]
    await deployment.run("docker", "kill", "--signal", "KILL", gone)
    await mix.go_on(4)
    report.none("no request fails when a replica is killed and stays away", mix.all_failures().items())
    report.note(f"the slowest took {mix.slowest_s:.2f} s")

    await deployment.scale(2)
    await deployment.wait_until_healthy("app", 2)
    crashed = await deployment.crash("app")
    await deployment.wait_until_restarted(crashed)
    await deployment.wait_until_healthy("app", 2)
    restarts = (await deployment.inspect(crashed))["RestartCount"]
    report.equal("a replica that crashes is started again", restarts, 1)
    await mix.go_on(2)
    await mix.stop()
    report.note(f"{mix.answered} requests, the slowest took {mix.slowest_s:.2f} s")
    report.none("no request fails when a replica crashes", mix.all_failures().items())
    await check_outcome(report, deployment, mix)


async def kill_redis(report, deployment, seed):
    """Requests may fail here, but only as the promises allow, and everything answered must be there afterwards."""
    history = History(await load.create(deployment.port, "kill redis", STOCK), STOCK)
    mix = load.Mix(deployment.port, history, seed)
    mix.start()
    await mix.go_on(1)
    await deployment.wait_until_restarted(await deployment.crash("redis"))
    await deployment.wait_until_healthy("redis", 1)
    await mix.go_on(2)
    await mix.stop()

    honest = ("503 store-unavailable", "503 outcome-unknown", "503 overloaded")
    failures = mix.all_failures()
    report.none("requests fail honestly while Redis is away",
                [failure for failure in failures if not failure.endswith(honest)])
    report.note(f"{sum(failures.values())} of {mix.answered} requests failed: {dict(failures)}")
    await load.settle(deployment.port, history)
    report.none("repeating a request settles what was not known", history.in_doubt())
    stored = await deployment.stored_grants(history.discount_id)
    report.none("no answered grant is lost with Redis",
                violations(history, await load.held(deployment.port, history), stored))


async def hang_the_only_replica(report, deployment):
    """A client whose request went to a replica that never answers must get outcome-unknown."""
    await deployment.scale(1)
    # nginx asks for the addresses every second; after this it must know only the remaining one.
    await asyncio.sleep(3)
    history = History(await load.create(deployment.port, "hang", 1), 1)
    replica = (await deployment.container("app"))["Id"]
    await deployment.run("docker", "pause", replica)
    began = time.monotonic()
    attempt = history.begin("User 1")
    try:
        answer = await load.once(deployment.port, "POST", f"/discount/{history.discount_id}/grant", {"user_id": "User 1"})
    finally:
        await deployment.run("docker", "unpause", replica)
    report.equal("a hung replica's grant is answered as not known",
                 (answer.status, answer.problem(), answer.headers.get("retry-after")), (503, "outcome-unknown", "1"))
    report.note(f"after {time.monotonic() - began:.1f} s")
    history.end(attempt, answer)
    await load.settle(deployment.port, history)
    report.none("repeating it settles it", history.in_doubt())
    await load.grant_all(deployment.port, history, ["User 2"], 1)
    stored = await deployment.stored_grants(history.discount_id)
    report.none("the hung grant keeps the promises",
                violations(history, await load.held(deployment.port, history), stored))
