# Functions for the scripts beside it: a folder of their own, files for a
# program's output and errors, lines of TAP, and programs in the background.
set -u

memdial=${MEMDIAL:-./memdial}
MEMDIAL_RUNS=none # but for tests of what is kept
export MEMDIAL_RUNS
folder=$(mktemp -d)
begun=
trap 'kill -9 $begun 2>/dev/null; rm -rf "$folder"' EXIT
out=$folder/out
err=$folder/err
count=0

report() { # STATUS DESCRIPTION: with the last output if the status is bad
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        tail -n 20 "$out" "$err" | cut -c 1-300 | sed 's/^/# /'
    fi
}

# INPUT COMMAND...: begins the command in the background, reading from a file;
# $begun is the process. Its output and its errors go to new files, $out and
# $err, so that earlier output does not count.
begin_count=0
begin() {
    begin_count=$((begin_count + 1))
    out=$folder/out.$begin_count
    err=$folder/err.$begin_count
    : >"$out" >"$err"
    input=$1
    shift
    "$@" <"$input" >"$out" 2>"$err" &
    begun=$!
}

# Seconds. Nothing takes that long, except on a busy machine.
patience=${MEMDIAL_SANITIZED:+600}
patience=${patience:-120}

# COMMAND...: tries it until it succeeds, as long as patience lasts.
eventually() {
    tries=$((10 * patience))
    until "$@"; do
        [ $tries -gt 0 ] || return 1
        tries=$((tries - 1))
        sleep 0.1
    done
}

lines_with() { # PATTERN: the number of lines of output with it so far
    grep -c -- "$1" "$out"
}

has_lines() { # PATTERN NUMBER
    [ "$(lines_with "$1")" -ge "$2" ]
}

comes() { # PATTERN [NUMBER]: whether that many lines of output come to have it
    eventually has_lines "$1" "${2:-1}"
}

has_ended() { # the process that was begun
    ! kill -0 "$begun" 2>/dev/null
}

wait_for_end() { # returns its status
    eventually has_ended || return 1
    wait "$begun"
    code=$?
    begun=
    return $code
}
