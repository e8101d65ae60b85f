# SPDX-License-Identifier: MIT
"""The README's commands, for the tests that run them.

`python3 tests/compose/readme.py BEGINNING` prints the one block of commands that begins so.
"""

import pathlib
import re
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
README = TREE / "README.md"

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$(?:\n```json\n(.*?)^```$)?", re.M | re.S)
COMMAND = re.compile(r"`((?:docker-compose|docker|discountd|curl|redis-cli|cmake|ctest|systemctl) [^`]+)`")


def blocks(path=README):
    """Returns each block of commands, with the answer shown below it or None."""
    return [(text.rstrip("\n"), answer.strip() if answer else None)
            for language, text, answer in FENCED.findall(path.read_text(encoding="utf-8")) if language == "bash"]


def block(beginning, path=README):
    """Returns the one block of commands with this beginning."""
    found = [text for text, _ in blocks(path) if text.startswith(beginning)]
    if len(found) != 1:
        raise LookupError(f"{len(found)} blocks of {path.name} begin with {beginning!r}")
    return found[0]


def inline_commands(path=README):
    """Returns commands within sentences."""
    return COMMAND.findall(FENCED.sub("", path.read_text(encoding="utf-8")))


def shown_problem(path=README):
    """Returns the problem document that the README shows."""
    return re.search(r"^```json\n(\{\"detail\".*?)\n```$", path.read_text(encoding="utf-8"), re.M)[1]


if __name__ == "__main__":
    print(block(sys.argv[1]))
