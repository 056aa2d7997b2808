#!/bin/sh
# The program from outside: commands, exit codes, the stream of each output, and
# one line for every fault in the input. Prints TAP.
. "${srcdir:-.}/tests/tap.sh"

# The settings of a run that takes a second, whatever is added to them.
small='--set epoch_samples=64 --set valid_samples=32 --set batch=32'

run() {
    "$memdial" "$@" >"$out" 2>"$err"
    code=$?
}

# ARGUMENT...: succeeds, prints something, and complains of nothing.
works() {
    run "$@"
    [ $code = 0 ] && [ -s "$out" ] && [ ! -s "$err" ]
    report $? "memdial $*"
}

# CODE TEXT ARGUMENT...: exits with CODE, prints nothing but one line on
# standard error, with TEXT in it.
refuses() {
    expected=$1 text=$2
    shift 2
    run "$@"
    [ $code = "$expected" ] && [ ! -s "$out" ] &&
        [ "$(wc -l <"$err")" = 1 ] && grep -qF -- "$text" "$err"
    report $? "memdial $*: $text"
}

# TEXT: the last run printed it.
printed() {
    grep -qF -- "$1" "$out"
    report $? "... printed $1"
}

# NAME: an integer at the top of the JSON object that was printed.
member() {
    sed -n "s/^  \"$1\": \([0-9]*\),*\$/\1/p" "$out"
}

# The presets of the person who runs the tests are kept out.
XDG_CONFIG_HOME=$folder/config
XDG_CACHE_HOME=$folder/cache
export XDG_CACHE_HOME
export XDG_CONFIG_HOME

works --version
works --help
works help
for name in train plan worker presets settings backends; do
    grep -q "^  $name " "$out"
    report $? "... help names $name"
done
for name in train plan worker presets settings backends; do
    works $name --help
done

refuses 2 'use `memdial train quick`'
refuses 2 'use `memdial train wrn-28-2`' wrn-28-2
refuses 2 "no command or preset 'trian'; did you mean 'train'?" trian
refuses 2 "no command or preset 'qiuck'; did you mean 'quick'?" qiuck
refuses 2 "no command or preset 'something'" something
refuses 2 "'--jsno' is not expected" settings --jsno
refuses 2 "'more' is not expected" presets more
refuses 2 "'-x' is not expected" backends -x
refuses 2 "no such option '--nothing'" plan --nothing
refuses 2 "a value must follow '--set'" train --set
refuses 2 "no such option '-x'" train -xyz
refuses 2 "memdial screens: no such option '-x'" -xyz
refuses 2 "'-x' is not expected" presets -xj
refuses 2 "no such option '--json=yes'" train --json=yes
refuses 2 "'more' is not expected" help more
refuses 2 'is not a whole number' train --epochs "$(printf '%02000dx' 1)"

works presets
printed 'quick '
works presets --json
printed '"name": "wrn-28-2"'
works settings
printed 'batch=100'
works settings --json
printed '"default": 0.1'
printed '"saves_nothing": "fp32"'
printed '"price": "capacity"'
works backends
printed 'cpu'
printed 'cuda    not available: none: '
works backends --json
printed '"name": "cpu"'
printed '"reason": "none: '

# Devices have numbers, and one is chosen by its own. The check of an archive
# builds no emulated device.
if [ -e "${MEMDIAL_CUDA_EMULATED-}" ]; then
    none=$MEMDIAL_CUDA_MODULE
    MEMDIAL_CUDA_MODULE=$MEMDIAL_CUDA_EMULATED MEMDIAL_EMULATE_DEVICES=3
    export MEMDIAL_CUDA_MODULE MEMDIAL_EMULATE_DEVICES
    run backends
    [ "$(grep -c '^cuda:[0-2]  emulated device' "$out")" = 3 ]
    report $? 'memdial backends lists all devices'
    works train quick $small --set model=wrn --set depth=10 --set width=1 \
        --set batch=4 --set epoch_samples=8 --set valid_samples=4 --epochs 1 \
        --set backend=cuda:2
    refuses 1 'cuda:2 (emulated device 2' train quick --set backend=cuda:3
    refuses 2 'timings are kept of the first' calibrate quick \
        --set backend=cuda:1
    MEMDIAL_CUDA_MODULE=$none
    unset MEMDIAL_EMULATE_DEVICES
