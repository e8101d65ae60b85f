# SPDX-License-Identifier: MIT
"""The log of a run: requests, answers, and what was done to the system meanwhile.

A log is a directory with `history.jsonl`: one JSON array in each line, whose first word names its kind. Times are microseconds of
the monotonic clock since the run began. A request is logged before its first byte is sent, and once more when it has ended. So a
request without a second line was in progress when the run ended.

    ["run",   {...}]                                     how the run was started; clocks_move: granted_at may be of any clock
    ["phase", time, name, wall]                          "load", then "healed", "replay", "over"; wall: since 1970, at this time
    ["ask",   time, seq, client, route, kind, {asked}]   kind and its arguments:
                                                             create     brand, code, total, key (or null)
                                                             grant      discount, user
                                                             grant_get  discount, user
                                                             get        discount
                                                             grants     discount
                                                             wallet     user
                                                             list       brand (or null)
    ["said",  time, seq, status, name, {said}]           status 0: there was no answer, and name is the reason ("unsent": not a
                                                         byte of the request was sent). Otherwise name is that of the problem or
                                                         null, and a 2xx said:
                                                             create     id, brand, code, total, created_at, replayed
                                                             grant(_get)  discount, user, granted_at, replayed
                                                             get        discount, granted, remaining
                                                             grants     {user: granted_at}, wallet {discount: granted_at}
                                                             list       {discount: granted}
    ["fault", time, text]                                what was done to the system
    ["exit",  time, process, code, wanted]               a process ended; wanted: null (it was not told to), "kill", "stop", or
                                                         "rescue" (its files were taken, so it has to save them and end)
    ["unfit", time, begins]                              true: from now on the service must have noticed that the store may lose
                                                         what it holds; false: the store is about to be set right
    ["ready", time, process]                             a replica said that it was ready while the store was unfit

Times of discounts and grants are microseconds since 1970. Other lines are for human readers and are ignored here.
"""

import json
import math
import time
from dataclasses import dataclass, field
from typing import Optional

FILE = "history.jsonl"
REPEATABLE = ("store-unavailable", "overloaded", "outcome-unknown")

STEADY_US = 5000

OK, REFUSED, NOT_APPLIED, IN_DOUBT = "ok", "refused", "not applied", "in doubt"


class Log:
    def __init__(self, directory, clock=time.monotonic):
        self.file = open(f"{directory}/{FILE}", "w", encoding="utf-8")
        self.clock = clock
        self.origin = clock()
        self.asked = 0

    def run(self, **how):
        self._write("run", how)

    def phase(self, name):
        self._write("phase", self._now(), name, int(time.time() * 1e6))

    def ask(self, client, route, kind, asked):
        """Logs a request before it is sent. Returns a handle for said()."""
        self.asked += 1
        self._write("ask", self._now(), self.asked, client, route, kind, asked)
        return self.asked

    def said(self, seq, status, name, said):
        self._write("said", self._now(), seq, status, name, said)

    def fault(self, text):
        self._write("fault", self._now(), text)
        return self._now()

    def exit(self, process, code, wanted):
        self._write("exit", self._now(), process, code, wanted)

    def unfit(self, begins):
        self._write("unfit", self._now(), begins)

    def ready(self, process):
        self._write("ready", self._now(), process)

    def close(self):
        self.file.close()

    def _now(self):
        return int((self.clock() - self.origin) * 1e6)

    def _write(self, *line):
        self.file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


@dataclass
class Request:
    line: int  # the line of the log at which it begins
    began: int
    client: str
    route: str
    kind: str
    asked: dict
    phase: str = "load"
    said_line: Optional[int] = None
    ended: float = math.inf
    status: int = 0
    name: Optional[str] = None
    said: dict = field(default_factory=dict)

    def outcome(self):
        """Returns what the sender may conclude about the outcome."""
        if 200 <= self.status < 300:
            return OK
        if 400 <= self.status < 500:
            return REFUSED
        if self.name == "unsent" or (self.status == 503 and self.name in ("store-unavailable", "overloaded")):
            return NOT_APPLIED
        return IN_DOUBT

    def may_have_applied(self):
        return self.outcome() in (OK, IN_DOUBT)

    def is_sold_out(self):
        return self.kind == "grant" and self.name == "discount-exhausted"

    def lines(self):
        return [self.line] if self.said_line is None else [self.line, self.said_line]


@dataclass
class Exit:
    line: int
    process: str
    code: int
    wanted: Optional[str]


class History:
    def __init__(self, lines):
        self.how, self.requests, self.faults, self.exits = {}, [], [], []
        self.unfit = []   # the periods in which the store may lose what it holds
        self.ready = []   # (line, process): replicas that were ready in such a period
        self.phases = {}  # when each phase began, by name
        self.walls = []   # what the wall clock showed when the log was at 0, as seen at each phase
        by_seq, phase = {}, "load"
        for number, (word, *rest) in enumerate(map(json.loads, lines), 1):
            if word == "run":
                self.how = rest[0]
            elif word == "phase":
                began, phase, wall = rest
                self.phases[phase] = began
                self.walls.append(wall - began)
            elif word == "ask":
                began, seq, *about = rest
                by_seq[seq] = Request(number, began, *about, phase)
                self.requests.append(by_seq[seq])
            elif word == "said":
                request = by_seq[rest[1]]
                request.said_line, request.ended = number, rest[0]
                request.status, request.name, request.said = rest[2:]
            elif word == "fault":
                self.faults.append(rest[1])
            elif word == "exit":
                self.exits.append(Exit(number, *rest[1:]))
            elif word == "unfit" and rest[1]:
                self.unfit.append((rest[0], math.inf))
            elif word == "unfit":
                self.unfit[-1] = (self.unfit[-1][0], rest[0])
            elif word == "ready":
                self.ready.append((number, rest[1]))

    def wall_origin(self):
        """Returns the wall clock at time 0, or None if it was set meanwhile or is unknown."""
        steady = self.walls and not self.how.get("clocks_move") and max(self.walls) - min(self.walls) < STEADY_US
        return self.walls[0] if steady else None

    def of_kind(self, *kinds):
        return [request for request in self.requests if request.kind in kinds]


def read(directory):
    with open(f"{directory}/{FILE}", encoding="utf-8") as file:
        return History(file)
