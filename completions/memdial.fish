# fish completion for memdial. All words are asked of the program.

function __memdial_commands
    memdial help --words 2>/dev/null
end

function __memdial_presets
    memdial presets --words 2>/dev/null
end

# NAME=, and with the name typed NAME=VALUE.
function __memdial_settings
    set -l word (commandline -ct)
    set -l tab \t
    for line in (memdial settings --words 2>/dev/null)
        set -l part (string split $tab -- $line)
        if string match -q -- "$part[1]=*" $word
            for value in (string split -n ' ' -- $part[3])
                echo $part[1]=$value
            end
        else
            echo $part[1]=$tab$part[2]
        end
    end
end

# Commands of runs.
function __memdial_runs_commands
    memdial runs --words 2>/dev/null
end

function __memdial_runs
    memdial runs list --words 2>/dev/null
end

function __memdial_reports
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = report
end

# Whether the first word is runs, and so many words stand before.
function __memdial_has_runs
    set -l words (commandline -opc)
    test (count $words) $argv; and test "$words[2]" = runs
end

# Of the command that is the first word, else of the screens.
function __memdial_options
    set -l words (commandline -opc)
    set -l first $words[2]
    set -l names (__memdial_commands | string replace -r '\t.*' '')
    contains -- "$first" $names; or set first quick
    if test "$first" = runs
        set first runs list
        string match -qr -- '^[a-z]+$' "$words[3]"; and set first runs $words[3]
    end
    memdial $first --help 2>/dev/null | string match -ar -- '--[a-z-]+'
    echo --help
end

function __memdial_takes
    contains -- (commandline -opc)[-1] $argv
end

complete -c memdial -n '__memdial_takes --set --over' -f -a '(__memdial_settings)'
complete -c memdial \
    -n '__memdial_takes --save --load --reference --write --worker --runs \
        --list -o' -F
complete -c memdial -n '__memdial_takes --resume --baseline' -f \
    -a '(__memdial_runs)'
complete -c memdial -n '__memdial_has_runs = 2' -f \
    -a '(__memdial_runs_commands)'
complete -c memdial -n '__memdial_has_runs -gt 2' -f -a '(__memdial_runs)'
complete -c memdial -n '__memdial_reports; and not __memdial_takes -o \
    --filter --title --runs' -a '(__memdial_runs)'
complete -c memdial -n 'not __memdial_has_runs -ge 2; and not __memdial_reports;
    and not __memdial_takes --set --over --save --load --reference --write \
        --worker --runs --list --resume --baseline' -a '(__memdial_presets)'
complete -c memdial -n __fish_use_subcommand -a '(__memdial_commands)'
complete -c memdial -n __fish_use_subcommand -a --version
complete -c memdial -n 'string match -q -- "-*" (commandline -ct)' \
    -a '(__memdial_options)'
