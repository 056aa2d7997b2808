#!/bin/sh
# Runs that are kept: where, the words on them, and those that are refused.
# Prints TAP.
. "${srcdir:-.}/tests/kept.sh"

train() { # CODE ARGUMENT...: shellcheck knows that $small is several words
    code=$1
    shift
    ends "$code" train quick $small "$@"
}

# Where runs are kept.

train 0 --name one && [ -s "$root/one/events.jsonl" ] &&
    [ -s "$root/one/settings.yaml" ] &&
    [ -s "$root/one/snapshot.safetensors" ] &&
    [ "$(ls -A "$root/one" | wc -l)" = 3 ] && says "kept $root/one"
report $? 'a run is three files in a folder of its name'

(unset MEMDIAL_RUNS && train 0) && ls "$XDG_DATA_HOME/memdial/runs" |
    grep -q '^20[0-9]*-[0-9]*-quick$'
report $? 'without a word it is below XDG_DATA_HOME, by date and preset'

train 0 --runs "$folder/option" --name two && [ -d "$folder/option/two" ] &&
    [ ! -e "$root/two" ]
report $? '--runs wins over MEMDIAL_RUNS'

train 0 --runs none && ! says kept && MEMDIAL_RUNS=none train 0 &&
    [ ! -e none ] && [ "$(ls "$root")" = one ]
report $? 'none keeps none'

train 2 --runs none --name x && complains 'no runs are kept' &&
    MEMDIAL_RUNS=none train 2 --name x && ends 2 train --resume one \
        --runs none && complains 'says none; --runs names a folder' &&
    ends 2 plan quick --baseline one --runs none && complains 'says none' &&
    ends 0 plan quick $small --baseline "$root/one" --runs none
report $? 'and has none to go on with, or to give a name to'

# The name is cut for the description, and not within a letter.
long=a$(printf 'é%.0s' 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 \
    8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5)
train 0 --name "$long" --runs "$folder/option" && ! complains warning &&
    [ -s "$folder/option/$long/settings.yaml" ]
report $? 'a long name of letters of two bytes'

(cd "$folder" && memdial=$(cd "$OLDPWD" && realpath "$memdial") &&
    train 0 --runs relative --name far --json) &&
    grep -q "\"folder\":\"$folder/relative/far\"" "$out"
report $? 'a root that is new, by a path from here'

# Names.

train 2 --name one && complains 'a run of this name is there already'
report $? 'two runs of one name: refused'

refused=0
for name in a/b ../up .hidden -dash '' ' space' "$(printf 'a\001b')" \
        "$(printf 'a\nb')" "$(printf '%0101d' 0)"; do
    train 2 --name "$name" && complains '--name: ' || refused=1
done
[ $refused = 0 ] && [ "$(ls -A "$root")" = one ]
report $? 'names that are paths, or that no line can show: refused'

train 0 --name 'größer als 1' && ends 0 runs show größer && says 'als 1: done'
report $? 'a name of several words'

# A second run in the same second.
MEMDIAL_RUNS=$folder/same
for i in 1 2 3 4; do
    begin /dev/null "$memdial" train quick $small --set epochs=1
    all="${all-} $begun"
done
for i in $all; do
    wait "$i"
done
begun=
MEMDIAL_RUNS=$root
[ "$(ls "$folder/same" | wc -l)" = 4 ]
report $? 'runs that begin at once have names of their own'

# Lists.

ends 0 runs && says one && says 'done' && [ ! -s "$err" ]
report $? 'runs are listed'

mkdir "$root/other" && echo >"$root/other/file" && echo >"$root/file" &&
    ends 0 runs list &&
    complains '1 folder in' && ! says other
report $? 'a folder that is no run is said, and a file is not'

ends 0 runs list --json --filter 'peak<3MiB' --filter batch=2 one &&
    says '"name": "one"' && says '"state": "done"' && says '"batch": 2' &&
    ends 0 runs list --json --filter 'peak>3MiB' && [ "$(cat "$out")" = '[]' ]
report $? 'conditions on columns and settings, and words'

ends 0 runs list --filter 'peak>3GiB' strange &&
    grep -qxF "memdial: no run of 2 meets --filter peak>3GiB 'strange'" "$err"
report $? 'conditions that no run meets are said'

