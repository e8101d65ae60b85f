#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: what a schema calls an integer is an integer to the parser behind it.
# What happens: 5.0 and 1e2 are integers to ajv and to Python's jsonschema, and reals to jansson, so json_is_integer refuses them.
# Why it matters: a request that fits the published contract is refused, and no test made from the contract notices.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

debian bookworm libjansson4=2.14-2 libjansson-dev=2.14-2
debian bookworm python3-jsonschema=4.10.3-1 python3-attr=22.2.0-1 python3-pyrsistent=0.18.1-1+b3
node_packages ajv@8.17.1
program integer libjansson.so.4 <<'C'
#include <jansson.h>
#include <stdio.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        json_t *value = json_loads(argv[i], JSON_DECODE_ANY, NULL);
        printf(" %s %s", argv[i], json_is_integer(value) ? "yes" : "no");
    }
    puts("");
    return 0;
}
C
texts=(5 5.0 1e2 5.5)
# shellcheck disable=SC2016 # node expands them.
ajv=$(cd "$temp/node" && node -e '
const valid = new (require("ajv"))().compile({ type: "integer" });
process.stdout.write("ajv " + require("ajv/package.json").version + ":");
for (const text of process.argv.slice(1)) process.stdout.write(` ${text} ${valid(JSON.parse(text)) ? "yes" : "no"}`);
' "${texts[@]}")
python=$(python3 -I -S -W ignore -c '
import json, sys
sys.path.insert(0, sys.argv[1])
import jsonschema
valid = jsonschema.Draft202012Validator({"type": "integer"}).is_valid
print("".join(" %s %s" % (text, "yes" if valid(json.loads(text)) else "no") for text in sys.argv[2:]))
' "$temp/bookworm/usr/lib/python3/dist-packages" "${texts[@]}")
observe "$(cat <<'T'
ajv 8.17.1: 5 yes 5.0 yes 1e2 yes 5.5 no
jsonschema: 5 yes 5.0 yes 1e2 yes 5.5 no
jansson: 5 yes 5.0 no 1e2 no 5.5 no
T
)" "$ajv
jsonschema:$python
jansson:$("$temp/integer" "${texts[@]}")"
