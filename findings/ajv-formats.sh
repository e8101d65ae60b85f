#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One would guess: the format "uuid" is 36 characters, and "date-time" what RFC 3339 and every parser of it take.
# What happens: ajv-formats takes urn:uuid: in front of a UUID, a space for the T, and a zone without colon or minutes.
# Why it matters: a client that checks its data against the contract sends what the service refuses.
set -euo pipefail
# shellcheck source=findings/lib.sh
. "$(dirname "$0")/lib.sh"

node_packages ajv@8.17.1 ajv-formats@3.0.1
# shellcheck disable=SC2016 # node expands them.
observe "$(cat <<'T'
ajv-formats 3.0.1
uuid, urn:uuid:7c1e3f9a-32b7-4c55-9f0e-0d2f6a1c8b11: valid
uuid, {7c1e3f9a-32b7-4c55-9f0e-0d2f6a1c8b11}: not valid
date-time, 2026-11-22 10:00:00Z: valid
date-time, 2026-11-22T10:00:00+0100: valid
date-time, 2026-11-22T10:00:00+01: valid
T
)" "$(cd "$temp/node" && node -e '
const ajv = new (require("ajv"))();
require("ajv-formats")(ajv);
console.log("ajv-formats " + require("ajv-formats/package.json").version);
for (const [format, text] of [
    ["uuid", "urn:uuid:7c1e3f9a-32b7-4c55-9f0e-0d2f6a1c8b11"],
    ["uuid", "{7c1e3f9a-32b7-4c55-9f0e-0d2f6a1c8b11}"],
    ["date-time", "2026-11-22 10:00:00Z"],
    ["date-time", "2026-11-22T10:00:00+0100"],
    ["date-time", "2026-11-22T10:00:00+01"],
]) console.log(`${format}, ${text}: ${ajv.validate({ type: "string", format }, text) ? "valid" : "not valid"}`);
')"
