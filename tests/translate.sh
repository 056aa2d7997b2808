#!/bin/sh
# A translator learns number words, which it must reorder, and says what is
# wrong with input that it cannot translate.
. "${srcdir:-.}/tests/tap.sh"

if [ -n "${MEMDIAL_SANITIZED-}" ]; then
    epochs=2 pairs=2000 least=0
else
    epochs=8 pairs=40000 least=90
fi
run=$folder/run.safetensors

small='--set features=64 --set hidden=128 --set encoder_layers=2
--set decoder_layers=2 --set lr=0.003'
"$memdial" train quick-translate $small --set epoch_samples=$pairs \
    --set epochs=$epochs --set bleu_every=$epochs --json --save "$run" \
    >"$out" 2>"$err"
report $? 'a translator is trained'

bleu=$(sed -n '/"type":"epoch"/s/.*"bleu":\([0-9.e+-]*\).*/\1/p' "$out")
echo "# BLEU on numbers that it has not seen: $bleu"
[ "$(grep -c '"type":"epoch".*"bleu"' "$out")" = 1 ]
report $? 'BLEU is in the last epoch, as bleu_every says'
[ "$(grep -c '"type":"test".*"bleu"' "$out")" = 1 ]
report $? '... and once in the test'
awk -v b="$bleu" -v least=$least 'BEGIN { exit !(b != "" && b >= least) }'
report $? "... and at least $least"

# On numbers that no run has seen, beside a model of words without an order. BLEU
# is that of an implementation in awk.
scripts=${srcdir:-.}/tests
"${memdial%/*}"/tests/number_lines >"$folder/numbers" 2>"$err"
cut -f 1 "$folder/numbers" >"$folder/german"
cut -f 2 "$folder/numbers" >"$folder/english"
[ "$(wc -l <"$folder/english")" = 500 ]
report $? 'there are numbers for a test'
bleu_of() { # FILE: the BLEU of translations of these numbers
    awk -f "$scripts/bleu.awk" "$1" "$folder/english"
}
for order in kept turned drawn; do
    awk -v order=$order -f "$scripts/bag_of_words.awk" "$folder/german" \
        >"$folder/bag" 2>"$err" && [ "$(wc -l <"$folder/bag")" = 500 ]
    report $? "a bag of words, its order $order"
    bag=$(bleu_of "$folder/bag")
    echo "# BLEU of a bag of words, its order $order: $bag"
    awk -v b="$bag" 'BEGIN { exit !(b != "" && b < 50) }'
    report $? '... is far below 90'
done
if [ $least -gt 0 ]; then
    "$memdial" translate quick-translate $small --load "$run" \
        --reference "$folder/english" <"$folder/german" >"$out" 2>"$err"
    bleu=$(sed -n 's/^BLEU \([0-9.]*\).*/\1/p' "$err")
    echo "# BLEU of the translator: $bleu, in awk $(bleu_of "$out")"
    awk -v b="$bleu" -v a="$(bleu_of "$out")" \
        'BEGIN { d = b - a; exit !(b >= 90 && d <= 0.011 && d >= -0.011) }'
    report $? 'the translator is above 90, by both counts of BLEU'
fi

# INPUT ARGUMENT...: translates by the run.
translate() {
    printf "$1" >"$folder/input"
    shift
    "$memdial" translate quick-translate $small --load "$run" "$@" \
        <"$folder/input" >"$out" 2>"$err"
}

translate 'ein und zwanzig\n\nzwei\n'
[ "$(wc -l <"$out")" = 3 ] && [ -z "$(sed -n 2p "$out")" ]
report $? 'each line has a translation, an empty one an empty one'
if [ $least -gt 0 ]; then
    [ "$(sed -n 1p "$out")" = 'twenty one' ]
    report $? '... in the order of English'
fi

cp "$out" "$folder/expected"
translate 'ein\tund  zwanzig\r\n\t\nzwei'
cmp -s "$out" "$folder/expected"
report $? 'tabs and carriage returns divide words, as in a file'

for beam in 1 2 4; do
    translate 'drei und dreissig\n' --beam $beam
    [ "$(wc -l <"$out")" = 1 ]
    report $? "a beam of $beam"
done

long='ein hundert zwei und zwanzig tausend drei hundert vier und vierzig'
printf 'one hundred twenty two thousand three hundred forty four\n' \
    >"$folder/reference"
translate "$long\n" --reference "$folder/reference"
grep -q '^BLEU [0-9]' "$err"
report $? 'BLEU against a reference'