ends 2 runs list --filter peek=1 && complains "did you mean 'peak'" &&
    ends 2 runs list --filter peak && complains 'not a condition' &&
    ends 2 runs list --filter 'score>' && complains 'not a condition' &&
    ends 2 runs list --filter 'peak<abc' && complains 'not a number' &&
    ends 2 runs list --filter 'step<5x' && complains 'not a number' &&
    ends 2 runs list --filter 'score>2O%' && complains 'not a number' &&
    ends 2 runs list --sort nothing && complains 'there are name, state'
report $? 'conditions and columns that are none: refused'

ends 0 runs list --csv --sort -name && [ "$(wc -l <"$out")" = 3 ] &&
    head -n 1 "$out" | grep -q '^name,state,' &&
    tail -n 1 "$out" | grep -q '^größer als 1\|^one,done'
report $? 'CSV, in the order of a column'

ends 0 runs list --runs "$folder/nowhere" && complains 'no runs in' &&
    ends 0 runs list --runs "$folder/nowhere" --json &&
    [ "$(cat "$out")" = '[]' ]
report $? 'a root that is not there has no runs'

ends 1 runs list --runs "$root/file" && complains 'Not a directory'
report $? 'a root that is a file: refused'

ends 2 runs lst && complains "did you mean 'list'" &&
    ends 2 runs list --older 3d && complains 'not an option of it' &&
    ends 2 runs show && complains 'words are missing; usage: memdial' &&
    ends 2 runs show none && complains "no run 'none'"
report $? 'commands and options that are none: refused'

# One run.

ends 0 runs show one && says 'step            90 of 90' &&
    says 'activations' && says "memdial train $root/one/settings.yaml" &&
    ends 0 runs show "$root/one" && ends 0 runs show on
report $? 'a run is shown, by its name, path or a beginning'

ends 0 runs show one --json && says '"kinds": {' && says '"trials": [' &&
    says '"valid_scores": ['
report $? 'and as JSON'

without=
command -v python3 >/dev/null || without=' # SKIP no Python'
[ -n "$without" ] || {
    train 0 --name scored --set epochs=9 &&
        train 0 --name wide --set batch=5 &&
        ends 0 train --resume wide --epochs 4 --json &&
        python3 - "$memdial" <<'END' >>"$out"
import json, subprocess, sys
def runs(*words):
    return json.loads(subprocess.check_output([sys.argv[1], "runs", *words,
                                               "--json"]))
listed = runs("list")
assert len(listed) >= 4
for run in listed:
    shown = runs("show", run["name"])
    differ = {k: (v, shown[k]) for k, v in run.items() if v != shown[k]}
    print(run["name"], differ)
    assert not differ and run["step_seconds"] > 0 and run["seconds"] > 0
    assert shown["trials"][-1]["step_seconds"] == run["step_seconds"]
END
}
report $? "a list and a run that is shown have the same values$without"

train 0 --name online --set precision=bf16 && ends 2 runs show on &&
    complains "stands for 2 runs: on"
report $? 'a beginning of two names: refused'

ends 0 runs diff one online && says precision && says activations &&
    ends 0 runs diff one online --json &&
    says '"precision": [' && says '"kinds": [' &&
    ends 0 runs diff one online && grep -q '^step_seconds.* m\?s ' "$out" &&
    grep -q '^valid_accuracy.*%' "$out" && ends 0 runs show one &&
    grep -q '^step_seconds.* m\?s$' "$out" &&
    grep -q '^valid_accuracy.*[.][0-9][0-9]*%$' "$out" &&
    train 0 --name 'a name that is longer than any column of a diff' &&
    ends 0 runs diff 'a name' one &&
    head -n 1 "$out" | grep -q '^ *a name.* diff  *one$' &&
    [ "$(awk '{ print length }' "$out" | sed -n 1p)" = \
        "$(sed -n '/^state/p' "$out" | awk '{ print length }')" ] &&
    ends 0 runs rm 'a name'
report $? 'two runs, side by side'

ends 0 runs export one online && says 'one,step,90,loss,' &&
    says 'online,epoch,90,valid_accuracy,' && says 'one,memory,' &&
    ends 0 runs export one --json && says '{"run":"one","type":"start"'
report $? 'every number of two runs'

