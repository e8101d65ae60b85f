# SPDX-License-Identifier: MIT
"""Stops the service and starts it again; everything must be as before."""

import load
from history import History, violations


async def run(report, deployment):
    history = History(await load.create(deployment.port, "durability", 10), 10)
    await load.grant_all(deployment.port, history, [f"User {number}" for number in range(20)], 4)
    before = await picture(deployment, history)

    replicas = [container["Id"] for container in await deployment.containers("app")]
    await deployment.compose("stop", "app")
    codes = [(await deployment.inspect(replica))["State"]["ExitCode"] for replica in replicas]
    report.equal("a stopped replica exits with 0", codes, [0] * len(replicas))
    await check_without_replicas(report, deployment, history)

    await deployment.down()
    await deployment.scale(2)
    await deployment.wait_until_healthy("app", 2)
    await deployment.wait_until_healthy("nginx", 1)
    report.equal("the data is there after down and up", await picture(deployment, history), before)
    await load.grant_all(deployment.port, history, [f"User {number}" for number in range(25)], 4)
    report.none("the grants are the same after down and up",
                violations(history, await load.held(deployment.port, history),
                           await deployment.stored_grants(history.discount_id)))


async def picture(deployment, history):
    discounts = (await load.once(deployment.port, "GET", "/discount")).json()
    return discounts, sorted(await load.held(deployment.port, history))


async def check_without_replicas(report, deployment, history):
    for method, target, body in (("GET", "/discount", None),
                                 ("POST", f"/discount/{history.discount_id}/grant", {"user_id": "User 1"})):
        answer = await load.once(deployment.port, method, target, body)
        report.equal(f"{method} without a replica was surely not applied",
                     (answer.status, answer.problem(), answer.headers.get("retry-after")), (503, "overloaded", "1"))
