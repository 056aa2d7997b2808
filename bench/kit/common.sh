# The part that the scripts of a device kit share; sourced in the kit's folder.
#
# MODULE: the module to run, if not memdial-cuda.so. DRY=1: numbers so small
# that an emulated device is done in a minute; they mean nothing. DRY=cpu: the
# same, and the CPU trains. With `parts` nothing else is run.

MODULE=${MODULE:-$PWD/memdial-cuda.so}
out=${OUT:-$PWD/out}
mkdir -p "$out"
tried=0
failed=0
skipped=

# The status of a part that says nothing of the device.
SKIPPED=77

# cuBLAS, which only the ceilings need, may be in a package of Python's.
cuda=$(python3 -c 'import glob, site
print(*(lib for packages in site.getsitepackages()
        for lib in glob.glob(packages + "/nvidia/*/lib")), sep=":")') || cuda=

# The driver's library is where the machine says; the kit's come first.
libraries=$PWD/lib${cuda:+:$cuda}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# in_time COMMAND...: in what is left of the part's seconds.
in_time() {
    left=$((deadline - $(date +%s)))
    test $left -gt 0 || return 124
    timeout -k 5 $left "$@"
}

# program WORD...: begins with one of the kit's. Python must not see its
# libraries.
program() {
    in_time env LD_LIBRARY_PATH="$libraries" MEMDIAL_CUDA_MODULE="$MODULE" \
        MEMDIAL_CUDA_BUILT="$MODULE" MEMDIAL_CUDA_EMULATED="$MODULE" "$@"
}

# wanted NAME: whether to run a part.
wanted() {
    case " ${parts:-$1} " in
    *" $1 "*) ;;
    *) return 1 ;;
    esac
}

# part SECONDS NAME COMMAND...: runs a command that takes its time from
# `in_time`, and tells how it went as soon as it has ended. Its output is in
# out/NAME.
part() {
    limit=$1 name=$2
    shift 2
    wanted "$name" || return
    begun=$(date +%s)
    deadline=$((begun + limit))
    "$@" >"$out/$name" 2>&1
    code=$?
    took=$(($(date +%s) - begun))
    tried=$((tried + 1))
    case $code in
    0) echo "ok      $name ($took s)" ;;
    $SKIPPED) echo "skipped $name ($took s): $(tail -1 "$out/$name")"
        skipped="$skipped $name"
        return $code ;;
    124 | 137) echo "TOO SLOW $name: more than $limit s" ;;
    *) echo "FAILED  $name ($took s); the end of $out/$name:"
       tail -5 "$out/$name" | cut -c1-300 ;;
    esac
    test $code = 0 || failed=$((failed + 1))
    return $code
}

# verdict WORDS: how all parts went, in one line: WORDS if well.
verdict() {
    if test $tried = 0; then
        echo "No part has such a name."
        return 1
    fi
    test $failed = 0 || set -- "$failed parts failed."
    echo "$1${skipped:+ Skipped:$skipped.}"
    test $failed = 0
}

# train PRESET SETTING...: a training on the device; its events are in
# out/events. Prints how it failed.
train() {
    preset=$1
    shift
    case $preset in
    wrn-*) set -- data=shapes "$@" ;;
    esac
    case ${DRY-} in
    cpu) set -- backend=cpu "$@" ;;
    *) set -- backend=cuda "$@" ;;
    esac
    program ./memdial train "$preset" --json \
        $(printf -- '--set %s ' epochs=1 "$@") >"$out/events"
    code=$?
    test $code = 0 || tail -1 "$out/events"
    return $code
}

# apart COMMAND...: while kernels do not overlap.
apart() {
    (
        MEMDIAL_CUDA_OVERLAP=no
        export MEMDIAL_CUDA_OVERLAP
        "$@"
    )
}

# The losses of a training, with all their digits.
losses() {
    train "$@" || return
    sed -n 's/.*"type":"step".*"loss":\([^,]*\),.*/\1/p
            s/.*"valid_loss":\([^,]*\),.*/\1/p' "$out/events"
}