fi

# Planning for a device needs none; training needs one.
works plan quick --set backend=cuda
grep -q 'on backend cuda$' "$out"
report $? '... on backend cuda, whose threads are its own'
works plan quick --set backend=cpu --set threads=1
printed 'on backend cpu with 1 thread'
refuses 1 'backend cuda: none: ' train quick --set backend=cuda

# Of pools that are too large there is no plan.
refuses 2 'sparsity: 0.3 leaves ' plan wrn-28-2 --set depth=250 \
    --set width=64 --set sparsity=0.3
refuses 2 'sparsity: 0.98 leaves ' plan wrn-28-2 --set depth=3994 \
    --set width=64 --set sparsity=0.98
works plan wrn-28-2 --set depth=250 --set width=64 --set sparsity=0.98

# Faults in settings and presets.
refuses 2 "no preset 'quik'; did you mean 'quick'?" plan quik
refuses 2 'depth: 11 is not 6n + 4' plan quick --set depth=11
refuses 2 'microbatch: 101 is larger than batch, 100' plan --set microbatch=101
refuses 2 'accumulate cannot look ahead as nesterov does; set nesterov=no, or' \
    plan --set gradients=accumulate
refuses 2 'overflows in fp16; set precision=bf16, or gradients=buffer' plan \
    --set gradients=accumulate --set nesterov=no --set precision=fp16
refuses 2 'set master_weights=none, or gradients=buffer' plan --set nesterov=no \
    --set gradients=accumulate --set precision=bf16 --set master_weights=fp32
works plan --set gradients=accumulate --set nesterov=no
for command in plan train; do
    refuses 2 'batch: 100 samples are more than an epoch of 10; lower batch' \
        $command quick --set epoch_samples=10
    refuses 2 'batch: 20001 samples are more than an epoch of 20000; lower' \
        $command quick --set epoch_samples=0 --set batch=20001
done
works plan quick --set epoch_samples=100
refuses 2 "unknown setting 'bacth'; did you mean 'batch'?" train --set bacth=1
refuses 2 "recompute: 'all' is not one of none, norms" \
    train --set recompute=all
refuses 2 "memdial: --epochs: 'x' is not a whole number" train --epochs x
refuses 2 "memdial: --set: epochs: '0' is not a whole" train --set epochs=0
refuses 2 "backend: 'abacus' is not" plan --set backend=abacus
refuses 2 './none.yaml: No such file or directory' plan ./none.yaml
refuses 2 "$folder: not a file but a folder" plan "$folder"
printf 'train:\n  batch: 10\n  microbach: 5\n' >"$folder/typing.yaml"
refuses 2 "$folder/typing.yaml:3:3: unknown setting 'microbach'; did you" \
    train "$folder/typing.yaml"
# A preset with an error in it is still listed.
here=$PWD
cd "$folder" || exit
refuses 2 'memdial: typing.yaml:3:3: ' typing.yaml
cd "$here" || exit
mkdir -p "$XDG_CONFIG_HOME/memdial/presets"
cp "$folder/typing.yaml" "$XDG_CONFIG_HOME/memdial/presets/mine.yaml"
refuses 2 'mine.yaml:3:3: ' mine
rm "$XDG_CONFIG_HOME/memdial/presets/mine.yaml"
# However long a path is, its file and the fault are named.
deep=$folder/$(printf '%0200d' 1)/$(printf '%0200d' 2)/$(printf '%0200d' 3)
deep=$deep/$(printf '%0200d' 4)/$(printf '%0200d' 5)
mkdir -p "$deep/$(printf '%0200d' 6)/$(printf '%0200d' 7)"
deep=$deep/$(printf '%0200d' 6)/$(printf '%0200d' 7)
cp "$folder/typing.yaml" "$deep"
refuses 2 '/typing.yaml:3:3: unknown setting' plan "$deep/typing.yaml"
# A file that is no snapshot is not replaced by one.
printf 'train:\n  epochs: 1\n' >"$folder/mine.yaml"
cp "$folder/mine.yaml" "$folder/as.yaml"
refuses 2 'a file is there that is no snapshot' train "$folder/mine.yaml" \
    --save "$folder/mine.yaml"