if [ $least -gt 0 ]; then
    ! grep -q four "$err"
    report $? '... of sentences that are long enough'
    printf 'two\n' >"$folder/reference"
    translate 'zwei\n' --reference "$folder/reference"
    grep -q '^BLEU 0.00; no translation has four words' "$err"
    report $? '... which says so where all sentences are too short for it'
fi
printf 'twenty one\n\n' >"$folder/reference"
translate 'ein und zwanzig\n\n' --reference "$folder/reference"
[ $? = 0 ] && grep -q '^BLEU [0-9]' "$err"
report $? '... which may have gaps, as standard input may'
printf 'twenty one\ntwo\n' >"$folder/reference"

# NAME PATTERN INPUT ARGUMENT...: what is refused, with exit code 2.
refuses() {
    name=$1 pattern=$2
    shift 2
    translate "$@"
    [ $? = 2 ] && grep -q -- "$pattern" "$err" && [ ! -s "$out" ]
    report $? "refused: $name"
}

refuses 'a reference of other lines' 'lines' 'zwei\n' \
    --reference "$folder/reference"
refuses 'a reference that is not there' 'no-such-file' 'zwei\n' \
    --reference "$folder/no-such-file"
refuses '... before data are opened' 'no-such-file' 'zwei\n' \
    --reference "$folder/no-such-file" --set data=parallel --set data_path=/none
refuses 'a beam of none' 'beam' 'zwei\n' --beam 0
refuses 'text that is not UTF-8' 'UTF-8' 'zwei\n\377\n'
refuses 'a NUL' 'NUL' 'zwei\n\000\n'
refuses 'a control character' \
    'standard input: line 2: byte 3 is a control character, U+001B' \
    'zwei\na \033[2J\n'
refuses 'one beyond ASCII' 'U+009B' 'zwei \302\2332J\n'
refuses 'a line that is too long' 'tokens' \
    "$(yes zwei | head -n 5000 | tr '\n' ' ')\n"
refuses 'a snapshot of another size' 'features\|fit\|shape' 'zwei\n' \
    --set features=128

"$memdial" translate quick-translate $small --load "$run" <&- >"$out" 2>"$err"
[ $? = 2 ] && grep -q '^memdial: standard input is closed' "$err"
report $? 'refused: no standard input'
"$memdial" translate quick-translate $small --load "$run" </dev/null \
    >"$out" 2>"$err"
[ $? = 0 ] && [ ! -s "$out" ] && [ ! -s "$err" ]
report $? 'an empty one has no translations'

# Losses and weights of a run, whose bits ways of saving memory do not change.
bits() { # ARGUMENT...
    "$memdial" train quick-translate $small --set epoch_samples=3000 \
        --set bleu_every=0 --epochs 1 --json --save "$folder/bits" "$@" \
        2>"$err" | grep -E '^{"type":"(step|epoch)"' |
        sed 's/"[a-z_]*second[a-z_]*":[^,}]*//g' >"$out"
    head -n 40 "$folder/german" |
        "$memdial" translate quick-translate $small --load "$folder/bits" \
            >>"$out" 2>>"$err"
}
bits
cp "$out" "$folder/plain"
for way in 'checkpoint=block' 'checkpoint=optimal --set recompute=norms'; do
    bits --set $way
    [ "$(grep -c '"loss":' "$out")" = 3 ] && cmp -s "$out" "$folder/plain"
    report $? "the bits of $way are those of none"
done

# A plan says where translating needs more than training does: of one sentence,
# by many hypotheses, whose decoder looks far back.
few='--set features=16 --set hidden=24 --set heads=2 --set encoder_layers=1
--set decoder_kernels=31 --set batch=12 --set epoch_samples=12'
plan_of() { # ARGUMENT...: the plan, in JSON without spaces
    "$memdial" plan quick-translate $few --json "$@" 2>"$err" |
        tr -d ' \n' >"$out"
}
peak_bytes() {
    sed 's/.*"peak_bytes":\([0-9]*\).*/\1/' "$out"
}
"$memdial" plan quick-translate $few --set beam=32 >"$out" 2>"$err"
grep -q '^peak .* in step [0-9]* of [0-9]*: beam head.loss (translate)$' "$out"
report $? 'a plan whose peak is of translating says so'
plan_of --set beam=32
grep -q '"peak_step":{[^}]*"phase":"translate"' "$out"
report $? '... and so does its JSON'
peak=$(peak_bytes)
plan_of --set bleu_every=0
[ "$peak" -gt "$(peak_bytes)" ] && ! grep -q '"phase":"translate"' "$out"
report $? '... and training alone needs less'

echo "1..$count"
