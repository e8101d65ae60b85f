# SPDX-License-Identifier: MIT
"""The load of the trials: it is counted in answers, because machines differ."""

from programs import until

REQUESTS = 1200  # answers before the fault happens; or in all, if the fault is there from the beginning
MOST_S = 120


async def load(trial, requests=REQUESTS):
    """Waits until this many more requests have been answered, however busy the machine is."""
    wanted = trial.requests() + requests

    async def is_enough():
        return trial.requests() >= wanted
    await until(is_enough, f"{requests} requests", MOST_S)