cmp "$folder/mine.yaml" "$folder/as.yaml" >"$out"
report $? '... and it is as it was'
# Nor is the file that output or errors go to, by that or another name.
if [ -w /dev/stdout ]; then
    refuses 2 '/dev/stdout: output goes to this file' train quick $small \
        --epochs 1 --save /dev/stdout
    refuses 2 "$err: output goes to this file" train quick $small \
        --epochs 1 --save "$err"
fi
head -c 10000 "$memdial" >"$folder/binary.yaml"
refuses 2 "$folder/binary.yaml: not a YAML file" plan "$folder/binary.yaml"
: >"$folder/empty.yaml"
refuses 2 "$folder/empty.yaml: no settings in it" plan "$folder/empty.yaml"

# ... and in data files.
refuses 2 'data_path: not set; name the folder of the CIFAR-10 binary '\
'version (cifar-10-binary.tar.gz of www.cs.toronto.edu/~kriz/cifar.html' \
    train wrn-10-1
refuses 2 "data_path: $folder/none: No such file" \
    train wrn-10-1 --set data_path="$folder/none"
refuses 2 'no data_batch_1.bin, data_batch_2.bin' \
    train wrn-10-1 --set data_path="$folder"
mkdir "$folder/cifar"
for name in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 \
    test_batch; do
    head -c 30730000 /dev/zero >"$folder/cifar/$name.bin"
done
works train wrn-10-1 --epochs 1 --set data_path="$folder/cifar" $small
head -c 30729999 /dev/zero >"$folder/cifar/data_batch_3.bin"
refuses 2 'data_batch_3.bin' train wrn-10-1 --set data_path="$folder/cifar"
head -c 30730001 /dev/zero >"$folder/cifar/data_batch_3.bin"
refuses 2 'data_batch_3.bin' train wrn-10-1 --set data_path="$folder/cifar"

# Settings without effect are accepted, and named beside the plan.
run plan quick --set memory_budget=1MiB --set tf32=yes --json
[ $code = 0 ] && [ "$(wc -l <"$err")" = 2 ] && ! grep -q warning "$out" &&
    grep -qx 'memdial: warning: memory_budget=1048576 has no effect without'\
' checkpoint=optimal' "$err"
report $? 'plan warns of settings without effect'
run plan quick --set memory_budget=1GiB --set checkpoint=optimal
[ $code = 0 ] && [ ! -s "$err" ]
report $? '... and of no others'
works train quick --epochs 1 $small --set sparse_method=set
printed 'warning: sparse_method=set has no effect with sparsity=0'
works train quick --epochs 1 $small --set sparse_method=set --json
printed '{"type":"warning","message":"sparse_method=set has no effect'

# The user's own presets.
mkdir -p "$XDG_CONFIG_HOME/memdial/presets"
printf 'description: my own\nbatch: 3\n' \
    >"$XDG_CONFIG_HOME/memdial/presets/mine.yaml"
works presets
printed 'my own'
works plan mine
printed 'batch 3'

# The plan is the memory that is allocated, and used in the end.
works plan quick --json
[ "$(member peak_bytes)" -gt 0 ]
report $? '... peak_bytes'
works plan quick --json $small
arena=$(member arena_bytes)
works train quick --json --epochs 1 $small
printed "\"arena\":$arena,\"touched\":$arena"
for type in start memory step epoch done; do
    printed "{\"type\":\"$type\""
done

