#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: jsonschema refuses a wrong date-time once it is given its format checker.
# What happens: "yesterday" is a valid date-time, and dates are checked. Three checks need packages that do not come with it.
# Why it matters: a contract test is green about every timestamp there can be, and nothing says that it looks at none.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm python3-jsonschema=4.10.3-1 python3-attr=22.2.0-1 python3-pyrsistent=0.18.1-1+b3
observe "$(cat <<'T'
"yesterday" as date: not valid
"yesterday" as uuid: not valid
"yesterday" as date-time: valid
"not a URI" as uri: valid
"long" as duration: valid
T
)" "$(python3 -I -S -W ignore - "$temp/bookworm/usr/lib/python3/dist-packages" <<'P'
import sys

sys.path.insert(0, sys.argv[1])
import jsonschema

for kind, text in ("date", "yesterday"), ("uuid", "yesterday"), ("date-time", "yesterday"), ("uri", "not a URI"), ("duration", "long"):
    validator = jsonschema.Draft202012Validator({"format": kind}, format_checker=jsonschema.draft202012_format_checker)
    print(f'"{text}" as {kind}: {"valid" if validator.is_valid(text) else "not valid"}')
P
)"
