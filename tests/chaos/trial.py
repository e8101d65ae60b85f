# SPDX-License-Identifier: MIT
"""One complete run: a deployment, its clients, the faults, healing, the replay, the final content and the verdict."""

import asyncio
import os
import shutil
import tempfile

import content
import promises
from clients import Crowd
from history import Log, read
from moved_clock import Clocks

LOOK_S = 0.05


class Trial:
    """`make` makes the deployment from (directory, log). What happens during the load is an awaitable that gets the trial."""

    def __init__(self, make, seed, say=print, clocks_move=False, **crowd):
        self.make, self.seed, self.say, self.clocks_move, self.crowd_options = make, seed, say, clocks_move, crowd
        self.directory = tempfile.mkdtemp(prefix="chaos-")
        os.chmod(self.directory, 0o755)  # nginx's workers are another user
        self.log = Log(self.directory)
        self.crowd = None

    async def run(self, during):
        self.log.run(seed=self.seed, clocks_move=self.clocks_move)
        self.deployment = self.make(self.directory, self.log)
        try:
            await self.deployment.open()
            if self.clocks_move:
                self.deployment.give_clocks(self._clocks())
            await self.deployment.start()
            self.crowd = Crowd(self.log, self.deployment.routes, self.seed, **self.crowd_options)
            await self._go(during)
        finally:
            if self.crowd:
                await self.crowd.abandon()
            self.deployment.end()
            self.log.close()

    def _clocks(self):
        clocks = Clocks(self.directory)
        fault = clocks.build()
        if fault is not None:
            raise RuntimeError(fault)
        return clocks

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
        """Records processes that die without being told to."""
        while True:
            self.deployment.look()
            await asyncio.sleep(LOOK_S)

    def violations(self):
        """Returns the violations that the checker finds in the written log."""
        return promises.violations(read(self.directory), content.load(self.directory))

    def requests(self):
        return sum(self.crowd.counts.values())

    def forget(self):
        shutil.rmtree(self.directory)
