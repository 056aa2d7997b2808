# For the scripts beside it: a folder of their own, the files that a program's
# output and errors go to, and lines of TAP.
set -u

memdial=${MEMDIAL:-./memdial}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
out=$folder/out
err=$folder/err
count=0

report() { # STATUS DESCRIPTION: with what was printed last if it is bad
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        tail -n 20 "$out" "$err" | cut -c 1-300 | sed 's/^/# /'
    fi
}
