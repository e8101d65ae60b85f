# SPDX-License-Identifier: MIT
"""The faults that a deployment meets while clients use it. The plan is drawn from the seed before anything runs, so the same seed
gives the same faults at the same times. Each fault ends by itself and describes itself. One that was impossible returns False."""

import asyncio
import collections
import contextlib
import random
import signal
from dataclasses import dataclass

import eviction
import rights
import taken_files
from cut_proxy import DOWN, HOLD, LOSE, UP
from network import BACK, THERE
from programs import GRACE_S, send
from tell import insist, tell_redis


@dataclass
class Planned:
    at: float
    kind: str
    dice: random.Random  # its own, so that its draws do not depend on when it runs


def plan(deployment, seed, seconds):
    """Draws faults at random moments, about one in every second, so that some overlap."""
    rnd = random.Random(f"faults {seed}")
    kinds = [kind for kind, (_, needs) in FAULTS.items() if needs(deployment)]
    faults, at = [], 1.0
    while at < seconds:
        # Every kind occurs before any kind is repeated.
        bag = rnd.sample(kinds, len(kinds)) if not faults or not bag else bag
        faults.append(Planned(at, bag.pop(), random.Random(rnd.random())))
        at += rnd.uniform(0.3, 1.8)
    return faults


class Conductor:
    def __init__(self, deployment, log, say=print):
        self.deployment, self.log, self.say = deployment, log, say
        self.done = collections.Counter()

    async def play(self, faults):
        began = asyncio.get_running_loop().time()
        tasks = []
        for fault in faults:
            await asyncio.sleep(max(0, began + fault.at - asyncio.get_running_loop().time()))
            tasks.append(asyncio.create_task(FAULTS[fault.kind][0](self, fault.dice)))
        told = await asyncio.gather(*tasks)
        self.done.update(fault.kind for fault, result in zip(faults, told) if result is not False)

    def note(self, text):
        at = self.log.fault(text)
        self.say(f"{at / 1e6:8.3f} s  {text}")

    @contextlib.asynccontextmanager
    async def alone(self, *targets):
        """Lets only one fault at a time act on a target. Locks are always taken in the same order."""
        async with contextlib.AsyncExitStack() as stack:
            for target in targets:
                await stack.enter_async_context(target.busy)
            yield


# ---- Processes ----

def a_while(dice):
    return dice.choice([0, dice.uniform(0.02, 0.3), dice.uniform(0.3, 3)])


async def kill(conductor, program, dice):
    pause = a_while(dice)
    async with conductor.alone(program):
        conductor.note(f"kill -9 {program.name}, back after {pause:.2f} s")
        await program.kill()
        await asyncio.sleep(pause)
        program.start()


async def freeze(conductor, program, dice):
    pause = dice.choice([dice.uniform(0.2, 1), dice.uniform(1, 5)])
    async with conductor.alone(program):
        conductor.note(f"SIGSTOP {program.name} for {pause:.2f} s")
        program.freeze()
        await asyncio.sleep(pause)
        program.thaw()


async def restart(conductor, program, dice):
    pause = a_while(dice)
    async with conductor.alone(program):
        conductor.note(f"SIGTERM {program.name}, back after {pause:.2f} s")
        await program.stop(GRACE_S)
        await asyncio.sleep(pause)
        program.start()


async def kill_redis(conductor, dice):
    await kill(conductor, conductor.deployment.redis, dice)


async def freeze_redis(conductor, dice):
    await freeze(conductor, conductor.deployment.redis, dice)


async def restart_redis(conductor, dice):
    await restart(conductor, conductor.deployment.redis, dice)


async def kill_replica(conductor, dice):
    await kill(conductor, dice.choice(conductor.deployment.replicas), dice)


async def freeze_replica(conductor, dice):
    await freeze(conductor, dice.choice(conductor.deployment.replicas), dice)


async def restart_replica(conductor, dice):
    await restart(conductor, dice.choice(conductor.deployment.replicas), dice)


async def stop_with_hung_store(conductor, dice):
    redis, replica = conductor.deployment.redis, dice.choice(conductor.deployment.replicas)
    async with conductor.alone(redis, replica):
        conductor.note(f"SIGSTOP redis, then SIGTERM {replica.name}")
        redis.freeze()
        await asyncio.sleep(dice.uniform(0, 0.5))
        await replica.stop(GRACE_S)
        redis.thaw()
        replica.start()


