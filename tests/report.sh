#!/bin/sh
# Reports of runs: their numbers, their forms, and runs and files that are not
# as they should be. Prints TAP.
. "${srcdir:-.}/tests/kept.sh"

check="${srcdir:-.}/tests/report.py"

train() { # NAME ARGUMENT...: a run whose steps take milliseconds
    name=$1
    shift
    ends 0 train quick --set batch=20 --set epoch_samples=100 \
        --set valid_samples=40 --set threads=1 --set epochs=3 --name "$name" \
        "$@"
}

has() { # FILE TEXT
    grep -qF -- "$2" "$1"
}

lacks() { # FILE TEXT
    ! has "$1" "$2"
}

python() { # ARGUMENT...: of tests/report.py
    python3 "$check" "$@" >>"$out" 2>>"$err"
}

# Whether pictures can be drawn, and why not.
without=
train dense
ends 0 report dense -o "$folder/first.svg" ||
    without=" # SKIP $(tr '\n' ' ' <"$err" | cut -c 1-150)"
command -v python3 >/dev/null || without=' # SKIP no Python'

# DESCRIPTION COMMAND...: a test that is left out where nothing can be drawn.
drawn() {
    description=$1
    shift
    if [ -n "$without" ]; then
        report 0 "$description$without"
    else
        "$@"
        report $? "$description"
    fi
}

train sparse --set sparsity=0.7 && train bits --set precision=bf16 &&
    train parts --set microbatch=5 && train long --set epochs=5 &&
    train short --set epochs=1 --set seed=2
report $? 'runs to report on'

# Numbers.

ends 0 runs export dense sparse bits parts long short &&
    cp "$out" "$folder/export.csv" &&
    ends 0 report "$root" -o "$folder/all.md" && [ ! -s "$err" ] &&
    ends 0 report "$root" -o "$folder/all.html" && [ ! -s "$err" ] &&
    grep -qxF "wrote $folder/all.html: 6 runs" "$out"
report $? 'a page, and tables'

agree='a page is XML that fetches nothing, with the numbers of export'
if command -v python3 >/dev/null; then
    python page "$folder/all.html" "$folder/export.csv" "$folder/all.md"
    report $? "$agree"
else
    report 0 "$agree # SKIP no Python"
fi

has "$folder/all.md" 'on the front' &&
    has "$folder/all.md" 'had 1 epoch, fewer than 3' &&
    has "$folder/all.md" 'best accuracy in 3 epochs' &&
    has "$folder/all.md" 'memdial train quick --set' &&
    has "$folder/all.html" 'on a logarithmic axis' &&
    has "$folder/all.md" '### Machines and versions'
report $? 'most runs set the terms: one that was shorter does not compete'

[ "$(grep -c '<svg' "$folder/all.html")" = 4 ] &&
    has "$folder/all.html" 'prefers-color-scheme:dark' &&
    has "$folder/all.html" '@media print'
report $? 'a page has four figures'

# The command of a run makes it again.
command=$(grep -A 1 '^# B$' "$folder/all.md" | tail -n 1)
case $command in
"memdial train quick --set "*)
    eval "set -- ${command#memdial }"
    ends 0 "$@" --name again
    ;;
*)
    false
    ;;
esac && cmp "$root/again/snapshot.safetensors" \
    "$root/dense/snapshot.safetensors" && rm -r "$root/again"
report $? 'the command of a run makes the same bits'

# Forms.

forms_are_whole() {
    for ending in svg png pdf; do
        ends 0 report dense sparse bits parts -o "$folder/all.$ending" ||
            return 1
    done
    python picture "$folder/all.svg" "$folder/all.png" "$folder/all.pdf"
}
drawn 'pictures are whole, and not blank' forms_are_whole

if command -v pdftotext >/dev/null && [ -z "$without" ]; then
    pdftotext -layout "$folder/all.pdf" "$folder/all.txt" &&
        has "$folder/all.txt" sparsity=0.7 && has "$folder/all.txt" Commands &&
        [ "$(pdfinfo "$folder/all.pdf" | awk '/^Pages/ { print $2 }')" -ge 2 ] &&
        pdfinfo "$folder/all.pdf" | grep -q 'A4'
    report $? 'a PDF has text on pages of A4'
else
    report 0 'a PDF has text on pages of A4 # SKIP no pdftotext, or no Cairo'
fi