# The figures that the plan must give for the report's network.
works plan wrn-28-2 --set recompute=none --json
peak=$(member peak_bytes)
[ "$peak" -ge 399000000 ] && [ "$peak" -le 425000000 ]
report $? "... peak_bytes $peak is 399 to 425 MB"
works plan wrn-28-2 --set recompute=norms --json
peak=$(member peak_bytes)
[ "$peak" -gt 0 ] && [ "$peak" -le 225000000 ]
report $? "... peak_bytes $peak is at most 225 MB"
works plan wrn-28-2 --timeline --layers

# A peak that may have so many bytes, and one less.
works plan quick --json
peak=$(member peak_bytes)
works plan quick --assert-peak "$peak"
"$memdial" plan quick --json --assert-peak $((peak - 1)) >"$out" 2>"$err"
[ $? = 4 ] && grep -q "^memdial: the peak is $peak bytes, 1 more" "$err"
report $? "... one byte less is refused after the plan: $(cat "$err")"
refuses 2 "'8MB' is not a number of bytes" plan quick --assert-peak 8MB
refuses 2 "needs NAME=VALUE, not 'recompute'" plan --set recompute norms

# The plans that README shows.
lowest='plan wrn-28-2 --set recompute=norms --set checkpoint=optimal
    --set microbatch=10 --set precision=fp16 --set threads=2'
works plan wrn-28-2 --set recompute=norms --set threads=2 --set backend=cpu
sed -n 's/^    \([a-z]* *[0-9.]* [KM]iB .*\)/\1/p' "${srcdir:-.}/README.md" |
    sed 's/^arena.*//' >"$folder/shown"
[ "$(grep -cxFf "$folder/shown" "$out")" -ge 8 ] &&
    [ "$(grep -c . "$folder/shown")" = "$(grep -v '^$' "$folder/shown" |
        grep -cxFf "$out")" ]
report $? "... as README shows it"
for zeros in 0.7 0.9; do
    works $lowest --set sparsity=$zeros --set backend=cpu
    sed -n -e 's/^all *\([0-9.]* MiB\) .*/\1/p' \
        -e 's/.*per step, \([0-9.]*x\) the baseline.*/for \1/p' \
        "$out" >"$folder/shown"
    awk '/^[0-9.]*x less than/ { printf "%.0fx less\n", $1 }' "$out" \
        >>"$folder/shown"
    tr '\n' ' ' <"${srcdir:-.}/README.md" >"$folder/readme"
    while read -r figure; do
        grep -qF "$figure" "$folder/readme" || echo "README lacks $figure"
    done <"$folder/shown" >"$out"
    [ "$(wc -l <"$folder/shown")" = 3 ] && [ ! -s "$out" ]
    report $? "... as README says of it"
done

# The commands that fit prints train within the budget.
works fit quick --budget 3MiB
sed -n 's/^    memdial train/plan/p' "$out" >"$folder/rows"
[ -s "$folder/rows" ]
report $? "... prints commands"
grep -q '^change  *allocated .*time  *memory$' "$out" &&
    grep -q "^Time is .* multiple of the baseline's" "$out" &&
    grep -q 'storage: fewer bits; capacity: fewer weights' "$out"
report $? "... under heads, and says what a time and a change are"
for command in train fit sweep report; do
    works $command --help
    [ "$(wc -l <"$out")" -ge 2 ] && ! grep -q '.\{80\}' "$out" &&
        grep -q 'man memdial' "$out" && ! grep -q '[[][^]]*$' "$out"
    report $? "... in lines that a terminal has room for"
done
while read -r row; do
    works $row --json
    arena=$(member arena_bytes)
    [ "$arena" -le $((3 << 20)) ]
    report $? "... in $arena bytes"
done <"$folder/rows"
works fit quick --budget 3MiB --json
works fit quick --budget 3145728 --hold sparsity --hold precision --max-time 3x
! grep -q 'sparsity\|precision' "$out"
report $? "... turns no dial that is held"
refuses 3 'the least that the dials reach is' fit quick --budget 1KiB
refuses 3 'let go of microbatch, sparsity and recompute' fit quick --budget 1MiB \
    --hold microbatch --hold recompute --hold sparsity
