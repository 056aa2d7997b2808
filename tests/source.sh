#!/bin/sh
# Rules that the source keeps. Prints TAP.
set -u

source=$(cd "${srcdir:-.}" && pwd)
count=0

none() { # LINES DESCRIPTION: there must be no lines
    count=$((count + 1))
    if [ -z "$1" ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        printf '%s\n' "$1" | sed 's/^/# /'
    fi
}

# PATTERN: lines of C with it. print.c, which is the gate, is left out, and so
# is process.c, which makes sure that there are streams.
lines() {
    find "$source/src" "$source/ui" "$source/kernels" \
        -name '*.[ch]' ! -path '*/cuda/*' \
        ! -name 'print.[ch]' ! -name process.c \
        -exec grep -HnE "$1" {} + | grep -vE ':[0-9]+: *(/?\*|//)'
}

# An empty list must not come from a search that fails.
none "$([ -n "$(lines '^int main\(')" ] || echo "no main() in $source")" \
    'the source is there'

# Foreign text goes to a terminal only by print() and print_error(), which clean
# it, or through the cells of the screens.
none "$(lines '(^|[^a-z_])(v?printf|puts|putchar|perror|psignal|error|warn)\(')" \
    'nothing is printed but by print()'
none "$(lines '(^|[^a-z_])(stdout|stderr|STDERR_FILENO)([^a-z_]|$)' |
    grep -vE 'newterm\(|dup2\(out,|dprintf\(STDERR_FILENO, "cannot be')" \
    'nothing else has standard output or standard error'

# A member that is left out of JSON in silence, or printed in part, is an error
# that nobody sees.
none "$(lines '(^|[^a-z_])json_(string|stringn|sprintf|real|dump|object_set|array_append)[a-z_]*\(' |
    grep -vE '/json_print\.c:|json_string_(value|length)\(|json_real_value\(')" \
    'values are made and put together as json_print.h says'

# Only the kernels, which see no src/, ask whether there was memory.
none "$(lines '(^|[^a-z_])([mc]alloc|realloc|reallocarray|strn?dup|v?asprintf)\(' |
    grep -vE '/src/base/error\.c:|/kernels/cpu/')" \
    'memory is had by functions that see to it that it is there'

# file.c opens files, and looks at their kind; draft.c replaces them, and
# journal.c adds to them. Other files that are opened are the system's.
none "$(find "$source/src" "$source/ui" -name '*.[ch]' ! -name 'file.[ch]' \
    ! -name 'draft.[ch]' ! -name journal.c \
    ! -name process.c ! -name scratch.c -exec grep -HnE \
    '(^|[^a-z_>])(f?open|openat|fd?reopen|creat|mkstemp|rename|unlink|mmap)\(' \
    {} + | grep -v '"/proc/')" \
    'no file is opened or replaced but by file.c and draft.c'

# Every include of the source: the file, and the file that it includes.
includes() {
    (cd "$source" && find src ui kernels -name '*.[ch]' -o -name '*.cu' |
        xargs grep -H '^#include "') |
        sed -n 's/^\([^:]*\):#include "\(.*\)"$/\1 \2/p' |
        grep -vE ' (config|kernels/cuda/build_id)\.h$'
}

# A folder sees itself, and the folders before it in the list.
none "$(includes | awk '
    function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
    BEGIN {
        count = split("kernels base settings graph models data plan events " \
                      "report train sweep cli ui/term ui/session ui/pages ui", list, " ")
        for (i = 1; i <= count; i++) floor[list[i]] = i
    }
    { from = folder($1); to = folder($2); sub(/^src\//, "", from) }
    $1 == "src/cli/main.c" && to ~ /^ui/ { next }
    from ~ /^kernels/ && to ~ /^kernels/ { next }
    !(to in floor) || floor[to] > floor[from] { print $1 " includes " $2 }')" \
    'a folder sees those before it: README.md, Layout'

# Pairs of files without their suffixes, a .c and its .h being one.
none "$(includes | sed 's/^src\///; s/\.[a-z]* / /; s/\.h$//' |
    awk '$1 != $2' | tsort 2>&1 >/dev/null)" \
    'no file includes another that includes it'

none "$(cd "$source" && grep -rlE '#include <(cairo|pango)' src ui kernels |
    grep -v '^src/report/cairo_pen\.c$')" \
    'one file knows Cairo and Pango'

none "$(cd "$source" && grep -rlE '#include <n?curses' src ui kernels |
    grep -v '^ui/term/terminal\.c$')" \
    'one file knows curses'

# The comments of the source, each on a line after its place.
comments() {
    (cd "$source" && find src ui kernels tests bench \
        -name '*.[ch]' -o -name '*.cu' -o -name '*.cc' | sort | xargs awk '
        BEGIN {
            string = "\"(\\\\.|[^\"\\\\])*\""
            character = "\047(\\\\.|[^\047\\\\])*\047"
            token = string "|" character "|/[*]|//"
        }
        FNR == 1 { inside = 0 }
        { for (rest = $0; rest != "" || inside;) {
            if (inside) {
                sub(/^ *[*] /, "", rest)
                if (!(end = index(rest, "*/"))) {
                    text = text " " rest
                    next
                }
                print text " " substr(rest, 1, end - 1)
                rest = substr(rest, end + 2)
                inside = 0
            } else {
                if (!match(rest, token)) next
                found = substr(rest, RSTART, RLENGTH)
                rest = substr(rest, RSTART + RLENGTH)
                text = FILENAME ":" FNR ":"
                inside = found == "/*"
                if (found == "//") {
                    print text rest
                    next
                }
            }
        } }')
}

# Kernels overlap: kernels/cuda/queue.h.
none "$(cd "$source" && cat kernels/cuda/*.cu kernels/cuda/*.h | awk '
    /__global__/ { kernels++; name = $0; inside = 1 }
    first && $0 != "    wait_for_earlier();" { print name }
    { first = inside && $0 == "{"; if (first) inside = 0 }
    END { if (kernels < 50) print "only " kernels + 0 " kernels" }')" \
    'a kernel waits for earlier ones in its first line'
none "$(cd "$source" && grep -nE '__ldg|__restrict__|cudaLaunch|<<<' \
    kernels/cuda/*.cu kernels/cuda/*.h |
    grep -vE '^kernels/cuda/queue\.h:')" \
    'one function launches kernels, and memory changes in them'

# A sentence with these has to be read twice: name the thing.
none "$([ -n "$(comments)" ] || echo "no comments in $source"
    comments | tr -s ' \t' ' ' |
    grep -iwE 'so many|so much|of which|of whom|what is' | cut -c 1-300)" \
    'comments are plain English'

# Characters, not bytes.
none "$(find "$source/src" "$source/ui" "$source/kernels" "$source/tests" \
    "$source/bench" '(' -name '*.[ch]' -o -name '*.cu' ')' \
    -exec env LC_ALL=C.UTF-8 grep -HnE '^.{81}' {} +)" \
    'a line of C has at most 80 columns'

# Every static function: its name, and its file.
static_functions() {
    find "$source/src" "$source/ui" "$source/kernels" -name '*.c' \
        -exec grep -HoE '^static [A-Za-z_][A-Za-z_0-9 *]*\(' {} + |
        sed -E 's/^(.*):.*[ *]([A-Za-z_0-9]+)\($/\2 \1/' | sort -u
}

# Who looks for a name finds one thing.
none "$([ -n "$(static_functions)" ] || echo "no functions in $source"
    static_functions | awk '
        $1 == name { print name " is in " file " and in " $2 }
        { name = $1; file = $2 }')" \
    'a static function has a name of its own'

echo "1..$count"
