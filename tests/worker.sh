#!/bin/sh
# The worker from outside: its action on each command, its events, and its end.
# Prints TAP.
. "${srcdir:-.}/tests/tap.sh"

mkfifo "$folder/commands"

begin_worker() { # that waits for commands
    begin "$folder/commands" "$memdial" worker
    exec 3>"$folder/commands"
}

send() {
    printf '%s\n' "$@" >&3
}

await() { # PATTERN [NUMBER]: that many such lines come
    comes "$@"
    report $? "says $1 ${2:-}"
}

refuses() { # TEXT LINE: LINE is refused, saying TEXT
    before=$(lines_with '"type":"refused"')
    send "$2"
    comes '"type":"refused"' $((before + 1)) &&
        grep '"type":"refused"' "$out" | tail -n 1 |
        grep -qF -- "$1"
    report $? "refuses $(printf %.60s "$2"): $1"
}

ends() { # DESCRIPTION: the worker has ended in order and without complaint
    wait_for_end && [ ! -s "$err" ] &&
        [ "$(tail -n 1 "$out")" = '{"type":"done"}' ]
    report $? "$1"
    exec 3>&-
}

# NAME: the member of the last line of input.
number() {
    sed -n "\$s/.*\"$1\":\([0-9.]*\).*/\1/p"
}

small='"epoch_samples":64,"valid_samples":32,"batch":32'
start='{"command":"start","preset":"quick","settings":{'$small',"epochs":999}'

"$memdial" worker --help >"$out" 2>"$err"
report $? 'worker --help'
"$memdial" worker quick </dev/null >"$out" 2>"$err"
[ $? = 2 ] && [ ! -s "$out" ] && grep -q "'quick'" "$err"
report $? 'takes no preset'

# Settings that were turned on in the middle of a run, then run afresh as N does
# on the screens: the same losses, bit for bit, as a run from the command line.
begin_worker
send "$start}"
await '"type":"epoch","epoch":1,' 1
send '{"command":"set","settings":{"precision":"bf16","microbatch":16}}'
await '"type":"applied"' 1
send '{"command":"start","preset":"quick","settings":{'$small',"epochs":3,"precision":"bf16","microbatch":16}}'
await '"type":"start"' 2
await '"type":"done"' 1
send '{"command":"stop"}'
wait_for_end
exec 3>&-
losses='s/.*\("train_loss":.*\),"seconds".*/\1/p'
awk '/"type":"start"/ { n = 0 } { line[n++] = $0 }
    END { for (i = 0; i < n; i++) print line[i] }' "$out" |
    sed -n "$losses" >"$folder/afresh"
"$memdial" train quick --json --set epoch_samples=64 --set valid_samples=32 \
    --set batch=32 --set epochs=3 --set precision=bf16 --set microbatch=16 |
    sed -n "$losses" >"$folder/straight"
[ -s "$folder/afresh" ] && cmp -s "$folder/afresh" "$folder/straight"
report $? 'a run afresh has the bits of a run from the command line'

# A run that could not be kept has a snapshot that only guards against
# accidents; one that is kept has no need of it.
touch "$folder/no-root"
guarded='"save":"'$folder/guard'","keep":false'
begin_worker
send "$start,$guarded,\"runs\":\"$folder/no-root\"}"
await 'the run is not kept'
await '"type":"saved"'
[ -s "$folder/guard" ]
report $? '... and its snapshot is there'
send "$start,$guarded,\"runs\":\"$folder/kept-runs\"}"
await '"type":"saved","step":[0-9]*,"path":"'"$folder/kept-runs"
[ ! -e "$folder/guard" ]
report $? '... and the guard is gone'
send '{"command":"stop"}'
wait_for_end
grep -q '"type":"done"' "$out"
report $? '... and the worker ends in order'
exec 3>&-

# What --resume refuses on the command line.
begin_worker
refuses 'not with resume' \
    '{"command":"start","resume":"'"$folder/kept-runs"'","preset":"quick"}'
