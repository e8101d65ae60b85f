# SPDX-License-Identifier: MIT
"""Counts what a discountd does between two moments: system calls with strace, instructions and calls of malloc with callgrind.

Each counter is a context manager. `pause` and `resume` stop the server and let it go on. `begin` and `end` enclose the counted part;
`end` returns a dictionary of names and counts."""

import collections
import os
import re
import signal
import subprocess

from service import Service, text_of, wait_for

# The depth of calls within libc before it allocates.
LIBC_DEPTH = 3
ALLOCATIONS = {"malloc", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign"}


class Counter:
    tool = ()

    def __init__(self, binary, store):
        self.service = Service(binary, store, self.tool)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.service.end()

    def pause(self):
        os.kill(self.service.pid, signal.SIGSTOP)
        wait_for(self._is_stopped, "the server stops")

    def resume(self):
        os.kill(self.service.pid, signal.SIGCONT)

    def _is_stopped(self):
        tasks = f"/proc/{self.service.pid}/task"
        return all(text_of(f"{tasks}/{task}/stat").rpartition(")")[2].split()[0] in "T" for task in os.listdir(tasks))


class SystemCalls(Counter):
    """strace writes a line for each call, and for each thread that has stopped. Such a line marks a moment in the log."""

    # strace writes to a pipe, because it would buffer its output to a file.
    tool = ("strace", "-f", "-qq", "-X", "raw", "-s", "0", "-e", "abbrev=all", "-e", "raw=all", "-o", "|cat >DIRECTORY/calls")

    def pause(self):
        self.stops = self._stops() + len(os.listdir(f"/proc/{self.service.pid}/task"))
        super().pause()

    def _log(self):
        return text_of(f"{self.service.directory}/calls")

    def _stops(self):
        return self._log().count("--- stopped by ")

    def _is_stopped(self):
        return self._stops() >= self.stops

    def _moment(self):
        self.pause()
        length = len(self._log())
        self.resume()
        return length

    def begin(self):
        self.began = self._moment()

    def end(self):
        ended = self._moment()
        return collections.Counter(re.findall(r"^\d+ +(\w+)\(", self._log()[self.began:ended], re.MULTILINE))


class Instructions(Counter):
    """callgrind counts in one thread at a time, whatever the machine does. Its counts are read through vgdb."""

    tool = ("valgrind", "-q", "--tool=callgrind", "--vgdb-prefix=DIRECTORY/vgdb", "--callgrind-out-file=DIRECTORY/profile")

    def __init__(self, *options):
        super().__init__(*options)
        self.dumps = 0

    def _command(self, word):
        subprocess.run(["vgdb", f"--vgdb-prefix={self.service.directory}/vgdb", f"--pid={self.service.pid}",
                        "--max-invoke-ms=1", word],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)

    def begin(self):
        self._command("zero")

    def end(self):
        self._command("dump")
        self.dumps += 1
        return Profile(text_of(f"{self.service.directory}/profile.{self.dumps}")).counts()


class Profile:
    """The part of callgrind's format that is needed here. Each name is given once, with a number that replaces it later."""

    def __init__(self, text):
        self.names = {"ob": {}, "fn": {}}
        self.spent = collections.Counter()  # instructions by function, which is an object and a name
        self.allocations = collections.Counter()  # calls, by the function that made them
        self.callers = collections.defaultdict(collections.Counter)  # calls of a function, by its callers
        self.total = 0
        where, callee, is_call = {"ob": "", "fn": ""}, {}, False
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if key in ("ob", "fn"):
                where[key] = self._name(key, value)
            elif key in ("cob", "cfn"):
                callee[key[1:]] = self._name(key[1:], value)
            elif key == "calls":
                # The next line has the cost of the callee, which is counted there.
                is_call = True
                self._call((where["ob"], where["fn"]), (callee.get("ob", where["ob"]), callee["fn"]), int(value.split()[0]))
                callee = {}
            elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
                if not is_call:
                    self.spent[where["ob"], where["fn"]] += int(line.split()[1])
                is_call = False
            elif line.startswith("totals:"):
                self.total = int(line.split()[1])

    def _call(self, caller, callee, count):
        self.callers[callee][caller] += count
        if callee[1] in ALLOCATIONS:
            self.allocations[caller] += count

    def _name(self, kind, value):
        number, _, name = value.partition(" ")
        if name:
            # Removes the path of an object, and the recursion depth of a function.
            self.names[kind][number] = name.rpartition("/")[2].partition("'")[0]
        return self.names[kind][number]

    def _allocators(self):
        """Returns the functions that allocate. Allocations of libc for others, such as in strdup, belong to the callers, in
        proportion to their calls."""
        found = self.allocations.copy()
        for _ in range(LIBC_DEPTH):
            for function in [function for function in found if function[0].startswith(("libc.so", "???")) and self.callers[function]]:
                count, calls = found.pop(function), self.callers[function].total()
                for caller, part in self.callers[function].items():
                    found[caller] += count * part / calls
        return found

    def counts(self):
        counts = collections.Counter({"instructions": self.total, "allocations": self.allocations.total()})
        for (thing, _), spent in self.spent.items():
            counts[f"in {thing}"] += spent
        for (thing, function), calls in self._allocators().items():
            counts[f"by {function} in {thing}"] += calls
        return counts
