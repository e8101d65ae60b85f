# SPDX-License-Identifier: MIT
"""Sends the examples of the contract to a running service. They are one story: each example request must get the example answer
of the same name. Only values that a service makes may differ: ids, times, cursors and entity tags. They must differ in the same
way everywhere."""

import http.client
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import urllib.parse

import contract as c

OVER, FUTURE, ONE, NONE = ("dsc-F-NoonBNuTpKz6kqLcqtW9", "dsc-zacJdoJBQL-mQQh8PpFyMA", "dsc-zaweLhtXQ7aD4yTVAYuX8A",
                           "dsc-AAAAAAAAAAAAAAAAAAAAAA")
GRANT = "/discount/{id}/grant"
WALLET = "/user/{user_id}/discount"

# Method, path, name of the example, status of its answer. Then what the path names, if it is not the parameter's own
# example.
STORY = (
    ("POST", "/discount", "simple", 201, {}),
    ("POST", "/discount", "with-a-key", 201, {}),
    ("POST", "/discount", "with-a-key-again", 201, {}),
    ("POST", "/discount", "key-of-another", 422, {}),
    ("POST", "/discount", "with-a-window", 201, {}),
    ("POST", "/discount", "over", 201, {}),
    ("POST", "/discount", "faulty", 422, {}),
    ("POST", GRANT, "first", 201, {}),
    ("POST", GRANT, "again", 200, {}),
    ("POST", GRANT, "by-another", 201, {}),
    ("POST", GRANT, "last-unit", 201, {"id": ONE}),
    ("POST", GRANT, "sold-out", 409, {"id": ONE}),
    ("POST", GRANT, "too-early", 409, {"id": FUTURE}),
    ("POST", GRANT, "too-late", 410, {"id": OVER}),
    ("POST", GRANT, "unknown", 404, {"id": NONE}),
    ("POST", GRANT, "faulty", 422, {}),
    ("POST", GRANT, "dots", 422, {}),
    ("POST", GRANT, "blank", 422, {}),
    ("GET", "/discount", "all", 200, {}),
    ("GET", "/discount", "first-page", 200, {}),
    ("GET", "/discount", "next-page", 200, {}),
    ("GET", "/discount", "of-a-brand", 200, {}),
    ("GET", "/discount/{id}", "simple", 200, {}),
    ("GET", "/discount/{id}", "unchanged", 304, {}),
    ("GET", "/discount/{id}", "unknown", 404, {"id": NONE}),
    ("GET", GRANT, "of-a-user", 200, {}),
    ("GET", GRANT, "of-nobody", 404, {}),
    ("GET", GRANT, "all", 200, {}),
    ("GET", GRANT, "first-page", 200, {}),
    ("GET", GRANT, "next-page", 200, {}),
    ("GET", WALLET, "all", 200, {}),
    ("GET", WALLET, "first-page", 200, {}),
    ("GET", WALLET, "next-page", 200, {}),
    ("GET", "/user/discount", "first-page", 200, {}),
    ("GET", "/user/discount", "next-page", 200, {}),
    ("GET", "/user/discount", "of-nobody", 200, {}),
    ("GET", "/healthy", "", 200, {}),
    ("GET", "/readyz", "", 200, {}),
    ("GET", "/livez", "", 200, {}),
    ("GET", "/problems/{name}", "sold-out", 200, {}),
    ("GET", "/problems/{name}", "unknown", 404, {"name": "nonsense"}),
    ("GET", "/openapi.yaml", "any", 304, {}),
)
MADE_UP = {"id", "discount_id", "created_at", "granted_at", "next_cursor"}
PATIENCE_S = 30


def examples(node):
    """Returns the examples of a parameter, a header or a media type, by name. One without a name is called ""."""
    named = {name: example["value"] for name, example in node.get("examples", {}).items()}
    return {**named, **({"": node["example"]} if "example" in node else {})}


