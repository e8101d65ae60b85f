#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks the rules of the tree that a text search can find (docs/design.md, "The house"). They say which
# folder may include which, and which file may use which library. They also cover the names of functions
# and files, and the shape of files. Includes are an allow-list: what is not listed is a breach. house_rules_test.sh
# plants a breach of each rule and expects it to be found.
#
#   tests/house_rules.sh [TREE]
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/..}" || exit 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
breaches=0

# breach RULE LINES: reports the lines that break the rule, if there are any.
breach() {
    if [ -n "$2" ]; then
        printf 'error: %s\n%s\n' "$1" "$2"
        breaches=$((breaches + 1))
    fi
}

# Prints every include of the sources, as "FILE:LINE ROOM HEADER". The room is the folder below src/, and also the
# backend for store/BACKEND/. It is "main" for main.c and "include" for the contracts.
all_includes() {
    find src include -name '*.[ch]' | sort | xargs awk '
        /^[ \t]*#[ \t]*include/ {
            match($0, /[<"][^>"]+[>"]/)
            header = substr($0, RSTART, RLENGTH)
            n = split(FILENAME, part, "/")
            room = part[1] == "include" ? "include" : n == 2 ? "main" : part[2]
            if (room == "store" && n > 3) room = "store/" part[3]
            print FILENAME ":" FNR, room, header
        }'
}

# ---- Includes ----

# Each line is a room, and the rooms whose headers it may include. Its own and include/discount are always allowed.
rooms='
include
base
http base
api base
store base
store/redis store base
store/sqlite store base
store/postgres store base
auth base
control base
service http store auth base
commands service control api store base
main commands service base
'

breach "a room includes only what its row in house_rules.sh allows" "$(all_includes | awk -v rooms="$rooms" '
    BEGIN {
        rows = split(rooms, row, "\n")
        for (i = 1; i <= rows; i++) {
            n = split(row[i], name, " ")
            for (j = 1; j <= n; j++) allowed[name[1], name[j]] = 1
        }
    }
    {
        header = substr($3, 2, length($3) - 2)
        if ($3 ~ /^</ || header ~ /^discount\//) next
        n = split(header, part, "/")
        # The build makes headers of scripts, schema and contract; they have no folder.
        room = part[1]
        if (n == 1) room = header ~ /\.lua\.h$/ ? "store/redis" : header ~ /^sqlite_schema/ ? "store/sqlite" : "api"
        if (room == "store" && n > 2) room = "store/" part[2]
        if (!(($2, room) in allowed)) print $1 ": " $2 " includes " $3
    }')"

breach "only http/server.c and http/exchange.c include http/exchange.h, and exchange never needs server" "$(all_includes | awk '
    $3 == "\"http/exchange.h\"" && $1 !~ /^src\/http\/(server|exchange)\.c:/
    $3 == "\"http/server.h\"" && $1 ~ /^src\/http\/exchange\./')"

# ---- Which file may know which library ----

# Each line is a library header, and the files that may include it. A header without a line is allowed nowhere.
libraries='
microhttpd.h ^src/http/(server|exchange)\.[ch]$
hiredis/.* ^src/store/redis/[a-z_]+\.[ch]$
sqlite3.h ^src/store/sqlite/[a-z_]+\.[ch]$
libpq-fe.h ^src/store/postgres/[a-z_]+\.[ch]$
jansson.h ^src/api/([a-z]+_json|json_memory)\.c$
uuid/uuid.h ^src/base/discount\.c$
linux/filter.h ^src/http/listener\.c$
uv.h .
(assert|ctype|dirent|endian|errno|fcntl|inttypes|libgen|limits|netdb|poll|pthread|signal|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|time|unistd).h .
(netinet/in|netinet/tcp|sys/file|sys/random|sys/resource|sys/socket|sys/stat|sys/statvfs|sys/time|sys/types|sys/un).h .
'

breach "a library is known only where its row in house_rules.sh says" "$(all_includes | awk -v libraries="$libraries" '
    BEGIN { rows = split(libraries, row, "\n") }
    $3 ~ /^</ {
        header = substr($3, 2, length($3) - 2)
        file = $1
        sub(/:[0-9]+$/, "", file)
        for (i = 1; i <= rows; i++) {
            if (split(row[i], word, " ") == 2 && header ~ "^" word[1] "$" && file ~ word[2]) next
        }
        print $1 ": " header
    }')"

# ---- Names ----

# Functions that are not static. A definition begins in column 1, and its brace stands alone. In grants.c they begin
# with grant_ or grants_, in grant_json.c with grant_. The name of a backend, of control and of command comes before
# that. Functions that include/discount declares have names of their own.
breach "a function that is not static begins with the name of its file" "$(
    grep -rhoE '\b[a-z_0-9]+\(' include/discount >"$work/declared"
    find src -name '*.c' | sort | xargs awk -v declared="$work/declared" '
        function prefix(file,   part, n, name, folder) {
            n = split(file, part, "/")
            name = part[n]
            sub(/(_json)?\.c$/, "", name)
            folder = part[n - 1]
            if (n == 2) return "^main$"
            if (part[2] == "store" && n > 3 || folder == "control") return "^" folder "_" name "(_|$)"
            if (folder == "commands") return "^(command_)?" name "(_|$)"
            sub(/s$/, "", name)
            return "^" name "s?(_|$)"
        }
        BEGIN { while ((getline line < declared) > 0) contract[line] = 1 }
        FNR == 1 { head = ""; pattern = prefix(FILENAME) }
        /^[a-z]/ { head = $0 }
        /^\{/ {
            if (head != "" && head !~ /^(static|struct [a-z_]+ \{|enum|union|typedef)/ && match(head, /[a-z_0-9]+\(/)) {
                name = substr(head, RSTART, RLENGTH)
                if (!(name in contract) && substr(name, 1, length(name) - 1) !~ pattern) print FILENAME ": " name ")"
            }
            head = ""
        }')"

# Identifiers and file names that were replaced by standard terms, one per line.
words=$(grep -vE '^(#|$)' "$here/house_words.txt")
breach "an identifier is in house_words.txt" "$(find src include tests bench fuzz -name '*.[ch]' 2>/dev/null | sort |
    xargs awk -v words="$words" '
    BEGIN { n = split(words, list, "\n"); for (i = 1; i <= n; i++) if (list[i] !~ / /) retired[list[i]] = 1 }
    FNR == 1 { comment = 0 }
    {
        line = $0
        gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
        while (match(line, /\/\*.*\*\//)) line = substr(line, 1, RSTART - 1) " " substr(line, RSTART + RLENGTH)
        if (comment) { if (!sub(/^.*\*\//, "", line)) next; comment = 0 }
        if (sub(/\/\*.*$/, "", line)) comment = 1
        count = split(line, token, /[^A-Za-z0-9_]+/)
        for (i = 1; i <= count; i++) if (token[i] in retired) print FILENAME ":" FNR ": " token[i]
    }')"
breach "a file name is in house_words.txt" "$(find src include tests bench fuzz -not -path 'fuzz/corpus/*' -name '*.*' |
    sort | while read -r file; do
        name=$(basename "$file")
        name=${name%%.*}
        grep -qxF "${name%_test}" <<<"$words" && echo "$file"
    done)"
phrases=$(grep ' ' <<<"$words")
breach "a phrase of house_words.txt is in prose" "$(grep -rniFf <(printf '%s\n' "$phrases") --include='*.md' --include='*.[ch]' \
    --include='*.lua' --include='*.yaml' -- *.md docs src include openapi.yaml 2>/dev/null)"
breach "no umbrella and no odds-and-ends file" \
    "$(find src include tests -name 'utils.*' -o -name 'util.*' -o -name 'common.*' -o -name 'misc.*')"

# ---- The shape of files ----

breach "a file begins with its licence" "$(find src include tests -name '*.[ch]' | sort |
    xargs awk 'FNR == 1 && $0 != "/* SPDX-License-Identifier: MIT */" { print FILENAME }')"
find src include -name '*.h' >"$work/headers"
breach "a .c includes its own header first" "$(find src -name '*.c' | sort | xargs awk -v headers="$work/headers" '
    BEGIN { while ((getline line < headers) > 0) is_header[line] = 1 }
    FNR == 1 { seen = 0 }
    /^#include/ && !seen++ {
        own = FILENAME
        sub(/\.c$/, ".h", own)
        contract = own
        sub(/^.*\//, "include/discount/", contract)
        path = own in is_header ? own : contract in is_header ? contract : ""
        sub(/^(src|include)\//, "", path)
        if (path != "" && $2 != "\"" path "\"") print FILENAME ": " $0
    }')"
breach "an include guard is the path of its header" "$(xargs awk '
    FNR == 1 {
        guard = FILENAME
        sub(/^(src|include)\//, "", guard)
        gsub(/[^a-z0-9]/, "_", guard)
        guard = toupper(guard)
    }
    /^#ifndef [A-Z0-9_]+_H$/ && $2 != guard { print FILENAME ":" FNR ": " $2 }' <"$work/headers")"

breach "no function over 70 lines" "$(find src include -name '*.c' | sort | xargs awk '
    FNR == 1 { open = 0 }
    /^\{/ { open = FNR }
    /^\}/ { if (open && FNR - open > 70) printf "%s:%d: %d lines\n", FILENAME, open, FNR - open; open = 0 }')"
breach "a line of prose has at most 150 characters" "$(find . -name '*.md' -not -path './build/*' -not -path '*/node_modules/*' |
    sort | xargs awk '
    FNR == 1 { code = 0 }
    /^[ \t]*```/ { code = !code }
    # Tables, code, and lines of one word, such as a link, cannot be broken.
    !code && !/^[ \t]*\|/ && length > 150 && split($0, word, " ") > 2 { printf "%s:%d: %d characters\n", FILENAME, FNR, length }')"
breach "no sleep in a test" "$(grep -rnE '\b(usleep|sleep|nanosleep)[ (]+[0-9]' --include='*.c' tests || true)"
breach "nothing left open in the code" "$(grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' src include || true)"

[ "$breaches" -eq 0 ]
