#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: MIT
"""The cost of a request for the server, in counts that do not vary: system calls, allocations and instructions. These are the same on
a busy machine; bench/ measures times.

  tests/cost/cost_test.py [--measure] [--explain] [BINARY]

BINARY is a release build, by default build/release/discountd. --measure prints the present values of the table below. Put them there
if a change costs less, or is worth its cost. --explain prints the parts of each count. Only the server with one worker is counted,
without Redis."""

import argparse
import json
import os
import shutil
import subprocess
import sys

from clients import Client, expect, get, in_step, one_after_the_other, post
from counters import Instructions, SystemCalls

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Other versions of the libraries have other costs.
VERSIONS = {"libmicrohttpd": "0.9.75", "hiredis": "0.14.1", "jansson": "2.14", "libuv": "1.44.2", "sqlite3": "3.40.1"}

# Per request: each value as measured, and its limit. With one connection, each request waits for the previous answer.
# With 64, as many requests are there at a time. The counts are calls of malloc and its like, instructions in discountd
# itself, and instructions of the whole process.
BOUNDS = """
# store request  at        system calls          allocations     own instructions         instructions
redis   grant     1       9.99    14.80       27.00    27.50       10086    12103       49539    59447
redis   grant    64       2.24     2.68       11.25    11.75        7517     9020       31890    38268
redis   repeat    1      10.01    14.85       27.00    27.50        9667    11515       48457    58133
redis   repeat   64       2.24     2.68       11.25    11.75        7523     9028       31785    38141
redis   refusal   1       4.09     6.14        8.25     8.75        6450     7708       30492    36591
redis   refusal  64       2.14     2.57        8.05     8.55        5833     6980       28561    34273
redis   read      1       9.78    14.67       30.00    30.50        9013    10816       40068    48082
redis   read     64       2.24     2.68       28.11    28.61        7935     9522       35872    43046
sqlite  grant     1      15.73    23.60       25.45    25.95        9806    11465       79676    95577
sqlite  grant    64       2.47     2.96       17.77    18.27        7854     9425       44459    53350
sqlite  repeat    1      13.45    18.73       19.00    19.50        8521    10225       51273    61527
sqlite  repeat   64       2.31     2.75       16.09    16.59        7543     9052       39209    47050
sqlite  refusal   1       4.11     6.16        8.08     8.58        5994     7192       30437    36524
sqlite  refusal  64       2.11     2.52        8.02     8.52        5789     6946       28439    34127
sqlite  read      1      13.90    18.67       17.00    17.50        8197     9837       37118    44542
sqlite  read     64       2.31     2.74       17.00    17.50        7664     9197       31975    38370
"""

COLUMNS = ("system calls", "allocations", "own instructions", "instructions")
STATUSES = {"grant": 201, "repeat": 200, "refusal": 409, "read": 200}
IN_STEP = 64
REQUESTS = {1: 128, IN_STEP: 5 * IN_STEP}
# The least of so many counts: what comes once a second is in some of them.
REPETITIONS = 3


# How often a loop turns for a single request is up to how long the store takes, so to how busy the machine is; with many it hardly
# counts. Instructions vary by what the compiler and the libraries' small updates make of the same sources; allocations do not vary.
def most(column, connections, count):
    if column == "allocations":
        return count + 0.5
    return count * (1.5 if column == "system calls" and connections == 1 else 1.2)


class Load:
    """Clients of one server, and what they ask of it."""

    def __init__(self, counter):
        self.counter = counter
        self.clients = {1: [Client(counter.service.port)], IN_STEP: [Client(counter.service.port) for _ in range(IN_STEP)]}
        self.discount, self.sold_out = self._create(1000000000), self._create(1)
        self._send(1, [self._grant(self.sold_out, "the one who has it")], 201)
        # This loads scripts, prepares statements and makes allocations that happen once.
        for connections in self.clients:
            self.run("grant", connections, "warm")
            self.run("read", connections, "warm")

    def _create(self, total):
        client = self.clients[1][0]
        client.ask(post("/discount", {"brand_id": "brand", "discount_code": "code", "total_count": total}))
        return json.loads(expect(201, client.answer()))["id"]

    def _grant(self, discount, user):
        return post(f"/discount/{discount}/grant", {"user_id": user})

    def _send(self, connections, requests, status):
        if connections == 1:
            one_after_the_other(self.clients[1][0], requests, status)
        else:
            in_step(self.clients[connections], requests, status, self.counter.pause, self.counter.resume)

    def requests(self, request, connections, run):
        """`repeat` asks for what `grant` of the same run was given."""
        users = [f"{run}-{connections}-{number:05d}" for number in range(REQUESTS[connections])]
        if request == "read":
            return [get(f"/discount/{self.discount}") for _ in users]
        return [self._grant(self.sold_out if request == "refusal" else self.discount, user) for user in users]

    def run(self, request, connections, run):
        self._send(connections, self.requests(request, connections, run), STATUSES[request])

    def count(self, request, connections, run):
        """Returns the counts per request."""
        self.counter.begin()
        self.run(request, connections, run)
        return {name: count / REQUESTS[connections] for name, count in self.counter.end().items()}


