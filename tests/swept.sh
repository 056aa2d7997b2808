#!/bin/sh
# Sweeps from the screens.
if [ -n "${MEMDIAL_SANITIZED-}" ]; then
    echo "1..0 # SKIP whole runs, too slow under sanitizers"
    exit 0
fi
. "${srcdir:-.}/tests/pyte.sh"
