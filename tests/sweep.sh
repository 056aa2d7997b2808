#!/bin/sh
# Sweeps of processes here: what they plan, the runs that they leave, how they
# are interrupted and go on, and what they refuse. Prints TAP.
. "${srcdir:-.}/tests/kept.sh"

sweep() { # CODE ARGUMENT...: shellcheck knows that $small is several words
    code=$1
    shift
    ends "$code" sweep quick $small "$@"
}

# FOLDER FOLDER: the runs of two sweeps have the same bits.
same_runs() {
    for run in "$1"/*/; do
        cmp "${run}snapshot.safetensors" \
            "$2/$(basename "$run")/snapshot.safetensors" || return 1
    done
}

# Plans.

sweep 0 --over sparsity=0,0.5 --over precision=fp32,bf16 --seeds 1,2,3 \
    --dry-run && says 'quick-sparsity-precision-seed: 12 runs of quick' &&
    says ' sparsity=0.5+precision=bf16+seed=3 ' && says 'MiB' &&
    says 'a guess, for this machine is not measured' && [ ! -e "$root" ]
report $? 'a plan has each combination, and makes nothing'

sweep 0 --over sparsity=0.5,0.50,0.7 --dry-run &&
    says '2 runs' && says '1 more is like another run'
report $? 'the same settings twice: said, and run once'

sweep 0 --over sparsity=0,0.5 --dry-run --json &&
    [ "$(wc -l <"$out")" = 1 ] && says '"type":"plan"' &&
    says '"settings":{"sparsity":0.5}' && says '"peak_bytes":'
report $? 'and as JSON'

# The peak is that of a plan.
ends 0 plan quick $small --set sparsity=0.5 --json
peak=$(sed -n 's/.*"peak_bytes": \([0-9]*\).*/\1/p' "$out")
sweep 0 --over sparsity=0.5 --dry-run --json && says "\"peak_bytes\":$peak,"
report $? 'bytes are those of memdial plan'

# Bad input.

sweep 2 && complains 'what do the runs differ in' &&
    sweep 2 --over sparcity=0.5 && complains "did you mean 'sparsity'" &&
    sweep 2 --over sparsity=0.5,2 && complains 'sparsity' &&
    sweep 2 --over sparsity= && complains 'a value is empty' &&
    sweep 2 --over sparsity=0,,1 && complains 'a value is empty' &&
    sweep 2 --over sparsity && complains 'NAME=VALUE' &&
    sweep 2 --over seed=1 --seeds 2 && complains 'twice'
report $? 'settings and values that are none: refused'

sweep 2 --over sparsity=0 --jobs 0 && complains '--jobs' &&
    sweep 2 --over sparsity=0 --jobs 2x && complains '--jobs' &&
    sweep 2 --over sparsity=0 --most 0 && complains '--most' &&
    sweep 2 --over sparsity=0 --name a/b && complains '--name' &&
    sweep 2 --over sparsity=0 --name "$(printf 'a\001')" &&
    complains '--name' && sweep 2 --over "$(printf 'a\033=1')" &&
    ! grep -q "$(printf '\033')" "$err" &&
    sweep 2 --over sparsity=0 --slurm="$(printf 'a\nb')" &&
    complains '--slurm' && sweep 2 --list x --front 1MiB &&
    complains 'one of them' && [ ! -e "$root" ]
report $? 'options that make no sense: refused'

seeds=$(seq -s , 2000)
sweep 2 --seeds "$seeds" --dry-run && complains '--most 2000' &&
    sweep 2 --seeds "$seeds" --over batch="$seeds" --dry-run &&
    complains 'too many' &&
    ends 0 sweep quick --seeds "$seeds" --most 2000 --dry-run --json
report $? 'thousands of runs only if they are asked for'

ends 2 sweep quick --over sparsity=0 --runs none && complains 'none' &&
    MEMDIAL_RUNS=none ends 2 sweep quick --over sparsity=0 &&
    complains MEMDIAL_RUNS &&
    ends 1 sweep quick --over sparsity=0 --runs /proc/nowhere &&
    grep -q /proc/nowhere "$err"
report $? 'runs that cannot be kept: refused'

# Lists.

cat >"$folder/some.list" <<'END'
# two ways, and none

baseline:
both: sparsity=0.5 precision=bf16
microbatch=1
END
ends 0 sweep quick $small --list "$folder/some.list" --seeds 1,2 --dry-run &&
    says 'quick-some-seed: 6 runs' && says ' baseline+seed=1 ' &&
    says ' both+seed=2 ' && says ' microbatch=1+seed=1 '
report $? 'a list of runs, and seeds of each'

bad_list() { # TEXT COMPLAINT
    printf "$1" >"$folder/bad.list"
    sweep 2 --list "$folder/bad.list" && complains "$2"
}
bad_list 'sparsity=0\nsparsty=1\n' 'bad.list:2' &&
    bad_list 'a: seed=1\na: seed=2\n' "another line is called 'a'" &&
    bad_list 'seed=1: seed=2\nseed=1\n' "called 'seed=1'" &&
    bad_list '' 'no line has settings' && bad_list 'seed=1\n\000' 'zero byte' &&
    bad_list 'a/b: seed=1\n' 'bad.list:1' &&
    bad_list 'seed=1\nslurm.sh: seed=2\n' 'bad.list:2' &&
    bad_list 'front.list: seed=1\n' 'a file of the sweep' &&
    bad_list 'slurm-1.log: seed=1\n' 'a file of the sweep' &&
    bad_list 'settings.yaml: seed=1\n' 'a file of the sweep' && sweep 2 --list "$folder" &&
    sweep 2 --list '' && sweep 2 --list "$folder/none.list"
report $? 'lists that are none: refused, by line'

bad_list 'seed=1\nall: batch=2 seed=1 batch=1\n' 'bad.list:2: batch is' &&
    printf 'batch=1\nseed=2\n' >"$folder/bad.list" &&
    sweep 2 --list "$folder/bad.list" --seeds 1,2 &&
    complains 'bad.list:2: seed is in --over too'
report $? 'a setting twice: refused, by line'

for file in front.list slurm.sh; do
    mkdir -p "$root/place/$file"
    sweep 2 --seeds 1,2 --name place && complains "$file: a folder is in" &&
        rmdir "$root/place/$file" && rmdir "$root/place" || break
done
[ ! -e "$root/place" ]
report $? 'a folder in the place of a file: said before runs have folders'
rm -rf "$root"

# Runs.

sweep 0 --over sparsity=0,0.5 --over precision=fp32,bf16 --seeds 1,2,3 \
    --name whole && says '12 of 12  ' && says '12 runs: 12 done' &&
    [ "$(ls "$root/whole" | wc -l)" = 12 ] &&
    [ "$(ls "$root/whole/sparsity=0+precision=fp32+seed=1" | wc -l)" = 3 ]
report $? 'twelve runs'

ends 0 train quick $small --set sparsity=0.5 --set precision=bf16 \
    --set seed=3 --name alone && cmp "$root/alone/snapshot.safetensors" \
    "$root/whole/sparsity=0.5+precision=bf16+seed=3/snapshot.safetensors"
report $? 'a run of a sweep has the bits of one alone'

sweep 0 --over sparsity=0,0.5 --over precision=fp32,bf16 --seeds 1,2,3 \
    --name whole && says '12 done' && ! says begins
report $? 'what is done is not done again'

sweep 0 --over sparsity=0,0.5 --over precision=fp32,bf16 --seeds 1,2,3 \
    --name beside --jobs 2 --set threads=1 --json &&
    [ "$(lines_with '"state":"done"')" = 12 ] &&
    says '"type":"end","interrupted":false' && says '"done":12' &&
    same_runs "$root/whole" "$root/beside"
report $? 'two at a time have the same bits'

# A run has ended before the next one begins.
one_by_one() {
    awk '/: begins/ { if (open++) exit 1 } /: done/ { open-- }' "$out"
}
sweep 0 --seeds 1,2,3 --name turns --jobs 3 --set threads="$(nproc)" &&
    says '3 done' && one_by_one
report $? 'no more at a time than processors allow'

# Arenas of 58 MiB, and what was measured of a process beside one.
if [ -n "${MEMDIAL_SANITIZED-}" ]; then
    report 0 'nor than memory # SKIP sanitizers take all addresses'
else
    (ulimit -v 140000 && ends 0 sweep quick $small --set batch=100 \
        --set epoch_samples=100 --set threads=1 --seeds 1,2,3 \
        --runs "$folder/little" --jobs 3) && says '3 done' && one_by_one
    report $? 'nor than memory allows'
fi

# Devices, emulated ones.
on_device() { # NAME=VALUE ARGUMENT...: two runs there, with a variable
    (
        MEMDIAL_CUDA_MODULE=$MEMDIAL_CUDA_EMULATED
        export MEMDIAL_CUDA_MODULE "${1?}"
        shift
        sweep 0 --seeds 1,2 --runs "$folder/device" --set backend=cuda \
            --set epochs=1 --set epoch_samples=2 "$@"
    ) && says '2 done'
}
if [ ! -e "${MEMDIAL_CUDA_EMULATED-}" ]; then
    report 0 'a device # SKIP no C++ compiler was found'
    report 0 'and its memory # SKIP no C++ compiler was found'
else
    on_device MEMDIAL_EMULATE_EXCLUSIVE="$folder/lock" --name alone
    report $? 'a device that lets one process in is left to the runs'

    # Two arenas would fit, and two processes do not.
    MEMDIAL_EMULATE_CONTEXT=100000000
    export MEMDIAL_EMULATE_CONTEXT
    on_device MEMDIAL_EMULATE_MEMORY=200000000 --name room --jobs 2 &&
        one_by_one
    report $? 'what a process takes of a device counts'
    unset MEMDIAL_EMULATE_CONTEXT
fi

# The runs are there for memdial runs.

ends 0 runs list whole --json && [ "$(lines_with '"state": "done"')" = 12 ] &&
    [ "$(lines_with '"preset": "quick"')" = 12 ] &&
    ends 0 runs list whole bf16 --csv && [ "$(wc -l <"$out")" = 7 ] &&
    ends 0 runs list && grep -q 'sweeps in' "$err" && grep -q whole "$err" &&
    ends 0 runs list "$root/whole" && [ "$(wc -l <"$out")" = 13 ]
report $? 'a sweep is listed by its name or path'

ends 0 runs show whole && says 'sparsity=0+precision=fp32+seed=1' &&
    ends 0 runs show whole/sparsity=0+precision=fp32+seed=1 &&
    says 'step            90 of 90' && ends 0 runs export whole &&
    [ "$(grep -c ',epoch,90,valid_loss,' "$out")" = 12 ]
report $? 'and shown and exported'

ends 2 report -o "$folder/none.html" --filter seed=77 &&
    complains 'no run of' && complains whole &&
    ends 0 report -o "$folder/one.html" --filter seed=3 &&
    complains whole && ends 0 runs list --filter seed=77 &&
    grep -q 'lists the runs of one' "$err"
report $? 'whoever finds no run is told of sweeps'

run=sparsity=0.5+precision=bf16+seed=3
ends 2 runs show $run && complains "whole/$run" &&
    ends 2 runs show whole/sparsity=0.5+precision=b && complains 'stands for 3' &&
    ends 0 runs list --runs "$root/whole" bf16 &&
    cp -r "$root/whole/$run" "$root/whole/other" &&
    ends 0 runs show whole/oth && rm -r "$root/whole/other" &&
    mkdir "$root/single" && cp "$root/whole/$run"/* "$root/single" &&
    ends 0 runs export single beside && says "beside/$run,step,90,loss," &&
    [ "$(grep -c ',epoch,90,valid_loss,' "$out")" = 13 ] && says 'single,step' &&
    ends 0 runs export "beside/sparsity=0.5+precision=bf16+seed=3" &&
    says "beside/$run,step" && rm -r "$root/single"
report $? 'a run of a sweep is named with it'

# Left to the machine, threads are those that a sweep has asked for.

ends 0 train quick --set batch=2 --set epoch_samples=60 --set valid_samples=2 \
    --set epochs=3 --name left >"$folder/x" &&
    ends 0 sweep quick --set batch=2 --set epoch_samples=60 \
        --set valid_samples=2 --set epochs=3 --seeds 1 --name chosen &&
    ends 0 runs diff left chosen/seed=1 && says 'the same settings' &&
    ends 0 runs diff left chosen/seed=1 --json && ! says '"threads"' &&
    ends 0 report left chosen -o "$folder/both.md" &&
    ! grep -E '^\| *[AB].*(threads|backend)=' "$folder/both.md"
report $? 'a sweep and a run have the same settings'

sweep 0 --over sparsity=0,0.5 --over precision=fp32,bf16 --seeds 1,2,3 \
    --name whole --dry-run && says 'all 12 are done'
report $? 'a plan of runs that are done says so'

long='--over momentum=0.9 --over nesterov=no --over valid_samples=2,4
    --over gradients=buffer --over precision=fp32'
sweep 0 $long --dry-run && [ "$(grep -c '^  momentum=.*fp32$' "$out")" = 2 ] &&
    [ "$(awk '/MiB|KiB/ { print length }' "$out" | sort -u | wc -l)" = 1 ]
report $? 'long names leave the figures in their columns'

ends 0 runs list whole && ! says ' ...' && ! says 'all have' &&
    [ "$(lines_with epoch_samples=60)" = 12 ]
report $? 'for a program changes are whole'
if command -v script >/dev/null; then
    script -qec "stty cols 160; $memdial runs list whole" /dev/null \
        </dev/null >"$out" 2>"$err" && ! says ' ...' &&
        [ "$(lines_with epoch_samples=60)" = 1 ] &&
        grep -q '^all have .*epoch_samples=60' "$out" &&
        [ "$(lines_with ' precision=bf16')" = 6 ]
    report $? 'on a terminal those of all runs are said once'
    script -qec "stty cols 80; $memdial runs list whole" /dev/null \
        </dev/null >"$out" 2>"$err" && [ "$(lines_with 'iB')" = 12 ] &&
        ! tr -d '\r' <"$out" | grep -v '^all have' | grep -q '.\{80\}'
    report $? 'and a narrow one has room for the lines'
else
    report 0 'common changes # SKIP no script'
    report 0 'room for lines # SKIP no script'
fi

# Interrupted, and gone on with.

begin /dev/null "$memdial" sweep quick $small --set epochs=40 \
    --over sparsity=0,0.5 --seeds 1,2 --name cut
comes '2 of 4  .*: begins' && eventually [ -s \
    "$root/cut/sparsity=0+seed=2/snapshot.safetensors" ] &&
    kill -HUP "$begun"
wait_for_end
[ $? = 1 ] && says 'stopped' && says 'the same command goes on' &&
    [ "$(ls "$root/cut" | wc -l)" = 4 ] && ends 0 runs list cut &&
    says stopped && says empty && ! says running
report $? 'a signal ends the run under way in order'

begin /dev/null "$memdial" sweep quick $small --set epochs=40 \
    --over sparsity=0,0.5 --seeds 1,2 --name cut
comes 'seed=2: goes on from step' && kill -TERM "$begun"
wait_for_end
[ $? = 1 ] && says 'seed=2: goes on from step' && ! says 'seed=1: begins'
report $? 'it goes on where it was, and ends on SIGTERM too'

begin /dev/null "$memdial" sweep quick $small --set epochs=40 \
    --over sparsity=0,0.5 --seeds 1,2 --name cut --json
comes '"state":"running"' && sleep 0.3 && kill -9 "$begun"
wait "$begun" 2>/dev/null
begun=
no_run_lives() {
    ends 0 runs list cut && ! says running
}
eventually no_run_lives && sweep 0 --set epochs=40 --over sparsity=0,0.5 \
    --seeds 1,2 --name cut && says '4 done' &&
    sweep 0 --set epochs=40 --over sparsity=0,0.5 --seeds 1,2 \
        --name uncut --jobs 2 && same_runs "$root/cut" "$root/uncut"
report $? 'killed, its runs end; and go on to the bits of an unbroken sweep'

# A process that is killed.

begin /dev/null "$memdial" sweep quick $small --set epochs=40 --seeds 1,2 \
    --name dead
comes '"\{0,1\}seed=1: begins' && eventually [ -s \
    "$root/dead/seed=1/snapshot.safetensors" ] &&
    pid=$(sed -n '1s/.*"pid":\([0-9]*\).*/\1/p' \
        "$root/dead/seed=1/events.jsonl") && kill -9 "$pid"
wait_for_end
[ $? = 1 ] && says 'seed=1: failed: its process was ended by signal 9' &&
    says 'seed=2: done' && says '1 done, 1 failed' && says --retry &&
    ends 0 runs list dead --json && says 'signal 9'
report $? 'a run that is killed fails, and the rest goes on'

ends 1 sweep quick $small --set epochs=40 --seeds 1,2 --name dead &&
    says 'failed: its process was ended by signal 9' && ! says 'goes on from' &&
    ends 0 sweep quick $small --set epochs=40 --seeds 1,2 --name dead \
        --retry && says 'goes on from step' && says '2 done'
report $? 'and is tried again only if that is asked for'

# What a run warns of, and folders that vanish.

begin /dev/null "$memdial" sweep quick $small --set epochs=400 --seeds 1 \
    --name vanish
comes 'seed=1: begins' && eventually [ -s \
    "$root/vanish/seed=1/snapshot.safetensors" ] && rm -r "$root/vanish" &&
    comes 'seed=1: warning: ' && kill "$begun"
wait_for_end
[ $? = 1 ] && [ "$(lines_with 'is gone')" = 1 ] &&
    ! says 'command goes on' && ! says shows
report $? 'a root that vanishes: warned of, and said to be gone'

# Runs that fail, and that are refused.

ends 1 sweep quick $small --over data=shapes,cifar10 --name lack &&
    says 'data=cifar10: failed: data_path' && says 'data=shapes: done' &&
    ends 0 runs list lack --json --filter state=failed && says data_path &&
    ends 1 sweep quick $small --over data=shapes,cifar10 --name lack &&
    says 'failed: data_path' && ! says 'cifar10: begins' &&
    ends 1 sweep quick $small --over data=shapes,cifar10 --name lack --retry &&
    says 'cifar10: begins'
report $? 'a run that cannot begin says why'

ends 1 sweep quick $small --over nesterov=no,yes \
    --over gradients=buffer,accumulate --name clash &&
    says '4 runs' &&
    grep -q 'yes+gradients=accumulate  *-  *-  *-  refused: ' "$out" &&
    says '3 done, 1 refused' && [ "$(ls "$root/clash" | wc -l)" = 3 ]
report $? 'settings that do not go together: refused, and the rest goes on'

# Other settings in the same place.

ends 2 sweep quick $small --set lr=0.5 --over sparsity=0,0.5 \
    --over precision=fp32,bf16 --seeds 1,2,3 --name whole &&
    complains 'another --name' && sweep 0 --over sparsity=0,0.5 \
    --over precision=fp32,bf16 --seeds 1,2,3,4 --name whole &&
    says '16 runs: 16 done' && [ "$(lines_with ': begins')" = 4 ]
report $? 'a folder of other settings: refused; more values: added'

ends 0 train quick $small --name solo && ends 2 sweep quick $small \
    --seeds 1,2 --name solo && complains 'solo: is the folder of a run' &&
    [ "$(ls "$root/solo" | wc -l)" = 3 ]
report $? 'the folder of a run: refused, and left as it is'

# A Slurm that does not answer is asked before anything is written; settings of
# runs that never began are in nobody's way.

mkdir "$folder/bin" && printf '#!/bin/sh\necho squeue: fatal >&2\nexit 1\n' \
    >"$folder/bin/squeue" && chmod +x "$folder/bin/squeue" &&
    PATH="$folder/bin:$PATH" sweep 1 --seeds 1,2 --name deaf --slurm &&
    grep -q 'squeue: fatal' "$err" && [ ! -e "$root/deaf" ]
report $? 'without Slurm nothing is written'

printf '#!/bin/sh\nexit 0\n' >"$folder/bin/squeue" &&
    printf '#!/bin/sh\nexit 1\n' >"$folder/bin/sbatch" &&
    chmod +x "$folder/bin/sbatch" &&
    PATH="$folder/bin:$PATH" sweep 1 --seeds 1,2 --name deaf --slurm &&
    [ -s "$root/deaf/seed=2/settings.yaml" ] &&
    sweep 0 --seeds 1,2 --name deaf --set epoch_samples=40 &&
    says '2 done' && grep -q 'epoch_samples: 40' \
        "$root/deaf/seed=2/settings.yaml"
report $? 'runs that never began take other settings'

# A sweep is removed as a whole, or not at all.

sweep 0 --seeds 1,2 --name waste && touch "$root/waste/slurm-1.log" &&
    cp -r "$root/waste/seed=1" "$folder/kept" &&
    ln -s "$folder/kept" "$root/waste/link" &&
    ends 2 runs rm waste && complains 'waste/link' &&
    [ -s "$root/waste/seed=2/events.jsonl" ] && rm "$root/waste/link" &&
    ln -s waste "$root/linked" && ends 2 runs rm linked &&
    complains 'a link' && ends 2 runs rm "$root/linked" &&
    complains 'a link' && rm "$root/linked" &&
    ends 2 runs rm . --runs "$root/waste" && ends 2 runs rm "$root/waste" \
        --runs "$root/waste" && complains 'the folder of all runs' &&
    ends 0 runs rm waste && [ ! -e "$root/waste" ] &&
    [ -s "$folder/kept/events.jsonl" ]
report $? 'a sweep is removed with its runs; links are not followed'

mkdir "$root/spent" && touch "$root/spent/slurm.sh" && ends 0 runs list &&
    ! grep -q 'no run' "$err" && ends 0 runs rm spent &&
    [ ! -e "$root/spent" ]
report $? 'nobody is told of a sweep without runs'

# Two at once.

begin /dev/null "$memdial" sweep quick $small --set epochs=4000 --seeds 1,2 \
    --name busy
comes begins && out=$folder/out && err=$folder/err &&
    ends 2 sweep quick $small --set epochs=4000 --seeds 1,2 --name busy &&
    complains 'another process works on this sweep' &&
    ends 2 runs rm busy && complains busy && [ -d "$root/busy/seed=2" ]
refused=$?
[ -n "$begun" ] && kill "$begun" && wait_for_end
[ $refused = 0 ]
report $? 'two sweeps of one folder: refused'

# Rows of fit.

ends 0 sweep quick $small --front 1MiB,2MiB --name front --dry-run --json &&
    ends 0 sweep quick $small --front 1MiB,2MiB --name front --set epochs=1 &&
    [ -s "$root/front/front.list" ] && ends 0 calibrate quick --seconds 1 &&
    ends 0 sweep quick $small --front 1MiB,2MiB --name front --set epochs=1 &&
    ! says begins && sweep 3 --front 1KiB && complains 'nothing trains in' &&
    sweep 2 --front x && complains 'not a number of bytes'
report $? 'rows of fit are kept when timings change'

# Rows depend on timings; without timings they give precision on any machine.
rm -r "$XDG_CACHE_HOME/memdial" &&
    sweep 2 --front 1MiB,2MiB --over precision=fp32,bf16 --dry-run &&
    complains '--over: rows of --front give precision' &&
    complains 'leave precision out' &&
    sweep 0 --front 1MiB,2MiB --seeds 1,2 --dry-run
report $? 'values of --over take none from rows of fit'

# Disks.

if mkdir "$folder/disk" && mount -t tmpfs -o size=64k none "$folder/disk" \
        2>/dev/null; then
    sweep 1 --seeds 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20 \
        --runs "$folder/disk" && grep -q 'No space left' "$err" && ! says begins
    report $? 'a full disk: said before the first run'
    mount -o remount,ro,size=8m "$folder/disk"
    sweep 1 --seeds 1 --runs "$folder/disk" --name new &&
        grep -q 'Read-only' "$err"
    report $? 'a disk that is read alone'
    umount "$folder/disk"
else
    report 0 'a full disk # SKIP no file system can be mounted'
    report 0 'a disk that is read alone # SKIP no file system can be mounted'
fi

# The report's tables.

for list in wrn dynamicconv; do
    preset=wrn-28-2
    [ $list = wrn ] || preset=dynamicconv
    ends 0 sweep $preset --list "${srcdir:-.}/bench/$list.list" --dry-run &&
        says '10 runs' && ! says refused
    report $? "all of bench/$list.list goes together"
done

SET='batch=20 epochs=1 epoch_samples=20 valid_samples=20 data=shapes depth=10
    width=1' MEMDIAL=$memdial timeout $patience \
    sh "${srcdir:-.}/bench/reproduce" "$folder" "$folder/report" 2 >"$out" \
    2>"$err" && says '10 runs: 10 done' && [ "$(lines_with ' done | 1 |')" = 10 ]
report $? 'bench/reproduce makes a table'

# The script of a cluster needs no cluster.

sweep 0 --seeds 1,2,3 --slurm='--partition=a b' --jobs 2 --dry-run \
    --set threads=2 --runs "$folder/with space" &&
    says '#SBATCH --array=1-3%2' && says '#SBATCH --cpus-per-task=2' &&
    says '#SBATCH --mem=' && says '#SBATCH --requeue' && ! says gres &&
    says '#SBATCH --partition=a b' && says "2) run='seed=2'" &&
    sed -n '/^#!/,$p' "$out" >"$folder/script" && sh -n "$folder/script" &&
    [ ! -e "$folder/with space" ] &&
    sweep 0 --seeds 1 --slurm --dry-run --set backend=cuda &&
    says '#SBATCH --gres=gpu:1' &&
    sweep 2 --seeds 1 --slurm --dry-run --set backend=cuda:1 &&
    complains 'the device that Slurm gives'
report $? 'a script for Slurm'

# What programs of Slurm may say, by some in their place.

fake() { # PROGRAM TEXT: a script that stands for it
    mkdir -p "$folder/fake"
    printf '#!/bin/sh\n%s\n' "$2" >"$folder/fake/$1"
    chmod +x "$folder/fake/$1"
}
cluster() { # CODE ARGUMENT...: a sweep of one run there
    code=$1
    shift
    PATH=$folder/fake:$PATH sweep "$code" --seeds 1 --slurm --name cluster "$@"
}
queue=$folder/queue
submitted=$folder/submitted

fake squeue "cat $queue"
fake sbatch "touch $submitted; echo 7"
refused=0
for line in 'no queue\n' '7|1|RUNNING|None\n' '7|1|RUNNING|None|/x' \
        '|1|RUNNING|None|/x\n' '7|N/B|RUNNING|None|/x\n' \
        '7|1||None|/x\n'; do
    printf "8|N/A|PENDING|None|/x\n$line" >"$queue"
    cluster 1 && complains 'is not the line of a job' || refused=1
done
[ $refused = 0 ] && [ ! -e "$submitted" ]
report $? 'a queue that cannot be read: said, and nothing is submitted'

# Asked again where jobs are watched: the third answer is none.
fake squeue "echo >>$queue
case \$(wc -l <$queue) in
1|2) echo '7|1|RUNNING|None|$root/cluster' ;;
3) echo oops ;;
*) echo '7|1|COMPLETED|None|$root/cluster' ;;
esac"
rm "$queue"
cluster 1 && says '1 run is in the queue already' &&
    says "squeue: 'oops' is not the line of a job; it is asked again" &&
    says 'its job ended without a word; Slurm says COMPLETED'
