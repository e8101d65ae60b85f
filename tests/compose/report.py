# SPDX-License-Identifier: MIT
"""Prints one line per check, and a closing line with their number."""

import time
import traceback

LONGEST_LINE = 1500


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.began = time.monotonic()

    def check(self, what, holds, otherwise=""):
        if holds:
            self.passed += 1
            print(f"ok   {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL {what}: {otherwise}"[:LONGEST_LINE], flush=True)

    def equal(self, what, found, wanted):
        self.check(what, found == wanted, f"{found!r} instead of {wanted!r}")

    def none(self, what, faults):
        faults = list(faults)
        self.check(what, not faults, f"{len(faults)}, such as {'; '.join(map(str, faults[:5]))}")

    def note(self, text):
        print(f"     {text}", flush=True)

    async def stage(self, name, steps):
        """Runs the checks of one stage. A stage that raises an exception has failed."""
        self.note(f"{name} ({time.monotonic() - self.began:.0f} s)")
        try:
            await steps
        except Exception:
            self.check(name, False, traceback.format_exc())

    def close(self):
        self.note(f"{time.monotonic() - self.began:.0f} s in all")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return self.failed == 0 and self.passed > 0
