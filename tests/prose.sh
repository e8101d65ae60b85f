#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Lists sentences of more than 25 words and lines of more than 150 characters, in all prose that a reader meets. That is:
# README, docs, ADRs, `discountd --help`, OpenAPI descriptions, comments in include/, the first comment of each source file.
#
#   tests/prose.sh [--totals] [TREE]
#
# It prints FILE:LINE, the count and the beginning of the sentence, and closes with totals per kind.
# It helps an author and is no gate: the exit code is always 0. Tables and code blocks are left out.
# DISCOUNTD names the program whose --help is read; without a program, that kind is left out.
set -uo pipefail
TREE=$(dirname "$0")/.. exec python3 -B - "$@" <<'PYTHON'
import glob
import os
import re
import signal
import subprocess
import sys

MOST_WORDS = 25
LONGEST_LINE = 150
KINDS = ("README", "docs", "ADRs", "--help", "OpenAPI", "include", "heads")
SOURCES = ("src", "tests", "fuzz", "bench", "findings", "console")

arguments = [argument for argument in sys.argv[1:] if argument != "--totals"]
totals_only = "--totals" in sys.argv[1:]
os.chdir(arguments[0] if arguments else os.environ["TREE"])
signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it without a traceback

# A sentence may begin with a small letter (libmicrohttpd). An abbreviation does not end a sentence.
END = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!etc)(?<!vs)[.!?][)\"*_']*(?=\s)")
ITEM = re.compile(r"^\s*(?:[-*+]|\d+\.)\s+")
# A table in a comment has a gap in the middle of a line.
COLUMNS = re.compile(r"\S {3,}\S")
FENCE = re.compile(r"^\s*(```|~~~)")


def words(sentence):
    """What is read as a word: a piece of code is one, a link is its text."""
    sentence = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", sentence)
    sentence = re.sub(r"`[^`]*`", "code", sentence)
    return [word for word in sentence.split() if re.search(r"[A-Za-z0-9]", word)]


def paragraphs(lines):
    """Lists of (number, text): what is read in one go. Takes (number, text) with comment marks gone."""
    gathered, fenced, indent = [], False, None
    for number, text in lines:
        if FENCE.match(text):
            fenced = not fenced
            text = ""
        elif fenced or text.lstrip().startswith(("|", "<")) or COLUMNS.search(text):
            text = ""
        elif text.startswith("    ") and not gathered and not ITEM.match(text) and indent is None:
            text = ""  # a code block by its indentation
        item = ITEM.match(text)
        heading = text.startswith("#")
        if not text.strip() or item or heading:
            if gathered:
                yield gathered
            gathered = []
        if not text.strip():
            continue
        indent = 0 if item else None
        gathered.append((number, text[item.end():] if item else text.lstrip("# ") if heading else text.strip()))
        if heading:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def sentences(paragraph):
    """Pairs of the line on which a sentence begins and the sentence."""
    text, starts = "", []
    for number, line in paragraph:
        starts.append((len(text), number))
        text += line + " "
    begin = 0
    for end in [match.end() for match in END.finditer(text)] + [len(text)]:
        sentence = text[begin:end].strip()
        if sentence:
            first = begin + len(text[begin:end]) - len(text[begin:end].lstrip())
            yield max(number for start, number in starts if start <= first), sentence
        begin = end


def long_sentences(lines):
    """The sentences of (number, text), with comment marks gone, as (number, count, unit, text)."""
    for paragraph in paragraphs(lines):
        for number, sentence in sentences(paragraph):
            count = len(words(sentence))
            if count > MOST_WORDS:
                yield number, count, "words", sentence


def long_lines(lines):
    fenced = False
    for number, text in lines:
        if FENCE.match(text):
            fenced = not fenced
        elif not fenced and not text.lstrip().startswith("|") and not COLUMNS.search(text) and len(text) > LONGEST_LINE:
            yield number, len(text), "characters", text.strip()