MEMDIAL_PICTURES_MODULE=$folder/none ends 1 report dense \
    -o "$folder/none.png" && complains 'pictures cannot be drawn' &&
    complains '.html and .md need none' && [ ! -e "$folder/none.png" ] &&
    MEMDIAL_PICTURES_MODULE=$folder/none ends 0 report dense \
        -o "$folder/none.html" &&
    MEMDIAL_PICTURES_MODULE=$folder/none ends 0 report dense \
        -o "$folder/none.md"
report $? 'without the module: pages and tables'

for file in "$folder/none" "$folder/none.doc" "$folder/no.pdf/none"; do
    ends 2 report dense -o "$file" && complains '.html, .svg, .png, .pdf or .md'
    report $? "an ending that is none: ${file##*/}"
done

# Runs.

ends 0 report --filter precision=bf16 -o "$folder/some.md" &&
    has "$folder/some.md" '1 run of quick: 1 done' &&
    ends 0 report "$root" --filter 'state=done' --filter epochs=3 \
        -o "$folder/some.md" && has "$folder/some.md" '4 runs of quick' &&
    ends 2 report --filter precision=fp16 -o "$folder/none.md" &&
    complains 'no run of 6 meets all conditions' &&
    ends 0 report -o "$folder/all.md" &&
    has "$folder/all.md" '6 runs of quick'
report $? 'those that meet conditions'

ends 0 report dense "$root/dense" den -o "$folder/one.md" &&
    has "$folder/one.md" '1 run of quick' &&
    has "$folder/one.md" 'as the preset'
report $? 'a run that is named three times is told of once'

mkdir -p "$folder/none.d" "$folder/junk/a" && ends 2 report "$folder/none.d" \
    -o "$folder/x.md" && complains 'there are no runs in it' &&
    ends 2 report "$folder/junk" -o "$folder/x.md" &&
    complains 'not the folder of a run' && ends 2 report nowhere \
        -o "$folder/x.md" && complains "no run 'nowhere'" &&
    ends 2 report dense && complains 'by -o FILE' && [ ! -e "$folder/x.md" ]
report $? 'folders that have no runs, and names that are none: refused'

mkdir "$folder/mixed" && cp -r "$root/dense" "$folder/mixed" &&
    mkdir "$folder/mixed/other" "$folder/mixed/junk" &&
    echo >"$folder/mixed/other/file" &&
    head -c 5000 /dev/urandom >"$folder/mixed/junk/events.jsonl" &&
    ends 0 report "$folder/mixed" -o "$folder/mixed.md" &&
    complains '1 folder beside is no run' &&
    has "$folder/mixed.md" '### Runs without figures' &&
    has "$folder/mixed.md" '| junk | empty | it has not begun |' &&
    ends 0 report "$folder/mixed/junk" -o "$folder/mixed.html"
report $? 'runs without figures are told of apart'

# Names.

bad=$(printf 'a<b>&"c\001|`d*')
mkdir "$folder/names" && cp -r "$root/dense" "$folder/names/$bad" &&
    cp -r "$root/sparse" "$folder/names/]]>--><script>" &&
    sed -i '1s/"preset":"quick"/"preset":"<i>\\u001b[1m\&"/' \
        "$folder/names/$bad/events.jsonl" &&
    ends 0 report "$folder/names" -o "$folder/names.md" \
        --title "$(printf '<b>\033[2J|x')" &&
    has "$folder/names.md" 'a\<b\>\&"c?\|\`d\*' &&
    has "$folder/names.md" '# \<b\>?\[2J\|x'
report $? 'names that mean something in Markdown stand as they are'

names_are_quoted() {
    ends 0 report "$folder/names" -o "$folder/names.html" \
        --title "$(printf '</title><b>\033[2J')" &&
        has "$folder/names.html" 'a&lt;b&gt;&amp;&quot;c?|`d*' &&
        lacks "$folder/names.html" '<b>?' &&
        ends 0 runs export "$folder/names/$bad" \
            "$folder/names/]]>--><script>" && cp "$out" "$folder/names.csv" &&
        python3 -c 'import sys, xml.etree.ElementTree as xml
xml.parse(sys.argv[1])' "$folder/names.html" &&
        ends 0 report "$folder/names" -o "$folder/names.pdf" &&
        ends 0 report "$folder/names" -o "$folder/names.svg" &&
        python picture "$folder/names.svg" "$folder/names.pdf"
}
drawn 'and in a page and pictures' names_are_quoted

# How runs ended.

begin /dev/null "$memdial" train quick --set batch=20 --set threads=1 \
    --set epoch_samples=100 --set epochs=100000 --name killed --json
