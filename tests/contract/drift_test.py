#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests check.py: the contract and the service of this tree agree, and each planted difference, in the one or the other, is found.

    drift_test.py TREE EXCHANGES DISCOUNTD"""

import collections
import copy
import json
import os
import sys

import check
import answers
import contract as c
import exchanges as e
import story
import tree

KIND_MOST = 5
GRANT = ("paths", "/discount/{id}/grant", "post", "responses")
CREATE = ("paths", "/discount", "post", "responses")


def at(document, *path):
    for step in path:
        document = document[step]
    return document


def renamed(mapping, name, new):
    mapping[new] = mapping.pop(name)


# ---- Differences in the contract: a change of the document, and a part of the expected error ----

def status_removed(d):
    del at(d, *GRANT)["410"]


def status_added(d):
    at(d, *GRANT)["418"] = copy.deepcopy(at(d, *GRANT, "410"))


def type_removed(d):
    at(d, *GRANT, "409", "content", "application/problem+json", "schema", "allOf", 1, "properties", "type")["enum"].pop(0)


def type_added(d):
    at(d, *GRANT, "410", "content", "application/problem+json", "schema", "allOf", 1, "properties", "type")["enum"].append(
        "/problems/discount-exhausted")


def type_unheard_of(d):
    at(d, "components", "schemas", "Problem", "properties", "type")["enum"].append("/problems/bad-mood")


def member_renamed(d):
    renamed(at(d, "components", "schemas", "Grant", "properties"), "granted_at", "since")


def member_removed(d):
    schema = at(d, "components", "schemas", "DiscountWithCounts", "allOf", 1)
    del schema["properties"]["remaining_count"]
    schema["required"].remove("remaining_count")


def member_added(d):
    at(d, "components", "schemas", "Discount", "properties")["colour"] = {"type": "string"}


def member_required(d):
    at(d, "components", "schemas", "Discount", "required").append("starts_at")


def member_of_another_type(d):
    at(d, "components", "schemas", "TotalCount")["type"] = "string"


def time_with_milliseconds(d):
    at(d, "components", "schemas", "Time")["pattern"] = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"


def route_added(d):
    d["paths"]["/coupon"] = {"get": copy.deepcopy(at(d, "paths", "/livez", "get"))}


def route_removed(d):
    del d["paths"]["/livez"]


def method_added(d):
    at(d, "paths", "/discount/{id}")["delete"] = copy.deepcopy(at(d, "paths", "/livez", "get"))


def method_removed(d):
    del at(d, "paths", "/discount")["get"]


def header_undocumented(d):
    del at(d, *CREATE, "201", "headers")["Location"]


def header_required(d):
    at(d, *CREATE, "201", "headers")["X-Stock"] = {"required": True, "schema": {"type": "string"}}


def header_never_sent(d):
    at(d, *CREATE, "201", "headers")["X-Stock"] = {"schema": {"type": "string"}}


def header_of_another_form(d):
    at(d, *CREATE, "201", "headers", "Location", "schema")["pattern"] = "^/coupon/"


def content_of_another_type(d):
    renamed(at(d, *CREATE, "201", "content"), "application/json", "application/hal+json")


def limit_changed(d):
    at(d, "components", "schemas", "Limit")["maximum"] = 500


def version_changed(d):
    d["info"]["version"] = "9.9.9"


def example_of_no_schema(d):
    at(d, *CREATE, "201", "content", "application/json", "examples", "simple", "value")["total_count"] = 0


def example_in_other_words(d):
    at(d, "components", "responses", "StoreCorrupt", "content", "application/problem+json", "example")["title"] = "Oh"


def example_that_is_not_so(d):
    at(d, "paths", "/discount/{id}", "get", "responses", "200", "content", "application/json", "examples", "simple",
       "value")["granted_count"] = 3


def example_without_a_story(d):
    at(d, "paths", "/discount/{id}/grant", "post", "requestBody", "content", "application/json", "examples")["new"] = {
        "value": {"user_id": "User 7"}}


def example_answered_otherwise(d):
    at(d, "paths", "/discount/{id}/grant", "post", "requestBody", "content", "application/json", "examples", "faulty")[
        "value"] = {"user_id": "User 1"}


OF_THE_CONTRACT = (
    (status_removed, "has no 410 in the contract"),
    (status_added, "418, '/problems/discount-expired'): no test has provoked it"),
    (type_removed, "409"),
    (type_added, "410, '/problems/discount-exhausted'): no test has provoked it"),
    (type_added, "have other statuses in status.h"),
    (type_unheard_of, "are not those of status.h"),
    (member_renamed, "Unevaluated properties are not allowed ('granted_at'"),
    (member_removed, "Unevaluated properties are not allowed ('remaining_count'"),
    (member_added, "member colour: no answer had this member"),
    (member_required, "'starts_at' is a required property"),
    (member_of_another_type, "is not of type 'string'"),
    (time_with_milliseconds, "does not match"),
    (route_added, "no row of routes.c has this operation"),
    (route_removed, "this row of routes.c is not in the contract"),
    (method_added, "no row of routes.c has this operation"),
    (method_added, "Allow is "),
    (method_removed, "this row of routes.c is not in the contract"),
    (header_undocumented, "headers that the contract does not have: ['location']"),
    (header_required, "no x-stock"),
    (header_never_sent, "no answer had this header"),
    (header_of_another_form, "location: "),
    (content_of_another_type, "a Content-Type of ['application/json']"),
    (limit_changed, "the contract says 500, limits.h 1000"),
    (version_changed, "the contract says 9.9.9"),
    (example_of_no_schema, "0 is less than the minimum"),
    (example_in_other_words, "not in the words of status.h"),
    (example_that_is_not_so, "granted_count is 2, not 3"),
    (example_without_a_story, "this example is not told"),
    (example_answered_otherwise, "answered 200"),
)


# ---- Differences in the service: an answer that it might have given ----

def answer(request, head, body="", **problem):
    if problem:
        body = json.dumps(problem)
    return e.Exchange(json.dumps({"request": request, "head": head, "body": body}), "planted")


GET_ONE = "GET /discount/dsc-AAAAAAAAAAAAAAAAAAAAAA HTTP/1.1\r\nHost: t\r\n\r\n"
LIVE = "GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"
ID = "X-Request-ID: 7\r\n"
PROBLEM = ID + "Content-Type: application/problem+json\r\n\r\n"
MISSING = {"detail": "d", "request_id": "7", "status": 404, "title": "t", "type": "/problems/discount-not-found"}

OF_THE_SERVICE = (
    (answer(LIVE, f"HTTP/1.1 204 No Content\r\n{ID}\r\n"), "has no 204 in the contract"),
    (answer(LIVE, f"HTTP/1.1 200 OK\r\n{ID}Content-Type: text/plain\r\n\r\n", "Fine"), "'OK' was expected"),
    (answer(LIVE, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", "OK"), "no x-request-id"),
    (answer(LIVE, f"HTTP/1.1 200 OK\r\n{ID}Server: us\r\nContent-Type: text/plain\r\n\r\n", "OK"), "['server']"),
    (answer(LIVE, "HTTP/1.1 500 Internal Server Error\r\n\r\n", "<html>"), "no answer of this service"),
    (answer(GET_ONE, f"HTTP/1.1 404 Not Found\r\n{PROBLEM}", **MISSING | {"more": 1}), "('more' was unexpected)"),
    (answer(GET_ONE, f"HTTP/1.1 404 Not Found\r\n{PROBLEM}", **MISSING | {"request_id": "8"}), "another request_id"),
    (answer(GET_ONE, f"HTTP/1.1 404 Not Found\r\n{PROBLEM}", **MISSING | {"status": 400}), "a problem with the status 400"),
    (answer(GET_ONE, f"HTTP/1.1 404 Not Found\r\n{PROBLEM}", "{"), "no JSON"),
    (answer(GET_ONE.replace("GET", "HEAD"), f"HTTP/1.1 404 Not Found\r\n{PROBLEM}", "{}"), "a body"),
    (answer(GET_ONE.replace("discount/", "coupon/"), f"HTTP/1.1 200 OK\r\n{PROBLEM}", "{}"), "a status that no operation"),
    (answer(GET_ONE.replace("discount/", "coupon/"), f"HTTP/1.1 404 Not Found\r\n{PROBLEM}", **MISSING), "the type "),
    (answer(GET_ONE.replace("GET", "OPTIONS"), f"HTTP/1.1 204 No Content\r\n{ID}Allow: GET\r\n\r\n"), "Allow is 'GET'"),
    (answer(GET_ONE.replace("GET", "PUT"), f"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, PUT\r\n{PROBLEM}",
            **MISSING | {"status": 405, "type": "/problems/method-not-allowed"}), "Allow is 'GET, PUT'"),
)


class Bench:
    def __init__(self, root, directory, binary):
        self.root, self.binary = root, binary
        with open(os.path.join(root, "openapi.yaml"), "rb") as file:
            self.contract_bytes = file.read()
        self.source = c.load(os.path.join(root, "openapi.yaml"))
        self.exchanges = self.sample(directory)

    def sample(self, directory):
        """Keeps one of several equivalent exchanges. Of each kind it keeps a few short ones, and each that shows a new part of
        the contract."""
        distinct = {answers.likeness(exchange): exchange for exchange in e.read(directory)}
        shown = answers.Answers(c.Contract(self.source), self.contract_bytes)
        of_a_kind = collections.Counter()
        chosen = []
        for exchange in sorted(distinct.values(), key=lambda exchange: len(exchange.body or b"")):
            path = answers.VARYING.sub(b"", str(exchange.target).split("?")[0].encode())
            kind = exchange.method, path, exchange.status, frozenset(exchange.headers)
            of_a_kind[kind] += 1
            before = shown.extent()
            shown.look(exchange)
            if of_a_kind[kind] <= KIND_MOST or shown.extent() > before:
                chosen.append(exchange)
        return chosen

    def said_of(self, document, more=(), with_story=True):
        """Returns all errors that check.py finds, one per line."""
        contract = c.Contract(document)
        findings = list(tree.check(contract, self.root))
        findings += check.against_exchanges(contract, self.contract_bytes, [*self.exchanges, *more])
        findings += story.play(contract, self.binary) if with_story else []
        return [f"{what}: {fault}" for what, fault in findings if fault is not None]


def main(root, directory, binary):
    bench = Bench(root, directory, binary)
    cases = [("nothing was planted", None, bench.said_of(bench.source))]
    for drift, phrase in OF_THE_CONTRACT:
        document = copy.deepcopy(bench.source)
        drift(document)
        cases.append((drift.__name__, phrase, bench.said_of(document, with_story=drift.__name__.startswith("example"))))
    for exchange, phrase in OF_THE_SERVICE:
        cases.append((str(exchange), phrase, bench.said_of(bench.source, [exchange], with_story=False)))
    passed = 0
    for name, phrase, said in cases:
        is_right = said == [] if phrase is None else any(phrase in line for line in said)
        passed += is_right
        if not is_right:
            print(f"not ok: {name}: {phrase!r} was not said, but", *said, sep="\n    ")
    print(f"{passed} passed, {len(cases) - passed} failed")
    return 0 if passed == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
