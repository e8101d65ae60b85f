# SPDX-License-Identifier: MIT
"""Tests for a few seconds whether the checker finds a planted fault: real replicas over a real Redis, with the fault between
them."""

import collections

from trial import Trial

SEED = 7
# More sell-outs and more repetitions than in a chaos run.
CROWD = {"clients": 12, "pause_s": 0.005, "hot": (3, 12)}


async def is_found(planted, discountd):
    """Returns whether the checker found what it should, and prints it."""
    def make(directory, log):
        return planted.deployment(directory, log, discountd)
    trial = Trial(make, SEED, **CROWD)
    try:
        await trial.run(planted.during)
    except RuntimeError as error:
        print(f"not ok: {planted.name}: {error}; the log is in {trial.directory}", flush=True)
        return False
    found = collections.Counter(violation.promise for violation in trial.violations())
    ok = any(promise in found for promise in planted.breaks) if planted.breaks else not found
    words = ", ".join(f"{promise} {count}" for promise, count in sorted(found.items())) or "nothing"
    print(f"{'ok' if ok else 'not ok'}: {planted.name}: {words} found in {trial.requests()} requests"
          + ("" if ok else f", {' or '.join(planted.breaks) or 'nothing'} expected; the log is in {trial.directory}"), flush=True)
    if ok:
        trial.forget()
    return ok
