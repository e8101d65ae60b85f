# SPDX-License-Identifier: MIT
"""The compose test: a newcomer's first minute, and then the events of a service's day. It is started, sells, is scaled, loses
replicas, and is stopped.

run.sh calls it with a directory for logs. DOCKER_HOST must name an engine that has the base images.
"""

import asyncio
import os
import pathlib
import socket
import sys

from deployment import Deployment
from report import Report
from stages import debian13, durability, faults, flash_sale, hardening, problems, rolling, scaling, seed_commands, spread, start

TREE = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    """Returns port 80, as in the README, or another one if something else listens there."""
    for wanted in (80, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", wanted))
                return probe.getsockname()[1]
            except OSError:
                continue
    raise RuntimeError("no port is free")


async def run(work):
    report = Report()
    deployment = Deployment(TREE, free_port(), work)
    report.note(f"http://localhost:{deployment.port}")
    # curl reads it for every command of the README.
    pathlib.Path(work, ".curlrc").write_text(f'connect-to = "localhost:80:127.0.0.1:{deployment.port}"\nsilent\nshow-error\n')
    deployment.environment["CURL_HOME"] = work
    seed = int(os.environ.get("SEED", int.from_bytes(os.urandom(4), "big")))
    report.note(f"SEED={seed}")
    try:
        await report.stage("A newcomer", start.run(report, deployment))
        await report.stage("A newcomer on Debian 13", start.run_once(report, deployment, "debian:trixie-slim"))
        await report.stage("The image on Debian 13", debian13.run(report, deployment))
        await report.stage("The seed's commands", seed_commands.run(report, deployment))
        await report.stage("Hardening", hardening.run(report, deployment))
        await report.stage("nginx's own answers", problems.run(report, deployment, TREE))
        await report.stage("Round robin", spread.run(report, deployment))
        await report.stage("A sale", flash_sale.run(report, deployment, seed))
        await report.stage("Replicas come and go", scaling.run(report, deployment, seed))
        await report.stage("Rolling restart", rolling.run(report, deployment, seed + 4))
        await report.stage("Replicas and Redis fail", faults.run(report, deployment, seed))
        await report.stage("Stop and start again", durability.run(report, deployment))
    finally:
        await report.stage("Cleaning up", deployment.down("--volumes"))
    return report.close()


if __name__ == "__main__":
    sys.exit(not asyncio.run(run(sys.argv[1])))