# JQ and this program say the same.
kept=$(grep -c '"type":"epoch"' "$root/one/events.jsonl")
ends 0 runs export one && [ "$(grep -c ',valid_loss,' "$out")" = "$kept" ]
report $? 'an export has all epochs'

# Labels.

ends 0 runs name one 'the first' && ends 0 runs tag one a 'b c' &&
    ends 0 runs show 'the first' && says 'label           the first' &&
    says 'tags            a b c' && ends 0 runs list && says 'the first' && ends 0 runs tag one a --remove &&
    ends 0 runs list --json --filter 'tags=b c' && says '"name": "one"' &&
    ends 0 runs list --json --filter tags=a && [ "$(cat "$out")" = '[]' ]
report $? 'names and tags'

ends 2 runs tag one "$(printf 'a\033b')" && complains 'cannot be shown' &&
    ends 2 runs name one "$(printf '%065d' 0)" && complains '1 to 64 bytes'
report $? 'labels that no line can show: refused'

# Going on.

train 0 --epochs 60 --name whole && begin /dev/null "$memdial" train quick \
    $small --epochs 60 --name cut --json
comes '"type":"saved"' && kill -9 "$begun"
wait "$begun" 2>/dev/null
begun=
ends 0 runs list cut --json && says '"state": "aborted"'
report $? 'a run that was killed is aborted'

ends 0 train --resume cut --json && says '"type":"start"' &&
    cmp "$root/whole/snapshot.safetensors" "$root/cut/snapshot.safetensors" &&
    ends 0 runs list cut --json && says '"state": "done"' &&
    says '"step": 1800'
report $? 'and goes on to the same bits'

# Both find a run that has ended.
rm -rf "$folder/before" && mkdir "$folder/before" &&
    cp -r "$root/cut" "$folder/before/cut"
"$memdial" train --resume cut --runs "$folder/before" --epochs 3000 --json \
    >"$folder/one.out" 2>"$folder/one.err" &
first=$!
"$memdial" train --resume cut --runs "$folder/before" --epochs 3000 --json \
    >"$folder/other.out" 2>"$folder/other.err" &
second=$!
eventually grep -q '"type":"start".*"step":1800,' \
    "$folder/before/cut/events.jsonl" &&
    eventually grep -q 'not continued: ' "$folder/one.err" "$folder/other.err"
one=$?
kill -TERM "$first" "$second" 2>/dev/null
wait "$first" "$second"
[ "$one" = 0 ] && [ "$(cat "$folder/one.err" "$folder/other.err" | wc -l)" = 1 ] &&
    [ "$(grep -c '"type":"start".*"step":1800,' \
        "$folder/before/cut/events.jsonl")" = 1 ]
report $? 'of two that go on with a run at once one does'

cp -r "$root/cut" "$folder/cut" && ends 2 train --resume cut --json &&
    complains 'all its epochs are trained, 60' && complains '--epochs N' &&
    ends 2 train --resume cut --epochs 60 && complains 'nothing is left' &&
    echo '{"command":"start","resume":"'"$root/cut"'"}' | "$memdial" worker |
    grep -q '"type":"refused".*nothing is left' &&
    diff -r "$folder/cut" "$root/cut"
report $? 'a run that is done has nothing to go on with, and stays as it is'

ends 0 train --resume cut --epochs 61 && cp "$out" "$folder/said" &&
    ends 0 runs show cut && says 'step            1830 of 1830' &&
    says '  from epoch 60 on: epochs=61' && ! says '?' &&
    best=$(sed -n 's/^best validation  *\([0-9.]*%\).* epoch /\1 /p' "$out") &&
    [ "$(sed -n 's/^best validation.* \([0-9.]*%\), in epoch /\1 /p' \
        "$folder/said")" = "$best" ] && [ "$best" ]
report $? 'but with more epochs; its best epoch is any that it has had'

ends 2 train quick --resume cut && complains 'not with --resume' &&
    ends 2 train --resume cut --name x && complains 'not with --resume' &&
    ends 2 train --take-over && complains '--resume RUN too' &&
    ends 2 train --resume nowhere && complains "no run 'nowhere'" &&
    ends 2 train --resume "$root/other" && complains 'not the folder of a run'
report $? 'ways of going on that make no sense: refused'

begin /dev/null "$memdial" train quick $small --set epochs=100000 --name on \
    --json