def numbered(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return list(enumerate(file.read().splitlines(), 1))


def openapi(lines):
    """Its descriptions and summaries. A block of text goes on while its lines are indented further."""
    block = None
    for number, line in lines:
        indent = len(line) - len(line.lstrip())
        if block is not None:
            if not line.strip() or indent > block:
                yield number, line.strip()
                continue
            block = None
        found = re.match(r"\s*(?:- )?(?:\w+: \{)?(?:description|summary):\s*(.*)$", line)
        yield number, ""
        if found and found[1] in ("|", ">", "|-", ">-"):
            block = indent
        elif found:
            yield number, found[1].strip("'\"")
            yield number, ""


def c_comments(lines):
    """The text of each comment, with an empty line after it."""
    inside = False
    for number, line in lines:
        rest, text = line, None
        if not inside:
            begin = re.search(r"/\*+|//", rest)
            if begin is None:
                yield number, ""
                continue
            inside, rest = begin[0] != "//", rest[begin.end():]
            text = rest
        if inside:
            text, end, _ = rest.partition("*/")
            text = re.sub(r"^\s*\*(?!\w)\s?", "", text)
            yield number, text.rstrip()
            if end:
                inside = False
                yield number, ""
        else:
            yield number, text
            yield number, ""


def head(path, lines):
    """The first comment after the licence."""
    suffix = path.rsplit(".", 1)[-1]
    lines = [(number, line) for number, line in lines if not line.startswith("#!") and "SPDX-License-Identifier" not in line]
    if suffix in ("c", "h", "js"):
        return first_c_comment(lines)
    if suffix == "py":
        return docstring(lines)
    mark = "--" if suffix in ("lua", "sql") else "#"
    found = []
    for number, line in lines:
        if line.startswith(mark):
            found.append((number, re.sub(rf"^{mark}+ ?", "", line)))
        elif found or line.strip():
            break
    return found


def first_c_comment(lines):
    begin = next(((number, line) for number, line in lines if line.strip()), (0, ""))
    if not begin[1].startswith(("/*", "//")):
        return []
    found = []
    for number, text in c_comments(lines):
        if number >= begin[0]:
            if found and not text and number == found[-1][0]:
                break
            found.append((number, text))
    return found


def docstring(lines):
    found, inside = [], False
    for number, line in lines:
        if not inside:
            if not line.strip():
                continue
            if not line.startswith('"""'):
                return found
            inside, line = True, line[3:]
        text, end, _ = line.partition('"""')
        found.append((number, text))
        if end:
            return found
    return found


def files():
    """Every tracked file, or every file where there is no repository."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        return [name for name in listed.stdout.splitlines() if os.path.isfile(name)]
    return [name for name in sorted(glob.glob("**/*", recursive=True)) if os.path.isfile(name)]


def texts():
    """(kind, path, lines) of all prose."""
    for path in sorted(files()):
        if path == "README.md":
            yield "README", path, numbered(path)
        elif path.startswith("docs/adr/") and path.endswith(".md"):
            yield "ADRs", path, numbered(path)
        elif path.startswith("docs/") and path.endswith(".md"):
            yield "docs", path, numbered(path)
        elif path == "openapi.yaml":
            yield "OpenAPI", path, list(openapi(numbered(path)))
        elif path.startswith("include/") and path.endswith(".h"):
            yield "include", path, list(c_comments(numbered(path)))
        elif is_source(path):
            yield "heads", path, head(path, numbered(path))
    program = os.environ.get("DISCOUNTD") or next(
        (path for path in ("build/release/discountd", "build/debug/discountd") if os.path.exists(path)), None)
    if program:
        shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=False).stdout
        # It is a kind of table, so each line is checked by itself.
        yield "--help", "discountd --help", [
            pair for number, line in enumerate(shown.splitlines(), 1) for pair in ((number, line.strip()), (number, ""))]


def is_source(path):
    if path.startswith("fuzz/corpus/"):
        return False
    if path in ("start", "check") or path.endswith("/run"):
        return True
    return path.split("/")[0] in SOURCES and path.rsplit(".", 1)[-1] in ("c", "h", "sh", "py", "lua", "js", "sql")


totals = {kind: [0, 0] for kind in KINDS}
for kind, path, lines in texts():
    found = sorted(list(long_sentences(lines)) + list(long_lines(lines)))
    for number, count, unit, text in found:
        totals[kind][unit == "characters"] += 1
        if not totals_only:
            print(f"{path}:{number}: {count} {unit}: {text[:70]}")
for kind in KINDS:
    print(f"{kind:8} {totals[kind][0]:5} sentences {totals[kind][1]:5} lines")
print(f"{'all':8} {sum(t[0] for t in totals.values()):5} sentences {sum(t[1] for t in totals.values()):5} lines")
PYTHON