report $? 'and asked again'

: >"$queue"
fake squeue "cat $queue"
fake sbatch 'echo 99999999999999999999'
cluster 1 && complains 'sbatch: it names no job' &&
    fake sbatch 'exit 3' && cluster 1 &&
    complains 'sbatch: ended with status 3' &&
    fake squeue 'kill -9 $$' && cluster 1 &&
    complains 'squeue: ended by signal 9'
report $? 'numbers of no job, and ends without a word'

# Jobs that wait when their sweep is left, for another command.
waits() { # ARGUMENT...: returns the exit code
    PATH=$folder/fake:$PATH timeout -s TERM 3 "$memdial" sweep quick $small \
        --slurm --name waits "$@" >"$out" 2>"$err"
}
: >"$queue"
fake squeue "cat $queue"
fake sbatch 'for script; do :; done
for tasks in $(sed -n "s/^#SBATCH --array=//p" "$script" | tr , " "); do
    seq "${tasks%-*}" "${tasks#*-}" |
        sed "s,.*,7|&|PENDING|None|$(dirname "$script"),"
done >>'"$queue"'
echo 7'
waits --seeds 1,2
waits --seeds 3
waits --seeds 1,2,3
says '3 runs are in the queue already' && [ "$(wc -l <"$queue")" = 3 ] &&
    [ "$(sort -u "$queue" | wc -l)" = 3 ]
