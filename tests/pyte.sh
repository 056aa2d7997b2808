# For the scripts beside it: runs the Python script of the same name, with a
# Python that has pyte, a terminal in memory.
set -u
srcdir=${srcdir:-.}
script=$srcdir/tests/$(basename "$0" .sh).py

for python in python3 /usr/bin/python3; do
    if "$python" -c 'import pyte' 2>/dev/null; then
        exec "$python" -B "$script"
    fi
done
echo '1..0 # SKIP pyte is not installed (apt install python3-pyte)'
