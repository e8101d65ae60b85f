# SPDX-License-Identifier: MIT
"""A user's first minutes with the README: every command for the containers as it is written there.

tests/readme_test.py also tries its requests without containers.
"""

import json
import re
import time

import readme
import seed

# From docs/operations.md, for an operator of the containers.
VERIFY = "docker-compose exec -T app discountd verify"


async def run(report, deployment):
    began = time.monotonic()
    up, processes = readme.block(seed.UP).splitlines()
    report.equal("the README's commands are the seed's", [up, processes], [seed.UP, seed.PROCESSES])
    await deployment.shell(up)
    report.note(f"built and started in {time.monotonic() - began:.0f} s")
    await deployment.wait_until_healthy("app", 2)
    await deployment.wait_until_healthy("redis", 1)
    await deployment.wait_until_healthy("nginx", 1)
    report.check("two replicas, Redis and nginx are healthy", True)

    names = sorted(line.split()[-1] for line in (await deployment.shell(seed.PROCESSES)).splitlines()[1:])
    services = [re.fullmatch(r"discount[_-](\w+)[_-]\d+", name)[1] for name in names]
    report.equal("docker ps shows them", services, ["app", "app", "nginx", "redis"])

    report.equal("the service says OK", await deployment.shell(seed.HEALTHY), "OK")

    created = json.loads(await deployment.shell(seed.CREATE))
    asked = {"brand_id": "IKEA", "discount_code": "Christmas 2020 discount", "total_count": 100}
    report.equal("a discount is created", {name: created.get(name) for name in asked}, asked)
    report.check("its id and time have the form of the README's",
                 re.fullmatch(r"dsc-[A-Za-z0-9_-]{22}", created["id"])
                 and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", created["created_at"]), created)

    listed = json.loads(await deployment.shell(seed.LIST))["discounts"]
    report.equal("it is listed", [{name: one.get(name) for name in created} for one in listed], [created])

    command = seed.GRANT.replace(seed.EXAMPLE_ID, created["id"])
    first = json.loads(await deployment.shell(command))
    report.equal("it is granted", {name: first.get(name) for name in ("discount_id", "granted")},
                 {"discount_id": created["id"], "granted": True})
    report.equal("it is granted the same again", json.loads(await deployment.shell(command)), first)

    page = (readme.TREE / "docs/operations.md").read_text(encoding="utf-8")
    report.check("the command for the operator is the one of its page", f"`{VERIFY}`" in page, VERIFY)
    await deployment.shell(VERIFY)
    report.check("the data are valid", True)

    await deployment.shell(readme.block("docker-compose up -d --scale app="))
    await deployment.wait_until_healthy("app", 3)
    report.check("a third replica is added as the README says", True)
    await deployment.scale(2)
    await deployment.wait_until_healthy("app", 2)
