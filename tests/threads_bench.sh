#!/bin/sh
# bench/threads_bench on a small step: its page has every number of threads, and
# the counts agree with each other. Prints TAP.
. "${srcdir:-.}/tests/tap.sh"
bench=bench/threads_bench

! $bench 2>/dev/null && ! $bench -r 0 quick 2>/dev/null &&
    ! $bench quick batch=none 2>/dev/null
report $? 'wrong arguments are refused'

$bench -r 3 quick batch=8 microbatch=4 >"$out" 2>"$err"
code=$?
if [ $code = 77 ]; then
    echo "ok 2 - a page # SKIP $(cat "$err")"
    echo 1..2
    exit 0
fi
report $code 'a page'

# Rows of the first table, whose columns are: threads, milliseconds, speed-up,
# work, busy, one thread alone, barriers. All are relative to the first row, so
# each follows from the others.
awk -F'|' '
    function near(a, b) { return a - b < 1 && b - a < 1 }
    NF == 9 && $2 + 0 == 2 ^ rows {
        if (rows++ == 0) first = $3
        if (!near($6, 100 * $5 * $4 / $2) || !near(100, 100 * first / $3 / $4))
            exit failed = 1
        if ($6 > 100.1 || $7 > 100 || ($2 > 1) != ($8 > 0)) exit failed = 1
        if ($2 == 1 && (!near($4, 1) || !near($6, 100) || !near($7, 100)))
            exit failed = 1
    }
    END { exit failed || rows != 7 }' "$out"
report $? '... has 1 to 64 threads, which take the time that their work takes'

# The shares of the operations add up to that of the step.
awk -F'|' '
    NF == 9 && $2 + 0 == 16 { step = $7 + 0 }
    NF == 5 && $3 ~ /%/ { sum += $3; operations++; over += $4 ~ /too much/ }
    /^Operations that leave/ { said = $0; sub(/.*: /, "", said) }
    END { exit !(operations > 5 && sum - step < 0.3 && step - sum < 0.3 &&
                 said == over + 0) }' "$out"
report $? '... one thread works alone in operations as long as in the step'

[ "$(grep -c '^| \(2\|4\|8\|16\|32\|64\) |.*%.*%.*%.*%' "$out")" -ge 30 ]
report $? '... and the worst balanced operations are named'
echo "1..$count"
