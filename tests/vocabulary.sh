#!/bin/sh
# Sets of sentences, and what goes with them: dictionaries that are kept, and
# snapshots that other dictionaries must not load. Prints TAP.
. "${srcdir:-.}/tests/tap.sh"

tiny='--set features=8 --set hidden=8 --set heads=2 --set encoder_layers=1
--set decoder_layers=1 --set data=parallel --set source_vocabulary=8
--set target_vocabulary=8 --set sentence=4 --set longest=6 --set batch=50
--set epoch_samples=50 --set bleu_every=0 --set threads=1'
snapshot=$folder/run.safetensors

# FOLDER SOURCE TARGET: a pair for training and validation, and one too long.
sentences() {
    mkdir -p "$folder/$1"
    for split in train valid; do
        printf '%s\n' "$2" >"$folder/$1/$split.de"
        printf '%s\n' "$3" >"$folder/$1/$split.en"
    done
    echo 'a a a a a a' >>"$folder/$1/train.de"
    echo 'a' >>"$folder/$1/train.en"
}

run() { # COMMAND FOLDER ARGUMENT...
    command=$1 data=$2
    shift 2
    timeout $patience "$memdial" $command quick-translate $tiny \
        --set data_path="$folder/$data" "$@" >"$out" 2>"$err"
    code=$?
}

# DESCRIPTION PATTERN: exit code 2, one line on standard error with the pattern.
refused() {
    [ $code = 2 ] && [ "$(wc -l <"$err")" = 1 ] && grep -q -- "$2" "$err" &&
        [ ! -s "$out" ]
    report $? "refused: $1"
}

sentences first 'a b c d' 'a x y z'
# The same words, but d has another number.
sentences other 'd d c b a' 'a x y z'
sentences twin 'a b c d' 'a b c d'

# Dictionaries are written in the order of the text, or not at all.
mkdir "$folder/kept"
run vocabulary first --write "$folder/kept"
[ $code = 0 ] && grep -q '^wrote dictionaries de [0-9a-f]* and en' "$out" &&
    printf 'a 7\nb 1\nc 1\nd 1\n' | cmp -s - "$folder/kept/dict.de.txt" &&
    printf 'a 2\nx 1\ny 1\nz 1\n' | cmp -s - "$folder/kept/dict.en.txt" &&
    [ "$(ls -A "$folder/kept" | wc -l)" = 2 ]
report $? 'dictionaries are kept'
rm "$folder/kept/dict.de.txt"
run vocabulary first --write "$folder/kept"
refused 'a file that is there already' 'dict.en.txt: a file is there already'
[ "$(ls -A "$folder/kept")" = dict.en.txt ]
report $? '... and nothing else is written'
rm "$folder/kept/dict.en.txt"
ln -s both "$folder/kept/dict.de.txt"
ln -s both "$folder/kept/dict.en.txt"
run vocabulary first --write "$folder/kept"
[ $code = 1 ] && [ ! -s "$out" ] && grep -q 'dict.en.txt: cannot write' "$err" &&
    [ "$(ls -A "$folder/kept" | wc -l)" = 2 ] && [ ! -e "$folder/kept/both" ]
report $? '... and if the last one fails, the first is removed'
for data in first no-such-data; do
    run vocabulary $data --write "$folder/no-such-folder"
    [ $code = 1 ] && [ ! -s "$out" ] &&
        grep -q 'no-such-folder/dict.de.txt: cannot write here' "$err"
    report $? "a folder that is not there, of $data"
    echo '#version: 0.2' >"$folder/kept/code"
    rm -f "$folder"/kept/dict.*
    run vocabulary $data --set subwords=2 --write "$folder/kept"
    refused "a file of merges that is there already, of $data" \
        'kept/code: a file is there already'
done
run vocabulary first
refused 'no folder' '--write FOLDER is missing'
run vocabulary first --set data=shapes --set model=wrn --set batch=2 \
    --write "$folder/kept"
refused 'images' 'images have no dictionaries'
for command in vocabulary translate; do
    if [ $command = vocabulary ]; then
        set -- --write "$folder/kept"
    else
        set -- --load "$snapshot"
    fi
    "$memdial" $command wrn-10-1 "$@" </dev/null >"$out" 2>"$err"
    code=$?
    refused "$command of images that are not there" \
        'have no dictionaries\|does not translate'
done

