#!/bin/sh
# PROGRAM PAGE: writes the manual page with the list of settings that the
# program has, to standard output.
set -eu
"$1" settings --mdoc | fold -s -w 79 | sed 's/ *$//' | awk '
    FILENAME == "-" { list = list $0 "\n"; next }
    /^\.\\" End of the list/ { skip = 0 }
    !skip { print }
    /^\.\\" The list is written by/ { printf "%s", list; skip = 1 }
' - "$2"