refuses 3 "the baseline's time; raise it" fit quick --budget 3MiB --max-time 0.001
run fit quick --budget 7000000GiB
[ $code = 0 ] && grep -q 'warning: --budget: .* available' "$err"
report $? "... warns of a budget that the machine does not have"
refuses 2 '--budget is missing' fit quick
refuses 2 'nothing trains in 0 bytes' fit quick --budget 0
refuses 2 "'8MB' is not a number of bytes" fit quick --budget 8MB
refuses 2 "'-1' is not a number of bytes" fit quick --budget -1
refuses 2 "no dial to hold 'sparsty'; did you mean 'sparsity'?" \
    fit quick --budget 1MiB --hold sparsty
refuses 2 'fit does not turn lr' fit quick --budget 1MiB --hold lr
refuses 2 'is no factor above 0' fit quick --budget 1MiB --max-time 0
refuses 2 'is no factor above 0' fit quick --budget 1MiB --max-time nan

works fit quick --budget 2MiB --set "data_path=/tmp/my data; \`true\`"
printed "memdial train quick --set 'data_path=/tmp/my data; \`true\`' --set "
refuses 3 'raise it, or let go of memory_budget or checkpoint' fit quick \
    --budget 1GiB --set checkpoint=optimal --set memory_budget=1KiB \
    --hold checkpoint --hold memory_budget

# Seconds, once the machine is calibrated; what does not hold here is said.
timings=$XDG_CACHE_HOME/memdial/timings-cpu.json
rm -f "$timings"
works plan quick
printed 'time is not known: `memdial calibrate quick` measures this machine'
works plan quick --json
printed '"seconds": null'
works fit quick --budget 3MiB --json
printed '"seconds": null'
works calibrate quick --set batch=4 --seconds 0
printed 'calls measured in'
works plan quick --set batch=4
printed 's per step,'
printed 'samples per second'
works plan quick --json --set batch=4
printed '"measured": 0.9'
works fit quick --budget 3MiB --set batch=4
works calibrate quick --set batch=4 --seconds 0 --json
printed '"backend": "cpu"'
sed 's/"build":"[^"]*"/"build":"memdial 0"/' "$timings" >"$folder/other"
sed 's/"calls":.*/"calls":[]}/' "$timings" >"$folder/none"
cp "$folder/none" "$timings"
works plan quick
printed 'damaged timings; `memdial calibrate quick`'
cp "$folder/other" "$timings"
works plan quick
printed 'the timings are of another build of memdial; `memdial calibrate quick`'
head -c 1000 "$folder/other" >"$timings"
works plan quick
printed 'damaged timings; `memdial calibrate quick`'
works plan quick --set backend=cpu
printed 'damaged timings; `memdial calibrate quick --set backend=cpu`'
mkdir "$folder/file" && touch "$folder/file/memdial"
XDG_CACHE_HOME=$folder/file refuses 1 "$folder/file/memdial" calibrate quick \
    --set batch=4 --seconds 1000
works calibrate quick --set batch=4 --seconds 0.3 --set nesterov=no \
    --set gradients=accumulate
rm "$timings"
refuses 2 "'ten' is no number of seconds" calibrate quick --seconds ten
refuses 2 "'-1' is no number of seconds" calibrate quick --seconds -1
refuses 2 "'nan' is no number of seconds" calibrate quick --seconds nan

# The share of each layer, as text and as JSON; together they are the whole.
saving='--set checkpoint=sqrt --set sparsity=0.5 --set microbatch=10'
works plan quick --layers $saving
for title in saved recomp GFLOP 'peak %' parameters nonzeros weights result; do
    sed -n '/^layer /p' "$out" | grep -qF " $title"
    report $? "... has the column $title"
