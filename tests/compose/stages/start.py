# SPDX-License-Identifier: MIT
"""A newcomer's first start: a bare Debian, a fresh clone, and ./start."""

import asyncio
import contextlib
import json
import re
import time

from deployment import CommandFailed

BANNER = re.compile(r"^The Discount API is on http://localhost:8080 .*?^(curl .*?)\n\n", re.M | re.S)
BUILT = "find build/release -name '*.o' -printf '%p %T@ %i\n' | sort"


async def run(report, deployment):
    async with bare(deployment, "debian:bookworm-slim") as newcomer:
        await check_first_time(report, deployment, newcomer)
        await check_second_time(report, deployment, newcomer)


async def run_once(report, deployment, image):
    async with bare(deployment, image) as newcomer:
        await check_first_time(report, deployment, newcomer)
        await check_ctrl_c(report, deployment, newcomer, "Ctrl-C")


@contextlib.asynccontextmanager
async def bare(deployment, image):
    """Makes a container that holds the tree and nothing else, to run ./start in."""
    newcomer = (await deployment.run("docker", "create", "--workdir", "/discount", image, "./start")).strip()
    try:
        await deployment.shell("set -o pipefail; git ls-files -z | tar -c --null --files-from - --transform 's,^,discount/,'"
                               f" | docker cp - {newcomer}:/")
        yield newcomer
    finally:
        await deployment.run("docker", "rm", "--force", "--volumes", newcomer)


async def check_first_time(report, deployment, newcomer):
    log = await started(report, deployment, newcomer)
    report.check("it says what it installs", re.search(r"^start: installing gcc .*cmake .*libmicrohttpd-dev", log, re.M), log)
    report.check("it says that it builds", "\nstart: building " in log, log)

    # ./start itself does not need it.
    await install(deployment, newcomer, "curl")
    created = await inside(deployment, newcomer, BANNER.search(log)[1] + " --silent --write-out '\n%{http_code}'")
    body, _, status = created.rpartition("\n")
    report.equal("the command that it shows creates a discount", (status, json.loads(body).get("brand_id")), ("201", "IKEA"))


async def check_second_time(report, deployment, newcomer):
    built = await inside(deployment, newcomer, BUILT)
    await check_ctrl_c(report, deployment, newcomer, "Ctrl-C")

    log = await started(report, deployment, newcomer)
    report.check("the second time nothing is installed", "start: installing" not in log, log)
    report.equal("the second time nothing is compiled", await inside(deployment, newcomer, BUILT), built)
    listed = json.loads(await inside(deployment, newcomer, "curl --silent localhost:8080/discount"))["discounts"]
    report.equal("the second time the discount is still there", [one["brand_id"] for one in listed], ["IKEA"])
    await check_ctrl_c(report, deployment, newcomer, "the second Ctrl-C")


async def started(report, deployment, newcomer, deadline_s=300):
    """Returns the output of ./start after it has shown its first command."""
    began = time.monotonic()
    before = len(await written(deployment, newcomer))
    await deployment.run("docker", "start", newcomer)
    while True:
        log = (await written(deployment, newcomer))[before:]
        if BANNER.search(log):
            report.note(f"./start served after {time.monotonic() - began:.1f} s")
            return log
        state = (await deployment.inspect(newcomer))["State"]
        if not state["Running"] or time.monotonic() - began > deadline_s:
            raise CommandFailed(f"./start did not serve, exit code {state['ExitCode']}: {log[-3000:]}")
        await asyncio.sleep(0.2)


async def written(deployment, newcomer):
    return await deployment.shell(f"docker logs {newcomer} 2>&1")


async def inside(deployment, newcomer, command):
    return await deployment.run("docker", "exec", newcomer, "bash", "-c", command)


async def install(deployment, newcomer, package):
    await inside(deployment, newcomer, f"apt-get install -y --no-install-recommends {package}")


async def check_ctrl_c(report, deployment, newcomer, what):
    await deployment.run("docker", "kill", "--signal", "INT", newcomer)
    report.equal(f"{what} ends it with 0", (await deployment.run("docker", "wait", newcomer, deadline_s=30)).strip(), "0")
