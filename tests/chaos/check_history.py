#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Decides whether each promise was kept, from the log of a run and the final content of the store.

    check_history.py DIRECTORY

DIRECTORY holds history.jsonl (described in history.py) and content.json (content.py). It prints one line for each violation, with
the lines of the log that prove it, then one line for each promise. Exit code: 0 if all were kept, 1 if not, 2 if it cannot tell."""

import collections
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import content
import history
import promises

SHOWN = 20


def report(found, show=print):
    """Prints the violations and the verdicts. Returns {promise: number of violations}."""
    by_promise = collections.defaultdict(list)
    for violation in found:
        by_promise[violation.promise].append(violation)
    for promise in promises.RULES:
        for violation in by_promise[promise][:SHOWN]:
            show(f"violation: {violation}")
        if len(by_promise[promise]) > SHOWN:
            show(f"violation: {promise}: and {len(by_promise[promise]) - SHOWN} more")
    for promise in promises.RULES:
        show(f"{promise}: {'kept' if not by_promise[promise] else f'BROKEN, {len(by_promise[promise])} violations'}")
    return {promise: len(by_promise[promise]) for promise in promises.RULES}


def main(directory):
    try:
        past, contents = history.read(directory), content.load(directory)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{directory}: cannot be read: {error!r}")
        return 2
    counts = report(promises.violations(past, contents))
    return 1 if any(counts.values()) else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__)
        sys.exit(2)
    sys.exit(main(sys.argv[1]))
