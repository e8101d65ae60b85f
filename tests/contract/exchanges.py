# SPDX-License-Identifier: MIT
"""The requests and answers of the HTTP tests' clients, as tests/support/record.c records them."""

import glob
import json
import os

HEADERS_MOST = 4096


class Exchange:
    """One request and its answer. `method` and `target` are None when the request has no request line."""

    def __init__(self, line, source):
        record = json.loads(line)
        self.source = source
        self.request = record["request"]
        head, _, _ = self.request.lstrip("\r\n").partition("\r\n\r\n")
        first, *self.sent = head.split("\r\n")
        words = first.split(" ")
        is_http = len(words) == 3 and words[2] in ("HTTP/1.0", "HTTP/1.1")
        self.method, self.target = (words[0], words[1]) if is_http else (None, None)
        first, *lines = record["head"].rstrip("\r\n").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            self.headers.setdefault(name.lower(), []).append(value.strip())
        self.body = record["body"].encode("latin-1") if "body" in record else None

    def __str__(self):
        return f"{self.source}: {self.request[:120]!r} was answered {self.status}"

    def is_framed(self):
        """Whether the request is sure to come to us. Otherwise the HTTP library may answer it itself, and barely."""
        if self.method is None:
            return False
        lengths = [line.partition(":")[2].strip() for line in self.sent if line.lower().startswith("content-length")]
        return (all(length.isdigit() and len(length) < 19 for length in lengths) and all(":" in line for line in self.sent)
                and sum(len(line) + 2 for line in self.sent) <= 2 * HEADERS_MOST)


def read(directory):
    for path in sorted(glob.glob(os.path.join(directory, "*.jsonl"))):
        source = os.path.basename(path).split(".")[0]
        with open(path, encoding="ascii") as file:
            for line in file:
                exchange = Exchange(line, source)
                # Answers through nginx have its own headers.
                if not exchange.headers.get("server", [""])[0].startswith("nginx"):
                    yield exchange
