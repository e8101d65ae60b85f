#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Lints openapi.yaml with Redocly's rules (redocly.yaml), and tests that the linter finds a planted error. Its packages
# are installed below build/, not into the tree. package-lock.json has their versions and checksums.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=build/lint
mkdir -p "$work"
cp tests/contract/lint.js tests/contract/package.json tests/contract/redocly.yaml "$work"
if ! cmp -s tests/contract/package-lock.json "$work/installed.json"; then
    cp tests/contract/package-lock.json "$work"
    (cd "$work" && npm ci --no-audit --no-fund --no-update-notifier --ignore-scripts)
    cp tests/contract/package-lock.json "$work/installed.json"
fi
lint() { node "$work/lint.js" "$work/redocly.yaml" "$1"; }

lint openapi.yaml
sed 's/type: integer/type: number of things/' openapi.yaml >"$work/broken.yaml"
if lint "$work/broken.yaml" >"$work/broken.log" 2>&1 || ! grep -q 'broken.yaml' "$work/broken.log"; then
    echo "not ok: the linter does not see a type that is none"
    echo "1 passed, 1 failed"
    exit 1
fi
echo "2 passed, 0 failed"
