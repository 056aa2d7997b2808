#!/bin/sh
# Threads that the system does not let a process have: before a run begins a
# refusal names the number that it can have, whatever the limit. Prints TAP.
. "${srcdir:-.}/tests/tap.sh"

if [ -n "${MEMDIAL_SANITIZED:-}" ]; then
    echo '1..0 # SKIP sanitizers need all of the address space'
    exit 0
fi

small='--epochs 1 --set epoch_samples=8 --set valid_samples=4 --set batch=4'

# The number of threads that the last run says it can have.
startable() {
    sed -n 's/.* cannot be started, but \([0-9]*\) can: .*/\1/p' "$1"
}

# DESCRIPTION: the last run ended well, or was refused in one line of its own.
ended_in_order() {
    { [ "$code" = 0 ] && [ ! -s "$err" ]; } ||
        { [ "$code" = 1 ] && [ "$(wc -l <"$err")" = 1 ] &&
            grep -q '^memdial: ' "$err"; }
    report $? "$1"
}

# At some of these sizes there are too many threads, at some the arena is too
# large, and at some there is enough.
refused=0
for size in 60000 90000 150000 300000 500000 545000 555000 560000 600000 \
    900000; do
    (
        ulimit -v $size
        exec "$memdial" train quick $small --set threads=64
    ) >"$out" 2>"$err"
    code=$?
    [ -n "$(startable "$err")" ] && refused=$((refused + 1))
    ended_in_order "64 threads in $size KiB"
done
[ $refused -gt 2 ]
report $? "... of which $refused were too small for the threads"

# As many threads as the refusal says are possible.
(
    ulimit -v 500000
    "$memdial" train quick $small --set threads=64
) >"$out" 2>"$err"
threads=$(startable "$err")
[ "${threads:-0}" -gt 1 ] && [ "$threads" -lt 64 ]
report $? "64 threads are refused, $threads are not"
(
    ulimit -v 500000
    exec "$memdial" train quick $small --set threads="${threads:-1}"
) >"$out" 2>"$err"
code=$?
ended_in_order "... $threads threads"
! grep -q 'threads cannot be started' "$err"
report $? '... are not refused as threads'
(
    ulimit -v 500000
    exec "$memdial" train quick $small --set threads=$((${threads:-4} / 2))
) >"$out" 2>"$err"
[ $? = 0 ] && [ ! -s "$err" ]
report $? '... and half of them train'
(
    ulimit -v 500000
    OMP_STACKSIZE=1M exec "$memdial" train quick $small --set threads=64
) >"$out" 2>"$err"
[ $? = 0 ] && [ ! -s "$err" ]
report $? 'smaller stacks let 64 train'

# An arena that the limit leaves no room for is refused, with settings that fit.
small_arena() { # ARGUMENT...
    ulimit -v 60000
    exec "$memdial" train quick --epochs 1 --set threads=1 \
        --set epoch_samples=100 --set valid_samples=10 "$@"
}
(small_arena) >"$out" 2>"$err"
grep -q 'MiB are available to this process (ulimit -v); .* would fit' "$err"
report $? 'an arena beyond the address space is refused'
fitting=$(sed 's/.*); \(.*\) would fit.*/\1/; s/[^ ]*=/--set &/g' "$err")
(small_arena $fitting) >"$out" 2>"$err"
[ $? = 0 ] && [ ! -s "$err" ]
report $? '... and what would fit does'

# A worker refuses too many threads and goes on.
start='"epochs":1,"epoch_samples":8,"valid_samples":4,"batch":4'
limited() { # COMMAND...
    ulimit -v 500000
    exec "$@"
}
mkfifo "$folder/commands"
begin "$folder/commands" limited "$memdial" worker
exec 3>"$folder/commands"
cat >&3 <<END
{"command":"start","settings":{"threads":64}}
{"command":"start","settings":{"threads":2,$start}}
{"command":"set","settings":{"threads":200}}
{"command":"set","settings":{"threads":3}}
END
comes '"type":"done"'
exec 3>&-
wait_for_end
[ $? = 0 ] && [ ! -s "$err" ] && tail -n 1 "$out" | grep -q '"done"'
report $? 'a worker with too little memory for threads ends in order'
grep -qE '"(refused|error)".*64 threads cannot be started' "$out"
report $? '... refuses to begin'
grep -q '"type":"start".*"threads":2' "$out"
report $? '... and begins with fewer'

# How threads wait is said to OpenMP unless the environment says it.
spins() { # EXPECTED VARIABLE=VALUE...
    expected=$1
    shift
    begin /dev/zero env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT "$@" "$memdial" \
        train quick --epochs 99999
    eventually has_environment "$expected"
    report $? "train with '$*' has $expected"
    kill -s KILL $begun
    wait $begun 2>/dev/null
}
has_environment() {
    tr '\0' '\n' <"/proc/$begun/environ" | grep -qx "$1" &&
        [ "$(cat "/proc/$begun/comm")" = memdial ]
}
if [ -r /proc/self/environ ]; then
    spins 'GOMP_SPINCOUNT=8000'
    spins 'GOMP_SPINCOUNT=7' GOMP_SPINCOUNT=7
    spins 'OMP_WAIT_POLICY=active' OMP_WAIT_POLICY=active
fi

# A user's limit of threads; root has none, so another user runs this.
as_nobody='setpriv --reuid=65534 --clear-groups'
[ "$(id -u)" = 0 ] || as_nobody=
cp "$memdial" "$folder/memdial" && chmod -R a+rX "$folder"
for limit in 9 17 40; do
    if ! prlimit --nproc=$limit $as_nobody "$folder/memdial" --version \
        >"$out" 2>"$err"; then
        count=$((count + 1))
        echo "ok $count # SKIP no limit of processes can be set here"
        continue
    fi
    prlimit --nproc=$limit $as_nobody "$folder/memdial" train quick $small \
        --set threads=64 >"$out" 2>"$err"
    code=$?
    threads=$(startable "$err")
    [ $code = 1 ] && [ "${threads:-99}" -le $limit ]
    report $? "at most $limit processes: $threads threads can be had"
    prlimit --nproc=$limit $as_nobody "$folder/memdial" train quick $small \
        --set threads="${threads:-1}" >"$out" 2>"$err"
    [ $? = 0 ] && [ ! -s "$err" ]
    report $? '... and train'
done

echo "1..$count"
