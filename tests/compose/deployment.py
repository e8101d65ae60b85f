# SPDX-License-Identifier: MIT
"""The containers of docker-compose.yml, as a user of docker-compose and docker sees them."""

import asyncio
import json
import os
import pathlib
import signal
import time


class CommandFailed(Exception):
    pass


class Deployment:
    def __init__(self, directory, port, logs):
        self.directory = directory
        self.port = port
        self.logs = logs
        foreign = ("COMPOSE_", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_CERT", "DISCOUNT_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self.environment.update(COMPOSE_PROJECT_NAME="discount", HTTP_PORT=str(port))

    async def down(self, *options):
        """Removes the containers, and keeps their logs."""
        for service in ("redis", "app", "nginx"):
            with open(pathlib.Path(self.logs, f"{service}.log"), "a", encoding="utf-8") as log:
                log.write(await self.compose("logs", "--no-color", service))
        await self.compose("down", *options)

    async def start(self, *command):
        return await asyncio.create_subprocess_exec(
            *command, cwd=self.directory, env=self.environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)

    async def run(self, *command, deadline_s=600):
        """Returns the output of the command. Raises CommandFailed with its error text."""
        process = await self.start(*command)
        output, complaint = await asyncio.wait_for(process.communicate(), deadline_s)
        if process.returncode != 0:
            raise CommandFailed(f"{' '.join(command)}: {(output + complaint).decode()[-3000:]}")
        return output.decode()

    async def shell(self, command, deadline_s=600):
        return await self.run("bash", "-c", command, deadline_s=deadline_s)

    async def compose(self, *arguments):
        return await self.run("docker-compose", *arguments)

    async def scale(self, replicas):
        await self.compose("up", "-d", "--scale", f"app={replicas}")

    async def containers(self, service):
        """Returns the output of `docker inspect` for each running container of a service."""
        listed = await self.run("docker", "ps", "--quiet", "--filter", "label=com.docker.compose.project=discount",
                                "--filter", f"label=com.docker.compose.service={service}")
        if not listed.split():
            return []
        return json.loads(await self.run("docker", "inspect", *listed.split()))

    async def container(self, service):
        return (await self.containers(service))[0]

    async def inspect(self, container_id):
        return json.loads(await self.run("docker", "inspect", container_id))[0]

    async def wait_until_healthy(self, service, count, deadline_s=60):
        ends = time.monotonic() + deadline_s
        while True:
            health = [found["State"]["Health"]["Status"] for found in await self.containers(service)]
            if health == ["healthy"] * count:
                return
            if time.monotonic() > ends:
                raise CommandFailed(f"{service} should be {count} healthy containers and is {health}")
            await asyncio.sleep(0.3)

    async def wait_until_restarted(self, container_id, deadline_s=60):
        """Waits until the engine has noticed that the container's process has died, and has started it again."""
        ends = time.monotonic() + deadline_s
        while (await self.inspect(container_id))["RestartCount"] == 0:
            if time.monotonic() > ends:
                raise CommandFailed(f"{container_id} was not started again")
            await asyncio.sleep(0.1)

    async def redis(self, *arguments):
        redis = await self.container("redis")
        return await self.run("docker", "exec", redis["Id"], "redis-cli", "--raw", *arguments)

    async def stored_grants(self, discount_id):
        """Returns the grants in Redis, as pairs of user and granted_at in the API's form."""
        lines = (await self.redis("ZRANGE", f"discount:{{{discount_id}}}:grants", "0", "-1", "WITHSCORES")).splitlines()
        return [(user, iso_time(int(at))) for user, at in zip(lines[::2], lines[1::2])]

    async def crash(self, service):
        """Kills the first container's process directly. The engine then starts it again."""
        container = await self.container(service)
        os.kill(container["State"]["Pid"], signal.SIGKILL)
        return container["Id"]


def iso_time(microseconds):
    seconds, rest = divmod(microseconds, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:06d}Z"


def addresses(container, network):
    """Returns the address of a container in one of the networks of docker-compose.yml."""
    return container["NetworkSettings"]["Networks"][f"discount_{network}"]["IPAddress"]
