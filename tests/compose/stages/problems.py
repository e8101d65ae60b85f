# SPDX-License-Identifier: MIT
"""nginx's own errors must be the service's problems, with the same texts."""

import json
import re

from client import Connection, once


async def run(report, deployment, tree):
    report.equal("nginx.conf has the titles and statuses of status.h", *words(tree))

    port = deployment.port
    await check(report, "a body that is too large", "payload-too-large", 413,
                await once(port, "POST", "/discount", {"brand_id": "x" * 17000}))
    await check(report, "a target that is too long", "uri-too-long", 414, await once(port, "GET", "/" + "x" * 5000))
    await check(report, "a header that is too long", "headers-too-large", 431,
                await once(port, "GET", "/livez", headers={"X-Long": "x" * 5000}))
    await check(report, "many headers", "headers-too-large", 431,
                await once(port, "GET", "/livez", headers={f"X-{number}": "x" * 800 for number in range(30)}))
    await check(report, "metrics", "not-found", 404, await once(port, "GET", "/metrics"))
    await check(report, "metrics by another spelling", "not-found", 404, await once(port, "GET", "//%6Detrics/"))
    await check(report, "nginx's own places", "not-found", 404, await once(port, "GET", "/.problem/overloaded"))
    await check(report, "TRACE", "method-not-allowed", 405, await once(port, "TRACE", "/livez"))
    await check(report, "no request", "malformed-request", 400, await raw(port, "nonsense\r\n\r\n"))
    await check(report, "two hosts", "malformed-request", 400, await raw(port, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"))
    await check(report, "two lengths", "malformed-request", 400, await raw(
        port, "POST /discount HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
    await check_request_ids(report, port)


async def check(report, what, problem, status, answer):
    report.equal(f"{what}: {status} {problem}", (answer.status, answer.problem()), (status, problem))
    body = answer.json()
    faults = []
    if sorted(body) != ["detail", "request_id", "status", "title", "type"] or list(body) != sorted(body):
        faults.append(list(body))
    if body["status"] != answer.status:
        faults.append(body["status"])
    if not body["request_id"] or answer.headers.get("x-request-id") != body["request_id"]:
        faults.append(answer.headers)
    if status == 405 and "allow" not in answer.headers:
        faults.append("no Allow")
    report.none(f"{what}: the problem has its members", faults)


async def check_request_ids(report, port):
    async def given(request_id, target):
        answer = await once(port, "GET", target, headers={"X-Request-ID": request_id})
        return answer.headers["x-request-id"]

    for target in ("/livez", "/metrics"):
        report.equal(f"{target} keeps a sane request id", await given("Order_1.2~3-4", target), "Order_1.2~3-4")
        report.check(f"{target} replaces another", re.fullmatch("[0-9a-f]{32}", await given("not sane", target)))


async def raw(port, text):
    connection = Connection(port)
    try:
        return await connection.send(text.encode())
    finally:
        connection.close()


def words(tree):
    """Returns the texts of each problem in nginx.conf, and those of the same problems in status.h."""
    listed = re.findall(r'X\(\w+, (\d+), "([a-z-]+)",\s*"([^"]*)",', (tree / "include/discount/status.h").read_text().replace("\\\n", ""))
    ours = {name: (int(code), title) for code, name, title in listed}
    returned = re.findall(r"return (\d+) '(\{.*\})\\n';", (tree / "nginx.conf").read_text())
    said = {}
    for code, body in returned:
        problem = json.loads(body)
        said[problem["type"].rpartition("/")[2]] = (int(code), problem["title"])
    return said, {name: ours.get(name) for name in said}
