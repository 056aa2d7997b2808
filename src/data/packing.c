#include "data/packing.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"

static bool fits(const struct packing *p, int begin, int end, int room)
{
    return p->source[end] - p->source[begin] <= room &&
           p->target[end] - p->target[begin] <= room;
}

/* Sums only grow: so the last place that fits is found by halving. */
int packing_part(const struct packing *p, int begin, int end, int room)
{
    int low = begin, high = end;

    while (low < high) {
        int middle = high - (high - low) / 2;

        if (fits(p, begin, middle, room))
            low = middle;
        else
            high = middle - 1;
    }
    assert(low > begin || begin == end);
    return low;
}

static void sum_tokens(struct packing *p, const struct pair_tokens *tokens)
{
    for (int i = 0; i < p->pairs; i++) {
        int pair = p->pair[i];

        p->source[i + 1] = p->source[i] + tokens->source[pair + 1] -
                           tokens->source[pair];
        p->target[i + 1] = p->target[i] + tokens->target[pair + 1] -
                           tokens->target[pair];
    }
}

static int *new_places(int pairs)
{
    return xcalloc((unsigned long)pairs + 1, sizeof(int));
}

struct packing packing_new(const struct pair_tokens *tokens, const int *order,
                           int pairs, int room)
{
    struct packing p = {
        .pair = new_places(pairs), .source = new_places(pairs),
        .target = new_places(pairs), .first = new_places(pairs),
        .pairs = pairs
    };

    for (int i = 0; i < pairs; i++)
        p.pair[i] = order ? order[i] : i;
    sum_tokens(&p, tokens);
    for (; p.first[p.bins] < pairs; p.bins++)
        p.first[p.bins + 1] = packing_part(&p, p.first[p.bins], pairs, room);
    return p;
}

void packing_free(struct packing *p)
{
    free(p->pair);
    free(p->source);
    free(p->target);
    free(p->first);
    *p = (struct packing){ 0 };
}

/* How many parts there are with this room, but at most one more than `most`. */
static int count_parts(const struct packing *p, int begin, int end, int room,
                       int most)
{
    int parts = 0;

    for (int at = begin; at < end && parts <= most; parts++)
        at = packing_part(p, at, end, room);
    return parts;
}

/* The tokens of the longest side of a pair: less room would not do. */
static int least_room(const struct packing *p, int begin, int end)
{
    int least = 1;

    for (int i = begin; i < end; i++) {
        int source = p->source[i + 1] - p->source[i];
        int target = p->target[i + 1] - p->target[i];

        least = source > least ? source : least;
        least = target > least ? target : least;
    }
    return least;
}

int packing_room(const struct packing *p, int begin, int end, int room)
{
    int parts = count_parts(p, begin, end, room, INT_MAX - 1);
    int low = least_room(p, begin, end), high = room;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (count_parts(p, begin, end, middle, parts) > parts)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