refuses 'not with resume' \
    '{"command":"start","resume":"'"$folder/kept-runs"'","load":"x"}'
send '{"command":"stop"}'
wait_for_end
exec 3>&-

begin_worker
refuses 'no run is under way' '{"command":"set","settings":{"lr":1}}'
refuses 'no run is under way' '{"command":"pause"}'
refuses 'no run before' '{"command":"restart"}'
refuses "no preset 'quik'; did you mean 'quick'?" \
    '{"command":"start","preset":"quik"}'
for member in save load; do
    refuses "$member: the path is empty" \
        "{\"command\":\"start\",\"preset\":\"quick\",\"$member\":\"\"}"
done
refuses 'path: the path is empty' '{"command":"save","path":""}'
send "$start,\"save\":\"$folder/snapshot\"}"
await '"type":"start","schema":1,"preset":"quick"'
await '"type":"epoch"'
await '"type":"memory"' 2
await '"type":"saved"'

# Two changes between the same two steps are one.
send '{"command":"pause"}'
await '"type":"paused"'
send '{"command":"set","settings":{"precision":"fp16"}}
{"command":"set","settings":{"microbatch":8,"recompute":"norms"}}'
await '"type":"applied"'
grep '"type":"applied"' "$out" | grep -q \
    '"settings":{"microbatch":8,"precision":"fp16","recompute":"norms"}'
report $? '... with both changes'
"$memdial" plan quick --json --set batch=32 --set precision=fp16 \
    --set microbatch=8 --set recompute=norms >"$folder/plan"
for name in peak_bytes:planned arena_bytes:arena; do
    planned=$(sed -n "s/^  \"${name%:*}\": \([0-9]*\),/\1/p" "$folder/plan")
    applied=$(grep '"type":"applied"' "$out" | number "${name#*:}")
    [ -n "$planned" ] && [ "$planned" = "$applied" ]
    report $? "... and the plan's figure, ${name#*:} $applied"
done

# Nothing moves while it is paused.
before=$(lines_with '"type":"step"')
sleep 0.5
[ "$(lines_with '"type":"step"')" = "$before" ]
report $? 'no steps while paused'

# A faulty command changes nothing.
refuses "'fp61' is not one of" \
    '{"command":"set","settings":{"precision":"fp61"}}'
refuses "did you mean 'precision'?" \
    '{"command":"set","settings":{"precison":1}}'
refuses 'microbatch: 33' '{"command":"set","settings":{"microbatch":33}}'
refuses 'cannot change during a run' \
    '{"command":"set","settings":{"depth":16}}'
refuses 'no setting of this command is changed' \
    '{"command":"set","settings":{"microbatch":16,"precision":"fp61"}}'
refuses 'lr: not a number' '{"command":"set","settings":{"lr":[1]}}'
refuses 'settings: not an object' '{"command":"set","settings":7}'
refuses 'settings' '{"command":"set"}'
refuses 'colour' '{"command":"pause","colour":"red"}'
refuses "did you mean 'resume'?" '{"command":"resum"}'
refuses 'not a command' '{"command":7}'
refuses 'not a command' '["stop"]'
refuses 'not a line of JSON' 'stop'
refuses 'not a line of JSON' ''
refuses 'not a line of JSON' '{"command":"stop"'
refuses 'not done: checkpoint=optimal memory_budget=1024' \
    '{"command":"set","settings":{"checkpoint":"optimal","memory_budget":1024}}'
refuses 'cannot write' "{\"command\":\"save\",\"path\":\"$folder/none/x\"}"
head -c 200000 /dev/zero | tr '\0' x >&3
send ''
await '"type":"refused".*a line of more than'
head -c 3000 "$memdial" >&3
send ''
[ "$(lines_with '"type":"applied"')" = 1 ] &&
    [ "$(lines_with '"type":"paused"')" = 1 ]
report $? 'nothing of that was done'

