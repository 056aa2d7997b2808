#!/bin/sh
# Random budgets, and whether what fits runs within them; see the Python script.
if ! command -v python3 >/dev/null; then
    echo '1..0 # SKIP python3 is not installed (apt install python3)'
    exit
fi
exec python3 -B "${srcdir:-.}/tests/budgets.py"
