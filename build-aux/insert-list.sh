#!/bin/sh
# PAGE COMMAND...: writes the manual page with the list that the command prints
# in place of the one it has, to standard output.
set -eu
page=$1
shift
"$@" | fold -s -w 79 | sed 's/ *$//' | awk '
    FILENAME == "-" { list = list $0 "\n"; next }
    /^\.\\" End of the list/ { skip = 0 }
    !skip { print }
    /^\.\\" The list is written by/ { printf "%s", list; skip = 1 }
' - "$page"
