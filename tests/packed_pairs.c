#include "tests/packed_pairs.h"

#include <string.h>

#include "data/dictionary.h"

static const enum extent extents[PACKED_SIDES] = { EXTENT_SOURCE,
                                                   EXTENT_TARGET };

static const struct packed_pair *pair_at(const struct packed_pairs *p,
                                         int number)
{
    return &p->pair[p->order ? p->order[number] : number];
}

struct extents packed_extents(const struct packed_pairs *p, int begin, int end)
{
    struct extents sum = { { [EXTENT_SAMPLES] = end - begin } };

    for (int i = begin; i < end; i++)
        for (int k = 0; k < PACKED_SIDES; k++)
            sum.of[extents[k]] += pair_at(p, i)->tokens[k];
    return sum;
}

/* The part with a number; false: there is none. */
static bool find_part(const struct packed_pairs *p, int number,
                      struct part *part)
{
    const int *cut = p->cut;

    for (int begin = 0; begin <= number && begin < p->pairs; begin += *cut++)
        if (number < begin + *cut) {
            part->first = packed_extents(p, 0, begin);
            part->count = packed_extents(p, begin, begin + *cut);
            return true;
        }
    return false;
}

bool packed_next(void *arg, struct part *part)
{
    const struct packed_pairs *p = arg;
    int first = part->first.of[EXTENT_SAMPLES];
    int count = part->count.of[EXTENT_SAMPLES];

    if (!p->backwards)
        return find_part(p, first + count, part);
    return find_part(p, (count ? first : p->pairs) - 1, part);
}

/* The tokens of a pair, where the rows of its first one are. */
static void write_tokens(const struct packed_pair *pair,
                         const struct packed_stream *s, int32_t *to)
{
    const int32_t *token = pair->token[s->side];
    size_t bytes = (size_t)pair->tokens[s->side] * sizeof(*to);

    if (s->content == PACKED_TOKENS)
        memcpy(to, token, bytes);
    if (s->content == PACKED_NEXT)
        memcpy(to, token + 1, bytes);
    if (s->content == PACKED_PREVIOUS) {
        *to = TOKEN_END;
        memcpy(to + 1, token, bytes - sizeof(*to));
    }
}

/* Writes pair `number` of a batch, of a part that begins with `first`, to room
 * for its rows from those of `from` on. */
static void write_pair(const struct packed_pairs *p, int first, int from,
                       int number, const struct packed_stream *s, int32_t *to)
{
    enum extent extent = extents[s->side];

    if (s->content == PACKED_ENDS)
        to[number - from] = packed_extents(p, first, number + 1).of[extent];
    else
        write_tokens(pair_at(p, number), s,
                     to + packed_extents(p, from, number).of[extent]);
}

void packed_fill(void *arg, const struct part *part, int begin, int end,
                 const struct stream stream[])
{
    const struct packed_pairs *p = arg;
    int first = part->first.of[EXTENT_SAMPLES];

    for (int i = first + begin; i < first + end; i++)
        for (int k = 0; k < p->streams; k++)
            write_pair(p, first, first + stream[k].sample, i, &p->stream[k],
                       stream[k].data);
}

struct loader packed_loader(struct packed_pairs *p)
{
    return (struct loader){ .next = packed_next, .fill = packed_fill,
                            .arg = p };
}

struct cut packed_cut(const struct packed_pairs *p)
{
    struct part part = { 0 };
    struct cut all = { .whole = packed_extents(p, 0, p->pairs) };

    for (int at = 0; find_part(p, at, &part);
         at += part.count.of[EXTENT_SAMPLES], all.parts++)
        for (int i = 0; i < EXTENT_COUNT; i++)
            if (part.count.of[i] > all.most.of[i])
                all.most.of[i] = part.count.of[i];
    all.least = all.most;
    return all;
}
