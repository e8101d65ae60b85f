# SPDX-License-Identifier: MIT
"""The processes of a run: replicas behind Nginx over one Redis, or one process over a SQLite file, direct and behind Nginx.

Between each pair there is a proxy of ours and also a direct way, so network faults meet some connections and not all. Clients reach
Nginx and the replicas directly or through a proxy. Nginx reaches all replicas but the first through a proxy. All replicas but the
first reach Redis through one."""

import asyncio
import os
import signal

import api_content
import rights
import store_content
from content import Contents
from cut_proxy import Proxy
from programs import Program, free_port, until
from wire import Connection, NoAnswer, Redis

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DRAIN_MS = 300
WORKERS = 2


class Target:
    """Something that only one fault at a time may act on."""

    def __init__(self):
        self.busy = asyncio.Lock()


class Deployment:
    """The common parts: replicas, Nginx in front of them, and the addresses that clients use."""

    def __init__(self, directory, log, discountd):
        self.directory, self.log, self.discountd = directory, log, discountd
        self.replicas, self.proxies, self.routes = [], [], []
        self.redis = self.nginx = self.network = self.clocks = None

    def programs(self):
        return [program for program in (self.redis, *self.replicas, self.nginx) if program is not None]

    async def _open_proxy(self, name, host, port):
        proxy = Proxy(name, host, port)
        await proxy.open(free_port())
        self.proxies.append(proxy)
        return proxy

    def _add_replica(self, number, store):
        port = free_port()
        env = {"DISCOUNT_STORE": store, "DISCOUNT_LISTEN": f"127.0.0.1:{port}", "DISCOUNT_WORKERS": str(WORKERS),
               "DISCOUNT_DRAIN_MS": str(DRAIN_MS)}
        replica = Program(f"replica {number}", [self.discountd], self.log, env)
        replica.port = port
        self.replicas.append(replica)

    async def _add_nginx(self):
        """Debian 12's nginx does not know `resolve`, and there is no DNS of Docker, so each replica is named."""
        ports = [self.replicas[0].port]
        for replica in self.replicas[1:]:
            ports.append((await self._open_proxy(f"nginx to {replica.name}", "127.0.0.1", replica.port)).port)
        self.port = free_port()
        root = f"{self.directory}/nginx"
        os.mkdir(root)
        servers = "\n".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)
        with open(f"{TREE}/nginx.conf", encoding="utf-8") as file:
            text = file.read()
        for was, now in (("server app:8080 resolve max_fails=0;", servers), ("listen 8080 ", f"listen 127.0.0.1:{self.port} "),
                         ("/tmp/", f"{root}/")):
            if was not in text:
                raise RuntimeError(f"nginx.conf has no {was!r} any more")
            text = text.replace(was, now)
        with open(f"{root}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(text)
        self.nginx = Program("nginx", ["nginx", "-p", root, "-c", f"{root}/nginx.conf", "-e", "stderr", "-g", "daemon off;"],
                             self.log, last_wish=signal.SIGTERM)

    async def _add_routes(self):
        front = await self._open_proxy("clients to nginx", "127.0.0.1", self.port)
        self.routes = [("nginx", self.port), ("nginx", self.port), ("proxy, nginx", front.port)]
        for replica in self.replicas:
            self.routes.append((replica.name, replica.port))
        side = await self._open_proxy(f"clients to {self.replicas[-1].name}", "127.0.0.1", self.replicas[-1].port)
        self.routes.append((f"proxy, {self.replicas[-1].name}", side.port))

    def give_clocks(self, clocks):
        """Gives clocks to the processes that determine granted_at. Call it before they start."""
        self.clocks = clocks
        for program in self.programs():
            if program is not self.nginx:
                clocks.give(program)

    async def start(self):
        for program in self.programs():
            program.start()
        await self.ready()

    def look(self):
        """Records which processes have ended. One that was not told to end is started again, so that the run goes on."""
        for program in self.programs():
            program.look()
            if not program.is_up() and program.wanted is None:
                program.start()

    async def ready(self):
        for replica in self.replicas:
            await until(lambda port=replica.port: is_ready(port, "/readyz"), f"{replica.name} is not ready")
        await until(lambda: is_ready(self.port, "/healthy"), "nginx is not ready")

    async def heal(self):
        """Starts every process that is down, and ends all network faults."""
        for proxy in self.proxies:
            proxy.set_mode(None)
            proxy.delay_s = 0
            proxy.spare()
        if self.network:
            self.network.heal()
        if self.clocks:
            self.clocks.heal()
        for program in self.programs():
            program.look()
            if not program.is_up():
                program.start()
            program.thaw()
            for child in program.children():
                os.kill(child, signal.SIGCONT)
        await self.ready()

    async def contents(self, healed, users):
        stored = await self.stored()
        code, output = await self.verify()
        return Contents(healed, stored, await api_content.read(self.port, users), code, output)

    async def verify(self):
        process = await asyncio.create_subprocess_exec(
            self.discountd, "verify", env={**os.environ, **self.replicas[0].env},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    async def stop(self):
        """Stops everything as an operator would, front to back. Each process must exit with 0."""
        await self.nginx.stop()
        await asyncio.gather(*(replica.stop() for replica in self.replicas))
        if self.redis:
            await self.redis.stop()

    def end(self):
        for program in reversed(self.programs()):
            program.end()
        for proxy in self.proxies:
            proxy.close()
        if self.network:
            self.network.close()


async def is_ready(port, target):
    connection = Connection("127.0.0.1", port)
    try:
        return (await connection.request("GET", target, timeout_s=1)).status == 200
    except NoAnswer:
        return False
    finally:
        connection.close()


class OverRedis(Deployment):
    """`front` makes the layer before Redis: a function from Redis's address to a proxy with a port. It is for planted faults."""

    store = "redis"

    def __init__(self, *common, replicas=3, network=None, front=None):
        super().__init__(*common)
        self.count, self.network, self.front = replicas, network, front
        self.rights = Target()

    async def open(self):
        self.redis_port = free_port()
        self.host = self.network.address if self.network else "127.0.0.1"
        self.redis = redis_program("redis", self, self.host, self.redis_port)
        host, port = self.host, self.redis_port
        if self.front:
            host, port = "127.0.0.1", await self.front(self)
        for number in range(self.count):
            at = (host, port)
            if number > 0 and not self.front:
                at = ("127.0.0.1", (await self._open_proxy(f"replica {number} to redis", host, port)).port)
            self._add_replica(number, f"redis://{rights.USER}:{rights.PASSWORD}@{at[0]}:{at[1]}/0")
        await self._add_nginx()
        await self._add_routes()

    def door(self):
        return Redis(self.host, self.redis_port)

    async def stored(self):
        door = self.door()
        try:
            return await store_content.from_redis(door)
        finally:
            door.close()


def redis_program(name, deployment, host, port):
    """Uses the settings of docker-compose.yml, and a user of the service with no more rights than it needs."""
    root = f"{deployment.directory}/{name}"
    os.mkdir(root)
    argv = ["redis-server", "--bind", host, "--port", str(port), "--dir", root, "--appendonly", "yes", "--appendfsync", "always",
            "--save", "", "--protected-mode", "no", "--enable-debug-command", "yes", *rights.settings()]
    if deployment.network:
        argv = ["ip", "netns", "exec", deployment.network.name, *argv]
    return Program(name, argv, deployment.log)


class OverSqlite(Deployment):
    store = "sqlite"

    async def open(self):
        self.path = f"{self.directory}/discount.db"
        self._add_replica(0, f"sqlite:{self.path}")
        await self._add_nginx()
        await self._add_routes()

    async def stored(self):
        return store_content.from_sqlite(self.path)