comes '"type":"saved"' && ends 2 train --resume on &&
    complains 'it is under way in process' && ends 2 runs rm on &&
    complains 'not removed: it is under way' && [ -d "$root/on" ]
report $? 'a run under way: neither continued nor removed'
[ -n "$begun" ] && kill "$begun" && wait "$begun"
begun=
ends 0 runs list --json --filter name=on && says '"state": "stopped"'
report $? 'a run that was asked to end is stopped'

echo note >"$folder/note"
ends 4 train --resume on --assert-peak 1KiB &&
    ends 2 train --resume on --save "$folder/note" &&
    ends 2 train --resume on --set backend=cpux &&
    ends 2 train --resume on --baseline nosuch &&
    ends 0 runs list --json --filter name=on && says '"state": "stopped"'
report $? 'a mistake of a command is no failure of the run'

ends 0 runs show on && says "memdial train --resume on" && ! says ' --runs ' &&
    MEMDIAL_RUNS=$folder ends 0 runs show on --runs "$root" &&
    says "memdial train --resume on --runs $root"
report $? 'the command that goes on with it names the root if it must'

# On another host, the age of the last line tells.
cp -r "$root/cut" "$root/far"
head -n 1 "$root/far/events.jsonl" |
    sed 's/"host":"[^"]*"/"host":"elsewhere"/' >"$folder/far" &&
    mv "$folder/far" "$root/far/events.jsonl"
ends 0 runs show far && says 'far: running, judging by the age' &&
    ends 2 train --resume far && complains "on host 'elsewhere'" &&
    ends 2 runs tag far x && complains 'on host' &&
    touch -d '10 minutes ago' "$root/far/events.jsonl" &&
    ends 0 runs list far --json && says '"state": "aborted"' &&
    says '"guessed": true'
report $? 'a run on another host runs until its last line is old'
touch "$root/far/events.jsonl" && ends 0 train --resume far --take-over
report $? 'and can be taken over'

# From the folder alone.
mkdir "$folder/alone" && cp "$root/whole/settings.yaml" "$folder/alone" &&
    ends 0 train "$folder/alone/settings.yaml" --runs "$folder/alone" \
        --name again &&
    cmp "$root/whole/snapshot.safetensors" \
        "$folder/alone/again/snapshot.safetensors"
report $? 'settings.yaml alone repeats a run, to the bit'

# Damage.

cp -r "$root/whole" "$root/half" && printf '{"type":"step","st' \
    >>"$root/half/events.jsonl" && ends 0 runs show half && says ': done' &&
    says '1 line of events.jsonl cannot be read' &&
    ends 0 runs tag half x && tail -n 1 "$root/half/events.jsonl" |
    grep -q '^{"type":"label","tag":"x"}$'
report $? 'half a line at the end is passed over, and then ended'

