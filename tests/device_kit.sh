#!/bin/sh
# A dry run of the device kit on an emulated device: from a copy of its folder,
# with an empty environment. Its figures mean nothing. Prints TAP.
. "${srcdir:-.}/tests/tap.sh"
srcdir=${srcdir:-.}

if [ -n "${MEMDIAL_SANITIZED-}" ]; then
    why='too slow under sanitizers'
elif [ -z "${MEMDIAL_CUDA_EMULATED-}" ]; then
    why='no C++ compiler was found'
else
    why=
fi
if [ -n "$why" ]; then
    echo "1..0 # SKIP $why"
    exit 0
fi

sh "$srcdir/build-aux/device-kit.sh" . "$srcdir" "$folder/made" \
    "$MEMDIAL_CUDA_EMULATED" >"$out" 2>"$err"
report $? 'a kit is made'

ls "$folder/made/lib" >"$out"
! grep -E 'lib(c|m|resolv|pthread|criterion|git2)\.so' "$out"
report $? 'no part of the C library and none of Criterion travels'

cp -r "$folder/made" "$folder/kit" && rm -rf "$folder/made"
env -i PATH=/usr/bin:/bin DRY=1 "$folder/kit/correct" >"$out" 2>"$err" &&
    grep -q 'The device is correct' "$out" && [ ! -s "$err" ]
report $? 'the device is correct'

for part in operations steps fp32 bf16 text saved states accumulate; do
    grep "^ok *$part " "$out" || echo "$part is not there"
done >"$err"
! grep 'not there' "$err"
report $? 'networks of both kinds, and ways of storing less, are in it'

env -i PATH=/usr/bin:/bin DRY=1 "$folder/kit/speed" >"$out" 2>"$err" &&
    grep -q 'samples/s' "$out" && grep -q 'apart .*samples/s' "$out" &&
    grep -q 'All calls of a step\|GB/s' "$out"
report $? 'the device has a speed'

env -i PATH=/usr/bin:/bin DRY=1 MODULE=none "$folder/kit/run" >"$out" \
    2>"$err"
[ $? -ne 0 ] && grep -q 'FAILED *usable' "$out"
report $? 'without a device it fails'

# A skipped test is no test.
env -i PATH=/usr/bin:/bin "$folder/kit/test_ops" ops_device/zero >"$out" \
    2>"$err"
[ $? -ne 0 ] && grep -q 'nothing was tested' "$out"
report $? 'to test nothing is a failure'

echo "1..$count"