send "{\"command\":\"save\",\"path\":\"$folder/saved\"}" '{"command":"resume"}'
await "\"path\":\"$folder/saved\""
await '"type":"resumed"'
await '"type":"epoch"' $(($(lines_with '"type":"epoch"') + 2))

# The first step of a new plan is reported, and at once all the bytes it
# touched.
sed '1,/"type":"resumed"/d' "$out" >"$folder/after"
paused=$(grep '"type":"paused"' "$out" | number step)
[ "$(sed -n 1p "$folder/after" | number step)" = $((paused + 1)) ]
report $? 'the first step after a change is told'
sed '/"type":"epoch"/d' "$folder/after" | sed -n 2p |
    grep -q "\"touched\":$(grep '"type":"applied"' "$out" | number arena),"
report $? '... and what it touched'

# Begin again, from a snapshot and from the beginning.
send "{\"command\":\"restart\",\"load\":\"$folder/saved\"}"
await '"type":"start"' 2
step=$(grep "\"path\":\"$folder/saved\"" "$out" | number step)
grep '"type":"start"' "$out" | tail -n 1 |
    grep -q "\"microbatch\":8,.*\"step\":$step,"
report $? "... at step $step, with the settings of the run"
send '{"command":"restart","settings":{"depth":16}}'
await '"type":"start".*"depth":16.*"step":0,' 1

# A run that ends; the worker waits.
send '{"command":"restart","settings":{"epochs":1,"depth":10}}'
await '"type":"done"'
refuses 'at its end' '{"command":"resume"}'
send '{"command":"set","settings":{"checkpoint":"block"}}'
await '"type":"applied"' 2

# A run that cannot begin leaves the present one as it is, whatever is wrong
# with it.
send "$start,\"save\":\"$folder/stays\"}"
await '"type":"start"' 5
await "\"path\":\"$folder/stays\""
starts=$(lines_with '"type":"start"')
refuses 'more than an epoch of 31' \
    '{"command":"restart","settings":{"epoch_samples":31}}'
refuses 'data_path: not set' '{"command":"start","preset":"wrn-10-1"}'
grep '"type":"refused"' "$out" | tail -n 2 >"$folder/refused"
sed -n 1p "$folder/refused" | grep -q '"reason":"other"' &&
    sed -n 2p "$folder/refused" | grep -q '"reason":"data"'
report $? '... and only that for the reason of its data'
refuses "data_path: $folder/none: No such file" \
    "{\"command\":\"restart\",\"settings\":{\"data\":\"cifar10\",\
\"data_path\":\"$folder/none\"}}"
refuses 'memory_budget' '{"command":"restart","settings":'\
'{"checkpoint":"optimal","memory_budget":1024}}'
refuses 'cannot allocate' '{"command":"start","settings":'\
'{"depth":100,"width":64,"batch":20000}}'
refuses 'No such file' "{\"command\":\"restart\",\"load\":\"$folder/none\"}"
refuses 'not a snapshot' "{\"command\":\"restart\",\"load\":\"$memdial\"}"
refuses 'saved by a run with' \
    "{\"command\":\"start\",\"load\":\"$folder/stays\"}"
refuses 'cannot write' "$start,\"save\":\"$folder/none/x\"}"
refuses 'backend' '{"command":"start","settings":{"backend":"cuda"}}'
await '"type":"step"' $(($(lines_with '"type":"step"') + 1))
send '{"command":"set","settings":{"precision":"bf16"}}'
await '"type":"applied".*"precision":"bf16"}'
[ "$(lines_with '"type":"start"')" = "$starts" ] && [ -s "$folder/stays" ]
report $? '... and none of them ended the run'

# A run may go on from a snapshot that the run before it does not keep.
send "$start,\"save\":\"$folder/first\",\"keep\":false}"
await "\"path\":\"$folder/first\""
send "$start,\"save\":\"$folder/second\",\"load\":\"$folder/first\"}"
await "\"path\":\"$folder/second\""
[ ! -e "$folder/first" ]
report $? '... and is gone then'

