# SPDX-License-Identifier: MIT
"""Reads the content of a store without the service: Redis over its own connection, SQLite from a copy of its files."""

import os
import re
import shutil
import sqlite3
import tempfile

from content import Content

KEY = re.compile(r"idempotency:(\d+):\{")


# ---- Redis ----

async def from_redis(redis):
    content = Content()
    for id in await redis.call("ZRANGE", "discounts", 0, -1):
        await read_discount(redis, id.decode(), content)
    async for key in keys_of(redis):
        if key.startswith("user:{"):
            content.wallets[key[len("user:{"):-len("}:discounts")]] = scores(await redis.call("ZRANGE", key, 0, -1, "WITHSCORES"))
        elif match := KEY.match(key):
            brand = key[match.end():].encode()[:int(match[1])].decode()
            kept = (await redis.call("GET", key)).decode()
            content.keys.append([brand, key[match.end() + len(brand) + 2:], kept.split()[1]])
    return content


async def read_discount(redis, id, content):
    words = await redis.call("HGETALL", f"discount:{{{id}}}")
    row = {words[i].decode(): words[i + 1].decode() for i in range(0, len(words), 2)}
    content.discounts[id] = {"brand": row.get("brand_id"), "code": row.get("discount_code"),
                             "total": int(row.get("total_count", 0)), "created_at": int(row.get("created_at", 0))}
    content.grants[id] = scores(await redis.call("ZRANGE", f"discount:{{{id}}}:grants", 0, -1, "WITHSCORES"))


async def keys_of(redis):
    cursor, seen = b"0", set()
    while True:
        cursor, keys = await redis.call("SCAN", cursor, "COUNT", 500)
        for key in keys:
            if key not in seen:
                seen.add(key)
                yield key.decode()
        if cursor == b"0":
            return


def scores(pairs):
    return {pairs[i].decode(): int(float(pairs[i + 1])) for i in range(0, len(pairs), 2)}


# ---- SQLite ----

def from_sqlite(path):
    """The service may run, but nothing may be written meanwhile."""
    with tempfile.TemporaryDirectory(prefix="chaos-copy-") as directory:
        for suffix in ("", "-wal"):
            if os.path.exists(path + suffix):
                shutil.copyfile(path + suffix, f"{directory}/copy{suffix}")
        database = sqlite3.connect(f"{directory}/copy")
        try:
            return read_tables(database)
        finally:
            database.close()


def read_tables(database):
    content = Content()
    ids = {}
    fault = database.execute("PRAGMA integrity_check").fetchone()[0]
    if fault != "ok":
        raise RuntimeError(f"integrity_check: {fault}")
    for number, id, brand, code, total, created_at in database.execute(
            "SELECT number, id, brand_id, discount_code, total_count, created_at FROM discounts"):
        ids[number] = id
        content.add(content.discounts, "discounts", id, {"brand": brand, "code": code, "total": total, "created_at": created_at})
        content.grants[id] = {}
    for user, number, at in database.execute("SELECT user_id, discount, granted_at FROM grants"):
        content.add(content.grants[ids[number]], f"the grants of {ids[number]}", user, at)
        content.wallets.setdefault(user, {})[ids[number]] = at
    for brand, key, number in database.execute("SELECT brand_id, key, discount FROM idempotency_keys"):
        content.keys.append([brand, key, ids[number]])
    return content
