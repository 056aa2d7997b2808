# bash completion for memdial. All words are asked of the program.

_memdial_commands() {
    memdial help 2>/dev/null | sed -n 's/^  \([a-z]*\)  .*/\1/p'
}

_memdial_presets() {
    memdial presets 2>/dev/null | cut -d ' ' -f 1
}

_memdial_settings() {
    memdial settings --words 2>/dev/null | sed 's/\t.*/=/'
}

_memdial_values() { # SETTING
    memdial settings --words 2>/dev/null | sed -n "s/^$1\t.*\t//p"
}

_memdial_options() { # FIRST-WORD: of that command, else of the screens
    _memdial_commands | grep -qx -e "$1" || set -- quick
    memdial "$1" --help 2>/dev/null | grep -o -e '--[a-z-]*'
    echo --help
}

_memdial() {
    local word=${COMP_WORDS[COMP_CWORD]} words
    local -a before=("${COMP_WORDS[@]:0:COMP_CWORD}")

    # The shell takes NAME=VALUE apart.
    if [ "$word" = = ]; then
        before+=(=)
        word=
    fi
    if [[ ${before[*]} = *' --set '*' =' ]]; then
        words=$(_memdial_values "${before[-2]}")
    elif [ "${before[-1]}" = --set ]; then
        words=$(_memdial_settings)
        compopt -o nospace
    elif [[ ${before[-1]} = --@(save|load|reference|write|worker) ]]; then
        compopt -o default
    elif [[ $word = -* ]]; then
        words=$(_memdial_options "${COMP_WORDS[1]}")
        [ "$COMP_CWORD" != 1 ] || words="$words --version"
    else
        words=$(_memdial_presets)
        [ "$COMP_CWORD" != 1 ] || words="$words $(_memdial_commands)"
        compopt -o default
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}

complete -F _memdial memdial
