# SPDX-License-Identifier: MIT
"""The rights of the containers, as the engine and the kernel report them."""

import pathlib

from deployment import CommandFailed

SERVICES = ("app", "nginx", "redis")


async def run(report, deployment):
    for service in SERVICES:
        for container in await deployment.containers(service):
            check_container(report, container)

    published = [(service, port) for service in SERVICES for container in await deployment.containers(service)
                 for port, hosts in container["NetworkSettings"]["Ports"].items() if hosts]
    report.equal("nginx's port is the only one that is published", published, [("nginx", "8080/tcp")])
    await check_networks(report, deployment)
    await check_redis(report, deployment)


def check_container(report, container):
    name = container["Name"].lstrip("/")
    host = container["HostConfig"]
    status = process_status(container["State"]["Pid"])
    report.check(f"{name} does not run as root",
                 container["Config"]["User"] not in ("", "0", "root") and "0" not in status["Uid"].split(), status["Uid"])
    report.equal(f"{name} has a read-only root", host["ReadonlyRootfs"], True)
    report.equal(f"{name} has no capabilities", (host["CapDrop"], host["CapAdd"], int(status["CapEff"], 16),
                                                 int(status["CapBnd"], 16)), (["ALL"], None, 0, 0))
    report.equal(f"{name} gains no privileges", status["NoNewPrivs"], "1")
    report.check(f"{name} has a bounded number of processes", host["PidsLimit"], host["PidsLimit"])


def process_status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


async def check_networks(report, deployment):
    nginx = await deployment.container("nginx")
    try:
        await deployment.run("docker", "exec", nginx["Id"], "getent", "hosts", "app")
    except CommandFailed as failed:
        report.check("nginx sees the replicas", False, failed)
        return
    try:
        await deployment.run("docker", "exec", nginx["Id"], "getent", "hosts", "redis")
        report.check("nginx does not see Redis", False, "the name is known")
    except CommandFailed:
        report.check("nginx does not see Redis", True)
    networks = (await deployment.container("app"))["NetworkSettings"]["Networks"]
    gateways = {name: network["Gateway"] for name, network in networks.items()}
    inside = await deployment.run("docker", "network", "inspect", "--format", "{{.Internal}}", *sorted(networks))
    report.check("a replica has no way out", inside.split() == ["true"] * len(networks), gateways)


async def check_redis(report, deployment):
    for name, wanted in (("appendonly", "yes"), ("appendfsync", "always")):
        report.equal(f"Redis has {name}", (await deployment.redis("CONFIG", "GET", name)).split(), [name, wanted])
    redis = await deployment.container("redis")
    report.equal("Redis keeps its data on a volume",
                 [(mount["Type"], mount["Name"]) for mount in redis["Mounts"] if mount["Destination"] == "/data"],
                 [("volume", "discount_redis-data")])