# Merges are learned, and who is no terminal is not told of them.
sentences words 'ab ab cab' 'xy xy xyz'
words='--set subwords=2 --set source_vocabulary=7 --set target_vocabulary=9
--set longest=8'
mkdir "$folder/merged"
run vocabulary words $words --write "$folder/merged"
[ $code = 0 ] && [ ! -s "$err" ] && [ "$(wc -l <"$folder/merged/code")" = 3 ]
report $? 'merges are kept'
run vocabulary words $words --set subwords=9 --write "$folder"
refused 'more merges than the text has' 'have only 2 merges; --set subwords=2,'

# Programs are told of them by events, before the run begins.
run train words --epochs 1 --json $words
head -n 1 "$out" | grep -q '^{"type":"learning","merges":1,"wanted":2}' &&
    [ "$(grep -c learning "$out")" = 2 ] &&
    sed -n 3p "$out" | grep -q '^{"type":"start"'
report $? 'events tell of merges'

# A pair that is too long is said once.
run train first --epochs 1 --save "$snapshot"
[ $code = 0 ] && [ "$(grep -c 'left out' "$out")" = 1 ] &&
    grep -q '^1 sentence pair is longer than longest, 6 tokens,' "$out"
report $? 'text says what is left out'
run train first --epochs 1 --json
[ "$(grep -c left_out "$out")" = 1 ] &&
    head -n 1 "$out" | grep -q '"type":"start".*"left_out":1[,}]'
report $? '... and so does the start'
run train first --epochs 1 --json --set longest=7
! grep -q left_out "$out"
report $? '... unless nothing is'

# A snapshot fits its dictionaries.
echo 'b c' >"$folder/line"
run train first --epochs 2 --load "$snapshot"
[ $code = 0 ] && ! grep -q warning "$out"
report $? 'a run goes on'
run train first --epochs 1 --load "$snapshot"
[ $code = 0 ] && grep -q 'warning: the snapshot is of step 1, and this run ends' \
    "$out"
report $? '... and says where there is nothing to go on to'
run translate first --load "$snapshot" <"$folder/line"
[ $code = 0 ] && [ "$(wc -l <"$out")" = 1 ]
report $? '... and translates'
for command in train translate; do
    run $command other --load "$snapshot" <"$folder/line"
    refused "$command by other dictionaries of the same size" \
        'saved by a run with dictionaries de .* but this one has dict.* alike'
    run $command first --load "$snapshot" --set source=en --set target=de \
        <"$folder/line"
    refused "$command with the languages changed over" 'dictionaries de .* en '
done
cp "$folder"/twin/train.de "$folder/twin/train.en"
run train twin --epochs 1 --save "$snapshot"
run translate twin --load "$snapshot" --set source=en --set target=de \
    <"$folder/line"
refused '... also where both have the same words' 'dictionaries de .* en '
mkdir "$folder/beside"
cp "$folder"/first/* "$folder/beside"
run vocabulary first --write "$folder/beside"
echo 'd c b a' >"$folder/beside/train.de"
echo 'z y x a' >"$folder/beside/train.en"
run train first --epochs 1 --save "$snapshot"
run translate beside --load "$snapshot" <"$folder/line"
[ $code = 0 ]
report $? 'dictionaries that were kept fit when the text has changed'

# So do merges: words that are cut otherwise are other words to a network, though
# its tokens are the same.
echo 'ab cab' >"$folder/line"
cp "$folder"/words/* "$folder/merged"
run train merged $words --epochs 1 --save "$snapshot"
run translate merged $words --load "$snapshot" <"$folder/line"
[ $code = 0 ] && [ "$(wc -l <"$out")" = 1 ]
report $? 'merges that were kept fit'
sed -i 's/$/\r/' "$folder"/merged/code "$folder"/merged/dict.*.txt
run translate merged $words --load "$snapshot" <"$folder/line"
[ $code = 0 ] && [ "$(wc -l <"$out")" = 1 ]
report $? '... with the ends of lines of another system too'
printf '#version: 0.2\na b</w>\nx y\n' >"$folder/merged/code"
for command in train translate; do
    run $command merged $words --load "$snapshot" <"$folder/line"
    refused "$command by other merges" \
        'dictionaries .*, merges .* but .*, merges .*; set .*subwords.* alike'
done

# What cannot be changed is named, not what it goes with.
printf '%s\n%s\n' '{"command":"start","preset":"quick-translate"}' \
    '{"command":"set","settings":{"heads":3}}' |
    timeout $patience "$memdial" worker >"$out" 2>"$err"
grep '"refused"' "$out" | grep -q '"heads: cannot change during a run'
report $? 'a live change of heads is refused in their name'

echo "1..$count"
