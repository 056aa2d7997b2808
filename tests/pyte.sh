# Sourced: run NAME runs tests/NAME.py with a Python that has pyte, a terminal
# in memory.

run() {
    for python in python3 /usr/bin/python3; do
        if "$python" -c 'import pyte' 2>/dev/null; then
            PYTHONDONTWRITEBYTECODE=1 exec "$python" "${srcdir:-.}/tests/$1.py"
        fi
    done
    echo '1..0 # SKIP pyte is not installed (apt install python3-pyte)'
}
