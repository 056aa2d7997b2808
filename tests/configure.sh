#!/bin/sh
# The devices that `configure` builds for: none without one, those that the
# driver lists, or all that are asked for. Scripts stand in for nvcc and the
# driver. Prints TAP.
set -u
srcdir=$(cd "${srcdir:-.}" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0

echo 1..6
if [ -n "${MEMDIAL_SANITIZED-}" ]; then
    for i in 1 2 3 4 5 6; do
        echo "ok $i # SKIP the same without sanitizers"
    done
    exit 0
fi

mkdir "$folder/cuda" "$folder/driver" "$folder/build"
printf '#!/bin/sh\n' >"$folder/cuda/nvcc"
chmod +x "$folder/cuda/nvcc"
# The output of the driver's tool.
driver() {
    printf '#!/bin/sh\nprintf "%s"\nexit %d\n' "$1" "$2" \
        >"$folder/driver/nvidia-smi"
    chmod +x "$folder/driver/nvidia-smi"
}

# DESCRIPTION PATTERN ARGUMENT...: checks the line that names the devices.
says() {
    description=$1 pattern=$2
    shift 2
    count=$((count + 1))
    (cd "$folder/build" &&
        PATH=$folder/cuda:$folder/driver:$PATH "$srcdir/configure" -C "$@" \
            >"$folder/log" 2>&1)
    # The cache saves time; it must not keep a variable.
    sed -i /CUDA_ARCHITECTURES/d "$folder/build/config.cache"
    if grep -q "^    CUDA  *$pattern" "$folder/log"; then
        echo "ok $count - $description"
    else
        echo "not ok $count - $description"
        tail -n 20 "$folder/log" | sed 's/^/# /'
    fi
}

unset CUDA_ARCHITECTURES
driver 'NVIDIA-SMI has failed: 9.0 is not a device\n' 9
says 'no device: nothing' 'not built, no device here'
says 'no device, but asked for: all' '.*nvcc for 75 80 90$' --enable-cuda
says 'not wanted' 'not built' --disable-cuda
driver '9.0\n8.0\n9.0\n' 0
says 'the devices that are here' '.*nvcc for 80 90$'
says 'what is named' '.*nvcc for 75$' CUDA_ARCHITECTURES=75
# A compiler whose headers fail a test of their version.
printf '#!/bin/sh\n! grep -q CUDART_VERSION "$2"\n' >"$folder/cuda/nvcc"
says 'an old compiler: nothing' 'not built, .*older than'
