#!/bin/sh
# bench/cuda_bench on an emulated device, whose figures mean nothing: its page
# has every part, and names those that it cannot measure. On a busy machine the
# shortest operations may be among the others.
set -u
bench=bench/cuda_bench

echo 1..3

if $bench 2>/dev/null || $bench -r 0 wrn-10-1 2>/dev/null ||
    $bench wrn-10-1 precision=fp61 2>/dev/null; then
    echo 'not ok 1 - wrong arguments are refused'
else
    echo 'ok 1 - wrong arguments are refused'
fi

if MEMDIAL_CUDA_MODULE=none $bench wrn-10-1 2>&1 | grep -q 'none: none'; then
    echo 'ok 2 - says why there is no device'
else
    echo 'not ok 2 - says why there is no device'
fi

if [ -n "${MEMDIAL_SANITIZED-}" ]; then
    echo 'ok 3 - a page # SKIP too slow under sanitizers'
    exit 0
elif [ -z "$MEMDIAL_CUDA_EMULATED" ]; then
    echo 'ok 3 - a page # SKIP no C++ compiler was found'
    exit 0
fi
page=$(mktemp)
trap 'rm -f "$page"' EXIT
MEMDIAL_CUDA_MODULE=$MEMDIAL_CUDA_EMULATED $bench -c 4096 -n 8 -r 1 wrn-10-1 \
    batch=2 width=1 sparsity=0.7 recompute=norms precision=bf16 >"$page"
if [ $? -eq 0 ] && ! grep -Eiq 'nan|inf' "$page" && awk -F'|' '
        $8 ~ /%/ { share += $8 }
        /^\| (conv|conv_dgrad|conv_wgrad|others) \|/ { found[$2] }
        /sparse, .*through bn/ { sparse = 1 }
        END { for (name in found) names++
              exit !(names == 4 && sparse && share > 98 && share < 102) }
    ' "$page"; then
    echo 'ok 3 - a page'
else
    sed 's/^/# /' "$page"
    echo 'not ok 3 - a page'
fi
