#!/bin/sh
# The streams and signals that the program begins with: standard streams that
# are closed or cannot be written, signals that are ignored, commands without an
# end of line. Prints TAP.
. "${srcdir:-.}/tests/tap.sh"

XDG_CONFIG_HOME=$folder/config
XDG_STATE_HOME=$folder/state
export XDG_CONFIG_HOME XDG_STATE_HOME

# Settings of a run whose steps take milliseconds.
small='--set batch=2 --set epoch_samples=60 --set valid_samples=2
    --set threads=1'

one_line() { # FILE TEXT: the file has one line, with the text
    [ "$(wc -l <"$1")" = 1 ] && grep -qF -- "$2" "$1"
}

# CODE ARGUMENT...: the output of a command under all sets of closed streams. A
# file that is opened must not take the place of a closed stream, so only
# printed text may arrive in the two.
closed='standard output is closed'
survives() {
    code=$1
    shift
    timeout $patience "$memdial" "$@" <&- >"$out" 2>"$err"
    [ $? = "$code" ]
    report $? "memdial $*: without input"
    cp "$out" "$folder/whole"
    timeout $patience "$memdial" "$@" </dev/null 2>&- >"$out"
    [ $? = "$code" ] && [ "$(wc -l <"$out")" = "$(wc -l <"$folder/whole")" ]
    report $? "... without errors"
    timeout $patience "$memdial" "$@" <&- 2>&- >"$out"
    [ $? = "$code" ]
    report $? "... without both"
    timeout $patience "$memdial" "$@" </dev/null >&- 2>"$err"
    [ $? = 1 ] && one_line "$err" "$closed"
    report $? "... without output"
    timeout $patience "$memdial" "$@" <&- >&- 2>"$err"
    [ $? = 1 ] && one_line "$err" "$closed"
    report $? "... without input and output"
    timeout $patience "$memdial" "$@" </dev/null >&- 2>&-
    [ $? = 1 ]
    report $? "... without output and errors"
    timeout $patience "$memdial" "$@" <&- >&- 2>&-
    [ $? = 1 ]
    report $? "... without any"
}

survives 0 --version
survives 0 presets --json
survives 0 settings
survives 0 backends
survives 0 plan quick
survives 0 train quick --epochs 1 $small --set epoch_samples=2
survives 0 worker
survives 0 --plain --set epochs=1 $small --set epoch_samples=2
survives 2 quick
survives 2 nonsense
: >"$folder/empty"
timeout $patience "$memdial" train quick $small --load "$folder/empty" <&- >&- \
    2>&-
[ ! -s "$folder/empty" ]
report $? 'nothing is written into a file that is read'

# Streams of the wrong kind.
for command in presets 'presets --json' worker; do
    echo '{"command":"pause"}' |
        timeout $patience "$memdial" $command 1</dev/null 2>"$err"
    [ $? = 1 ] && one_line "$err" 'standard output: Bad file descriptor'
    report $? "memdial $command: output that can only be read"
done
timeout $patience "$memdial" worker </ >"$out" 2>"$err"
[ $? = 1 ] && one_line "$err" 'commands could not be read'
report $? 'memdial worker: input that is a folder'
timeout $patience "$memdial" worker 0>/dev/null >"$out" 2>"$err"
[ $? = 1 ] && one_line "$err" 'commands could not be read'
report $? 'memdial worker: input that can only be written'

# The last command needs no end of line.
printf '{"command":"pause"}\n{"command":"resume"}' |
    timeout $patience "$memdial" worker >"$out" 2>"$err"
[ $? = 0 ] && grep -q '"command":"pause"' "$out" &&
    grep -q '"command":"resume"' "$out"
report $? 'a last command without a newline'
printf '{"command":"sto' | timeout $patience "$memdial" worker >"$out" 2>"$err"
[ $? = 0 ] && one_line "$out" 'not a line of JSON'
report $? '... that is cut off'
head -c 100000 /dev/zero | timeout $patience "$memdial" worker >"$out" 2>"$err"
[ $? = 0 ] && one_line "$out" 'a line of more than 65535 bytes'
report $? '... that is too long'

