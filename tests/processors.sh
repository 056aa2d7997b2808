#!/bin/sh
# Other processors than this machine's, emulated by QEMU: one that has AVX2 and
# no AVX-512, and one that has neither. Every operation's kernels run there and
# a network is trained; an instruction that the processor lacks would end the
# program. Prints TAP.
. "${srcdir:-.}/tests/tap.sh"
srcdir=${srcdir:-.}
qemu=qemu-x86_64

# Only kernels/cpu/isa.c asks for the processor's features, so only there may
# kernels be called by the name of their instruction set.
(cd "$srcdir" && grep -rlE 'cpu_(generic|avx2|avx512)_[a-z]' --include='*.[ch]' \
    bench kernels src tests ui) >"$out"
[ "$(sort "$out" | tr '\n' ' ')" = \
    'kernels/cpu/cpu.h kernels/cpu/isa.c ' ]
report $? 'kernels of an instruction set are taken through one gate'

if [ "$(uname -m)" != x86_64 ]; then
    why='the processor is no x86-64'
elif [ -n "${MEMDIAL_SANITIZED-}" ]; then
    why='sanitizers do not run under QEMU'
elif ! command -v $qemu >/dev/null; then
    why='QEMU is not installed (apt install qemu-user)'
else
    why=
fi
if [ -n "$why" ]; then
    echo "ok $((count + 1)) - other processors # SKIP $why"
    echo "1..$((count + 1))"
    exit 0
fi

# PROCESSOR ISA: where kernels of ISA are the best.
try() {
    echo "# $1"
    $qemu -cpu "$1" "$memdial" backends >"$out" 2>"$err" &&
        grep -q "CPU, $2" "$out"
    report $? "$1: the kernels are those of $2"
    MEMDIAL_OPS_SHORT=1 $qemu -cpu "$1" tests/plain_ops ops >"$out" 2>"$err"
    report $? "$1: every operation"
    $qemu -cpu "$1" "$memdial" train quick --epochs 1 --set depth=10 \
        --set epoch_samples=20 --set valid_samples=10 --set batch=10 \
        --set sparsity=0.5 --set precision=bf16 --set threads=2 >"$out" 2>"$err"
    report $? "$1: a short training"
}

try Haswell avx2
try Nehalem generic
echo "1..$count"
