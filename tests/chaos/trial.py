# SPDX-License-Identifier: MIT
"""One run from beginning to end: a deployment, its clients, the faults, healing, the replay, the final content, the verdict."""

import asyncio
import os
import shutil
import sys
import tempfile

import check_history
import promises
from clients import Crowd
from faults import Conductor, plan
from history import Log, read

LOOK_S = 0.05


class Trial:
    """`make` makes the deployment from (directory, log). What goes on during the load is an awaitable of the trial."""

    def __init__(self, make, seed, say=print, **crowd):
        self.make, self.seed, self.say, self.crowd_options = make, seed, say, crowd
        self.directory = tempfile.mkdtemp(prefix="chaos-")
        os.chmod(self.directory, 0o755)  # nginx's workers are somebody else
        self.log = Log(self.directory)

    async def run(self, during):
        self.log.run(seed=self.seed)
        self.deployment = self.make(self.directory, self.log)
        try:
            await self.deployment.open()
            await self.deployment.start()
            self.crowd = Crowd(self.log, self.deployment.routes, self.seed, **self.crowd_options)
            await self._go(during)
        finally:
            self.deployment.end()
            self.log.close()

    async def _go(self, during):
        self.log.phase("load")
        watch = asyncio.create_task(self._watch())
        self.crowd.start()
        await during(self)
        await self.crowd.stop()
        watch.cancel()
        await self.deployment.heal()
        self.log.phase("healed")
        healed = await self.deployment.stored()
        self.log.phase("replay")
        await self.crowd.replay()
        self.log.phase("over")
        contents = await self.deployment.contents(healed, self.crowd.users)
        contents.save(self.directory)
        self.deployment.look()
        await self.deployment.stop()

    async def _watch(self):
        """Sees who dies without having been told to, and whether the clients themselves are well."""
        while True:
            self.deployment.look()
            self.crowd.broken()
            await asyncio.sleep(LOOK_S)

    def violations(self):
        """What the checker says of it, which reads what was written."""
        return promises.violations(read(self.directory), check_history.content.load(self.directory))

    def requests(self):
        return sum(self.crowd.counts.values())

    def forget(self):
        shutil.rmtree(self.directory)


async def chaos(trial, seconds):
    """Faults of the seed's plan, until they are over."""
    conductor = Conductor(trial.deployment, trial.log, trial.say)
    await conductor.play(plan(trial.deployment, trial.seed, seconds))
    trial.faults = conductor.done


def describe(trial):
    """What happened, in a few lines: requests by kind and how they ended, faults by kind."""
    ends = {}
    for (kind, status, name), count in sorted(trial.crowd.counts.items(), key=str):
        ends.setdefault(kind, []).append(f"{status} {name or ''}".strip() + f" {count}")
    for kind, words in ends.items():
        yield f"  {kind}: {', '.join(words)}"
    yield "  faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(trial.faults.items()))


def fail(text):
    print(text, file=sys.stderr)
    sys.exit(2)
