#!/bin/sh
# One allocation or one call of the system fails; see the Python script.
exec python3 -B "${srcdir:-.}/tests/faults.py"