cp -r "$root/whole" "$root/new" && sed -i '1s/"batch":/"novel":1,"batch":/
    2s/^{/{"member":2,/' "$root/new/events.jsonl" &&
    echo '{"type":"wonder"}' >>"$root/new/events.jsonl" &&
    ends 0 runs show new &&
    says 'setting novel, member member, event wonder' &&
    ends 0 runs export new --json && says '"novel":1' && says '"wonder"' &&
    ends 2 train --resume new && complains 'does not know all its settings'
report $? 'what a newer version writes is kept and said'

cp -r "$root/whole" "$root/schema" &&
    sed -i '1s/"schema":1/"schema":2/' "$root/schema/events.jsonl" &&
    ends 0 runs list schema && says unreadable &&
    ends 2 runs show schema && complains 'schema 2'
report $? 'another schema is said'

cp -r "$root/whole" "$root/bare" && rm "$root/bare/events.jsonl" &&
    ends 0 runs show bare && says 'bare: empty' &&
    ends 0 train --resume bare --json
report $? 'a run without events goes on from what there is'

cp -r "$root/whole" "$root/torn" &&
    head -c 2000 "$root/whole/snapshot.safetensors" \
        >"$root/torn/snapshot.safetensors" &&
    ends 2 train --resume torn && complains snapshot.safetensors
report $? 'a snapshot that is damaged: refused'

mkdir "$root/junk" && head -c 100000 /dev/urandom >"$root/junk/events.jsonl" &&
    ends 0 runs list junk && ends 0 runs show junk && says 'junk: empty'
report $? 'events that are no text'

mkdir "$root/pipe" && mkfifo "$root/pipe/events.jsonl" &&
    ends 0 runs list pipe && says unreadable && ends 2 runs show pipe &&
    complains 'not a file but a pipe'
report $? 'events that are a pipe'

# What cannot be written.

train 0 --runs /proc/nowhere --json 2>/dev/null
ends 1 train quick $small --runs /proc/nowhere && complains '/proc/nowhere'
report $? 'a root that was named and cannot be made: refused'

MEMDIAL_RUNS=/proc/nowhere train 0 --json &&
    [ "$(lines_with '"type":"warning"')" = 1 ] && says 'the run is not kept'
report $? 'one that nobody named: warned of once'

if mkdir "$folder/disk" && mount -t tmpfs -o size=64k none "$folder/disk" \
        2>/dev/null; then
    train 0 --runs "$folder/disk" --name full --json &&
        [ "$(lines_with '"type":"warning"')" = 1 ] &&
        ends 0 runs list --runs "$folder/disk" && says full
    report $? 'a full disk: warned of once, and the run goes on'
    umount "$folder/disk"
    mount -t tmpfs -o size=8m none "$folder/disk"
    train 0 --runs "$folder/disk" --name read
    mount -o remount,ro "$folder/disk"
    ends 0 runs list --runs "$folder/disk" && says read &&
        ends 1 train --runs "$folder/disk" --resume read --epochs 4 &&
        complains 'Read-only' && ends 1 runs rm --runs "$folder/disk" read &&
        complains 'Read-only' && ends 1 runs tag --runs "$folder/disk" read x &&
        complains 'Read-only'
    report $? 'a disk that is read alone'
    umount "$folder/disk"
else
    report 0 'a full disk # SKIP no file system can be mounted'
    report 0 'a disk that is read alone # SKIP no file system can be mounted'
fi

begin /dev/null "$memdial" train quick $small --set epochs=60 --name gone \
    --json
comes '"type":"saved"' && rm -r "$root/gone" && wait_for_end &&
    [ "$(lines_with '"type":"warning"')" -le 1 ]
report $? 'a folder that vanishes: the run goes on'

begin /dev/null "$memdial" train quick $small --set epochs=2000 --name gone
comes 'epoch *2 ' && rm -r "$root/gone" && kill "$begun"
wait_for_end
says interrupted && says 'gone is gone' && ! says 'kept ' && ! says --resume
report $? 'and is not said to be kept'

mkdir -p "$root/absurd" && cp "$root/one/settings.yaml" "$root/absurd" &&
    sed 's/"\(valid_accuracy\|score\)":[0-9.e-]*/"\1":1e308/g' \
        "$root/one/events.jsonl" >"$root/absurd/events.jsonl" &&
    ends 0 runs list absurd && ! says inf && ! says e30 &&
    ends 0 runs show absurd && ! says inf && ! says e30
report $? 'scores that cannot be are none'
rm -r "$root/absurd"

# Removing.

echo mine >"$root/half/note" && ends 2 runs rm half && complains note &&
    [ -s "$root/half/events.jsonl" ] &&
    ends 2 runs prune --size 0 --dry-run && complains note &&
    ! says 'remove half' && rm "$root/half/note" &&
    touch "$root/half/.snapshot.safetensors.0123456789abcdef.tmp" &&
    ends 0 runs rm half junk && [ ! -e "$root/half" ]
report $? 'runs are removed, but no files of others'

ends 2 runs prune && complains 'give --older' &&
    ends 2 runs prune --older 3x && complains 'not an age' &&
    ends 2 runs prune --size x && complains 'not a number of bytes'
report $? 'a limit is asked for'

ends 0 runs tag one keep &&
    touch -d '40 days ago' "$root/one/events.jsonl" \
        "$root/online/events.jsonl" &&
    ends 0 runs prune --older 30d --dry-run && says 'would remove online' &&
    ! says one, && [ -d "$root/online" ] && ends 0 runs prune --older 30d &&
    [ ! -e "$root/online" ] && [ -d "$root/one" ]
report $? 'old runs are pruned, but none with the tag keep'

ends 0 runs prune --size 0 --snapshots &&
    [ ! -e "$root/whole/snapshot.safetensors" ] &&
    [ -e "$root/one/snapshot.safetensors" ] && ends 0 runs prune --size 0 &&
    [ ! -e "$root/whole" ] && [ -d "$root/one" ] && [ -d "$root/other" ]
report $? 'and those that are too large together, or their snapshots'

# Settings that are turned in the middle, of a run that is killed long after.

turn() { # SETTINGS NUMBER: the run is told, and takes steps with them
    echo '{"command":"set","settings":{'"$1"'}}' >&3
    comes '"type":"applied"' "$2" &&
        comes '"type":"epoch"' $(($(lines_with '"type":"epoch"') + 12))
}
mkfifo "$folder/commands"
exec 3<>"$folder/commands"
export MEMDIAL_RUNS="$folder/turned"
begin "$folder/commands" "$memdial" worker
echo '{"command":"start","preset":"quick","settings":{"batch":2,
    "epoch_samples":60,"valid_samples":2,"threads":1,"epochs":99999}}' |
    tr -d '\n' >&3 && echo >&3