done
sed -n 's/^g1.b1.conv1  //p' "$out" >"$folder/layer"
works plan quick --layers --json $saving
awk -F '[:,]' '
    /^  "peak_bytes"/ || /^  "(parameters|nonzeros)"/ { whole[$1] = $2 }
    /^      "peak_bytes"/ { peak += $2 }
    /^      "nonzeros": [0-9]/ { nonzeros += $2 }
    /^      "parameters": [0-9]/ { parameters += $2 }
    /^      "recompute_flops"/ { again += $2 }
    /^      "flops"/ { flops += $2 }
    /^    "step"/ && !step { step = $2 } # the first is of "flops"
    END {
        exit !(peak == whole["  \"peak_bytes\""] &&
               nonzeros == whole["  \"nonzeros\""] &&
               parameters == whole["  \"parameters\""] &&
               flops > 0.999999 * step && flops < 1.000001 * step &&
               again > 0 && again < flops)
    }' "$out"
report $? '... whose layers add up to the whole'
grep -E '"(recompute_)?flops": [0-9]|_?step": [0-9]' "$out" >"$folder/counts"
[ -s "$folder/counts" ] && ! grep -qvE ': [0-9]+,?$' "$folder/counts"
report $? '... and whose counts are integers'
awk -F '[:,]' '
    /"layer": "g1.b1.conv1"/ { here = 1 }
    here && /"recompute_flops"/ { again = $2; here = 0 }
    here && /"flops"/ { flops = $2 }
    END { printf "%.3f  %7.3f\n", again / 1e9, flops / 1e9 }' "$out" \
    >"$folder/flops"
grep -qF -- "$(cat "$folder/flops")" "$folder/layer"
report $? "... and say the same as the text: $(cat "$folder/flops")"

# The output is plain text if it is not a terminal.
works train quick --epochs 1 $small
! LC_ALL=C grep -q '[^ -~]' "$out"
report $? '... without control characters'

# A snapshot continues the run; a damaged or foreign one is refused.
snapshot=$folder/snapshot
works train quick --epochs 1 $small --save "$snapshot"
works train quick --epochs 2 $small --load "$snapshot"
head -c 100000 "$snapshot" >"$folder/short"
refuses 2 "$folder/short" train quick $small --load "$folder/short"
{ head -c 200000 "$snapshot"; printf x; tail -c +200002 "$snapshot"; } \
    >"$folder/changed"
refuses 2 "$folder/changed" train quick $small --load "$folder/changed"
refuses 2 "$memdial" train quick $small --load "$memdial"
refuses 2 "$folder/none" train quick $small --load "$folder/none"
refuses 2 "$snapshot" train quick $small --set depth=16 --load "$snapshot"
refuses 1 "$folder/none/x" train quick $small --save "$folder/none/x"
refuses 2 'memdial: --save: the path is empty' train quick $small --save ''
refuses 2 'memdial: --load: the path is empty' train quick $small --load ''
refuses 2 '--worker: the command is empty' --plain --worker ' '

# A run that diverges says so, and leaves the snapshot before it.
long='--set epoch_samples=640 --set valid_samples=32 --set batch=32
    --set precision=fp16'
works train quick --epochs 1 $long --save "$snapshot"
cp "$snapshot" "$folder/good"
run train quick --json --epochs 2 $long --set lr=1000 --load "$snapshot" \
    --save "$snapshot"
[ $code = 1 ] && [ "$(wc -l <"$err")" = 1 ] &&
    grep -q 'training diverged; lower lr' "$err" &&
    tail -n 1 "$out" | grep -q '"type":"error",.*training diverged'
report $? 'a run that diverges ends with an error'
cmp "$snapshot" "$folder/good" >"$out" &&
    ! ls -A "$folder" | grep '[.]tmp$' >"$out"
report $? '... and the last good snapshot is as it was'
works train quick --epochs 2 $long --load "$snapshot"

# Where the time went.
works train quick --epochs 1 $small --profile
printed 'GFLOP/s and copies '
grep -q '^conv .* fp32 .*%.*3x3x' "$out"
report $? '... each operation in a row'
works train quick --epochs 1 $small --profile --json
tail -n 1 "$out" | grep '"type":"profile"' |
    grep -q '{"op":"conv_wgrad","dtype":"fp32","shapes":"[^"]*","calls":'