# A run that fails leaves the worker there.
send "{\"command\":\"start\",\"settings\":{$small,\"lr\":1000,"\
'"weight_decay":1,"epochs":999}}'
await '"type":"error".*diverged'
refuses 'no run is under way' '{"command":"resume"}'
send '{"command":"restart","settings":{"lr":0.1,"weight_decay":0}}'
await '"type":"start".*"preset":"defaults"' 2
send '{"command":"stop"}'
ends 'ends on stop'
"$memdial" train quick --epochs 1 --load "$folder/saved" --set batch=32 \
    --set epoch_samples=64 --set precision=fp16 >/dev/null 2>"$err"
report $? 'the snapshot continues elsewhere'

# Whether the snapshot stays.
for keep in true false; do
    begin_worker
    send "$start,\"save\":\"$folder/keep\",\"keep\":$keep}"
    await '"type":"saved"'
    send '{"command":"stop"}'
    ends "ends with \"keep\":$keep"
    [ -e "$folder/keep" ] && kept=true || kept=false
    [ $kept = $keep ]
    report $? "... the snapshot is there: $kept"
done

# Only a snapshot is replaced.
echo precious >"$folder/text"
begin_worker
refuses 'no snapshot' "$start,\"save\":\"$folder/text\"}"
send "$start,\"save\":\"$folder/text\",\"keep\":false}"
await '"type":"warning".*no snapshot'
await '"type":"step"'
refuses 'no snapshot' "{\"command\":\"save\",\"path\":\"$folder/text\"}"
refuses 'duplicate' '{"command":"pause","command":"stop"}'
send '{"command":"stop"}'
ends 'ends without a snapshot in the place of something else'
[ "$(cat "$folder/text")" = precious ]
report $? '... which is as it was'
"$memdial" worker <"$folder" >"$out" 2>"$err"
[ $? = 1 ] && grep -q 'commands cannot be read: Is a directory' "$out"
report $? 'commands that cannot be read are a failure'

# It removes only snapshots that it wrote: not a file that was there before it,
# one that it was told to keep, or one that somebody else has put in their
# place.
whole='{"command":"start","preset":"quick","settings":{'$small',"epochs":1}'
cp "$folder/saved" "$folder/theirs"
begin_worker
send "$start,\"save\":\"$folder/theirs\",\"keep\":false}" \
    '{"command":"pause"}' '{"command":"stop"}'
ends 'ends before it saves'
cmp "$folder/saved" "$folder/theirs" >"$err"
report $? '... and what was there is as it was'
begin_worker
send "$start,\"save\":\"$folder/none/../theirs\",\"keep\":false}" \
    "$start,\"save\":\"$folder/theirs\",\"keep\":false}" \
    "$start,\"save\":\"$folder/other\",\"keep\":false}" \
    "$start}" '{"command":"restart"}' '{"command":"stop"}'
ends 'ends after some runs'
cmp "$folder/saved" "$folder/theirs" >"$err" && [ ! -e "$folder/other" ]
report $? '... and what was there is as it was'
begin_worker
send "$whole,\"save\":\"$folder/kept\"}"
await '"type":"saved"'
send "$start,\"save\":\"$folder/kept\",\"keep\":false}" \
    '{"command":"stop"}'
ends 'ends after a run whose snapshot it keeps'
[ -e "$folder/kept" ]
report $? '... and kept it'
begin_worker
send "$whole,\"save\":\"$folder/mine\",\"keep\":false}"
await '"type":"done"'
cp "$folder/saved" "$folder/theirs"
mv "$folder/theirs" "$folder/mine"
send '{"command":"stop"}'
ends 'ends when its snapshot is replaced'
cmp "$folder/saved" "$folder/mine" >"$err"
report $? '... and leaves what replaced it'