comes '"type":"epoch"' 2 && turn '"lr":0.01' 1 && turn '"lr":0.02' 2 &&
    turn '"precision":"bf16"' 3
kill -9 "$begun"
wait "$begun" 2>/dev/null
begun=
exec 3>&-
name=$(ls "$folder/turned")
grep -q '"turned":3}' "$folder/turned/$name/events.jsonl" &&
    ! tail -c 2048 "$folder/turned/$name/events.jsonl" | grep -q applied &&
    ends 0 runs list --json && says '"turned": 3' && ends 0 runs list &&
    says ' turned ' && says ' 3x ' && ends 0 runs list --filter 'turned>2' &&
    says "$name" && ends 0 runs show "$name" --json && says '"turned": 3' &&
    ends 0 report "$name" -o "$folder/turned.md" &&
    grep -q 'aborted, turned 3x' "$folder/turned.md"
report $? 'settings that were turned are counted in lists'

rm "$folder/turned/$name/snapshot.safetensors" 2>/dev/null
ends 0 train --resume "$name" --set epochs=1 && ends 0 runs list --json &&
    says '"turned": 0' && ends 0 runs list && ! says turned
report $? 'and those of steps that are lost are not'
export MEMDIAL_RUNS="$root"

# Gates.

ends 0 plan quick $small --baseline one &&
    ends 3 plan quick $small --set batch=4 --baseline one &&
    complains 'activations: ' && ends 0 plan quick $small --set batch=4 \
        --baseline one --tolerance 100% && ends 2 plan --tolerance 5% &&
    complains 'give --baseline' && ends 2 plan --baseline one --tolerance x &&
    complains 'not a fraction' && ends 2 plan --baseline nosuch &&
    complains "no run 'nosuch'"
report $? 'a plan is compared with a run, kind by kind'

train 4 --assert-peak 1MiB --json && complains '--assert-peak allows' &&
    ! says start
report $? 'a peak is asserted before training'

train 4 --assert-accuracy 1 && complains 'accuracy: 0.' &&
    says 'done in' && train 0 --assert-accuracy 0 &&
    train 2 --assert-accuracy 3 && complains 'not a fraction' &&
    train 2 --assert-accuracy % && complains 'not a fraction'
report $? 'an accuracy is asserted after it'

train 0 --baseline one --name gated &&
    sed '/"type":"epoch"/s/"score":[0-9.e-]*/"score":1.0/' \
        <"$root/one/events.jsonl" >"$folder/better" && cp "$folder/better" "$root/gated/events.jsonl" &&
    train 3 --baseline gated && complains 'accuracy: 0.' &&
    complains 'in the run gated' && train 0 --baseline gated --tolerance 1
report $? 'and a score is compared with that of a run'

mkdir "$root/unscored" && sed '/"type":"epoch"/,$d' \
    <"$root/one/events.jsonl" >"$root/unscored/events.jsonl" &&
    train 2 --baseline unscored --json && complains 'no epoch has ended' &&
    ! says '"step"' && ends 2 train quick-translate --set bleu_every=0 \
        --baseline one --json && complains 'judged by accuracy' &&
    ! says '"step"'
report $? 'what cannot be compared is said before training'

# Records that something else has touched.