async def kill_nginx_worker(conductor, dice):
    nginx = conductor.deployment.nginx
    async with conductor.alone(nginx):
        children = nginx.children()
        if children:
            conductor.note("kill -9 a worker of nginx")
            send(dice.choice(children), signal.SIGKILL)


async def freeze_nginx_worker(conductor, dice):
    nginx, pause = conductor.deployment.nginx, dice.uniform(0.2, 3)
    async with conductor.alone(nginx):
        children = nginx.children()
        if children:
            child = dice.choice(children)
            conductor.note(f"SIGSTOP a worker of nginx for {pause:.2f} s")
            send(child, signal.SIGSTOP)
            await asyncio.sleep(pause)
            send(child, signal.SIGCONT)


# ---- Commands to Redis ----

async def flush_scripts(conductor, dice):
    told = []
    for _ in range(dice.randint(1, 5)):
        told.append(await tell_redis(conductor, "SCRIPT FLUSH", "SCRIPT", "FLUSH"))
        await asyncio.sleep(dice.uniform(0, 0.1))
    return any(told)


async def reset_clients_of_redis(conductor, dice):
    await asyncio.sleep(dice.uniform(0, 0.1))
    return await tell_redis(conductor, "CLIENT KILL TYPE normal", "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


async def refuse(conductor, dice, text, setting, bad, good):
    pause, redis = dice.uniform(0.2, 3), conductor.deployment.redis
    async with conductor.alone(redis):
        told = await tell_redis(conductor, f"{text}, for {pause:.2f} s", "CONFIG", "SET", setting, bad)
        await asyncio.sleep(pause)
        await insist(conductor, "CONFIG", "SET", setting, good)
        return told


async def out_of_memory(conductor, dice):
    return await refuse(conductor, dice, "Redis has no memory left (OOM)", "maxmemory", "1", "0")


async def no_replicas(conductor, dice):
    return await refuse(conductor, dice, "Redis takes no writes (NOREPLICAS)", "min-replicas-to-write", "1", "0")


async def pause_clients(conductor, dice):
    pause = dice.randint(50, 3000)
    text = f"Redis answers nobody's writes for {pause} ms (CLIENT PAUSE)"
    return await tell_redis(conductor, text, "CLIENT", "PAUSE", pause, "WRITE")


async def slow_redis(conductor, dice):
    pause = dice.uniform(0.1, 1.5)
    text = f"Redis does something else for {pause:.2f} s (DEBUG SLEEP)"
    return await tell_redis(conductor, text, "DEBUG", "SLEEP", f"{pause:.3f}")


async def rewrite_file(conductor, dice):
    """Sometimes Redis dies while it does this."""
    told = await tell_redis(conductor, "BGREWRITEAOF", "BGREWRITEAOF")
    await asyncio.sleep(dice.uniform(0, 0.05))
    if dice.random() < 0.5:
        await kill(conductor, conductor.deployment.redis, dice)
    return told


# ---- Connections ----

async def cut(conductor, dice):
    """Cuts after some bytes, anywhere within a request or a reply."""
    proxy, direction = dice.choice(conductor.deployment.proxies), dice.choice([UP, DOWN])
    size, resets = dice.choice([dice.randint(0, 40), dice.randint(0, 400), dice.randint(0, 20000)]), dice.random() < 0.5
    async with conductor.alone(proxy):
        conductor.note(f"{proxy.name}: {'reset' if resets else 'closed'} after {size} bytes of {direction}")
        for _ in range(dice.randint(1, 6)):
            proxy.cut_after(direction, size, resets)
            await asyncio.sleep(0.1)
        proxy.spare()


async def reset(conductor, dice):
    proxy = dice.choice(conductor.deployment.proxies)
    async with conductor.alone(proxy):
        conductor.note(f"{proxy.name}: all connections reset")
        proxy.reset_all()


async def slow(conductor, dice):
    proxy, delay, pause = dice.choice(conductor.deployment.proxies), dice.uniform(0.01, 0.4), dice.uniform(0.5, 4)
    async with conductor.alone(proxy):
        conductor.note(f"{proxy.name}: {delay * 1000:.0f} ms later each way, for {pause:.2f} s")
        proxy.delay_s = delay
        await asyncio.sleep(pause)
        proxy.delay_s = 0


async def hold(conductor, dice):
    await silence(conductor, dice, HOLD, "holds everything, then passes it on")


async def lose(conductor, dice):
    await silence(conductor, dice, LOSE, "half-open, everything is lost")


async def silence(conductor, dice, mode, text):
    proxy, pause = dice.choice(conductor.deployment.proxies), dice.uniform(0.2, 5)
    async with conductor.alone(proxy):
        conductor.note(f"{proxy.name}: {text}, for {pause:.2f} s")
        proxy.set_mode(mode)
        await asyncio.sleep(pause)
        proxy.set_mode(None)


# ---- The network of Redis ----

async def bad_network(conductor, dice):
    network, pause = conductor.deployment.network, dice.uniform(0.5, 5)
    loss, doubled = dice.choice([0, 0.01, 0.1, 0.3]), 0.02
    delay, jitter = dice.choice([0, 0.02, 0.1]), dice.choice([0, 0.02, 0.1])
    async with conductor.alone(network):
        conductor.note(f"network of Redis: loss {loss:.0%}, delay {delay * 1000:.0f} ms and up to {jitter * 1000:.0f} more, "
                       f"{doubled:.0%} doubled, for {pause:.2f} s")
        network.loss, network.delay_s, network.jitter_s, network.doubled = loss, delay, jitter, doubled
        await asyncio.sleep(pause)
        network.heal()


async def partition(conductor, dice):
    network, pause = conductor.deployment.network, dice.choice([dice.uniform(0.1, 1), dice.uniform(1, 5)])
    cut_off = dice.choice([{THERE, BACK}, {THERE}, {BACK}])
    async with conductor.alone(network):
        conductor.note(f"network of Redis: nothing gets through {' and '.join(sorted(cut_off))} for {pause:.2f} s")
        network.cut |= cut_off
        await asyncio.sleep(pause)
        network.heal()


# ---- Clocks ----

async def set_clock(conductor, dice):
    """Changes the clocks of all replicas and of Redis, each differently."""
    clocks = conductor.deployment.clocks
    program, seconds = dice.choice(list(clocks.paths)), dice.choice([dice.uniform(-1, 1), dice.uniform(-3000, 3000)])
    conductor.note(f"the clock of {program.name} is set to {seconds:+.3f} s")
    clocks.set(program, seconds)


def always(_):
    return True


def over_redis(deployment):
    return deployment.redis is not None


def over_sqlite(deployment):
    return deployment.redis is None


def with_network(deployment):
    return deployment.network is not None


def with_clocks(deployment):
    return deployment.clocks is not None


# Name in the summary, function, and the deployments in which it is possible.
FAULTS = {
    "kill -9 of Redis": (kill_redis, over_redis),
    "SIGSTOP of Redis": (freeze_redis, over_redis),
    "SIGTERM of Redis": (restart_redis, over_redis),
    "SCRIPT FLUSH": (flush_scripts, over_redis),
    "CLIENT KILL": (reset_clients_of_redis, over_redis),
    "OOM": (out_of_memory, over_redis),
    "memory filled by a neighbour": (eviction.fill, over_redis),
    "eviction allowed": (eviction.let_evict, over_redis),
    "a right lost": (rights.lose, over_redis),
    "NOREPLICAS": (no_replicas, over_redis),
    "CLIENT PAUSE": (pause_clients, over_redis),
    "DEBUG SLEEP": (slow_redis, over_redis),
    "BGREWRITEAOF, killed at it or not": (rewrite_file, over_redis),
    "kill -9 of a replica": (kill_replica, always),
    "SIGSTOP of a replica": (freeze_replica, always),
    "SIGTERM of a replica": (restart_replica, always),
    "SIGTERM with a hung store": (stop_with_hung_store, over_redis),
    "log or database taken away": (taken_files.lose, over_sqlite),
    "kill -9 of an nginx worker": (kill_nginx_worker, always),
    "SIGSTOP of an nginx worker": (freeze_nginx_worker, always),
    "cut after k bytes": (cut, always),
    "connections reset": (reset, always),
    "delay": (slow, always),
    "held back": (hold, always),
    "half-open": (lose, always),
    "packets lost, late, doubled": (bad_network, with_network),
    "partition": (partition, with_network),
    "the clock set": (set_clock, with_clocks),
}
