# Functions for the scripts beside it that keep runs: those of tap.sh, a root
# and other folders of their own, and commands that end and say something.
. "${srcdir:-.}/tests/tap.sh"

root=$folder/root
MEMDIAL_RUNS=$root
XDG_DATA_HOME=$folder/data
XDG_CONFIG_HOME=$folder/config
XDG_CACHE_HOME=$folder/cache
export MEMDIAL_RUNS XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME

# Settings of a run whose steps take milliseconds.
small='--set batch=2 --set epoch_samples=60 --set valid_samples=2
    --set threads=1 --set epochs=3'

# CODE COMMAND...: it ends with the code, and its output is in files.
ends() {
    wanted=$1
    shift
    timeout $patience "$memdial" "$@" </dev/null >"$out" 2>"$err"
    code=$?
    [ $code = "$wanted" ] || echo "exit code $code" >>"$err"
    [ $code = "$wanted" ]
}

says() { # TEXT: it is in the output
    grep -qF -- "$1" "$out"
}

warns() { # TEXT: it is in the errors
    grep -qF -- "$1" "$err"
}

complains() { # TEXT: it is in the only line of errors
    warns "$1" && [ "$(wc -l <"$err")" = 1 ]
}
