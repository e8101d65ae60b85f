#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests tests/prose.sh on a small tree: what must be listed, with its line and count, and what must not.
set -u
prose=$(readlink -f "$(dirname "$0")/prose.sh")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
passed=0 failed=0

mkdir -p "$tree"/{docs/adr,include/discount,src/store,bench,bin}
five='one two three four five'
words() { local i; for ((i = 0; i < $1 / 5; i++)); do printf '%s ' "$five"; done; }
long=$(words 30) short=$(words 25)

cat >"$tree/README.md" <<TEXT
# A title that stands alone

${short% }. Say, e.g. this. ${short% }.

${short% }. Line four
holds a sentence that goes on in the next line and has exactly as many words as are needed to be listed here, which is a few more.

| ${long% } | a cell |
|---|---|

\`\`\`bash
echo ${long% } ${long% } ${long% }
\`\`\`

- ${long% } an item.
- \`${long% }\` is one word, and [so ${short% }](https://example.org/${long// /-}) is its text.
TEXT
printf '# A page\n\n%s characters\n' "$(printf 'x%.0s' {1..145})" >"$tree/docs/page.md"
printf '# 1. We do it\n\n%sin an ADR.\n' "$long" >"$tree/docs/adr/0001-it.md"
cat >"$tree/openapi.yaml" <<TEXT
info:
  title: ${long% }
  description: |
    Short.

    ${long% } in a block.
  summary: ${long% } on a line.
TEXT
cat >"$tree/include/discount/thing.h" <<TEXT
/* SPDX-License-Identifier: MIT */
/* Short. ${long% } at its beginning. */
struct thing {
    int a; /* ${long% } at a field. */
};
TEXT
cat >"$tree/src/store/thing.c" <<TEXT
/* SPDX-License-Identifier: MIT */
/* Short.
 *
 *   step      ${long% }
 *
 * ${long% } in the head. */
#include "thing.h"
/* ${long% } further down. */
TEXT
printf '#!/usr/bin/env bash\n# SPDX-License-Identifier: MIT\n# %sof a script.\n\n# %sfurther down.\n' "$long" "$long" >"$tree/bench/thing.sh"
printf '# SPDX-License-Identifier: MIT\n"""%sof a module."""\n' "$long" >"$tree/bench/thing.py"
printf '#!/bin/sh\necho "Short."\necho "%sin the help."\n' "$long" >"$tree/bin/discountd"
chmod +x "$tree/bin/discountd"

out=$(DISCOUNTD=$tree/bin/discountd "$prose" "$tree" 2>&1)
code=$?

# expect NAME COMMAND...
expect() {
    local name=$1
    shift
    if "$@" >/dev/null; then
        passed=$((passed + 1))
    else
        echo "not ok: $name"
        failed=$((failed + 1))
    fi
}

listed() {
    grep -qE -- "^$1: " <<<"$out"
}

not() {
    ! "$@"
}

expect "it exits with 0 whatever it finds" [ "$code" = 0 ]
expect "a sentence of 25 words is not listed" not listed 'README.md:3: [0-9]+ words'
expect "a sentence counts from its own line" listed 'README.md:5: 30 words'
expect "a table is left out" not listed 'README.md:8'
expect "a code block is left out" not listed 'README.md:12'
expect "an item is a paragraph of its own" listed 'README.md:15: 32 words'
expect "code is one word, and a link is its text" listed 'README.md:16: 34 words'
expect "a line of 156 characters is listed" listed 'docs/page.md:3: 156 characters'
expect "an ADR is listed" listed 'docs/adr/0001-it.md:3: 33 words'
expect "a block description of the contract" listed 'openapi.yaml:6: 33 words'
expect "a description on one line" listed 'openapi.yaml:7: 33 words'
expect "a title is no description" not listed 'openapi.yaml:2'
expect "a comment of a public header" listed 'include/discount/thing.h:2: 33 words'
expect "every comment of a public header" listed 'include/discount/thing.h:4: 33 words'
expect "the head of a source file" listed 'src/store/thing.c:6: 33 words'
expect "columns in a head are left out" not listed 'src/store/thing.c:4'
expect "other comments of a source file are left out" not listed 'src/store/thing.c:8'
expect "the head of a script" listed 'bench/thing.sh:3: 33 words'
expect "other comments of a script are left out" not listed 'bench/thing.sh:5'
expect "the head of a module" listed 'bench/thing.py:2: 33 words'
expect "the help of the program" listed 'discountd --help:2: 33 words'
expect "the totals are per kind" grep -qE '^README +3 sentences +[0-9]+ lines$' <<<"$out"
expect "the last line is the total" grep -qE '^all +12 sentences +[0-9]+ lines$' <<<"$(tail -n 1 <<<"$out")"
[ "$failed" = 0 ] || printf '%s\n' "$out"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
