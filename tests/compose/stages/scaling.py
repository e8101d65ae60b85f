# SPDX-License-Identifier: MIT
"""Adds and removes replicas under a steady load; no client may notice."""

from collections import Counter

import load
from history import History, violations
from stages.spread import grants_per_replica

STOCK = 1_000_000


async def run(report, deployment, seed):
    history = History(await load.create(deployment.port, "scaling", STOCK), STOCK)
    mix = load.Mix(deployment.port, history, seed)
    mix.start()
    await mix.go_on(2)

    await deployment.scale(3)
    await deployment.wait_until_healthy("app", 3)
    # nginx asks for the addresses every second.
    await mix.go_on(3)
    _, counts = await grants_per_replica(deployment, 30)
    report.check("a third replica gets its share without a reload", len(counts) == 3 and min(counts.values()) >= 4, counts)
    report.none("no request fails while a replica is added", mix.all_failures().items())

    await deployment.scale(1)
    await mix.go_on(3)
    report.none("no request fails while two of three replicas are stopped", mix.all_failures().items())
    report.equal("one replica is left", len(await deployment.containers("app")), 1)

    await deployment.scale(2)
    await deployment.wait_until_healthy("app", 2)
    await mix.go_on(2)
    await mix.stop()
    report.note(f"{mix.answered} requests, the slowest took {mix.slowest_s:.2f} s")
    report.none("no request fails while replicas come and go", mix.all_failures().items())
    await check_outcome(report, deployment, mix)


async def check_outcome(report, deployment, mix):
    """The grants must keep the promises, and no create may be doubled or lost."""
    history = mix.history
    stored = await deployment.stored_grants(history.discount_id)
    report.none("the grants under load keep the promises",
                violations(history, await load.held(deployment.port, history), stored))
    everything = (await load.once(deployment.port, "GET", "/discount")).json()["discounts"]
    made = Counter(discount["discount_code"] for discount in everything if discount["discount_code"].startswith(mix.prefix))
    made.subtract(mix.created)
    report.none("each create made one discount", [(code, count) for code, count in made.items() if count])