def counted(kind, binary, store):
    """Returns the minimum of each count, by request and connections."""
    least = {}
    with kind(binary, store) as counter:
        load = Load(counter)
        for run in range(REPETITIONS):
            for request in STATUSES:
                for connections in REQUESTS:
                    counts = load.count(request, connections, f"run {run}")
                    before = least.setdefault((request, connections), counts)
                    least[request, connections] = {name: min(counts.get(name, 0), before.get(name, 0))
                                                   for name in counts.keys() | before.keys()}
    return least


def measured(binary, store):
    """Returns the columns of the table and their parts, by request and connections."""
    calls, work = counted(SystemCalls, binary, store), counted(Instructions, binary, store)
    own = f"in {os.path.basename(binary)}"
    return {key: ({"system calls": sum(calls[key].values()), "allocations": work[key]["allocations"],
                   "own instructions": work[key][own], "instructions": work[key]["instructions"]},
                  {"system calls": calls[key], "allocations": made_of(work[key], "by "), "own instructions": {},
                   "instructions": made_of(work[key], "in ")}) for key in calls}


def made_of(counts, prefix):
    return {name[len(prefix):]: count for name, count in counts.items() if name.startswith(prefix)}


def shown(parts):
    """Returns the parts, the largest first."""
    return ", ".join(f"{name} {number(count)}" for name, count in sorted(parts.items(), key=lambda part: -part[1]) if count >= 0.01)


def number(count):
    return f"{count:.0f}" if count >= 1000 else f"{count:.2f}"


def bounds():
    """Returns the limits of each column, by store, request and connections."""
    table = {}
    for line in BOUNDS.split("\n"):
        fields = line.split()
        if line[:1] not in ("", "#"):
            table[fields[0], fields[1], int(fields[2])] = dict(zip(COLUMNS, map(float, fields[4::2])))
    return table


def heading():
    return f"{'# store':<7} {'request':<8} at  " + "   ".join(f"{column:>18}" for column in COLUMNS)


def table_line(store, request, connections, counts):
    cells = []
    for column in COLUMNS:
        cells.append(f"{number(counts[column]):>9} {number(most(column, connections, counts[column])):>8}")
    return f"{store:<7} {request:<8} {connections:>2}  " + "   ".join(cells)


def missing(binary):
    """Returns why nothing can be measured here, or None."""
    for tool in ("strace", "valgrind", "vgdb", "redis-server", "pkg-config"):
        if shutil.which(tool) is None:
            return f"{tool} is not here"
    for library, version in VERSIONS.items():
        here = subprocess.run(["pkg-config", "--modversion", library], capture_output=True, text=True, check=False).stdout.strip()
        if here != version:
            return f"{library} is {here or 'not here'}, and the bounds are for {version}"
    if not os.access(binary, os.X_OK):
        return f"there is no {binary}: cmake --preset release && cmake --build --preset release"
    return None


def compare(store, key, counts, parts, bound):
    """Returns whether the counts are within their limits, and prints those that are not."""
    faults = []
    for column in COLUMNS:
        if counts[column] > bound.get(column, 0):
            faults.append(f"{number(counts[column])} {column} where {number(bound.get(column, 0))} are allowed"
                          + (f" ({shown(parts[column])})" if parts[column] else ""))
    print(f"{'not ok' if faults else 'ok'} {store} {key[0]}, {key[1]} at a time: "
          + ("; ".join(faults) or ", ".join(f"{number(counts[column])} {column}" for column in COLUMNS)), flush=True)
    return not faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("binary", nargs="?", default=f"{ROOT}/build/release/discountd")
    options = parser.parse_args()
    why = missing(options.binary)
    if why is not None:
        print(f"skipped: {why}")
        print(f"0 passed, {int(bool(os.environ.get('REQUIRE_ALL')))} failed")
        return int(bool(os.environ.get("REQUIRE_ALL")))
    allowed = bounds()
    if options.measure:
        print(heading())
    passed = failed = 0
    for store in ("redis", "sqlite"):
        for key, (counts, parts) in measured(os.path.abspath(options.binary), store).items():
            if options.measure:
                print(table_line(store, *key, counts), flush=True)
            elif compare(store, key, counts, parts, allowed.get((store, *key), {})):
                passed += 1
            else:
                failed += 1
            if options.explain:
                print("".join(f"# {column}: {shown(parts[column])}\n" for column in COLUMNS if parts[column]), end="")
    if not options.measure:
        print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
