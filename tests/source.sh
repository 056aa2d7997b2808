#!/bin/sh
# What holds of the source as it stands. Prints TAP.
set -u

source=$(cd "${srcdir:-.}" && pwd)
count=0

none() { # LINES DESCRIPTION: none were found
    count=$((count + 1))
    if [ -z "$1" ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        printf '%s\n' "$1" | sed 's/^/# /'
    fi
}

# PATTERN: lines of C with it, but in print.c, which is the gate, and process.c,
# which sees to it that there are streams.
lines() {
    find "$source/src" "$source/ui" "$source/kernels" \
        -name '*.[ch]' ! -path '*/cuda/*' \
        ! -name 'print.[ch]' ! -name process.c \
        -exec grep -HnE "$1" {} + | grep -vE ':[0-9]+: *(/?\*|//)'
}

# That nothing is found must not be for want of looking.
none "$([ -n "$(lines '^int main\(')" ] || echo "no main() in $source")" \
    'the source is there'

# Text of others goes to a terminal by print() and print_error() alone, which
# clean it, or through the cells of the screens.
none "$(lines '(^|[^a-z_])(v?printf|puts|putchar|perror|psignal|error|warn)\(')" \
    'nothing is printed but by print()'
none "$(lines '(^|[^a-z_])(stdout|stderr|STDERR_FILENO)([^a-z_]|$)' |
    grep -vE 'newterm\(|dup2\(out,|dprintf\(STDERR_FILENO, "cannot be')" \
    'nothing else has standard output or standard error'

# What is left out of JSON without a word, or printed in part, is an error that
# nobody sees.
none "$(lines '(^|[^a-z_])json_(string|stringn|sprintf|real|dump|object_set|array_append)[a-z_]*\(' |
    grep -vE '/json_print\.c:|json_string_(value|length)\(|json_real_value\(')" \
    'values are made and put together as json_print.h says'

# Nobody asks whether there was memory but the kernels, which see no src/.
none "$(lines '(^|[^a-z_])([mc]alloc|realloc|reallocarray|strn?dup|v?asprintf)\(' |
    grep -vE '/src/base/error\.c:|/kernels/cpu/')" \
    'memory is had by functions that see to it that it is there'

# Files are opened in file.c, which looks at what they are, and replaced in
# draft.c; what is opened besides is the system's.
none "$(find "$source/src" "$source/ui" -name '*.[ch]' ! -name 'file.[ch]' \
    ! -name 'draft.[ch]' \
    ! -name process.c ! -name scratch.c -exec grep -HnE \
    '(^|[^a-z_>])(f?open|openat|fd?reopen|creat|mkstemp|rename|unlink|mmap)\(' \
    {} + | grep -v '"/proc/')" \
    'no file is opened or replaced but by file.c and draft.c'

# Every include of the source: the file, and what it includes.
includes() {
    (cd "$source" && find src ui kernels -name '*.[ch]' -o -name '*.cu' |
        xargs grep -H '^#include "') |
        sed -n 's/^\([^:]*\):#include "\(.*\)"$/\1 \2/p' |
        grep -vE ' (config|kernels/cuda/build_id)\.h$'
}

# A folder sees those before it in the list, and itself.
none "$(includes | awk '
    function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
    BEGIN {
        count = split("kernels base settings graph models data plan events " \
                      "train cli ui/term ui/session ui/pages ui", list, " ")
        for (i = 1; i <= count; i++) floor[list[i]] = i
    }
    { from = folder($1); to = folder($2); sub(/^src\//, "", from) }
    $1 == "src/cli/main.c" && to ~ /^ui/ { next }
    from ~ /^kernels/ && to ~ /^kernels/ { next }
    !(to in floor) || floor[to] > floor[from] { print $1 " includes " $2 }')" \
    'a folder sees those before it: README.md, Layout'

# Pairs of files without their ends, a .c and its .h being one.
none "$(includes | sed 's/^src\///; s/\.[a-z]* / /; s/\.h$//' |
    awk '$1 != $2' | tsort 2>&1 >/dev/null)" \
    'no file includes another that includes it'

none "$(cd "$source" && grep -rlE '#include <n?curses' src ui kernels |
    grep -v '^ui/term/terminal\.c$')" \
    'one file knows curses'

echo "1..$count"
