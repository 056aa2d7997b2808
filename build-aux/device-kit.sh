#!/bin/sh
# Makes a folder with all that testing and measuring takes on a machine which
# has an NVIDIA device and nothing to build with: programs, the module, the
# libraries that they need, and the scripts of bench/kit. There `run` does it
# all. The machine needs a driver, Python, and for the ceilings of products
# cuBLAS, which CUDA's packages for Python have.
#
#   device-kit.sh BUILD SOURCE KIT [MODULE]
set -eu

usage='usage: device-kit.sh BUILD SOURCE KIT [MODULE]'
build=${1:?$usage}
source=${2:?$usage}
kit=${3:?$usage}
module=${4:-$build/memdial-cuda.so}

mkdir -p "$kit/lib" "$kit/bench"
cp "$build/memdial" "$build/bench/cuda_bench" "$kit"
cp "$build/tests/plain_ops" "$kit/test_ops"
cp "$build/tests/plain_cuda" "$kit/test_cuda"
cp "$module" "$kit/memdial-cuda.so"
cp "$source"/bench/*.py "$source"/bench/*.list "$source/bench/reproduce" \
    "$kit/bench"
cp "$source"/bench/kit/* "$kit"

# The C library is the machine's own, all parts of it: they only go together.
own='c|m|dl|pthread|rt|resolv|util|nsl|anl|mvec|crypt|nss_[a-z]*|thread_db'
for file in memdial test_ops test_cuda cuda_bench memdial-cuda.so; do
    ldd "$kit/$file"
done | awk '/=> \// { print $3 }' | sort -u |
    grep -Ev "/lib($own)\.so|/ld-linux" | while read -r library; do
        cp "$library" "$kit/lib"
    done
echo "Copy $kit to the machine with the device; there: $kit/run"
