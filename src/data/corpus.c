#include "data/corpus.h"

#include <stdlib.h>
#include <string.h>

static void pairs_free(struct pairs *p)
{
    for (int k = 0; k < SIDES; k++) {
        free(p->side[k].token);
        free(p->side[k].first);
    }
    for (int i = 0; i < p->references; i++)
        free(p->reference[i]);
    free(p->reference);
}

void corpus_free(struct corpus *c)
{
    for (int k = 0; k < SPLIT_COUNT; k++)
        pairs_free(&c->split[k]);
    for (int k = 0; k < SIDES; k++)
        dictionary_free(c->dictionary[k]);
    bpe_free(c->bpe);
    *c = (struct corpus){ 0 };
}

void pairs_put(struct pairs *p, enum side side, const int32_t *tokens,
               int count)
{
    struct sentences *s = &p->side[side];

    for (int i = 0; i < count; i++) {
        s->token = xgrow(s->token, s->tokens, sizeof(*s->token));
        s->token[s->tokens++] = tokens[i];
    }
}

/* Where the sentence begins that is being written. */
static int begin_of(const struct pairs *p, enum side side)
{
    return p->count > 0 ? p->side[side].first[p->count] : 0;
}

int pairs_written(const struct pairs *p, enum side side)
{
    return p->side[side].tokens - begin_of(p, side) + 1;
}

/* Room for the place after one sentence more. */
static void grow_places(struct sentences *s, int count)
{
    if (count == 0)
        s->first = xcalloc(2, sizeof(*s->first));
    else
        s->first = xgrow(s->first, count + 1, sizeof(*s->first));
}

void pairs_keep(struct pairs *p)
{
    static const int32_t end = TOKEN_END;

    for (int k = 0; k < SIDES; k++) {
        pairs_put(p, (enum side)k, &end, 1);
        grow_places(&p->side[k], p->count);
        p->side[k].first[p->count + 1] = p->side[k].tokens;
    }
    p->count++;
}

void pairs_leave_out(struct pairs *p)
{
    for (int k = 0; k < SIDES; k++)
        p->side[k].tokens = begin_of(p, (enum side)k);
    p->left_out++;
}

void pairs_refer(struct pairs *p, struct word line, enum piece_marks marks)
{
    char *text = xcalloc(line.bytes + 1, 1), *to = text;
    struct word word;

    while (word_next(&line, &word)) {
        if (to > text)
            *to++ = ' ';
        memcpy(to, word.at, word.bytes);
        to += word.bytes;
    }
    pieces_join(text, marks);
    p->reference = xgrow(p->reference, p->references, sizeof(*p->reference));
    p->reference[p->references++] = text;
}

int pairs_length(const struct pairs *p, enum side side, int pair)
{
    return p->side[side].first[pair + 1] - p->side[side].first[pair];
}
