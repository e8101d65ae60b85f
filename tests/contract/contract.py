# SPDX-License-Identifier: MIT
"""openapi.yaml as a lookup table. It maps method and path to an operation, and each of its statuses to the headers and the body
that it allows."""

import copy
import functools
import urllib.parse

import jsonschema
import yaml

METHODS = ("get", "post", "put", "patch", "delete")


class Loader(yaml.SafeLoader):
    """In YAML 1.2 there are no times: a time in an example is a text, quoted or not."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader)


def resolved(document):
    """Replaces each $ref in the document by its target. Several $refs to one target become one object."""
    seen = {}

    def inlined(node):
        if isinstance(node, list):
            return [inlined(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" not in node:
            return {name: inlined(value) for name, value in node.items()}
        target = node["$ref"]
        if target not in seen:
            at = document
            for step in target.removeprefix("#/").split("/"):
                at = at[step.replace("~1", "/").replace("~0", "~")]
            seen[target] = inlined(at)
        # A schema may have members beside its $ref.
        beside = {name: inlined(value) for name, value in node.items() if name != "$ref"}
        return {**seen[target], **beside} if beside else seen[target]

    return inlined(document)


def strict(schema, is_part=False):
    """Forbids members that the schema does not name. The published schema allows them, because members may be added later. But
    the service of the same tree must send exactly the named ones."""
    schema = copy.copy(schema)
    if "properties" in schema:
        schema["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
    if "items" in schema:
        schema["items"] = strict(schema["items"])
    if "oneOf" in schema:
        schema["oneOf"] = [strict(part, is_part) for part in schema["oneOf"]]
    if "allOf" in schema:
        schema["allOf"] = [strict(part, True) for part in schema["allOf"]]
    if not is_part and ("properties" in schema or "allOf" in schema):
        schema["unevaluatedProperties"] = False
    return schema


@functools.lru_cache(maxsize=None)
def validator_of(holder):
    return jsonschema.Draft202012Validator(holder.schema, format_checker=jsonschema.draft202012_format_checker)


class Holder:
    """Makes a schema a dictionary key, by identity and not by content."""

    def __init__(self, schema):
        self.schema = schema

    def __hash__(self):
        return id(self.schema)

    def __eq__(self, other):
        return self.schema is other.schema


def validator(schema):
    return validator_of(Holder(schema))


def faults(schema, value):
    """Returns the error in the value, in one line; None: none."""
    if validator(schema).is_valid(value):
        return None
    errors = list(validator(schema).iter_errors(value))
    # If a part is invalid, older validators also count the whole as not evaluated.
    inside = [error for error in errors if error.validator != "unevaluatedProperties"]
    error = jsonschema.exceptions.best_match(inside or errors)
    return f"{error.json_path}: {error.message}"


def members(schema):
    """Yields each member that a schema names, as the schema's id() and the name. A component is one object wherever it is used."""
    for name, member in schema.get("properties", {}).items():
        yield id(schema), name
        yield from members(member)
    if "items" in schema:
        yield from members(schema["items"])
    for part in schema.get("oneOf", []) + schema.get("allOf", []):
        yield from members(part)


def members_in(schema, value):
    """Does the same for the members of a value that conforms to the schema."""
    if isinstance(value, dict):
        for name, member in schema.get("properties", {}).items():
            if name in value:
                yield id(schema), name
                yield from members_in(member, value[name])
    if isinstance(value, list) and "items" in schema:
        for item in value:
            yield from members_in(schema["items"], item)
    for part in schema.get("allOf", []):
        yield from members_in(part, value)
    for part in schema.get("oneOf", []):
        if validator(part).is_valid(value):
            yield from members_in(part, value)


def types_of(schema):
    """Returns the types of problems that a schema allows."""
    parts = schema.get("oneOf", [])
    if parts:
        return set().union(*(types_of(part) for part in parts))
    named = [set(part["properties"]["type"]["enum"]) for part in [schema] + schema.get("allOf", [])
             if "enum" in part.get("properties", {}).get("type", {})]
    nested = [types_of(part) for part in schema.get("allOf", []) if "allOf" in part]
    return set.intersection(*named, *[types for types in nested if types]) if named else set()


class Response:
    def __init__(self, node):
        self.node = node
        self.headers = {name.lower(): header for name, header in node.get("headers", {}).items()}
        self.content = {kind: media["schema"] for kind, media in node.get("content", {}).items()}
        self.strict = {kind: strict(schema) for kind, schema in self.content.items()}
        # The problem types that it may have; None: it is no problem.
        self.types = types_of(self.content.get("application/problem+json", {})) or {None}


class Contract:
    def __init__(self, source):
        self.source = source
        self.document = resolved(source)
        self.version = self.document["info"]["version"]
        self.paths = self.document["paths"]
        self.schemas = self.document["components"]["schemas"]
        self.operations = {}
        for path_, item in self.paths.items():
            for method in METHODS:
                if method in item:
                    operation = dict(item[method])
                    operation["parameters"] = item.get("parameters", []) + operation.get("parameters", [])
                    operation["answers"] = {int(code): Response(node) for code, node in operation["responses"].items()}
                    self.operations[method.upper(), path_] = operation

    def methods(self, path):
        """Returns the methods that Allow must name."""
        given = {method for method, at in self.operations if at == path}
        return given | {"OPTIONS"} | ({"HEAD"} if "GET" in given else set())

    def path_of(self, target):
        """Returns the path of the contract that a request's target matches; None: none."""
        if not target.startswith("/"):
            return None
        segments = [urllib.parse.unquote(segment) for segment in target.split("?")[0].split("/")]
        for path in self.paths:
            wanted = path.split("/")
            if len(wanted) == len(segments) and all(
                    have != "" if want.startswith("{") else want == have for want, have in zip(wanted[1:], segments[1:])):
                return path
        return None
