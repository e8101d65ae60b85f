#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names the lists that lack a new route, store verb, backend, variable, metric or problem (docs/adding.md). Each must be in all
the lists that have to know it. house_rules_test.sh removes an entry of each list and expects it to be named.

    house_lists.py [TREE]"""

import json
import pathlib
import re
import sys

TREE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1])


def text_of(name):
    return (TREE / name).read_text(encoding="utf-8")


def missing_routes():
    """Each row of routes.c is in the contract, in the README, in the lists of requests that tests send, and in the fuzzer's
    dictionary."""
    story = text_of("tests/contract/story.py")
    for name, path in re.findall(r'^([A-Z]+) = "(/[^"]+)"$', story, re.M):
        story = re.sub(rf"\b{name}\b", f'"{path}"', story)
    contract = re.split(r"^  (?=/)", text_of("openapi.yaml").split("\npaths:\n")[1].split("\ncomponents:")[0], flags=re.M)
    operations = {(method.upper(), part.split(":")[0]) for part in contract
                  for method in re.findall(r"^    (get|post|put|patch|delete):", part, re.M)}
    memory, script, dictionary, readme = (text_of(name) for name in ("tests/http/memory_test.c", "tests/sim/script.c",
                                                                     "fuzz/connection.dict", "README.md"))
    # A path of the dictionary may be put together from several of its entries.
    entries = [entry.split("?")[0] for entry in re.findall(r'^"(/[^"]*)"$', dictionary, re.M)]
    for method, path in re.findall(r'\{"([A-Z]+)", "([^"]+)", \w+\}', text_of("src/api/routes.c")):
        methods = "GET|HEAD|%s" if method == "GET" else method
        form = re.sub(r"\\\{\w+\\\}", r'[^/" ?]+', re.escape(path))
        lists = {
            "openapi.yaml": (method, path) in operations,
            "README.md": re.search(rf"[` ]{re.escape(path)}[`?]", readme),
            # The figures of /metrics are others in each run, so its example cannot be played.
            "tests/contract/story.py": path == "/metrics" or re.search(rf'\("{method}", "{re.escape(path)}",', story),
            "tests/http/memory_test.c": re.search(rf'\{{"{method}", "{form}[?"]', memory),
            "tests/sim/script.c": re.search(rf'"({methods}) {form}[? %]', script),
            "fuzz/connection.dict": any(re.fullmatch(form, a + b) for a in entries for b in ["", *entries]),
        }
        for name, found in lists.items():
            if not found:
                yield f"{method} {path} is not in {name}"


def missing_verbs():
    """Each verb of the store contract has its rows, its cases in tests, and in Redis its script."""
    verbs = re.findall(r"^    (STORE_[A-Z_]+),$", text_of("include/discount/store.h"), re.M)
    suite = "".join(file.read_text(encoding="utf-8") for file in [TREE / "tests/store/conformance.c",
                                                                  *TREE.glob("tests/store/cases/*.c")])
    lists = ["src/store/op.c", *(str(file.relative_to(TREE)) for file in sorted(TREE.glob("src/store/*/verbs.c"))),
             "tests/store/redis/wire_test.c"]
    for verb in verbs:
        for name in lists:
            if f"[{verb}] =" not in text_of(name):
                yield f"{verb} has no row in {name}"
        for name in ("fuzz/redis_fuzz.c", "tests/sim/fake_store.c", "tests/sim/script.c", "tests/store/redis/redis_fixture.c",
                     "tests/unit/store/op_test.c"):
            if not re.search(rf"\b{verb}\b", text_of(name)):
                yield f"{verb} is not in {name}"
        if f", {verb.lower()})" not in text_of("tests/store/store_fixture.c"):
            yield f"{verb.lower()} is not submitted in tests/store/store_fixture.c"
        submitted = rf"\bsubmit_{verb[6:].lower()}(_of)?\("
        if not re.search(submitted, suite):
            yield f"{verb} has no case in the conformance suite"
        # A ping reads nothing, and a creation nothing that was damaged.
        if verb not in ("STORE_PING", "STORE_CREATE") and not re.search(submitted, text_of("tests/store/corrupt_ones.c")):
            yield f"{verb} is not in tests/store/corrupt_ones.c"
    for verb in re.findall(r"\[(STORE_[A-Z_]+)\] = \{.*, NULL\},", text_of("src/store/redis/verbs.c")):
        if verb not in ("STORE_PING", "STORE_CREATE"):
            yield f"{verb} does not name the discount of a damaged reply in src/store/redis/verbs.c"
    for verb in re.findall(r"add_script\(command, STORE_([A-Z_]+),", text_of("src/store/redis/verbs.c")):
        if not (TREE / f"src/store/redis/scripts/{verb.lower()}.lua").exists():
            yield f"STORE_{verb} has no src/store/redis/scripts/{verb.lower()}.lua"


def missing_backends():
    """Each folder below src/store is a backend that a URL reaches, that operators read of, and that the suite is run on."""
    for folder in sorted(path.parent for path in TREE.glob("src/store/*/backend.c")):
        scheme = re.search(r'(?:\.scheme =|#define SCHEME) "([^"]+)"', (folder / "backend.c").read_text(encoding="utf-8"))[1]
        for name in ("include/discount/engine.h", "src/service/config.c", "src/store/engine.c", "README.md"):
            if scheme not in text_of(name):
                yield f"{scheme} is not in {name}"
        if f"&{folder.name}_backend" not in text_of("src/store/engine.c"):
            yield f"{folder.name}_backend is not in src/store/engine.c"
        if not (folder / "verbs.c").exists():
            yield f"src/store/{folder.name} has no verbs.c"
        if not any("conformance_run(" in file.read_text(encoding="utf-8") for file in TREE.glob(f"tests/store/{folder.name}/*.c")):
            yield f"no test in tests/store/{folder.name} runs the conformance suite"


def missing_variables():
    """README and --help, which prints the table of config.c, have the same variables, and config_test.c sets each."""
    table = text_of("src/service/config.c").split("variables[] = {")[1].split("};")[0]
    ours = {f"DISCOUNT_{name}" for name in re.findall(r'^    \{"([A-Z_]+)",', table, re.M)}
    readme = set(re.findall(r"\bDISCOUNT_[A-Z_]+\b", text_of("README.md")))
    for name in sorted(ours - readme):
        yield f"{name} is not in README.md"
    sources = "".join(file.read_text(encoding="utf-8") for file in TREE.glob("src/**/*.c"))
    for name, member in re.findall(r'\{"([A-Z_]+)", "[^"]*", NUMBER\((\w+),', table):
        if not re.search(rf"config(->|\.){member}\b", sources):
            yield f"DISCOUNT_{name} is not used in src"
    for name in sorted(readme - ours):
        yield f"{name} of README.md is not in src/service/config.c"
    for name in sorted(ours):
        if f'"{name}=' not in text_of("tests/unit/service/config_test.c"):
            yield f"{name} is not set in tests/unit/service/config_test.c"


def missing_metrics():
    """Each row of METRICS_LIST is counted somewhere in src, and a test reads it."""
    sources = "".join(file.read_text(encoding="utf-8") for file in TREE.glob("src/**/*.c"))
    tests = "".join(file.read_text(encoding="utf-8") for suffix in ("c", "py") for file in TREE.glob(f"tests/**/*.{suffix}"))
    for row, name in re.findall(r'X\(([A-Z_]+), \w+, "(\w+)"', text_of("include/discount/metrics.h")):
        if not re.search(rf"\bMETRIC_{row}\b", sources):
            yield f"METRIC_{row} is not counted in src"
        if not re.search(rf"\b{name}\b", re.sub(r"\\n", "", tests)):
            yield f"{name} is not read by a test"


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


def missing_codes():
    """/metrics tells each code of a problem apart."""
    codes = set(re.findall(r"\d+", text_of("src/base/metrics.c").split("metrics_codes[METRICS_CODES] = {")[1].split("}")[0]))
    for name, code in re.findall(r"X\(([A-Z_]+), (\d+),", text_of("include/discount/status.h")):
        if code not in codes:
            yield f"{code} of STATUS_{name} is not in metrics_codes of src/base/metrics.c"


parts = (missing_routes, missing_verbs, missing_backends, missing_variables, missing_metrics, missing_codes, different_problems)
breaches = [line for part in parts for line in part()]
for breach in breaches:
    print(f"error: {breach}")
sys.exit(1 if breaches else 0)