report $? '... or a line of JSON'
tail -n 1 "$out" | grep -oE '"(bytes|flops|calls)":[^,}]*' >"$folder/counts"
[ -s "$folder/counts" ] && ! grep -qvE ':[0-9]+$' "$folder/counts"
report $? '... whose counts are integers'

# Ctrl-C ends a run in order. A shell makes jobs in the background ignore that
# signal, so SIGTERM stands in for it.
begin /dev/null "$memdial" train quick --epochs 1000 $small --save "$snapshot"
comes '^epoch'
kill "$begun"
wait_for_end
code=$?
[ $code = 0 ] && [ ! -s "$err" ] && grep -q interrupted "$out"
report $? 'a run that is interrupted ends with a summary'
works train quick --epochs 1 $small --load "$snapshot"

# A terminal that goes away does not cost the snapshot either; nohup ignores it.
hang_up() { # COMMAND...: sends it SIGHUP when it trains
    begin /dev/null "$@" train quick --json --epochs 1000 $small \
        --save "$folder/hangup"
    comes '"type":"step"'
    kill -HUP "$begun"
}
hang_up "$memdial"
wait_for_end
[ $? = 0 ] && tail -n 1 "$out" | grep -q '"type":"done"' &&
    tail -n 2 "$out" | grep -q '"type":"saved"'
report $? 'a run whose terminal goes away leaves a snapshot'
works train quick --epochs 1 $small --load "$folder/hangup"
# A run that goes on names its step, and its memory after its first step, which
# may end an epoch.
printed ', on from step '
"$memdial" train quick --epochs 1000 $small --json --load "$folder/hangup" |
    grep -m 1 -B 1 -A 2 '"type":"step"' >"$out"
[ "$(sed -n 's/.*"arena":\([0-9]*\),"touched":\([0-9]*\),.*/\1 \2/p' "$out" |
    awk 'NR == 2 { print $1 == $2 }')" = 1 ]
report $? '... with the memory that it has touched'
hang_up nohup "$memdial"
comes . $(($(lines_with .) + 6)) && kill "$begun" && wait_for_end
report $? '... and goes on under nohup'

# A run that is at its end when it begins also writes a snapshot.
rm -f "$folder/again"
works train quick --epochs 1 $small --save "$folder/end"
works train quick --epochs 1 $small --load "$folder/end" \
    --save "$folder/again"
cmp "$folder/end" "$folder/again" >"$out"
report $? '... and is what was loaded'

# A limit on the size of files is an error of any command that writes, and costs
# no file that is there.
cp "$folder/end" "$folder/good"
(
    ulimit -f 8
    exec "$memdial" train quick --epochs 1 $small --save "$folder/end"
) >"$out" 2>"$err"
[ $? = 1 ] && grep -q 'File too large' "$err" && [ "$(wc -l <"$err")" = 1 ] &&
    cmp "$folder/end" "$folder/good" >>"$err"
report $? 'a snapshot larger than files may be is an error'
(
    ulimit -f 1
    exec "$memdial" plan wrn-28-2 --json --timeline >"$folder/large" 2>"$err"
)
[ $? = 1 ] && grep -q 'File too large' "$err"
report $? '... as is any other output'

# Files that are not regular, and files larger than any memory, are refused at
# once.
mkfifo "$folder/fifo.yaml"
refuses 2 'not a file but a pipe' plan "$folder/fifo.yaml"
refuses 2 'not a file but a pipe' train quick $small --load "$folder/fifo.yaml"
refuses 2 'not a file but a folder' train quick $small --load "$folder"
refuses 2 'not a file but a pipe' train quick $small \
    --save "$folder/fifo.yaml"
if truncate -s 200G "$folder/sparse.yaml" 2>/dev/null; then
    refuses 2 '214748364800 bytes' plan "$folder/sparse.yaml"
    refuses 2 'not a snapshot' train quick $small --load "$folder/sparse.yaml"
fi

if [ -w /dev/full ]; then
    "$memdial" settings >/dev/full 2>"$err"
    [ $? = 1 ] && [ "$(wc -l <"$err")" = 1 ]
    report $? 'output that can not be written is an error'
fi

echo "1..$count"
