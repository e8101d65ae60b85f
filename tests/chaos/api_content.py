# SPDX-License-Identifier: MIT
"""Reads everything that the API shows: every list to its end, page by page, and the wallet of every user who ever asked."""

import asyncio
from urllib.parse import quote

from content import Content, microseconds
from wire import Connection

READERS = 8
PAGE = 20  # small, so that most lists have several pages


async def read(port, users):
    content = Content()
    connection = Connection("127.0.0.1", port)
    for item in await pages(connection, "/discount", "discounts"):
        content.counts[item["id"]] = [item["granted_count"], item["remaining_count"]]
        content.add(content.discounts, "discounts", item["id"], {
            "brand": item["brand_id"], "code": item["discount_code"], "total": item["total_count"],
            "created_at": microseconds(item["created_at"])})
    connection.close()
    await each(port, list(content.discounts), lambda connection, id: read_grants(connection, id, content))
    await each(port, sorted(users), lambda connection, user: read_wallet(connection, user, content))
    return content


async def each(port, names, look):
    """Calls `look` for each name, over a few connections at once."""
    async def reader():
        connection = Connection("127.0.0.1", port)
        while names:
            await look(connection, names.pop())
        connection.close()
    await asyncio.gather(*(reader() for _ in range(READERS)))


async def read_grants(connection, id, content):
    content.grants[id] = {}
    for item in await pages(connection, f"/discount/{id}/grant", "grants"):
        content.add(content.grants[id], f"the grants of {id}", item["user_id"], microseconds(item["granted_at"]))


async def read_wallet(connection, user, content):
    wallet = content.wallets.setdefault(user, {})
    for item in await pages(connection, f"/user/{quote(user, safe='')}/discount", "discounts"):
        content.add(wallet, f"the wallet of {user}", item["id"], microseconds(item["granted_at"]))


async def pages(connection, target, member):
    items, cursor = [], ""
    while True:
        answer = await connection.request("GET", f"{target}?limit={PAGE}{cursor}")
        if answer.status != 200:
            raise RuntimeError(f"{target} was answered {answer.status}: {answer.body[:200]}")
        page = answer.json()
        items += page[member]
        if "next_cursor" not in page:
            return items
        cursor = f"&cursor={quote(page['next_cursor'])}"
