/*
 * Nearness of names: Levenshtein's edit distance over one row of its table.
 */
#include <string.h>

#include "base/spelling.h"

enum { LENGTH_MAX = 32 };

static int min3(int a, int b, int c)
{
    int least = a < b ? a : b;

    return least < c ? least : c;
}

/* Both names are at most LENGTH_MAX long. */
static int edit_distance(const char *a, const char *b)
{
    int row[LENGTH_MAX + 1];
    int length = (int)strlen(b);

    for (int j = 0; j <= length; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];

        row[0] = i;
        for (int j = 1; j <= length; j++) {
            int above = row[j];

            row[j] = min3(above + 1, row[j - 1] + 1,
                          diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

void spelling_init(struct spelling *s, const char *typed)
{
    s->typed = typed;
    s->nearest = NULL;
    /* If half of a name is wrong a suggestion is a guess. */
    s->distance = ((int)strlen(typed) + 1) / 2;
}

void spelling_offer(struct spelling *s, const char *known)
{
    int distance;

    if (strlen(s->typed) > LENGTH_MAX || strlen(known) > LENGTH_MAX)
        return;
    distance = edit_distance(s->typed, known);
    if (distance < s->distance) {
        s->distance = distance;
        s->nearest = known;
    }
}

bool spelling_refuse(const struct spelling *s, const char *what,
                     const char *otherwise, struct error *e)
{
    if (s->nearest)
        return error_set(e, EXIT_INPUT, "no %s '%.80s'; did you mean '%s'?",
                         what, s->typed, s->nearest);
    return error_set(e, EXIT_INPUT, "no %s '%.80s'; %s", what, s->typed,
                     otherwise);
}
