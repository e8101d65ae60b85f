# SPDX-License-Identifier: MIT
"""The content of a store in one form, whether it was read through the API, from Redis or from SQLite."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone

FILE = "content.json"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def microseconds(text):
    """Converts a time of the API, such as 2020-11-26T10:27:57.202420Z, to microseconds since 1970."""
    at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    return (at - EPOCH) // timedelta(microseconds=1)


@dataclass
class Content:
    discounts: dict = field(default_factory=dict)  # id: {brand, code, total, created_at}
    grants: dict = field(default_factory=dict)     # id: {user: granted_at}
    wallets: dict = field(default_factory=dict)    # user: {id: granted_at}
    counts: dict = field(default_factory=dict)     # id: [granted_count, remaining_count]
    keys: list = field(default_factory=list)       # [brand, key, id]
    twice: list = field(default_factory=list)      # what a list showed more than once, in words

    def add(self, where, name, key, value):
        """Adds an item of a list, and records it if it was there already."""
        if key in where:
            self.twice.append(f"{name}: {key}")
        where[key] = value


@dataclass
class Contents:
    """The content after all faults were healed (read directly), and after the replay (read directly and through the API)."""

    healed: Content
    stored: Content
    listed: Content
    verify_code: int = 0
    verify_output: str = ""

    def save(self, directory):
        with open(f"{directory}/{FILE}", "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, ensure_ascii=False)


def load(directory):
    with open(f"{directory}/{FILE}", encoding="utf-8") as file:
        words = json.load(file)
    for name in ("healed", "stored", "listed"):
        words[name] = Content(**words[name])
    return Contents(**words)
