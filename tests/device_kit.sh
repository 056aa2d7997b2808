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

# kit WORD...: a script of the kit, with variables before it.
kit() {
    script=$1
    shift
    env -i PATH="${tools:+$tools:}/usr/bin:/bin" DRY=1 "$@" "$folder/kit/$script" \
        $parts >"$out" 2>"$err"
}

# The folder of the driver's library is told by LD_LIBRARY_PATH alone on many
# machines; here it is the module's.
mkdir "$folder/elsewhere"
ln -s "$folder/kit/memdial-cuda.so" "$folder/elsewhere/elsewhere.so"
tools=
parts='operations steps fp32 bf16 text saved states accumulate'
kit correct LD_LIBRARY_PATH="$folder/elsewhere" MODULE=elsewhere.so &&
    grep -q 'The device is correct' "$out" && [ ! -s "$err" ]
report $? 'the device is correct'

for part in $parts; do
    grep "^ok *$part " "$out" || echo "$part is not there"
done >"$err"
! grep 'not there' "$err"
report $? 'networks of both kinds, and ways of storing less, are in it'

# All changes that leave the bits as they are, where they are quickly tried.
parts='fp32 bf16 text saved states accumulate tf32 fp16 sparse text-fp32
text-low'
kit correct DRY=cpu && [ "$(grep -c '^ok' "$out")" -eq 13 ]
report $? 'no change of a run against itself changes bits on the CPU'

parts='nothing'
kit correct
[ $? -ne 0 ] && grep -q 'No part has such a name' "$out"
report $? 'to test no part is a failure'

# tool STATUS LINE: a tool of CUDA's that says a line and ends so.
tool() {
    tools=$folder/tools
    mkdir -p "$tools"
    printf '#!/bin/sh\necho "%s"\nexit %s\n' "$2" "$1" \
        >"$tools/compute-sanitizer"
    chmod +x "$tools/compute-sanitizer"
}

parts='memcheck racecheck'
tool 0 'ERROR SUMMARY: 0 errors'
kit correct && grep -q '^ok *racecheck' "$out" &&
    grep -q 'The device is correct.$' "$out"
report $? 'a tool that finds nothing is passed'

tool 9 'ERROR SUMMARY: 1 error'
kit correct
[ $? -ne 0 ] && grep -q '^FAILED *memcheck' "$out" &&
    grep -q '2 parts failed' "$out"
report $? 'an error that a tool finds is a failure'

tool 1 'Error: Device not supported'
kit correct && grep -q '^skipped memcheck' "$out" &&
    grep -q 'The device is correct. Skipped: memcheck racecheck.' "$out"
report $? 'a tool that refuses says nothing of the device'
tools=
parts=

# A part's seconds are of all its programs, behind pipes too.
mkdir "$folder/slow"
cp "$folder/kit/common.sh" "$folder/slow"
printf '#!/bin/sh\nsleep 9\n' >"$folder/slow/memdial"
chmod +x "$folder/slow/memdial"
(cd "$folder/slow" && env -i PATH=/usr/bin:/bin sh -c '. ./common.sh
    each() { program sleep 1 && program sleep 1 && losses wrn-10-1; }
    part 3 each each' >"$out" 2>"$err")
grep -q 'TOO SLOW each' "$out" && [ ! -s "$err" ]
report $? 'a part that takes too long says so'

kit speed &&
    grep -q 'samples/s' "$out" && grep -q 'apart .*samples/s' "$out" &&
    grep -q 'All calls of a step\|GB/s' "$out"
report $? 'the device has a speed'

kit run MODULE=none
[ $? -ne 0 ] && grep -q 'FAILED *usable' "$out"
report $? 'without a device it fails'

# A skipped test is no test.
env -i PATH=/usr/bin:/bin "$folder/kit/test_ops" ops_device/zero >"$out" \
    2>"$err"
[ $? -ne 0 ] && grep -q 'nothing was tested' "$out"
report $? 'to test nothing is a failure'

echo "1..$count"