train 0 --name far && mv "$root/far" "$folder/far" &&
    ln -s "$folder/far" "$root/far" && ends 2 runs rm far &&
    complains 'a link, and not the folder of a run' && ends 2 runs rm far/ &&
    ends 2 runs rm "$root/far" && ends 2 runs rm "$root/far/" &&
    [ -s "$folder/far/events.jsonl" ] && rm "$root/far" &&
    ln -s "$root" "$folder/root-too" && ends 2 runs rm "$folder/root-too/." &&
    [ -s "$root/one/events.jsonl" ]
report $? 'what is behind a link is not removed, nor the root'

# Killed with a tag, and then an error from outside: lists read the ends alone.
train 0 --name tagged --set epochs=40 &&
    sed -e '1a {"type":"label","tag":"keep"}' -e '/"type":"done"/,$d' \
        -e '/"type":"saved"/d' <"$root/tagged/events.jsonl" >"$folder/kept" &&
    cp "$folder/kept" "$root/tagged/events.jsonl" &&
    [ "$(wc -c <"$root/tagged/events.jsonl")" -gt 10000 ] &&
    echo damaged >"$root/tagged/snapshot.safetensors" &&
    ends 2 train --resume tagged &&
    tail -1 "$root/tagged/events.jsonl" | grep -q '"type":"error"' &&
    ends 0 runs list && grep -q '^tagged  *failed .* keep ' "$out"
report $? 'a failure from outside hides no tag'

edited() { # RUN SCRIPT: a run whose events sed has changed
    rm -rf "${root:?}/$1" && cp -r "$root/one" "$root/$1" &&
        sed "$2" <"$root/one/events.jsonl" >"$root/$1/events.jsonl"
}
edited date '1s/"time":[0-9]*/"time":9000000000000000000/' &&
    ends 0 runs show date && says 'began           ?' &&
    ends 0 runs list --filter 'began>1'
report $? 'a time of no calendar'

# Killed before the first snapshot since it went on with other settings.
last=$(sed -n 's/.*"type":"saved","step":\([0-9]*\).*/\1/p' \
    "$root/one/events.jsonl" | tail -1)
edited on-with '' && head -n 1 "$root/one/events.jsonl" |
    sed -e "s/\"step\":0,/\"step\":$last,/" -e 's/"lr":[0-9.]*/"lr":0.25/' \
        -e 's/"epochs":[0-9]*/"epochs":9/' >>"$root/on-with/events.jsonl" &&
    ends 0 train --resume on-with --json && grep '"type":"start"' "$out" |
    grep '"epochs":9,' | grep -q '"lr":0.25'
report $? 'settings that a killed process went on with'

edited model '1s/"model":"wrn"/"model":"dynamicconv"/' &&
    ends 0 runs show model && ends 0 runs diff model one &&
    ends 2 plan quick $small --baseline model &&
    ends 0 report model -o "$folder/model.md"
report $? 'settings that do not go together'

edited long 's/"type":"epoch","epoch":3/"type":"epoch","epoch":2147483647/' &&
    ends 0 report long -o "$folder/long.md"
report $? 'an epoch beyond all'

edited newer '1s/"lr_schedule":"[a-z]*"/"lr_schedule":"wsd"/' &&
    ends 2 train --resume newer --epochs 4 &&
    complains 'this version cannot read all its settings' &&
    complains 'lr_schedule'
report $? 'a setting with a value of a newer version is not passed over'

# A line of a newer version does no harm once the settings are told again.
edited again '1s/.*/{"type":"start","schema":1,"settings":{"batch":"x"}}\n&/' &&
    ends 0 train --resume again --epochs 4
report $? 'unless all are told after it'

# A label comes first, and the run goes on later: lists have its first start.
edited labelled '1s/.*/{"type":"label","tag":"first"}\n&/' &&
    sed -i '2s/"time":[0-9]*/"time":1000000000/' \
        "$root/labelled/events.jsonl" && ends 0 runs tag labelled first --remove &&
    ends 0 train --resume labelled --epochs 4 && ends 0 runs list --json &&
    grep -A40 '"labelled"' "$out" | grep -q '2001-09-0\|1000000000'
report $? 'a record that begins with a label'
rm -r "$root/newer" "$root/again" "$root/labelled" "$root/long" \
    "$root/model" "$root/date"

echo "1..$count"
