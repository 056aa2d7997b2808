#!/bin/sh
# Makes a folder with all that measuring and testing on a machine takes which
# has an NVIDIA device and nothing to build with: programs, the module, the
# libraries they need but for the C library's and cuBLAS, and `run`, which does
# it all.
#
#   device-kit.sh BUILD SOURCE KIT
set -eu

build=${1:?usage: device-kit.sh BUILD SOURCE KIT}
source=${2:?usage: device-kit.sh BUILD SOURCE KIT}
kit=${3:?usage: device-kit.sh BUILD SOURCE KIT}

mkdir -p "$kit/lib" "$kit/bench"
cp "$build/memdial" "$build/memdial-cuda.so" "$build/tests/test_ops" \
    "$build/bench/cuda_bench" "$kit"
cp "$source"/bench/*.py "$source/bench/reproduce" "$kit/bench"
for program in "$kit/memdial" "$kit/test_ops" "$kit/cuda_bench" \
    "$kit/memdial-cuda.so"; do
    ldd "$program"
done | awk '/=> \// && !/\/(libc|libm|libdl|libpthread|librt)\.so/ { print $3 }' |
    sort -u | while read -r library; do
        cp "$library" "$kit/lib"
    done

cat >"$kit/run" <<'END'
#!/bin/sh
# The device against the reference and the CPU, then the time it takes.
cd "$(dirname "$0")"
# cuBLAS may be in a package of Python's.
packages=$(python3 -c 'import glob, site
print(*(lib for packages in site.getsitepackages()
        for lib in glob.glob(packages + "/nvidia/*/lib")), sep=":")')
export LD_LIBRARY_PATH="$PWD/lib:$packages${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export MEMDIAL_CUDA_BUILT="$PWD/memdial-cuda.so"
check=${1-}   # "sanitizer": under compute-sanitizer, slowly

./memdial backends || exit
if test "$check" = sanitizer; then
    for tool in memcheck racecheck; do
        compute-sanitizer --target-processes all --tool $tool \
            ./test_ops --filter 'ops_device/*' --jobs 1
    done
    exit
fi
./test_ops --filter 'ops_device/*' || echo 'the device differs'
for precision in fp32 bf16 fp16; do
    for backend in cuda cuda cpu; do
        echo "$precision $backend"
        ./memdial train wrn-10-1 --set data=shapes --set epochs=1 \
            --set epoch_samples=2000 --set valid_samples=500 \
            --set precision=$precision --set backend=$backend --json |
            awk -F'"loss":' '/"type":"step"/ { split($2, loss, ",")
                if (++n % 5 == 0) printf "%s ", loss[1] }
                /"type":"(epoch|memory|error)"/ { print "\n" $0 }'
    done
done
for precision in fp32 bf16; do
    for batch in 100 1000; do
        ./cuda_bench wrn-28-2 precision=$precision batch=$batch
    done
done
python3 bench/cuda_speed.py --memdial ./memdial
END
chmod +x "$kit/run"
echo "Copy $kit to the machine with the device; there: $kit/run"
