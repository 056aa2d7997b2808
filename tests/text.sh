#!/bin/sh
# Sentences that are no good, given to every command that reads them: refused
# with where, what, and what to do, and nothing is written. Then such as are odd
# but good. Prints TAP.
. "${srcdir:-.}/tests/tap.sh"

tiny='--set features=8 --set hidden=8 --set heads=2 --set encoder_layers=1
--set decoder_layers=1 --set data=parallel --set source_vocabulary=8
--set target_vocabulary=8 --set sentence=4 --set longest=6 --set batch=50
--set epoch_samples=0 --set bleu_every=0 --set threads=1 --set epochs=1'
data=$folder/data

sentences() {
    rm -rf "$data" "$folder/kept"
    mkdir "$data" "$folder/kept"
    for split in train valid; do
        printf 'a b c d\nb a\n' >"$data/$split.de"
        printf 'a x y z\nx a\n' >"$data/$split.en"
    done
}

run() { # COMMAND ARGUMENT...
    command=$1
    shift
    timeout $patience "$memdial" $command quick-translate $tiny \
        --set data_path="$data" "$@" <"$folder/line" >"$out" 2>"$err"
    code=$?
}

sentences
echo 'b a' >"$folder/line"
run train --save "$folder/good"
[ $code = 0 ] && [ -s "$folder/good" ]
report $? 'a good set trains'

# Nothing is written but one line on standard error: "WHERE: WHAT; REMEDY".
said() { # PATTERN
    [ $code = 2 ] && [ ! -s "$out" ] && [ "$(wc -l <"$err")" = 1 ] &&
        grep -q -- "^memdial: .*$1.*; [a-z-]" "$err" &&
        [ -z "$(ls -A "$folder/kept")" ]
}

# DESCRIPTION PATTERN ARGUMENT...: of the data as they are now.
refused() {
    description=$1 pattern=$2
    shift 2
    run train --save "$folder/kept/run" "$@"
    said "$pattern"
    report $? "train refuses $description"
    run translate --load "$folder/good" "$@"
    said "$pattern"
    report $? "... translate"
    run vocabulary --write "$folder/kept" "$@"
    said "$pattern"
    report $? "... and vocabulary"
}

# FILE BYTES DESCRIPTION PATTERN: of a file with other bytes.
refused_bytes() {
    sentences
    printf "$2" >"$data/$1"
    refused "$3" "$4"
}

sentences
rm "$data/train.en"
refused 'a missing file' 'data_path: .*data: no train.en'
refused_bytes train.de 'a b\n' 'unequal files' \
    'train.de has 1 lines, but .*train.en has 2'
refused_bytes valid.en 'a b\nx\na\n' '... of validation' \
    'valid.de has 2 lines, but .*valid.en has 3'
refused_bytes train.de 'a b c d\nb \344\n' 'text that is not UTF-8' \
    'train.de: line 2: byte 3 is not UTF-8'
refused_bytes valid.en 'a x\n\303' '... half a character' \
    'valid.en: line 2: byte 1 is not UTF-8'
refused_bytes train.en 'a x y z\n\n' 'an empty line' \
    'train.en: line 2 is empty'
refused_bytes train.de '' 'an empty file' 'train.de: the file is empty'
refused_bytes train.de 'a b c d\na\000b\n' 'a NUL' \
    'train.de: line 2: byte 2 is NUL'
refused_bytes dict.de.txt 'a 7\nb\n' 'a dictionary that does not parse' \
    'dict.de.txt: line 2: not a token, a space and a count'
refused_bytes dict.de.txt 'a 7\n\nb 2\n' '... one with an empty line' \
    'dict.de.txt: line 2: not a token, a space and a count'
refused_bytes dict.de.txt 'a 7\nb 2\n' 'a dictionary of another size' \
    '6 source tokens .* do not fit source_vocabulary=8'
sentences
printf '#version: 0.2\na b c\n' >"$data/code"
refused 'codes that do not parse' 'code: line 2: not two pieces' \
    --set subwords=1
printf '#version: 0.2\n\na b\n' >"$data/code"
refused '... with an empty line' \
    'code: line 2: not two pieces' --set subwords=1
: >"$data/code"
refused '... empty' 'code: line 1 is not' --set subwords=1
sentences
rm "$data/train.en"
mkdir "$data/train.en"
refused 'a folder in place of a file' \
    'data_path: .*train.en: not a file but a folder'

sentences
refused 'another vocabulary' 'do not fit target_vocabulary=9' \
    --set target_vocabulary=9
refused 'another mean length' 'do not fit sentence=19' \
    --set sentence=19
refused 'longest above the microbatch' 'microbatch: 5 tokens have no room' \
    --set microbatch=5
refused 'longest above the batch' 'batch: 5 tokens have no room' \
    --set batch=5

# A million words in a line: in training it is left out, and said.
million() {
    yes a | head -n 1000000 | tr '\n' ' '
    echo
}
sentences
million >>"$data/train.de"
echo a >>"$data/train.en"
run train --save "$folder/kept/run"
[ $code = 0 ] && grep -q '^1 sentence pair is longer than longest, 6' "$out"
report $? 'a million words in a line of training are left out'
sentences
million >>"$data/valid.de"
echo a >>"$data/valid.en"
refused 'a million words in a line of validation' \
    'valid.de: line 3: 1000001 tokens .* are more than longest, 6'
sentences
million >"$folder/line"
run translate --load "$folder/good"
said 'standard input: line 1: 1000001 tokens'
report $? '... and translate, to be translated'
yes a | head -n 1000000 | tr -d '\n' >"$folder/line"
run translate --load "$folder/good"
[ $code = 0 ] && [ "$(wc -l <"$out")" = 1 ]
report $? 'a word of a million letters is only unknown'

# A word in each file is a set.
sentences
for file in train.de train.en valid.de valid.en; do
    printf a >"$data/$file"
done
printf a >"$folder/line"
one='--set source_vocabulary=5 --set target_vocabulary=5 --set sentence=2'
run train $one --save "$folder/one"
[ $code = 0 ] && grep -q '^done in' "$out"
report $? 'a word in each file trains'
run translate $one --load "$folder/one"
[ $code = 0 ] && [ "$(wc -l <"$out")" = 1 ]
report $? '... and translates'

echo "1..$count"
