#include "data/packing.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"

/* Tokens of both languages. */
struct tokens {
    int64_t source, target;
};

static struct tokens tokens_of(const struct pair_lengths *lengths, int pair)
{
    return (struct tokens){ lengths->source[pair], lengths->target[pair] };
}

static bool fits(struct tokens a, struct tokens b, int room)
{
    return a.source + b.source <= room && a.target + b.target <= room;
}

/* Where the pairs end that fit into one bin, from place `begin` on. */
static int end_of_bin(const struct pair_lengths *lengths, const int *pair,
                      int begin, int end, int room)
{
    struct tokens sum = { 0, 0 };
    int at = begin;

    for (; at < end; at++) {
        struct tokens next = tokens_of(lengths, pair[at]);

        if (!fits(sum, next, room))
            break;
        sum = (struct tokens){ sum.source + next.source,
                             sum.target + next.target };
    }
    assert(at > begin);
    return at;
}

struct packing packing_new(const struct pair_lengths *lengths,
                           const int *order, int pairs, int room)
{
    struct packing p = { .pairs = pairs };

    p.pair = xcalloc((unsigned long)pairs + 1, sizeof(*p.pair));
    p.first = xcalloc((unsigned long)pairs + 1, sizeof(*p.first));
    for (int i = 0; i < pairs; i++)
        p.pair[i] = order ? order[i] : i;
    while (p.first[p.bins] < pairs) {
        p.first[p.bins + 1] = end_of_bin(lengths, p.pair, p.first[p.bins],
                                         pairs, room);
        p.bins++;
    }
    return p;
}

void packing_free(struct packing *p)
{
    free(p->pair);
    free(p->first);
    *p = (struct packing){ 0 };
}

/* The number of parts with this room; end[] gets their ends, if given. */
static int cut_bin(const struct packing *p,
                   const struct pair_lengths *lengths, int bin, int room,
                   int *end)
{
    int parts = 0, last = p->first[bin + 1];

    for (int at = p->first[bin]; at < last; parts++) {
        at = end_of_bin(lengths, p->pair, at, last, room);
        if (end)
            end[parts] = at;
    }
    return parts;
}

/* The longest side of the longest pair of a bin: less room would not do. */
static int least_room(const struct packing *p,
                      const struct pair_lengths *lengths, int bin)
{
    int least = 1;

    for (int i = p->first[bin]; i < p->first[bin + 1]; i++) {
        struct tokens pair = tokens_of(lengths, p->pair[i]);

        least = pair.source > least ? (int)pair.source : least;
        least = pair.target > least ? (int)pair.target : least;
    }
    return least;
}

int packing_parts(const struct packing *p, const struct pair_lengths *lengths,
                  int bin, int room, int end[])
{
    int parts = cut_bin(p, lengths, bin, room, NULL);
    int low = least_room(p, lengths, bin), high = room;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (cut_bin(p, lengths, bin, middle, NULL) > parts)
            low = middle + 1;
        else
            high = middle;
    }
    return cut_bin(p, lengths, bin, low, end);
}
