# The part that the scripts of a device kit share; sourced in the kit's folder.
#
# MODULE: the module to run, if not memdial-cuda.so. DRY: numbers so small that
# an emulated device is done in a minute; they mean nothing.

MODULE=${MODULE:-$PWD/memdial-cuda.so}
out=${OUT:-$PWD/out}
mkdir -p "$out"
failed=0

# cuBLAS, which only the ceilings need, may be in a package of Python's.
cuda=$(python3 -c 'import glob, site
print(*(lib for packages in site.getsitepackages()
        for lib in glob.glob(packages + "/nvidia/*/lib")), sep=":")') || cuda=

# program NAME ARGS...: one of the kit's. Python must not see its libraries.
program() {
    program=$1
    shift
    LD_LIBRARY_PATH="$PWD/lib${cuda:+:$cuda}" MEMDIAL_CUDA_MODULE=$MODULE \
        MEMDIAL_CUDA_BUILT=$MODULE MEMDIAL_CUDA_EMULATED=$MODULE \
        timeout -k 5 "$limit" "./$program" "$@"
}

# part SECONDS NAME COMMAND...: runs a command that calls `program`, and tells
# how it went as soon as it has ended. Its output is in out/NAME.
part() {
    limit=$1 name=$2
    shift 2
    begun=$(date +%s)
    "$@" >"$out/$name" 2>&1
    code=$?
    took=$(($(date +%s) - begun))
    case $code in
    0) echo "ok      $name ($took s)" ;;
    124 | 137) echo "TOO SLOW $name: more than $limit s" ;;
    *) echo "FAILED  $name ($took s); the end of $out/$name:"
       tail -5 "$out/$name" | cut -c1-300 ;;
    esac
    test $code = 0 || failed=$((failed + 1))
    return $code
}

# train PRESET SETTING...: the events of a training on the device.
train() {
    preset=$1
    shift
    case $preset in
    wrn-*) set -- data=shapes "$@" ;;
    esac
    program memdial train "$preset" --json \
        $(printf -- '--set %s ' backend=cuda epochs=1 "$@")
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
    train "$@" | sed -n 's/.*"type":"step".*"loss":\([^,]*\),.*/\1/p
                         s/.*"valid_loss":\([^,]*\),.*/\1/p
                         s/.*"type":"error"/ERROR &/p'
}