comes '"type":"epoch"' 2 && kill -9 "$begun"
wait "$begun" 2>/dev/null
begun=
cp -r "$root/dense" "$root/broken" && sed -i '/"type":"done"/d' \
    "$root/broken/events.jsonl" &&
    echo '{"type":"error","message":"the <disk> is full"}' \
        >>"$root/broken/events.jsonl"
ends 0 report killed broken dense -o "$folder/ended.html" &&
    has "$folder/ended.html" '3 runs of quick: 1 done, 1 failed, 1 aborted' &&
    has "$folder/ended.html" 'the &lt;disk&gt; is full'
report $? 'how each ended is said'

ends 0 train --resume dense --set epochs=4 --set microbatch=5 &&
    ends 0 report dense sparse -o "$folder/turned.md" &&
    has "$folder/turned.md" 'done, turned 1x' &&
    has "$folder/turned.md" 'goes on with the weights of A, from epoch 3' &&
    has "$folder/turned.md" '# from epoch 3 on in A: microbatch=5 epochs=4' &&
    has "$folder/turned.md" 'valid loss' && lacks "$folder/turned.md" '| test' &&
    [ "$(grep -c '^| [ABC] .*KiB.* | – |$' "$folder/turned.md")" = 2 ] &&
    ends 0 report dense sparse -o "$folder/turned.html" &&
    has "$folder/turned.html" 'A cross goes on with the weights of another'
report $? 'settings that a run was turned to do not compete'

ends 0 train quick-translate --set epochs=1 --set batch=200 \
    --set epoch_samples=1000 --set valid_samples=20 --set threads=1 \
    --name text && ends 0 report sparse bits text -o "$folder/both.html" &&
    has "$folder/both.html" '<h2>images of shapes, by accuracy</h2>' &&
    has "$folder/both.html" '<h2>sentences of numbers, by BLEU</h2>' &&
    [ "$(grep -c '<svg' "$folder/both.html")" -ge 7 ]
report $? 'images and text have plots of their own'

# A plan that this version makes otherwise.
cp -r "$root/sparse" "$root/older" && sed -i '/"type":"memory"/s/"planned":/&1/' \
    "$root/older/events.jsonl" && ends 0 report older bits -o "$folder/old.md" &&
    grep '^| A ' "$folder/old.md" | head -n 1 | grep -qF '| – | – |'
report $? 'kinds of bytes that were not planned so are left out'

# Many.

mkdir "$folder/many"
i=0
while [ $i -lt 200 ]; do
    cp -r "$root/sparse" "$folder/many/run-$i"
    i=$((i + 1))
done
many_are_told() {
    for ending in html md svg png pdf; do
        ends 0 report "$folder/many" -o "$folder/many.$ending" || return 1
    done
    has "$folder/many.html" '200 runs of quick: 200 done' &&
        has "$folder/many.html" 'Grey: 188 others' &&
        python picture "$folder/many.svg" "$folder/many.png" \
            "$folder/many.pdf"
}
drawn '200 runs' many_are_told

# Files.

mkdir "$folder/here" && echo old >"$folder/here/a.md" &&
    chmod 640 "$folder/here/a.md" && ends 0 report sparse \
        -o "$folder/here/a.md" && has "$folder/here/a.md" '# quick' &&
    [ "$(ls -A "$folder/here")" = a.md ] &&
    [ "$(stat -c %a "$folder/here/a.md")" = 640 ]
report $? 'a file is replaced as a whole'

ends 1 report sparse -o "$folder/nowhere/a.html" && complains nowhere &&
    mkdir "$folder/here/b.md" && ends 2 report sparse -o "$folder/here/b.md" &&
    ends 2 report sparse -o '' && complains '-o: '
report $? 'a file that cannot be: refused'

if mkdir "$folder/disk" && mount -t tmpfs -o size=16k none "$folder/disk" \
        2>/dev/null; then
    echo old >"$folder/disk/a.html"
    ends 1 report sparse -o "$folder/disk/a.html" &&
        [ "$(cat "$folder/disk/a.html")" = old ] &&
        [ "$(ls -A "$folder/disk")" = a.html ]
    report $? 'a full disk: the file stays as it was'
    umount "$folder/disk"
else
    report 0 'a full disk # SKIP no file system can be mounted'
fi

ends 2 report sparse --outptu x && complains 'no such option' &&
    ends 2 report sparse -o && complains 'a value must follow' &&
    ends 2 report --filter 'score>' -o "$folder/x.md" &&
    complains 'is not a condition' &&
    ends 2 report --filter peek=1 -o "$folder/x.md" &&
    complains "did you mean 'peak'" && ends 0 report --help
report $? 'options that are none: refused'

echo "1..$count"
