# SPDX-License-Identifier: MIT
"""The image on Debian 13, by itself: its libraries are a generation younger, and it is the same service."""

import asyncio
import contextlib
import json
import pathlib
import re
import time

from client import once
from deployment import CommandFailed

BUILD = "docker build --build-arg DEBIAN=trixie -f docker/Dockerfile ."
IMAGE = "discount:trixie"


async def run(report, deployment):
    began = time.monotonic()
    await deployment.shell(f"{BUILD} --tag {IMAGE}")
    report.note(f"built in {time.monotonic() - began:.0f} s")
    async with running(deployment) as service:
        await wait_until_healthy(deployment, service)
        report.check("it is healthy", True)
        await check_libraries(report, deployment, service)

        port = await published_port(deployment, service)
        grant = await check_grant(report, port)
        await check_queries(report, port)
        answer = await once(port, "GET", grant)
        report.equal("it still serves", (answer.status, answer.json().get("user_id")), (200, "User 1"))

        await deployment.run("docker", "stop", service)
        report.equal("a stop ends it with 0", (await deployment.inspect(service))["State"]["ExitCode"], 0)


@contextlib.asynccontextmanager
async def running(deployment):
    """As it is when nothing is configured: the data in a file, of its own user, on a volume."""
    service = (await deployment.run("docker", "run", "--detach", "--read-only", "--cap-drop", "ALL", "--volume", "/data",
                                    "--publish", "127.0.0.1::8080", IMAGE)).strip()
    try:
        yield service
    finally:
        log = await deployment.shell(f"docker logs {service} 2>&1")
        pathlib.Path(deployment.logs, "debian13.log").write_text(log, encoding="utf-8")
        await deployment.run("docker", "rm", "--force", "--volumes", service)


async def check_libraries(report, deployment, service):
    shown = await deployment.run("docker", "exec", service, "dpkg-query", "--show",
                                 "libmicrohttpd*", "libhiredis*", "libsqlite3*", "libuv1*", "libjansson*", "libuuid*")
    # dpkg also shows the names of packages that are not there, without a version.
    versions = [line.replace("\t", " ") for line in shown.splitlines() if line.partition("\t")[2]]
    report.note(", ".join(versions))
    report.check("it has libmicrohttpd 1.0", any(re.match(r"libmicrohttpd\S* 1\.0\.", one) for one in versions), versions)


async def wait_until_healthy(deployment, service, deadline_s=60):
    ends = time.monotonic() + deadline_s
    while (state := (await deployment.inspect(service))["State"])["Health"]["Status"] != "healthy":
        if not state["Running"] or time.monotonic() > ends:
            raise CommandFailed(f"it should be healthy and is {json.dumps(state)}")
        await asyncio.sleep(0.3)


async def published_port(deployment, service):
    ports = (await deployment.inspect(service))["NetworkSettings"]["Ports"]
    return int(ports["8080/tcp"][0]["HostPort"])


async def check_grant(report, port):
    """A grant, and the same again; returns where it is found."""
    created = await once(port, "POST", "/discount", {"brand_id": "IKEA", "discount_code": "Debian 13", "total_count": 1})
    report.equal("a discount is created", created.status, 201)
    target = created.headers["location"] + "/grant"

    first, again = [await once(port, "POST", target, {"user_id": "User 1"}) for _ in range(2)]
    report.equal("it is granted", (first.status, first.json().get("granted")), (201, True))
    report.equal("it is granted the same again", (again.status, again.headers.get("idempotent-replayed"), again.json()),
                 (200, "true", first.json()))
    return first.headers["location"]


async def check_queries(report, port):
    """The service reads queries itself, whatever its HTTP library would make of them."""
    answers = [(await once(port, "GET", target)).status
               for target in ("/discount?limit=1", "/discount?limit=0", "/discount?unknown=1")]
    report.equal("it reads queries", answers, [200, 400, 400])
