# SPDX-License-Identifier: MIT
"""Compares the contract with the sources that it repeats: routes, statuses, limits, the version. Each check yields its subject,
and the error or None."""

import os
import re

import contract as c
import story


def text_of(tree, name):
    with open(os.path.join(tree, name), encoding="utf-8") as file:
        return file.read()


def routes(contract, tree):
    rows = set(re.findall(r'\{"([A-Z]+)", "([^"]+)", \w+\}', text_of(tree, "src/api/routes.c")))
    for row in sorted(rows | set(contract.operations)):
        if row not in contract.operations:
            yield row, "this row of routes.c is not in the contract"
        elif row not in rows:
            yield row, "no row of routes.c has this operation"
        else:
            yield row, None


def statuses(tree):
    """Reads the list in status.h: {"/problems/NAME": (code, title, detail)}."""
    text = re.sub(r"\\\n", "", text_of(tree, "include/discount/status.h"))
    string = r'"((?:[^"]|"\s+")*)"'
    rows = re.findall(r"X\([A-Z_]+, (\d+),\s+" + r",\s+".join([string] * 4) + r"\)", text)
    joined = [[re.sub(r'"\s+"', "", word) for word in row] for row in rows]
    return {f"/problems/{name}": (int(code), title, detail) for code, name, title, detail, _ in joined if name != "ok"}


def problems(contract, tree):
    listed = statuses(tree)
    named = contract.schemas["Problem"]["properties"]["type"]["enum"]
    yield "types of problems", None if named == list(listed) else f"{named} are not those of status.h"
    for (method, path), operation in contract.operations.items():
        for code, response in operation["answers"].items():
            wrong = [type_ for type_ in response.types if type_ is not None and listed.get(type_, (0,))[0] != code]
            yield (method, path, code), f"{wrong} have other statuses in status.h" if wrong else None


def limits(contract, tree):
    names = dict(re.findall(r"#define (LIMIT_\w+) (\d+)", text_of(tree, "include/discount/limits.h")))
    schemas = contract.schemas
    said = {
        "LIMIT_BRAND_ID": schemas["BrandId"]["maxLength"],
        "LIMIT_USER_ID": schemas["UserId"]["maxLength"],
        "LIMIT_DISCOUNT_CODE": schemas["DiscountCode"]["maxLength"],
        "LIMIT_TOTAL_COUNT": schemas["TotalCount"]["maximum"],
        "LIMIT_LIST": schemas["Limit"]["maximum"],
    }
    prose = contract.document["info"]["description"]
    said |= {name: limit for name, limit in (("LIMIT_BODY", 16384), ("LIMIT_TARGET", 4096), ("LIMIT_HEADERS", 4096),
                                             ("LIMIT_JSON_DEPTH", 8), ("LIMIT_IDEMPOTENCY_KEY", 255)) if str(limit) in prose}
    for name in ("LIMIT_BODY", "LIMIT_TARGET", "LIMIT_HEADERS", "LIMIT_JSON_DEPTH", "LIMIT_IDEMPOTENCY_KEY", *said):
        yield name, None if str(said.get(name)) == names[name] else f"the contract says {said.get(name)}, limits.h {names[name]}"


def version(contract, tree):
    ours = re.search(r"project\(discount VERSION (\S+)", text_of(tree, "CMakeLists.txt"))[1]
    yield "version", None if contract.version == ours else f"the contract says {contract.version}, CMakeLists.txt {ours}"


def examples(contract, tree):
    """Examples must conform to their schemas, except those of invalid requests. Problems must have the texts of status.h."""
    listed = statuses(tree)
    for (method, path), operation in contract.operations.items():
        for parameter in operation["parameters"]:
            for name, value in story.examples(parameter).items():
                yield (method, path, parameter["name"], name), c.faults(parameter["schema"], value)
        for code, response in operation["answers"].items():
            for header, node in response.headers.items():
                for name, value in story.examples(node).items():
                    yield (method, path, code, header, name), c.faults(node["schema"], value)
            for kind, media in response.node.get("content", {}).items():
                for name, value in story.examples(media).items():
                    fault = c.faults(response.strict[kind], value)
                    if fault is None and kind == "application/problem+json" and \
                            (value["status"], value["title"], value["detail"]) != listed[value["type"]]:
                        fault = "not in the words of status.h"
                    yield (method, path, code, name), fault


def check(contract, tree):
    for part in (routes, problems, limits, version, examples):
        for what, fault in part(contract, tree):
            yield f"{part.__name__}: {what}", fault