class Service:
    """A discountd on a fresh SQLite file and a free port."""

    def __init__(self, binary):
        self.directory = tempfile.TemporaryDirectory()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DISCOUNT_")}
        environment |= {"DISCOUNT_STORE": f"sqlite:{self.directory.name}/discount.db", "DISCOUNT_LISTEN": "127.0.0.1:0"}
        with open(f"{self.directory.name}/log", "wb") as log:
            self.process = subprocess.Popen([binary], env=environment, stdout=log, stderr=log)
        until = time.monotonic() + PATIENCE_S
        while not self.serves():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{binary} does not serve: {self.log()}")
            time.sleep(0.02)

    def log(self):
        with open(f"{self.directory.name}/log", encoding="utf-8") as log:
            return log.read()

    def serves(self):
        """The service names its address first, and listens when its store answers."""
        named = re.search(r" on http://127\.0\.0\.1:(\d+)\n", self.log())
        if not named:
            return False
        self.port = int(named[1])
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def request(self, method, target, headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        self.directory.cleanup()


class Player:
    def __init__(self, contract, service):
        self.contract = contract
        self.service = service
        self.bound = {}  # value in the examples: value that this service made

    def ours(self, value):
        if isinstance(value, dict):
            return {name: self.ours(item) for name, item in value.items()}
        return self.bound.get(value, value) if isinstance(value, str) else value

    def difference(self, example, answer, name=""):
        """Returns where the answer differs from the example; None: nowhere."""
        if isinstance(example, dict) and isinstance(answer, dict):
            if list(example) != list(answer):
                return f"{name} has the members {list(answer)}"
            found = (self.difference(example[member], answer[member], member) for member in example)
            return next((difference for difference in found if difference), None)
        if isinstance(example, list) and isinstance(answer, list):
            if len(example) != len(answer):
                return f"{name} has {len(answer)} items"
            found = (self.difference(*pair, name) for pair in zip(example, answer))
            return next((difference for difference in found if difference), None)
        if name == "request_id":
            return None
        if name in MADE_UP:
            return None if self.bound.setdefault(example, answer) == answer else f"{name} is {answer}, not {self.bound[example]}"
        return None if example == answer else f"{name} is {answer!r}, not {example!r}"

    def target_and_headers(self, operation, path, name, places):
        query, headers = {}, {}
        for parameter in operation["parameters"]:
            given = examples(parameter)
            if parameter["in"] == "path":
                value = self.ours(places.get(parameter["name"], given.get("")))
                path = path.replace("{" + parameter["name"] + "}", urllib.parse.quote(value, safe=""))
            elif name in given:
                (query if parameter["in"] == "query" else headers)[parameter["name"]] = self.ours(given[name])
        return path + ("?" + urllib.parse.urlencode(query) if query else ""), headers

    def step(self, method, path, name, status, places):
        """Plays one example. Returns the error or None."""
        operation = self.contract.operations[method, path]
        target, headers = self.target_and_headers(operation, path, name, places)
        body = None
        if "requestBody" in operation:
            media = operation["requestBody"]["content"]["application/json"]
            body = examples(media)[name]
            headers["Content-Type"] = "application/json"
        answer_status, answer_headers, text = self.service.request(method, target, headers, body and json.dumps(self.ours(body)))
        if answer_status != status:
            return f"answered {answer_status} {text}"
        response = operation["answers"][status]
        for header, node in response.headers.items():
            self.bound.update({example: answer_headers[header] for example in examples(node).values()})
        location = answer_headers.get("Location")
        if location is not None and self.service.request("GET", location)[0] != 200:
            return f"nothing is at {location}"
        if not response.content:
            return None
        (kind, media), = response.node["content"].items()
        problem = json.loads(text) if kind.endswith("json") else text
        if body is not None:
            is_faulty = status == 422 and problem["type"].startswith("/problems/invalid-")
            fault = c.faults(operation["requestBody"]["content"]["application/json"]["schema"], body)
            if (fault is not None) != is_faulty:
                return f"by the schema of the request: {fault}"
        return self.difference(examples(media)[name], problem)


def told(contract):
    """Returns each example of an operation, as (method, path, name). Examples of shared answers are not part of the story."""
    for (method, path), operation in contract.operations.items():
        nodes = [parameter for parameter in operation["parameters"] if parameter["in"] != "path"]
        nodes += operation.get("requestBody", {}).get("content", {}).values()
        for code, source in contract.source["paths"][path][method.lower()]["responses"].items():
            if "$ref" not in source:
                nodes += contract.operations[method, path]["responses"][code].get("content", {}).values()
        for node in nodes:
            for name in examples(node):
                yield method, path, name


def play(contract, binary):
    """Yields (step, error or None)."""
    for step in sorted(set(told(contract)) - {step[:3] for step in STORY}):
        yield step, "this example is not told (tests/contract/story.py)"
    service = Service(binary)
    try:
        player = Player(contract, service)
        for step in STORY:
            try:
                yield step[:4], player.step(*step)
            except KeyError as missing:
                yield step[:4], f"the contract has no {missing}"
    finally:
        service.stop()
