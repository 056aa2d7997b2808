#!/bin/sh
# Completion in bash, fish and zsh. Each is asked in its own way for the words
# that can end a line. Prints TAP.
set -u
srcdir=${srcdir:-.}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
count=0

# The completions ask the program by its name.
PATH=$(cd "$(dirname "${MEMDIAL:-./memdial}")" && pwd):$PATH
XDG_CONFIG_HOME=$folder
HOME=$folder
COMPLETIONS=$(cd "$srcdir/completions" && pwd)
export PATH XDG_CONFIG_HOME HOME COMPLETIONS

in_bash() { # LINE: prints the words that can end it
    bash --norc -c '
        . "$COMPLETIONS/memdial.bash"
        compopt() { :; }
        IFS=" "
        line=${0//=/ = } # as the shell takes it apart
        COMP_WORDS=($line)
        [ "${0% }" = "$0" ] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _memdial
        printf "%s\n" "${COMPREPLY[@]}"
    ' "$1"
}

in_fish() {
    fish --no-config -c '
        source $COMPLETIONS/memdial.fish
        complete -C $argv[1] | string replace -r "\t.*" ""
    ' "$1" | sed 's/^[a-z_]*=\(.\)/\1/'
}

# zsh completes for a terminal only, and is asked for the list of matches.
in_zsh() {
    zsh -f -c '
        zmodload zsh/zpty
        zpty shell zsh -f
        zpty -w shell "PS1= PS2= fpath=($COMPLETIONS \$fpath)"
        zpty -w shell "autoload -U compinit; compinit -u -D"
        zpty -w shell "compadd() { local -a found
            builtin compadd -O found \"\$@\"; print -rl -- \$found >>$2 }"
        zpty -w shell "finish() { : >$2.done }; zle -N finish"
        zpty -w shell "bindkey \"^I\" complete-word; bindkey \"^X\" finish"
        zpty -n -w shell "$1"$'\''\t\x18'\''
        for ((i = 0; i < 600; i++)); do
            [[ -e $2.done ]] && break
            sleep 0.1
        done
        zpty -d shell
    ' zsh "$1" "$folder/found"
    cat "$folder/found"
    rm -f "$folder/found" "$folder/found.done"
}

# LINE WORD...: each shell finds these words, among others.
finds() {
    line=$1
    shift
    for shell in bash fish zsh; do
        count=$((count + 1))
        if ! command -v $shell >/dev/null; then
            echo "ok $count - # SKIP $shell is not installed"
            continue
        fi
        in_$shell "$line" >"$folder/out" 2>"$folder/err"
        missing=
        for word in "$@"; do
            grep -qxF -e "$word" "$folder/out" || missing="$missing $word"
        done
        if [ -z "$missing" ] && [ ! -s "$folder/err" ]; then
            echo "ok $count - $shell: $line"
        else
            echo "not ok $count - $shell: $line: not$missing"
            sed 's/^/# /' "$folder/out" "$folder/err"
        fi
    done
}

# All commands are completed, and all presets.
finds 'memdial ' $(memdial help --words | cut -f 1) quick wrn-28-2
finds 'memdial vocabulary --' --write
finds 'memdial --' --set --version --help
finds 'memdial train --' --json --save --epochs
finds 'memdial plan ' quick wrn-10-1
# All settings are completed.
finds 'memdial train --set ' $(memdial settings --words | sed 's/\t.*/=/')
finds 'memdial train --set precision=' fp32 bf16 fp16
finds 'memdial plan quick --set batch=20 --set nesterov=' yes no
finds 'memdial sweep --' --over --seeds --slurm --jobs
finds 'memdial sweep quick --over precision=' fp32 bf16 fp16
# Runs that are kept.
MEMDIAL_RUNS=$folder/runs
export MEMDIAL_RUNS
mkdir -p "$MEMDIAL_RUNS/one-run" "$MEMDIAL_RUNS/other-run"
touch "$MEMDIAL_RUNS/one-run/events.jsonl" \
    "$MEMDIAL_RUNS/other-run/settings.yaml"
# Whoever can write here names runs as they like.
hostile='x$(touch${IFS}pwned)`touch${IFS}pwned`;touch pwned, "2'
mkdir "$MEMDIAL_RUNS/$hostile"
touch "$MEMDIAL_RUNS/$hostile/settings.yaml"
finds 'memdial runs ' list show diff export prune
finds 'memdial runs prune --' --older --size --runs
finds 'memdial report ' one-run other-run
finds 'memdial report one-run --' --filter --title
finds 'memdial runs diff one-run ' one-run other-run
finds 'memdial train --resume ' one-run other-run
finds 'memdial plan quick --baseline one' one-run
finds 'memdial train --resume one' one-run
for shell in bash fish zsh; do
    count=$((count + 1))
    if ! command -v $shell >/dev/null; then
        echo "ok $count - # SKIP $shell is not installed"
        continue
    fi
    # As it is typed in bash, which takes what it is given for what was typed.
    word=$hostile
    [ $shell != bash ] || word=$(bash -c 'printf %q "$1"' bash "$hostile")
    (cd "$folder" && in_$shell 'memdial train --resume x') >"$folder/out"
    if grep -qxF -e "$word" "$folder/out" && [ ! -e "$folder/pwned" ]; then
        echo "ok $count - $shell: a name is not run"
    else
        echo "not ok $count - $shell: a name is not run"
        sed 's/^/# /' "$folder/out"
    fi
done
echo "1..$count"
