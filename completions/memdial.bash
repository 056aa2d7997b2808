# bash completion for memdial. All words are asked of the program.

_memdial_commands() {
    memdial help --words 2>/dev/null | cut -f 1
}

_memdial_presets() {
    memdial presets --words 2>/dev/null | cut -f 1
}

_memdial_settings() {
    memdial settings --words 2>/dev/null | sed 's/\t.*/=/'
}

_memdial_values() { # SETTING
    memdial settings --words 2>/dev/null | sed -n "s/^$1\t.*\t//p" |
        tr ' ' '\n'
}

_memdial_runs() { # FIRST-WORDS: commands of runs, or runs
    if [ $# = 2 ]; then
        memdial runs --words 2>/dev/null | cut -f 1
    else
        memdial runs list --words 2>/dev/null
    fi
}

_memdial_options() { # FIRST-WORDS: of that command, else of the screens
    if [ "$1" = runs ]; then
        set -- "$1" "${2:-list}"
    elif _memdial_commands | grep -qxF -e "$1"; then
        set -- "$1"
    else
        set -- quick
    fi
    memdial "$@" --help 2>/dev/null | grep -o -e '--[a-z-]*'
    echo --help
}

# Names are anybody's: words are taken as they are, and quoted for the shell.
_memdial_offer() { # WORDS, a line for each
    local line
    while IFS= read -r line; do
        [[ -z $line || $line != "${word//\\/}"* ]] ||
            COMPREPLY+=("$(printf %q "$line")")
    done <<<"$1"
}

_memdial() {
    local word=${COMP_WORDS[COMP_CWORD]} words
    local -a before=("${COMP_WORDS[@]:0:COMP_CWORD}")

    # The shell takes NAME=VALUE apart.
    if [ "$word" = = ]; then
        before+=(=)
        word=
    fi
    if [[ ${before[*]} = *' --'@(set|over)' '*' =' ]]; then
        words=$(_memdial_values "${before[-2]}")
    elif [[ ${before[-1]} = --@(set|over) ]]; then
        words=$(_memdial_settings)
        compopt -o nospace
    elif [[ ${before[-1]} = --@(save|load|reference|write|worker|runs|list) || \
        ${before[-1]} = -o ]]; then
        compopt -o default
    elif [[ ${before[-1]} = --@(resume|baseline) ]]; then
        words=$(_memdial_runs)
    elif [[ $word = -* ]]; then
        words=$(_memdial_options "${COMP_WORDS[@]:1:2}")
        [ "$COMP_CWORD" != 1 ] || words+=$'\n--version'
    elif [ "${COMP_WORDS[1]}" = report ] && [ "$COMP_CWORD" -gt 1 ]; then
        words=$(_memdial_runs)
        compopt -o default
    elif [ "${COMP_WORDS[1]}" = runs ] && [ "$COMP_CWORD" -gt 1 ]; then
        words=$(_memdial_runs "${before[@]}")
    else
        words=$(_memdial_presets)
        [ "$COMP_CWORD" != 1 ] || words+=$'\n'$(_memdial_commands)
        compopt -o default
    fi
    COMPREPLY=()
    _memdial_offer "$words"
}

complete -F _memdial memdial
