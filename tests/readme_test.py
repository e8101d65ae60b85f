#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the README. Each block of commands is either run here as written, or listed here with the test that runs it.

    tests/readme_test.py [PROGRAM]      (build/release/discountd, or build/debug's)

A command that is added, changed or no longer works is a failure. `localhost` means port 80 in the README. curl's configuration file
redirects it to the service of this test.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import traceback
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "compose"))
import readme
import seed
from report import Report

TREE = readme.TREE
OPERATIONS = TREE / "docs/operations.md"

# Commands that run elsewhere, because they need containers or a tree to build in.
RUN_ELSEWHERE = {
    "./start": "tests/start_test.sh, tests/compose/stages/start.py",
    f"{seed.UP}\n{seed.PROCESSES}": "tests/compose/stages/seed_commands.py",
    "docker-compose up -d --scale app=3": "tests/compose/stages/seed_commands.py",
    "docker-compose down": "tests/compose/stages/durability.py",
    "cmake --preset release -DDISCOUNT_TESTS=OFF && cmake --build --preset release": "tests/start_test.sh",
}

VARYING = (
    (re.compile(r"dsc-[A-Za-z0-9_-]{22}"), "dsc-ID"),
    (re.compile(r'("(?:created_at|granted_at)":)"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"'), r'\1"TIME"'),
    (re.compile(r'("request_id":)"[0-9a-f]{32}"'), r'\1"REQUEST"'),
)


