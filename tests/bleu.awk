# BLEU-4 of a corpus (Papineni et al. 2002), from 0 to 100: the first file has
# translations, the second references, a line each.

function take(line, grams, n,    word, words, i, k, gram) {
    words = split(line, word, " ")
    for (i = 1; i + n - 1 <= words; i++) {
        gram = word[i]
        for (k = 1; k < n; k++)
            gram = gram " " word[i + k]
        grams[gram]++
    }
    return words
}

FNR == NR { translation[FNR] = $0; next }

{
    for (n = 1; n <= 4; n++) {
        split("", ours)
        split("", theirs)
        found = take(translation[FNR], ours, n)
        wanted = take($0, theirs, n)
        for (gram in ours) {
            all[n] += ours[gram]
            hits[n] += ours[gram] < theirs[gram] ? ours[gram] : theirs[gram]
        }
    }
    words += found
    reference_words += wanted
}

END {
    for (n = 1; n <= 4; n++)
        if (hits[n])
            sum += log(hits[n] / all[n]) / 4
        else
            none = 1
    if (words < reference_words)
        sum += 1 - reference_words / words
    printf "%.2f\n", none ? 0 : 100 * exp(sum)
}
