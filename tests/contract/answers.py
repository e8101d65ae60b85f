# SPDX-License-Identifier: MIT
"""Compares answers with the contract, and counts which parts of it they have shown."""

import json
import re

import contract as c

# Headers of HTTP and of libmicrohttpd, which are not part of the contract.
FRAMING = {"connection", "content-length", "content-type", "date", "transfer-encoding"}
# Refusals that any request may get before it is read closely.
ANYWHERE = {400: {"malformed-request"}, 413: {"payload-too-large"}, 414: {"uri-too-long"}, 431: {"headers-too-large"},
            503: {"overloaded", "outcome-unknown"}}
# Two answers count as one if they differ only in these parts, and each has its right form: times, ids, numbered users.
SANE_ID = re.compile("^[A-Za-z0-9._~-]{1,128}$")
VARYING = re.compile(rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"|dsc-[A-Za-z0-9_-]{22}|"request_id":"[0-9a-f]{32}"'
                     rb'|"user_id":"[a-z]{1,9}[0-9-]{1,9}"|user_id=[a-z]{1,9}[0-9-]{1,9}|"discount_code":"[a-z]{1,9}[0-9-]{1,9}"')


class Answers:
    def __init__(self, contract, contract_bytes):
        self.contract = contract
        self.contract_bytes = contract_bytes
        self.provoked = set()  # (method, path, status, type of problem or None)
        self.headers_seen = set()  # (method, path, status, header)
        self.members_seen = set()  # in the form of contract.members()
        self.known = {}  # verdicts on answers like this one

    def fault(self, exchange):
        """Returns the error in an answer; None: none."""
        if "x-request-id" not in exchange.headers and "content-type" not in exchange.headers:
            return "no answer of this service" if exchange.is_framed() or exchange.status < 400 else None
        if exchange.method is None:
            return self.unrouted_fault(exchange, {})
        path = self.contract.path_of(exchange.target)
        method = "GET" if exchange.method == "HEAD" else exchange.method
        operation = self.contract.operations.get((method, path))
        if operation is not None:
            return self.routed_fault(exchange, method, path, operation)
        if path is None and exchange.target == "*" and exchange.method == "OPTIONS":
            return self.options_fault(exchange, {"GET", "HEAD", "OPTIONS", "POST"})
        if path is None:
            return self.unrouted_fault(exchange, {404: {"not-found"}})
        if exchange.method == "OPTIONS" and exchange.status == 204:
            return self.options_fault(exchange, self.contract.methods(path))
        return self.unrouted_fault(exchange, {405: {"method-not-allowed"}}, self.contract.methods(path))

    def extent(self):
        """Returns how much of the contract was shown."""
        return len(self.provoked) + len(self.headers_seen) + len(self.members_seen)

    # ---- Answers outside of any operation ----

    def allow_fault(self, exchange, methods):
        allow = ", ".join(exchange.headers.get("allow", []))
        return None if set(allow.split(", ")) == methods else f"Allow is {allow!r}, not {sorted(methods)}"

    def options_fault(self, exchange, methods):
        if exchange.status != 204:
            return "OPTIONS is answered 204"
        return ("a body" if exchange.body else None) or self.allow_fault(exchange, methods) or self.extra_fault(exchange, {"allow"})

    def unrouted_fault(self, exchange, others, methods=None):
        """Checks for a problem that any request may get, or one of the others."""
        kinds = {**ANYWHERE, **others}
        if exchange.status not in kinds:
            return "a status that no operation of the contract has here"
        if exchange.headers.get("content-type") != ["application/problem+json"]:
            return f"a Content-Type of {exchange.headers.get('content-type')}"
        if exchange.method == "HEAD":
            return "a body" if exchange.body else None
        schema = c.strict(self.contract.schemas["Problem"])
        problem, fault = self.json_of(exchange, schema)
        if fault is None and problem["type"].removeprefix("/problems/") not in kinds[exchange.status]:
            fault = f"the type {problem['type']}"
        if fault is None and exchange.status == 405:
            return self.allow_fault(exchange, methods) or self.extra_fault(exchange, {"allow"})
        return fault or self.extra_fault(exchange, {"retry-after"} if exchange.status == 503 else set())

    # ---- Answers of an operation ----

    def routed_fault(self, exchange, method, path, operation):
        response = operation["answers"].get(exchange.status)
        if response is None:
            return f"{method} {path} has no {exchange.status} in the contract"
        fault = self.headers_fault(exchange, response) or self.body_fault(exchange, response)
        if fault is None:
            self.count(exchange, method, path, response)
        return fault

    def headers_fault(self, exchange, response):
        for name, header in response.headers.items():
            values = exchange.headers.get(name, [])
            if not values and header.get("required", False):
                return f"no {name}"
            if len(values) > 1:
                return f"{name} more than once"
            for value in values:
                is_number = header["schema"].get("type") == "integer"
                fault = c.faults(header["schema"], int(value) if is_number and value.isdigit() else value)
                if fault is not None:
                    return f"{name}: {fault}"
        return self.extra_fault(exchange, set(response.headers) - {"x-request-id"})

    def extra_fault(self, exchange, known):
        if "x-request-id" not in exchange.headers:
            return "no x-request-id"
        extra = set(exchange.headers) - FRAMING - known - {"x-request-id"}
        return f"headers that the contract does not have: {sorted(extra)}" if extra else None

    def body_fault(self, exchange, response):
        kinds = exchange.headers.get("content-type", [])
        if not response.content:
            return "a body where there is none" if kinds or exchange.body else None
        if len(kinds) != 1 or kinds[0] not in response.content:
            return f"a Content-Type of {kinds}"
        if exchange.method == "HEAD":
            return "a body" if exchange.body else None
        if exchange.body is None:
            return None
        if kinds[0] == "application/yaml" and exchange.body != self.contract_bytes:
            return "not this contract"
        if not kinds[0].endswith("json"):
            return c.faults(response.strict[kinds[0]], exchange.body.decode())
        return self.json_of(exchange, response.strict[kinds[0]])[1]

    def json_of(self, exchange, schema):
        """Returns the body and the error in it."""
        try:
            value = json.loads(exchange.body)
        except ValueError as error:
            return None, f"no JSON: {error}"
        fault = c.faults(schema, value)
        if fault is None and "status" in value and "type" in value:
            if value["status"] != exchange.status:
                fault = f"a problem with the status {value['status']}"
            elif [value.get("request_id")] != exchange.headers.get("x-request-id"):
                fault = "another request_id than X-Request-ID"
        return value, fault

    # ---- Coverage ----

    def count(self, exchange, method, path, response):
        kind = exchange.headers.get("content-type", [None])[0]
        type_ = None
        if exchange.body and kind is not None and kind.endswith("json"):
            value = json.loads(exchange.body)
            type_ = value.get("type") if kind == "application/problem+json" else None
            self.members_seen.update(c.members_in(response.content[kind], value))
        if exchange.method != "HEAD":
            self.provoked.add((method, path, exchange.status, type_))
        self.headers_seen.update((method, path, exchange.status, name) for name in exchange.headers)

    def look(self, exchange):
        """Does the same as fault(), but at once for an answer like an earlier one."""
        key = likeness(exchange)
        if key not in self.known:
            self.known[key] = self.fault(exchange)
        return self.known[key]


def likeness(exchange):
    """Returns a key that is equal for equivalent exchanges."""
    ids = exchange.headers.get("x-request-id", [""])
    body = None if exchange.body is None else VARYING.sub(b"~", exchange.body)
    headers = tuple((name, len(values), "" if name in ("date", "content-length", "x-request-id")
                     else VARYING.sub(b"~", values[0].encode("latin-1"))) for name, values in exchange.headers.items())
    has_id = exchange.body is not None and f'"request_id":"{ids[0]}"'.encode() in exchange.body
    target = exchange.target and VARYING.sub(b"~", exchange.target.encode("latin-1")).split(b"?")[0]
    return (exchange.method, target, exchange.is_framed(), exchange.status, headers, body, has_id, SANE_ID.match(ids[0]) is not None)