def masked(text):
    """Replaces the parts of a text that differ in each run."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text


class Service:
    """The program with all defaults except the port, in a directory that looks like a built tree."""

    def __init__(self, program, directory, **variables):
        self.directory = directory
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("DISCOUNT_")}
        self.environment.update(CURL_HOME=str(directory), HOME=str(directory), LC_ALL="C")
        built = directory / "build/release"
        built.mkdir(parents=True, exist_ok=True)
        (built / "discountd").unlink(missing_ok=True)
        (built / "discountd").symlink_to(program)
        self.process = subprocess.Popen(
            [built / "discountd"], cwd=directory, stderr=subprocess.PIPE, text=True,
            env={**self.environment, "DISCOUNT_LISTEN": "127.0.0.1:0", "DISCOUNT_DRAIN_MS": "100", **variables})
        for line in self.process.stderr:
            found = re.search(r" on http://127\.0\.0\.1:(\d+)$", line)
            if found:
                break
        else:
            raise RuntimeError("the service did not name its address")
        self.port = int(found[1])
        (directory / ".curlrc").write_text(
            f'connect-to = "localhost:80:127.0.0.1:{self.port}"\nsilent\nshow-error\nretry = 20\nretry-connrefused\n'
            f'retry-delay = 1\nmax-time = 20\nwrite-out = "\\n%{{http_code}}\\n"\n')

    def run(self, command):
        """Runs a command as a person types it. Returns (exit code, output)."""
        done = subprocess.run(["bash", "-c", f"set -o pipefail\n{command}"], cwd=self.directory, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    def stop(self):
        self.process.terminate()
        self.process.stderr.read()
        return self.process.wait(30)


def answers(output):
    """Returns (status, body) of each request in the output of a block."""
    return [(int(status), body.strip()) for body, status in re.findall(r"(.*?)\n?^(\d{3})$\n?", output, re.M | re.S)]


def check_page(report):
    """Every command must be known here, and the commands of the task must be there unchanged."""
    texts = [text for text, _ in readme.blocks()]
    for name in ("UP", "PROCESSES", "HEALTHY", "CREATE", "LIST", "GRANT"):
        command = getattr(seed, name)
        report.equal(f"the command {name} of the seed is there once, as it was written",
                     sum(command in text for text in texts), 1)
    unknown = [text for text in texts + readme.inline_commands() if not is_run_here(text) and text not in RUN_ELSEWHERE]
    report.none("every command is tried by a test", unknown)
    report.equal("every test of the list has its command", [known for known in RUN_ELSEWHERE if known not in texts
                 and known not in readme.inline_commands() and not any(known in text for text in texts)], [])
    lines = readme.README.read_text(encoding="utf-8").splitlines()
    report.check("the page has at most 180 lines", len(lines) <= 180, len(lines))


def is_run_here(text):
    return text.startswith(("curl ", "id=", "next=", "build/release/discountd ", "discountd --", "cmake ")) \
        and (not text.startswith("cmake ") or text.splitlines()[0] in RUN_ELSEWHERE)


def check_requests(report, service):
    """Runs all requests of the page in order, and compares the answers with those on the page."""
    prelude, found_id = "", None
    results = {}
    for text, shown in readme.blocks():
        if not text.startswith(("curl ", "id=", "next=")):
            continue
        command = text.replace(seed.EXAMPLE_ID, found_id or seed.EXAMPLE_ID)
        code, output = service.run(prelude + command)
        # Keeps variables for the commands that follow.
        prelude += "".join(f"{line}\n" for line in command.splitlines() if re.match(r"\w+=", line))
        name = text.splitlines()[-1][:60] if text.startswith(("id=", "next=")) else text[:60].splitlines()[0]
        got = answers(output)
        report.check(f"it works: {name}", code == 0 and got and all(status < 400 for status, _ in got), output)
        report.equal(f"it asks as often as it is written: {name}", len(got), len(re.findall(r"^curl ", text, re.M)))
        if shown:
            report.equal(f"the answer is the one that is shown: {name}", masked(got[0][1]), masked(shown))
        if text == seed.CREATE:
            found_id = json.loads(got[0][1])["id"]
        results[text] = got
    return found_id, prelude, results


def check_claims(report, service, found_id, prelude, results):
    """Checks what the page says about these answers."""
    texts = list(results)
    look = next(text for text in texts if text.startswith("id="))
    poll = next(text for text in texts if "--etag-compare" in text)
    pages = next(text for text in texts if text.startswith("next="))
    window = next(text for text in texts if "starts_at" in text)

    report.equal("it says OK", results[seed.HEALTHY], [(200, "OK")])
    report.equal("the statuses of a create", [results[seed.CREATE][0][0], results[window][0][0]], [201, 201])
    report.equal("both discounts are listed, the oldest first",
                 [one["id"] for one in json.loads(results[seed.LIST][0][1])["discounts"]],
                 [found_id, json.loads(results[window][0][1])["id"]])
    report.equal("a window that is repeated with its key is the same discount",
                 answers(service.run(window)[1]), results[window])
    report.equal("the first grant is a 201", results[seed.GRANT][0][0], 201)
    again = answers(service.run(seed.GRANT.replace(seed.EXAMPLE_ID, found_id))[1])
    report.equal("a repeated grant is a 200 with the same grant", again, [(200, results[seed.GRANT][0][1])])
    report.equal("what is looked at is there", [status for status, _ in results[look]], [200] * 5)
    report.check("each of them is about the discount", all(found_id in body for _, body in results[look]), results[look])
    report.equal("the second poll is a 304 without a body", [results[poll][0][0], results[poll][1]], [200, (304, "")])
    service.run(seed.GRANT.replace(seed.EXAMPLE_ID, found_id).replace("User 1", "User 2"))
    report.equal("after the next grant the poll is a 200", answers(service.run(prelude + poll.splitlines()[1])[1])[0][0], 200)
    first, second = json.loads(results[seed.LIST][0][1])["discounts"][1], json.loads(results[pages][-1][1])["discounts"]
    report.equal("the cursor gives the next page", [one["id"] for one in second], [first["id"]])
    check_sold_out(report, service)


def check_sold_out(report, service):
    """Checks the problem that is shown, and that its type is the path of a page."""
    base = f"http://127.0.0.1:{service.port}"
    created = json.loads(post(f"{base}/discount", {
        "brand_id": "IKEA", "discount_code": "One", "total_count": 1}, {"Idempotency-Key": "one"})[1])
    path = f"{base}/discount/{created['id']}/grant"
    post(path, {"user_id": "User 1"})
    status, body = post(path, {"user_id": "User 2"})
    report.equal("the refusal is the one that is shown", (status, masked(body)), (409, masked(readme.shown_problem())))
    with urllib.request.urlopen(base + json.loads(body)["type"], timeout=20) as page:
        report.equal("its type is the path of a page", page.status, 200)


def post(url, body, headers=None):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode().strip()


def check_commands(report, service):
    """Runs backup and verify as written, while the service runs."""
    for line in readme.block("build/release/discountd").splitlines():
        code, output = service.run(line)
        report.check(f"it works: {line[:40]}", code == 0, output)
    report.equal("the copy is there", (service.directory / "copy.db").exists(), True)
    report.equal("the data are in the files that are named",
                 [(service.directory / name).exists() for name in ("discount.db", "discount.db-wal")], [True, True])
    code, output = service.run("DISCOUNT_WORKERS=none DISCOUNT_LISTEN=none build/release/discountd --check-config")
    report.check("--check-config reports all errors at once, with exit code 2",
                 code == 2 and "DISCOUNT_WORKERS" in output and "DISCOUNT_LISTEN" in output, output)


def check_restore(report, program, service, listed):
    """Checks that the copy can be served, as the operations page says."""
    copy = Service(program, service.directory, DISCOUNT_STORE="sqlite:copy.db")
    try:
        report.equal("a service on the copy lists the same", answers(copy.run(seed.LIST)[1]), listed)
    finally:
        report.equal("it ends with 0", copy.stop(), 0)


def check_words(report, service):
    """The variables and problems that the page names must exist, and all must be named."""
    text = readme.README.read_text(encoding="utf-8")
    _, usage = service.run("build/release/discountd --help")
    report.equal("the variables and defaults are those of --help",
                 re.findall(r"^\| `(DISCOUNT_\w+)` \| `([^`]+)`", text, re.M),
                 re.findall(r"^ +(DISCOUNT_\w+) .*?\(default: ([^)]*)\)", usage, re.M | re.S))
    contract = (TREE / "openapi.yaml").read_text(encoding="utf-8")
    refusals = set(re.findall(r"\d{3} `([a-z-]+)`", text))
    report.check("each refusal is one of the contract's",
                 len(refusals) > 8 and all(f"/problems/{name}" in contract for name in refusals), refusals)
    report.none("each path is one of the contract's", [
        path for path in re.findall(r"`(?:GET |POST )?(/[a-z{}_/.]+)[^`]*`", text)
        if not re.search(rf"^  {re.escape(path)}:$", contract.replace("{discount_id}", "{id}"), re.M)])
    usage = subprocess.run(["./check", "neither"], cwd=TREE, capture_output=True, text=True, check=False)
    report.check("./check takes `fast` and nothing else",
                 usage.returncode == 2 and "usage: ./check [fast]" in usage.stderr, usage.stderr)


def anchors(path):
    """Returns the names of a page's headings, in GitHub's form."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_links(report):
    broken = []
    for page in [readme.README, *sorted((TREE / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
            name, _, anchor = target.partition("#")
            file = page.parent / name if name else page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(f"{page.relative_to(TREE)}: {target}")
    report.none("every link of README and docs leads somewhere", broken)


def check_unit(report, program, directory):
    """Checks the systemd unit: systemd accepts it, and its variables are the program's."""
    unit = re.search(r"^```ini\n(.*?)^```$", OPERATIONS.read_text(encoding="utf-8"), re.M | re.S)[1]
    usage = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    report.none("the unit sets variables of the program only", [
        name for name in re.findall(r"^Environment=(\w+)=", unit, re.M) if name not in usage])
    install = readme.block("install -m 755", OPERATIONS)
    report.check("the unit starts what is installed", re.search(r"^ExecStart=(\S+)$", unit, re.M)[1] in install.splitlines()[0], install)
    report.check("the unit's user is the one that is made", install.splitlines()[1].endswith(" discount") and "\nUser=discount\n" in unit, install)
    file = directory / "discount.service"
    file.write_text(unit.replace("/usr/local/bin/discountd", str(program)))
    try:
        verdict = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        report.note("systemd-analyze is not here, so the unit was only read")
        return
    report.check("systemd takes the unit", verdict.returncode == 0 and not verdict.stderr, verdict.stderr)


def default_program():
    built = [TREE / "build" / preset / "discountd" for preset in ("release", "debug")]
    return next((path for path in built if path.exists()), built[0])


def main():
    report = Report()
    program = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else default_program()).resolve()
    check_page(report)
    check_links(report)
    with tempfile.TemporaryDirectory(prefix="discount-readme.") as name:
        directory = pathlib.Path(name)
        service = Service(program, directory)
        try:
            found_id, prelude, results = check_requests(report, service)
            check_claims(report, service, found_id, prelude, results)
            check_commands(report, service)
            check_words(report, service)
            listed = answers(service.run(seed.LIST)[1])
        except Exception:
            report.check("the page can be followed to its end", False, traceback.format_exc())
            listed = None
        finally:
            report.equal("the service ends with 0", service.stop(), 0)
        if listed is not None:
            check_restore(report, program, service, listed)
        check_unit(report, program, directory)
    return report.close()


if __name__ == "__main__":
    sys.exit(not main())
