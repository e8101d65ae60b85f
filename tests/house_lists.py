#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names what is missing after a route, a store verb, a variable or a problem was added (docs/adding.md). Each must be in all lists
that need it. house_rules_test.sh removes an entry of each list and expects it to be named.

    house_lists.py [TREE]"""

import json
import pathlib
import re
import sys

TREE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1])


def text_of(name):
    return (TREE / name).read_text(encoding="utf-8")


def missing_routes():
    """Each row of routes.c must be in the contract, in the lists of requests that tests send, and in the fuzzer's dictionary."""
    story = text_of("tests/contract/story.py")
    for name, path in re.findall(r'^([A-Z]+) = "(/[^"]+)"$', story, re.M):
        story = re.sub(rf"\b{name}\b", f'"{path}"', story)
    contract = re.split(r"^  (?=/)", text_of("openapi.yaml").split("\npaths:\n")[1].split("\ncomponents:")[0], flags=re.M)
    operations = {(method.upper(), part.split(":")[0]) for part in contract
                  for method in re.findall(r"^    (get|post|put|patch|delete):", part, re.M)}
    memory, script, dictionary = (text_of(name) for name in
                                  ("tests/http/memory_test.c", "tests/sim/script.c", "fuzz/connection.dict"))
    # A path may consist of several entries of the dictionary.
    entries = [entry.split("?")[0] for entry in re.findall(r'^"(/[^"]*)"$', dictionary, re.M)]
    for method, path in re.findall(r'\{"([A-Z]+)", "([^"]+)", \w+\}', text_of("src/api/routes.c")):
        form = re.sub(r"\\\{\w+\\\}", r'[^/" ?]+', re.escape(path))
        lists = {
            "openapi.yaml": (method, path) in operations,
            # The values of /metrics differ in each run, so its example cannot be played.
            "tests/contract/story.py": path == "/metrics" or re.search(rf'\("{method}", "{re.escape(path)}",', story),
            "tests/http/memory_test.c": re.search(rf'\{{"{method}", "{form}[?"]', memory),
            "tests/sim/script.c": re.search(rf'"({"GET|HEAD|%s" if method == "GET" else method}) {form}[? %]', script),
            "fuzz/connection.dict": any(re.fullmatch(form, a + b) for a in entries for b in ["", *entries]),
        }
        for name, found in lists.items():
            if not found:
                yield f"{method} {path} is not in {name}"


def missing_verbs():
    """Each verb of the store contract must have its rows."""
    verbs = re.findall(r"^    (STORE_[A-Z_]+),$", text_of("include/discount/store.h"), re.M)
    lists = ["src/store/op.c", *(str(file.relative_to(TREE)) for file in sorted(TREE.glob("src/store/*/verbs.c")))]
    for verb in verbs:
        for name in lists:
            if f"[{verb}] =" not in text_of(name):
                yield f"{verb} has no row in {name}"
        for name in ("tests/sim/script.c", "tests/store/redis/redis_fixture.c", "tests/unit/store/op_test.c"):
            if not re.search(rf"\b{verb}\b", text_of(name)):
                yield f"{verb} is not in {name}"


def missing_variables():
    """README and --help, which prints the table of config.c, must have the same variables."""
    table = text_of("src/service/config.c").split("variables[] = {")[1].split("};")[0]
    ours = {f"DISCOUNT_{name}" for name in re.findall(r'^    \{"([A-Z_]+)",', table, re.M)}
    readme = set(re.findall(r"\bDISCOUNT_[A-Z_]+\b", text_of("README.md")))
    for name in sorted(ours - readme):
        yield f"{name} is not in README.md"
    for name in sorted(readme - ours):
        yield f"{name} of README.md is not in src/service/config.c"


def different_problems():
    """The problems of nginx.conf must have the texts of status.h."""
    header = re.sub(r"\\\n", "", text_of("include/discount/status.h"))
    string = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
    listed = {}
    for code, name, title, detail, _ in re.findall(
            r"X\([A-Z_]+, (\d+),\s+" + r",\s+".join([string] * 4) + r"\)", header):
        name, title, detail = ("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', part)) for part in (name, title, detail))
        listed[name] = {"detail": detail, "status": int(code), "title": title, "type": f"/problems/{name}"}
    problems = re.findall(r"location = /\.problem/([a-z-]+) \{\s*return (\d+) '([^']*)';", text_of("nginx.conf"))
    if len(problems) != text_of("nginx.conf").count("location = /.problem/"):
        yield "nginx.conf has a location of a problem that is not written as the others"
    for name, code, body in problems:
        found = json.loads(body.replace("\\n", ""))
        found.pop("request_id", None)
        if name not in listed or int(code) != listed[name]["status"] or found != listed[name]:
            yield f"nginx.conf words {name} otherwise than include/discount/status.h"


breaches = [line for part in (missing_routes, missing_verbs, missing_variables, different_problems) for line in part()]
for breach in breaches:
    print(f"error: {breach}")
sys.exit(1 if breaches else 0)