# A signal that was ignored stays so; any other ends a run in order.
long='{"command":"start","settings":{"batch":2,"epoch_samples":60,'\
'"valid_samples":2,"threads":1,"epochs":99999}}'
mkfifo "$folder/commands"
ignoring() { # SIGNALS COMMAND...
    trap '' $1
    shift
    exec "$@"
}
for command in train worker; do
    for ignored in 'HUP' 'INT QUIT' 'HUP INT TERM'; do
        if [ $command = train ]; then
            begin /dev/null ignoring "$ignored" "$memdial" train quick $small \
                --epochs 99999 --json
        else
            begin "$folder/commands" ignoring "$ignored" "$memdial" worker
            exec 3>"$folder/commands"
            echo "$long" >&3
        fi
        comes '"type":"step"'
        for signal in $ignored; do
            kill -s "$signal" $begun
        done
        comes '"type":"step"' $(($(lines_with '"type":"step"') + 3))
        report $? "$command goes on after a signal that is ignored: $ignored"
        case $ignored in
        *TERM) kill -s KILL $begun ;;
        *) kill -s TERM $begun ;;
        esac
        eventually has_ended
        report $? '... and ends'
        wait_for_end 2>/dev/null
        code=$?
        [ "$ignored" = 'HUP INT TERM' ] || [ $code = 0 ]
        report $? '... in order'
        exec 3>&-
    done
done

# A run nobody reads ends with its next line, and keeps its snapshot.
for json in '' --json; do
    rm -f "$folder/saved"
    : >"$out"
    { timeout $patience "$memdial" train quick $small $json --epochs 99999 \
        --save "$folder/saved" 2>"$err"; echo $? >"$out"; } | head -n 1 \
        >"$folder/first"
    [ "$(cat "$out")" = 1 ] && one_line "$err" 'standard output: Broken pipe'
    report $? "train $json ends when its output has no reader"
    "$memdial" train quick $small --epochs 1 --load "$folder/saved" \
        >"$out" 2>"$err"
    report $? '... and has kept a snapshot'
done

# A pipe that takes a few lines more, and then is full for good.
sleeping() { # the run does nothing, and has done nothing for a while
    before=$(cut -d ' ' -f 3,14,15 "/proc/$begun/stat")
    sleep 0.5
    [ "$(cut -d ' ' -f 3,14,15 "/proc/$begun/stat")" = "$before" ] &&
        [ "${before%% *}" = S ]
}

into_full() { # ARGUMENT...
    exec env --default-signal=INT "$memdial" "$@" >&4
}

if [ -r /proc/self/stat ]; then
    mkfifo "$folder/full"
    for command in train worker; do
        for signal in INT TERM HUP USR1; do
            rm -f "$folder/saved"
            exec 4<>"$folder/full"
            head -c $((65536 - 2 * 4096)) /dev/zero >&4
            if [ $command = train ]; then
                begin /dev/null into_full train quick $small --json \
                    --epochs 99999 --save "$folder/saved"
            else
                begin "$folder/commands" into_full worker
                exec 3>"$folder/commands"
                echo "${long%\}},\"save\":\"$folder/saved\"}" >&3
            fi
            eventually sleeping && kill -s $signal $begun &&
                eventually has_ended
            report $? "$command ends on SIG$signal while its output is full"
            wait $begun
            [ $? = 1 ] &&
                one_line "$err" 'standard output: Interrupted system call'
            report $? '... with the reason'
            timeout $patience "$memdial" train quick $small --epochs 1 \
                --load "$folder/saved" >"$out" 2>"$err"
            report $? '... and has kept a snapshot'
            exec 3>&- 4>&-
        done
    done
fi

# A pipe that must not block is waited for all the same.
if command -v python3 >/dev/null; then
    python3 - "$memdial" >"$out" 2>"$err" <<'END'
import os, subprocess, sys, time
reader, writer = os.pipe()
os.set_blocking(writer, False)
run = subprocess.Popen([sys.argv[1], "plan", "wrn-28-2", "--timeline",
                        "--json"], stdout=writer)
os.close(writer)
time.sleep(0.5)
size = 0
while part := os.read(reader, 4096):
    size += len(part)
print(size, run.wait())
sys.exit(run.returncode or size < 100000)
END
    report $? 'output that must not block arrives whole'
fi

echo "1..$count"