# A run that is at its end when it begins writes a snapshot too.
begin_worker
send "$whole,\"save\":\"$folder/end\"}"
await '"type":"done"'
send "$whole,\"load\":\"$folder/end\",\"save\":\"$folder/again\"}"
await '"type":"done"' 2
await "\"type\":\"saved\".*$folder/again"
send '{"command":"stop"}'
ends 'ends after it'
cmp "$folder/end" "$folder/again" >"$err"
report $? '... with the snapshot that was loaded'

# After its end a run is answered for, no more; its snapshot is that of its last
# settings, and stop has nothing to add.
begin_worker
send "$whole,\"save\":\"$folder/over\"}"
await '"type":"done"'
before=$(lines_with '"type":"saved"')
send '{"command":"set","settings":{"precision":"fp16"}}' \
    "{\"command\":\"save\",\"path\":\"$folder/over2\"}"
await '"type":"saved"' $((before + 2))
sed '1,/"type":"done"/d; s/^{"type":"\([a-z]*\)".*/\1/' "$out" |
    sort | tr '\n' ' ' >"$folder/answers"
[ "$(cat "$folder/answers")" = 'applied memory saved saved ' ]
report $? "after done: $(cat "$folder/answers")"
before=$(wc -l <"$out")
send '{"command":"stop"}'
wait_for_end && [ "$(wc -l <"$out")" = "$before" ]
report $? '... and stop adds nothing'
exec 3>&-
begin_worker
send "$start}" '{"command":"pause"}'
await '"type":"paused"'
send '{"command":"set","settings":{"precision":"fp16"}}
{"command":"stop"}'
ends 'ends with a set that waits'
grep '"type":"refused","command":"set".*ends before' "$out" >"$err"
report $? '... and refuses it'

begin_worker
send "$start,\"save\":\"$folder/none/x\"}"
await '"type":"refused".*cannot write'
send "$start,\"save\":\"$folder/none/x\",\"keep\":false}"
await '"type":"warning".*cannot write'
await '"type":"step"'
send '{"command":"stop"}'
ends 'ends without a snapshot'

# Many small steps; a step is reported 50 ms after the one before it or later
# (here 40: the worker's clock and the run's are read at different moments). A
# machine that takes longer for a step reports them all. The last step before a
# pause is reported at once.
begin_worker
send '{"command":"start","preset":"quick","settings":{"batch":1}}'
comes '"type":"step"' 11
send '{"command":"pause"}'
await '"type":"paused"'
grep '"type":"step"' "$out" >"$folder/steps"
paused=$(sed -n 's/.*"type":"paused","step":\([0-9]*\).*/\1/p' "$out")
tail -n 1 "$folder/steps" | grep -q "\"step\":$paused,"
report $? 'a pause is told after the last step'
sed '$d; s/.*"seconds":\([0-9.e-]*\).*/\1/' "$folder/steps" |
    awk 'NR > 1 && $1 - last < 0.04 { close_steps++ }
         { last = $1 }
         END { exit !(NR >= 10 && !close_steps) }'
report $? '... and told steps that are 50 ms apart'
exec 3>&-
ends 'ends while it is paused'

# The ways to end. Signals and the end of commands come between steps, and the
# last step is saved.
begin_worker
send "$start}"
await '"type":"step"'
kill "$begun"
ends 'ends on SIGTERM'
begin_worker
send "$start,\"save\":\"$folder/last\"}"
await '"type":"step"'
exec 3>&-
ends 'ends with its commands'
tail -n 2 "$out" | grep -q '"type":"saved"'
report $? '... with a snapshot'
begin_worker
refuses 'no run is under way' '{"command":"pause"}'
kill "$begun"
wait_for_end
report $? 'ends on SIGTERM while it waits'
exec 3>&-

# Data that change end the run, not the worker. Once they are put back a run can
# go on from the last snapshot.
mkdir "$folder/cifar"
for name in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 \
    test_batch; do
    head -c 307300 /dev/zero >"$folder/cifar/$name.bin"