report $? 'jobs of all commands are known'

cp "$root/waits/seed=2/settings.yaml" "$folder/before"
waits --seeds 2 --set lr=0.5
[ $? = 2 ] && complains 'waits to train it with other settings' &&
    cmp -s "$root/waits/seed=2/settings.yaml" "$folder/before"
report $? 'a job that waits keeps its settings'

PATH=$folder/fake:$PATH ends 1 sweep quick $small --seeds 2 --name waits &&
    says '1 under way elsewhere' && [ ! -e "$root/waits/seed=2/events.jsonl" ]
report $? 'and its run'

ends 0 runs diff waits/seed=1 waits/seed=3 && grep -q '^seed  *1  *3$' "$out" &&
    ends 0 runs tag waits/seed=2 first && : >"$queue" &&
    PATH=$folder/fake:$PATH ends 0 sweep quick $small --seeds 2 --name waits &&
    ends 0 runs list waits && grep -q '^seed=2  *done  *first ' "$out"
report $? 'runs that have not begun are compared, and labelled'

mkdir "$folder/far" && ln -s "$folder/far" "$folder/near" &&
    ends 0 sweep quick $small --seeds 1 --slurm --dry-run \
        --runs "$folder/near/new/root" &&
    says "chdir=\"$folder/far/new/root/quick-seed\""
report $? 'a root has one path, before it is made too'

ends 0 sweep quick $small --seeds 1 --name 'big; sweep' &&
    says "memdial runs list 'big; sweep' shows the runs" &&
    ends 2 sweep quick $small --seeds 1 --name 'big; sweep' --set lr=0.5 &&
    complains "runs rm '$root/big; sweep'" &&
    ends 0 runs show 'big; sweep/seed=1' &&
    says "memdial train '$root/big; sweep/seed=1/settings.yaml'"
report $? 'commands that are shown can be run'

echo "1..$count"
