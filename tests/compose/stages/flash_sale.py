# SPDX-License-Identifier: MIT
"""5,000 requests of 1,000 users for 500 units, all at once, through nginx."""

import time

import load
from history import GRANTED, violations

STOCK, USERS, REQUESTS_PER_USER, CLIENTS = 500, 1000, 5, 64


async def run(report, deployment, seed):
    began = time.monotonic()
    history = await load.sale(deployment.port, STOCK, USERS, REQUESTS_PER_USER, CLIENTS, seed)
    report.note(f"{len(history.attempts)} requests in {time.monotonic() - began:.1f} s")

    report.none("every request of the sale is answered", history.unanswered())
    stored = await deployment.stored_grants(history.discount_id)
    listed = await load.held(deployment.port, history)
    report.equal("as many grants are stored as there were units", len(stored), STOCK)
    report.equal("as many users hold one", len(dict(listed)), STOCK)
    report.equal("as many were told that theirs is new", len(history.with_outcome(GRANTED)), STOCK)
    discount = (await load.once(deployment.port, "GET", f"/discount/{history.discount_id}")).json()
    report.equal("the discount says so", (discount["granted_count"], discount["remaining_count"]), (STOCK, 0))
    report.none("the sale keeps the promises", violations(history, listed, stored))
