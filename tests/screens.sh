#!/bin/sh
# Runs tests/screens.py with a Python that has pyte, a terminal in memory.
set -u
srcdir=${srcdir:-.}

for python in python3 /usr/bin/python3; do
    if "$python" -c 'import pyte' 2>/dev/null; then
        exec "$python" "$srcdir/tests/screens.py"
    fi
done
echo '1..0 # SKIP pyte is not installed (apt install python3-pyte)'
