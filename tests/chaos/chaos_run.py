# SPDX-License-Identifier: MIT
"""Runs a deployment with faults, over Redis or over SQLite, and returns the verdict."""

import functools
import os

import check_history
from deployment import OverRedis, OverSqlite
from faults import Conductor, plan
from network import Network
from trial import Trial


async def chaos(trial, seconds):
    """Applies the faults of the seed's plan until they are over."""
    conductor = Conductor(trial.deployment, trial.log, trial.say)
    await conductor.play(plan(trial.deployment, trial.seed, seconds))
    trial.faults = conductor.done


def describe(trial):
    """Describes the run in a few lines: requests by kind and result, and faults by kind."""
    ends = {}
    for (kind, status, name), count in sorted(trial.crowd.counts.items(), key=str):
        ends.setdefault(kind, []).append(f"{status} {name or ''}".strip() + f" {count}")
    for kind, words in ends.items():
        yield f"  {kind}: {', '.join(words)}"
    yield "  faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(trial.faults.items()))


async def open_network(seed):
    """Returns Redis's own network, or None, with a message, if there can be none."""
    network = Network(seed)
    fault = network.open()
    if fault is None:
        return network
    if os.environ.get("REQUIRE_ALL"):
        raise SystemExit(f"no network namespace: {fault}")
    print(f"SKIPPED: faults of packets, no network namespace: {fault}")
    return None


async def run(store, seed, seconds, discountd, say=print):
    """Runs the trial to its end and returns it, ready to be judged."""
    network = await open_network(seed) if store == "redis" else None

    def make(directory, log):
        if store == "sqlite":
            return OverSqlite(directory, log, discountd)
        return OverRedis(directory, log, discountd, network=network)
    # Clocks move for every other seed only: then the checker cannot compare granted_at with its own clock.
    trial = Trial(make, seed, say, clocks_move=seed % 2 == 0)
    say(f"seed {seed}, {store}, {seconds:.0f} s{', clocks move' if trial.clocks_move else ''}, log in {trial.directory}")
    await trial.run(functools.partial(chaos, seconds=seconds))
    return trial


def judge(trial, store, minutes):
    """Returns {promise: number of violations}. Deletes the log of a run without violations."""
    for line in describe(trial):
        print(line)
    counts = check_history.report(trial.violations())
    broken = sum(counts.values())
    print(f"{trial.requests()} requests, {sum(trial.faults.values())} faults, {broken} violations; seed {trial.seed}")
    if not broken:
        trial.forget()
        return counts
    print(f"the log is in {trial.directory}; to repeat it:\n"
          f"  tests/chaos/run --minutes {minutes} --seed {trial.seed} --store {store}")
    return counts
