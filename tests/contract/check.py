#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests whether contract and service agree. openapi.yaml is compared with every answer of the HTTP tests, with the sources, and
with a running service that gets its examples.

    check.py TREE EXCHANGES DISCOUNTD

TREE contains openapi.yaml. EXCHANGES is what the tests of a build recorded. DISCOUNTD is the binary of that build."""

import os
import sys

try:
    import answers as a
    import contract as c
    import exchanges as e
    import story
    import tree
except ModuleNotFoundError as missing:
    print(f"SKIPPED: {missing} (the packages are python3-jsonschema and python3-yaml)")
    sys.exit(1 if os.environ.get("REQUIRE_ALL") else 77)

# What cannot be provoked over HTTP. An entry that was provoked after all is also an error.
#   method, path, status, type of problem
IS_UNPROVOKED = (
    # Only a process without memory gives these answers.
    lambda method, path, status, type_: status == 503 and type_ == "/problems/outcome-unknown" and method == "GET",
    lambda method, path, status, type_: status == 503 and path in ("/livez", "/metrics", "/problems/{name}", "/openapi.yaml"),
)


def against_exchanges(contract, contract_bytes, exchanges):
    """Yields (subject, error or None)."""
    answers = a.Answers(contract, contract_bytes)
    reported = set()
    for exchange in exchanges:
        fault = answers.look(exchange)
        if fault is not None and (exchange.method, exchange.status, fault) not in reported:
            reported.add((exchange.method, exchange.status, fault))
            yield str(exchange), fault
    yield from shown(contract, answers)


def shown(contract, answers):
    """The reverse: finds parts of the contract that no test has shown."""
    wanted = set()
    for (method, path), operation in contract.operations.items():
        for status, response in operation["answers"].items():
            provoked = False
            for type_ in sorted(response.types, key=str):
                case = (method, path, status, type_)
                is_exempt = any(rule(*case) for rule in IS_UNPROVOKED)
                is_provoked = case in answers.provoked
                provoked = provoked or is_provoked
                if is_provoked and is_exempt:
                    yield case, "was provoked, so it is no exception (tests/contract/check.py)"
                else:
                    yield case, None if is_provoked or is_exempt else "no test has provoked it"
            if provoked:
                wanted.update(member for schema in response.content.values() for member in c.members(schema))
            for name in response.headers if provoked else ():
                is_seen = (method, path, status, name) in answers.headers_seen
                yield (method, path, status, name), None if is_seen else "no answer had this header"
    for member in sorted(wanted, key=lambda member: (member[1], member[0])):
        yield f"member {member[1]}", None if member in answers.members_seen else "no answer had this member"


def report(findings):
    """Prints the errors. Returns how many checks failed and how many passed."""
    passed = failed = 0
    for what, fault in findings:
        passed += fault is None
        failed += fault is not None
        if fault is not None:
            print(f"not ok: {what}: {fault}")
    return passed, failed


def main(root, exchanges, binary):
    contract = c.Contract(c.load(f"{root}/openapi.yaml"))
    with open(f"{root}/openapi.yaml", "rb") as file:
        contract_bytes = file.read()
    recorded = list(e.read(exchanges))
    if not recorded or "http_resources" not in {exchange.source for exchange in recorded}:
        print("SKIPPED: without a redis-server the tests do not provoke everything")
        return 1 if os.environ.get("REQUIRE_ALL") else 77
    print(f"{len(recorded)} answers of {len({exchange.source for exchange in recorded})} test programs")
    passed = failed = 0
    for findings in (tree.check(contract, root), against_exchanges(contract, contract_bytes, recorded),
                     story.play(contract, binary)):
        right, wrong = report(findings)
        passed, failed = passed + right, failed + wrong
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
