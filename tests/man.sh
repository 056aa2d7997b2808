#!/bin/sh
# The manual: nothing for mandoc to complain of, and the settings as the program
# has them.
set -u
srcdir=${srcdir:-.}

echo 1..2

# The pages refer to each other, which mandoc sees only once installed.
lint() {
    mandoc -T lint "$srcdir"/man/*.[15] |
        grep -v 'referenced manual not found: Xr memdial'
}

if ! command -v mandoc >/dev/null; then
    echo 'ok 1 - lint # SKIP mandoc is not installed'
elif lint; then
    echo 'not ok 1 - lint'
else
    echo 'ok 1 - lint'
fi

page=$srcdir/man/memdial-presets.5
if "$srcdir/build-aux/list-settings.sh" "$MEMDIAL" "$page" |
    diff -u "$page" -; then
    echo 'ok 2 - settings'
else
    echo 'not ok 2 - settings: type make update-man'
fi
