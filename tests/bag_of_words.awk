# The little model that a translator must be better than. It knows the English
# word of each German one, and nothing of their order: it keeps that of the
# source, or turns it around, or takes any (-v order=kept, turned, drawn).

BEGIN {
    srand(1)
    german = "null eins zwei drei vier fünf sechs sieben acht neun zehn elf " \
        "zwölf zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig " \
        "neunzig hundert tausend ein sech sieb"
    english = "zero one two three four five six seven eight nine ten eleven " \
        "twelve twenty thirty forty fifty sixty seventy eighty " \
        "ninety hundred thousand one six seven"
    count = split(german, from, " ")
    split(english, to, " ")
    for (i = 1; i <= count; i++)
        word_of[from[i]] = to[i]
    word_of["und"] = ""
}

# A number by which the words of a line are put in order.
function key(i) {
    return order == "turned" ? -i : order == "drawn" ? rand() : i
}

{
    for (i = 1; i <= NF; i++) {
        if (!($i in word_of)) {
            print "unknown: " $i >"/dev/stderr"
            exit 1
        }
        place[i] = key(i)
    }
    line = ""
    for (n = 1; n <= NF; n++) {
        least = 0
        for (i = 1; i <= NF; i++)
            if (place[i] != "" && (!least || place[i] < place[least]))
                least = i
        place[least] = ""
        line = line (line == "" || word_of[$least] == "" ? "" : " ") \
            word_of[$least]
    }
    print line
}