done
begin_worker
send "{\"command\":\"start\",\"preset\":\"quick\",\"save\":\"$folder/data\",\
\"settings\":{$small,\"epochs\":999,\"data\":\"cifar10\",\
\"data_path\":\"$folder/cifar\"}}"
await '"type":"saved"'
cp "$folder/cifar/data_batch_3.bin" "$folder/aside"
: >"$folder/cifar/data_batch_3.bin"
await '"type":"error".*data_batch_3.bin: record [0-9]*: it changed'
cp "$folder/aside" "$folder/cifar/data_batch_3.bin"
step=$(grep '"type":"saved"' "$out" | number step)
send "{\"command\":\"restart\",\"load\":\"$folder/data\"}"
await "\"type\":\"start\".*\"step\":$step,"
await '"type":"step"' $(($(lines_with '"type":"step"') + 1))
send '{"command":"stop"}'
ends 'ends after data that changed'

# Killed, it loses little.
rm "$folder/last"
begin_worker
send "$start,\"save\":\"$folder/last\"}"
await '"type":"saved"' 2
kill -9 "$begun"
step=$(grep '"type":"saved"' "$out" | number step)
begin_worker
send "$start,\"save\":\"$folder/last\",\"load\":\"$folder/last\"}"
await "\"type\":\"start\".*\"step\":$step,"
send '{"command":"stop"}'
ends 'ends after a restart'

# A run that begins again is kept in a folder of its own, named as the first.
begin_worker
send "$start,\"runs\":\"$folder/afresh-runs\"}"
await '"type":"step"'
send '{"command":"restart"}'
await '"type":"start"' 2
send '{"command":"restart"}'
await '"type":"start"' 3
send '{"command":"stop"}'
wait_for_end && [ ! -s "$err" ]
report $? 'ends after runs that are kept'
exec 3>&-
[ "$(ls "$folder/afresh-runs" | sed 's/^[0-9]*-[0-9]*-//; s/-[0-9]$//' |
    uniq -c | tr -s ' ')" = ' 3 quick' ]
report $? '... each by its name'

# Images that there is no room for are not kept: the run goes on as it was asked
# for, to be changed and to begin again.
if [ -z "${MEMDIAL_SANITIZED-}" ]; then
    begin "$folder/commands" sh -c 'ulimit -v 80000; exec "$0" worker' \
        "$memdial"
    exec 3>"$folder/commands"
    send '{"command":"start","preset":"quick","settings":{'$small','\
'"epochs":999,"keep_images":true}}'
    await '"type":"start".*"keep_images":true.*"images_left":6[0-9]*'
    await '"type":"warning".*keep_images is off'
    await '"type":"step"'
    send '{"command":"set","settings":{"microbatch":16}}'
    await '"type":"applied"'
    send '{"command":"restart"}'
    await '"type":"start".*"images_left":6[0-9]*' 2
    send '{"command":"stop"}'
    ends 'ends without images'
else
    report 0 'images without room # SKIP sanitizers take all addresses'
fi

# Weights that become sparse in a run have panels with many nonzeros and panels
# with few, which threads multiply in two ways: all in the same one, even if
# there are more of them than processors.
begin_worker
send '{"command":"start","preset":"quick","settings":{"batch":6,'\
'"microbatch":2,"epoch_samples":24,"valid_samples":5,"epochs":1000,'\
'"threads":8,"recompute":"norms"}}'
await '"type":"step"'
send '{"command":"set","settings":{"sparsity":0.9}}'
await '"type":"applied"'
await '"type":"step"' $(($(lines_with '"type":"step"') + 100))
send '{"command":"stop"}'
ends 'ends after steps of 8 threads with sparse weights'

# Nobody reads its events.
unheard() {
    { "$memdial" worker 2>/dev/null; echo $? >"$folder/ended"; } | head -n 1
}
begin "$folder/commands" unheard
exec 3>"$folder/commands"
send "$start}"
eventually [ -s "$folder/ended" ]
report $? 'ends if nobody listens'

echo "1..$count"
