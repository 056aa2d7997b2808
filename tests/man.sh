#!/bin/sh
# The manual: mandoc has nothing to complain of, and the settings, keys, events
# and columns are those of the program.
set -u
srcdir=${srcdir:-.}

echo 1..5

# The pages refer to each other; mandoc finds a page only when it is installed.
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

# NUMBER NAME PAGE COMMAND...: the page has the list that the command prints.
has_list() {
    number=$1 name=$2 page=$srcdir/man/$3
    shift 3
    if "$srcdir/build-aux/insert-list.sh" "$page" "$@" | diff -u "$page" -
    then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name: type make update-man"
    fi
}

has_list 2 settings memdial-presets.5 "$MEMDIAL" settings --mdoc
has_list 3 keys memdial.1 "$MEMDIAL" help --mdoc
has_list 4 events memdial-events.5 "$MEMDIAL" worker --mdoc
has_list 5 columns memdial-runs.5 "$MEMDIAL" runs --mdoc
