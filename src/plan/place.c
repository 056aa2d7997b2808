/*
 * Blocks that are always alive lie at the bottom. The rest is placed by three
 * methods, the next only where the one before wastes too much.
 *
 * Skylines: longest-lived first, each block goes onto the blocks already below
 * it, but blocks of short life from the other end of the arena. Saved
 * activations nest like a stack, so big batches waste nothing. The method takes
 * O(n log n), which very deep nets need.
 *
 * Gaps: the same order, but into the first gap that fits, in O(n^2).
 *
 * Search: a depth-first branch and bound, mostly over blocks that are alive
 * when memory is tight. It fills the lowest free place first, as Moffitt's
 * MiniMalloc does (ASPLOS 2023), but gives up a branch as soon as a place is
 * passed over. A branch is dead if, at some tight time, the bytes still to come
 * do not fit above the lowest place left for any of them. The search succeeds
 * almost at once or hardly ever. So each try does little work, and there are
 * several, each with another order of preference.
 */
#include "plan/place.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kernels/philox.h"

/* Waste, as a share of the bytes needed, below which the search ends. */
static const double good_enough = 0.002;

/* With more blocks than this only skylines are tried. */
enum { MAX_SEARCHED = 30000 };

static size_t max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t share(size_t bytes, double part)
{
    return (size_t)((double)bytes * part);
}

/* [times + 1] bytes alive at each time; owned by the caller. */
static size_t *live_bytes(const struct block *blocks, int count, int times)
{
    size_t *live = xcalloc((unsigned long)times + 1, sizeof(*live));

    /* First the changes; they are unsigned, but their sums wrap back. */
    for (int i = 0; i < count; i++) {
        live[blocks[i].first] += blocks[i].bytes;
        live[blocks[i].last + 1] -= blocks[i].bytes;
    }
    for (int t = 1; t < times; t++)
        live[t] += live[t - 1];
    return live;
}

size_t place_lower_bound(const struct block *blocks, int count, int times)
{
    size_t *live = live_bytes(blocks, count, times);
    size_t most = 0;

    for (int t = 0; t < times; t++)
        most = max(most, live[t]);
    free(live);
    return most;
}

static int lifetime(const struct block *b)
{
    return b->last - b->first + 1;
}

/* Longest first; ties by size and time, so that the order is total but for
 * blocks that are alike. */
static int by_lifetime(const void *a, const void *b)
{
    const struct block *x = a, *y = b;

    if (lifetime(x) != lifetime(y))
        return lifetime(y) - lifetime(x);
    if (x->bytes != y->bytes)
        return (x->bytes < y->bytes) - (x->bytes > y->bytes);
    return x->first - y->first;
}

/*
 * The height of the stack at each time, as a segment tree. Two operations take
 * O(log times): raising an interval to a height at least its highest, and
 * asking for the highest in an interval.
 */
struct skyline {
    int times;
    size_t *highest;     /* [2 * times] within a node's interval */
    size_t *whole;       /* [2 * times] of raises of a node's whole interval */
};

static size_t skyline_highest(const struct skyline *s, int first, int last)
{
    size_t highest = 0;
    int i = first + s->times, j = last + s->times;

    for (int k = i; k; k >>= 1)
        highest = max(highest, s->whole[k]);
    for (int k = j; k; k >>= 1)
        highest = max(highest, s->whole[k]);
    for (; i <= j; i >>= 1, j >>= 1) {
        if (i & 1)
            highest = max(highest, s->highest[i++]);
        if (!(j & 1))
            highest = max(highest, s->highest[j--]);
    }
    return highest;
}

static void skyline_raise(struct skyline *s, int first, int last,
                          size_t height)
{
    int i = first + s->times, j = last + s->times;

    for (int k = i; k; k >>= 1)
        s->highest[k] = max(s->highest[k], height);
    for (int k = j; k; k >>= 1)
        s->highest[k] = max(s->highest[k], height);
    for (; i <= j; i >>= 1, j >>= 1) {
        if (i & 1) {
            s->highest[i] = max(s->highest[i], height);
            s->whole[i++] = height;
        }
        if (!(j & 1)) {
            s->highest[j] = max(s->highest[j], height);
            s->whole[j--] = height;
        }
    }
}

/* Stacks all blocks. Those that live no longer than `brief` go to the top of
 * the arena; their offsets are measured from there. Returns the height. */
static size_t stack(struct block *blocks, int count, int times, int brief)
{
    size_t *room = xcalloc(8 * (unsigned long)times, sizeof(*room));
    struct skyline bottom = { times, room, room + 2 * times };
    struct skyline top = { times, room + 4 * times, room + 6 * times };
    size_t height = 0;

    for (int i = 0; i < count; i++) {
        struct block *b = &blocks[i];
        struct skyline *s = lifetime(b) <= brief ? &top : &bottom;
        b->offset = skyline_highest(s, b->first, b->last);
        skyline_raise(s, b->first, b->last, b->offset + b->bytes);
    }
    for (int i = 0; i < count; i++) {
        const struct block *b = &blocks[i];
        size_t end = b->offset + b->bytes;
        if (lifetime(b) <= brief)
            end += skyline_highest(&bottom, b->first, b->last);
        height = max(height, end);
    }
    free(room);
    return height;
}

/* The best of several stacks, with more and more blocks at the top. */
static size_t place_by_skylines(struct block *blocks, int count, int times,
                                size_t good)
{
    size_t height = (size_t)-1;
    int best = 0, brief = 0;

    for (; brief < times && height > good; brief = 2 * brief + !brief) {
        size_t h = stack(blocks, count, times, brief);
        if (h < height) {
            height = h;
            best = brief;
        }
    }
    stack(blocks, count, times, best);
    for (int i = 0; i < count; i++)
        if (lifetime(&blocks[i]) <= best)
            blocks[i].offset = height - blocks[i].offset - blocks[i].bytes;
    return height;
}

/* A block in the search. */
struct piece {
    size_t bytes, offset;    /* the lowest possible, until it is placed */
    int first, last;         /* time */
    int from, to;            /* tight times, `to` exclusive */
    bool placed;
    double key;
    struct block *block;
};

struct raise {
    int piece;
    size_t offset;
};

struct search {
    struct block *blocks;    /* borrowed */
    int block_count, times;
    size_t *live;            /* [times] bytes of the blocks */
    int *tight;              /* [times + 1] tight times before each */
    int tight_count;

    struct piece *pieces;    /* [block_count] preferred first; the first
                                `count` are alive at a tight time */
    struct piece **by_offset; /* [block_count] */
    int count, left;         /* pieces to search for, and not yet placed */
    size_t capacity;
    size_t alignment;        /* of all sizes, hence of all offsets */
    int brief;               /* the longest of the short lives */
    size_t *unplaced;        /* [tight_count] bytes still to come */
    int *witness;            /* [tight_count] a piece that shows there may be
                                room for them, at the last look */
    int deadly;              /* the tight time that last killed a branch */
    struct raise *trail;     /* raised offsets, to be taken back */
    int trail_count, trail_room;
    double work;             /* left to be done */
};

/* Whether piece i is unplaced, alive at tight time t, and so low that all bytes
 * still to come then fit above its offset. */
static bool is_witness(const struct search *s, int i, int t)
{
    const struct piece *p = &s->pieces[i];

    return !p->placed && p->from <= t && t < p->to &&
           p->offset + s->unplaced[t] <= s->capacity;
}

/* Looks for a witness for time t, last preferences first, for they are
 * placed last. */
static bool find_witness(struct search *s, int t)
{
    s->work -= s->count;
    for (int i = s->count - 1; i >= 0; i--)
        if (is_witness(s, i, t)) {
            s->witness[t] = i;
            return true;
        }
    return false;
}

static bool lacks_room(struct search *s, int t)
{
    return s->unplaced[t] && !is_witness(s, s->witness[t], t) &&
           !find_witness(s, t);
}

/* Whether a branch is dead. If not, nothing need be placed at *ceiling or
 * above: some unplaced piece would fit below it. */
static bool dead_end(struct search *s, size_t floor, size_t *ceiling)
{
    *ceiling = (size_t)-1;
    if (lacks_room(s, s->deadly))
        return true;
    s->work -= s->count + s->tight_count;
    for (int i = 0; i < s->count; i++) {
        const struct piece *p = &s->pieces[i];
        if (p->placed)
            continue;
        if (p->offset < floor)
            return true;
        if (p->offset + p->bytes < *ceiling)
            *ceiling = p->offset + p->bytes;
    }
    for (int t = 0; t < s->tight_count; t++)
        if (lacks_room(s, t)) {
            s->deadly = t;
            return true;
        }
    return false;
}

static bool alive_together(const struct piece *a, const struct piece *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static void raise_neighbours(struct search *s, const struct piece *p)
{
    size_t end = p->offset + p->bytes;

    s->work -= s->count;
    for (int i = 0; i < s->count; i++) {
        struct piece *q = &s->pieces[i];
        if (q->placed || q->offset >= end || !alive_together(p, q))
            continue;
        if (s->trail_count == s->trail_room) {
            s->trail_room = 2 * s->trail_room + 256;
            s->trail = xrealloc(s->trail, (unsigned long)s->trail_room,
                                sizeof(*s->trail));
        }
        s->trail[s->trail_count++] = (struct raise){ i, q->offset };
        q->offset = end;
    }
}

static void lower_neighbours(struct search *s, int trail_count)
{
    while (s->trail_count > trail_count) {
        const struct raise *r = &s->trail[--s->trail_count];
        s->pieces[r->piece].offset = r->offset;
    }
}

static void set_placed(struct search *s, struct piece *p, bool placed)
{
    p->placed = placed;
    s->left += placed ? -1 : 1;
    for (int t = p->from; t < p->to; t++)
        s->unplaced[t] += placed ? -p->bytes : p->bytes;
}

/* Places the pieces that are left, at `floor` or above. At the floor itself it
 * places only those from `next`, for pieces at the same height commute. */
static bool place_left(struct search *s, size_t floor, int next)
{
    size_t ceiling;

    if (s->left == 0)
        return true;
    if (dead_end(s, floor, &ceiling))
        return false;
    for (int i = 0; i < s->count && s->work > 0; i++) {
        struct piece *p = &s->pieces[i];
        int trail_count = s->trail_count;
        if (p->placed || p->offset >= ceiling ||
            (p->offset == floor && i < next))
            continue;
        set_placed(s, p, true);
        raise_neighbours(s, p);
        if (place_left(s, p->offset, i + 1))
            return true;
        lower_neighbours(s, trail_count);
        set_placed(s, p, false);
    }
    return false;
}

/* The lowest gap for a piece among the first `count` of by_offset[]; with
 * `highest`, the highest gap below the capacity. */
static size_t find_gap(const struct search *s, const struct piece *p,
                       int count, bool highest)
{
    size_t end = 0, found = (size_t)-1;

    for (int i = 0; i < count; i++) {
        const struct piece *q = s->by_offset[i];
        if (!alive_together(p, q))
            continue;
        if (q->offset >= end + p->bytes) {
            found = highest ? q->offset - p->bytes : end;
            if (!highest)
                return found;
        }
        end = max(end, q->offset + q->bytes);
    }
    if (highest && end + p->bytes <= s->capacity)
        return s->capacity - p->bytes;
    return found < end ? found : end;
}

/* Places a piece in a gap among the first `count` of by_offset[], a piece of
 * short life at the top. */
static bool place_in_gap(struct search *s, struct piece *p, int count)
{
    int i = count;

    p->offset = find_gap(s, p, count, p->last - p->first < s->brief);
    for (; i > 0 && s->by_offset[i - 1]->offset > p->offset; i--)
        s->by_offset[i] = s->by_offset[i - 1];
    s->by_offset[i] = p;
    return p->offset + p->bytes <= s->capacity;
}

static int by_offset(const void *a, const void *b)
{
    const struct piece *x = *(struct piece *const *)a;
    const struct piece *y = *(struct piece *const *)b;

    if (x->offset != y->offset)
        return (x->offset > y->offset) - (x->offset < y->offset);
    return (x > y) - (x < y);
}

/* The pieces that are never alive at a tight time, longest-lived first. */
static bool place_loose(struct search *s)
{
    for (int i = 0; i < s->count; i++)
        s->by_offset[i] = &s->pieces[i];
    qsort(s->by_offset, (size_t)s->count, sizeof(struct piece *), by_offset);
    for (int i = s->count; i < s->block_count; i++)
        if (!place_in_gap(s, &s->pieces[i], i))
            return false;
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;

    if (x->key != y->key)
        return (x->key < y->key) - (x->key > y->key);
    return (x->block > y->block) - (x->block < y->block);
}

/* bytes x lifetime^power, or the lifetime alone if `power` is 0; from the
 * second round on, times a random number in [1, 2). */
static double preference(const struct block *b, int index, int power,
                         int round)
{
    double key = power ? (double)b->bytes : lifetime(b);

    for (int i = 0; i < power; i++)
        key *= lifetime(b);
    if (round)
        key *= 1 + philox(0, (uint32_t)round, (uint32_t)index, 0).x[0] *
                       0x1p-32;
    return key;
}

/* Finds the tight times: those with at least `threshold` bytes alive. */
static void find_tight_times(struct search *s, double threshold)
{
    s->tight_count = 0;
    for (int t = 0; t < s->times; t++) {
        s->tight[t] = s->tight_count;
        s->tight_count += (double)s->live[t] >= threshold;
    }
    s->tight[s->times] = s->tight_count;
}

/* Makes all blocks pieces, none placed. */
static void reset_pieces(struct search *s, int power, int round)
{
    s->count = s->trail_count = s->deadly = 0;
    memset(s->unplaced, 0, (size_t)s->times * sizeof(*s->unplaced));
    for (int i = 0; i < s->block_count; i++) {
        struct block *b = &s->blocks[i];
        struct piece *p = &s->pieces[i];
        *p = (struct piece){ .bytes = b->bytes, .first = b->first,
                             .last = b->last, .from = s->tight[b->first],
                             .to = s->tight[b->last + 1], .block = b };
        if (p->from == p->to)
            continue;
        p->key = preference(b, i, power, round);
        set_placed(s, p, false);
        s->count++;
    }
    qsort(s->pieces, (size_t)s->block_count, sizeof(*s->pieces), by_key);
    s->left = s->count;
}

/* Whether all pieces fit within `capacity`, in one order of preference; takes
 * its work from *budget. */
static bool try_order(struct search *s, int power, int round, double *budget)
{
    double descent, granted;
    bool found;

    reset_pieces(s, power, round);
    /* About the work of a search that never steps back. */
    descent = s->count * (3.0 * s->count + s->tight_count);
    granted = 4 * descent < *budget ? 4 * descent : *budget;
    s->work = descent < *budget ? granted : 0;
    found = place_left(s, 0, 0) && place_loose(s);
    *budget -= granted - s->work + s->block_count;
    for (int i = 0; found && i < s->block_count; i++)
        s->pieces[i].block->offset = s->pieces[i].offset;
    return found;
}

/* Without tight times there is nothing to search: all pieces go into gaps, with
 * more and more of them at the top. */
static bool place_in_gaps(struct search *s)
{
    double budget = 0;
    bool found = false;

    find_tight_times(s, INFINITY);
    for (s->brief = 0; s->brief < s->times && !found;
         s->brief = 3 * s->brief / 2 + 1)
        found = try_order(s, 0, 0, &budget);
    s->brief = 0;
    return found;
}

static struct search search_new(struct block *blocks, int count, int times)
{
    unsigned long n = (unsigned long)count, t = (unsigned long)times;
    struct search s = { .blocks = blocks, .block_count = count,
                        .times = times };
    size_t bits = 0;

    for (int i = 0; i < count; i++)
        bits |= blocks[i].bytes;
    s.alignment = bits & -bits;
    s.live = live_bytes(blocks, count, times);
    s.tight = xcalloc(t + 1, sizeof(*s.tight));
    s.unplaced = xcalloc(t, sizeof(*s.unplaced));
    s.witness = xcalloc(t, sizeof(*s.witness));
    s.pieces = xcalloc(n, sizeof(*s.pieces));
    s.by_offset = xcalloc(n, sizeof(struct piece *));
    return s;
}

static void search_done(struct search *s)
{
    free(s->live);
    free(s->tight);
    free(s->unplaced);
    free(s->witness);
    free(s->pieces);
    free(s->by_offset);
    free(s->trail);
}

static size_t top_of(const struct block *blocks, int count)
{
    size_t top = 0;

    for (int i = 0; i < count; i++)
        top = max(top, blocks[i].offset + blocks[i].bytes);
    return top;
}

/* Looks for a placement lower than `height`; if there is none the old one
 * stays. `base` bytes lie below, and `bound` is the most alive with them. */
static size_t place_by_search(struct block *blocks, int count, int times,
                              size_t base, size_t bound, size_t height)
{
    /* Waste allowed, and the work to spend on it, each about a nanosecond: most
     * where the promise of less than 1% is at stake. An order that succeeds
     * often does so without any waste: if blocks are few, a short look finds
     * it. */
    static const struct { double waste, budget; } goals[] = {
        { 0, 3e6 }, { 0.0019, 3e7 }, { 0.0095, 6e7 }, { 0.03, 3e7 },
        { 0.1, 3e7 }
    };
    static const int powers[] = { 16, 3, 1, 0 };
    static const double tight[] = { 0.9, 0.7 };
    enum { GOALS = 5, ORDERS = 8, ROUNDS = 20 };
    struct search s = search_new(blocks, count, times);
    bool found = false;

    for (int g = 0; g < GOALS && !found; g++) {
        double budget = goals[g].budget;
        if (goals[g].waste == 0 && (double)count * count > budget)
            continue;
        s.capacity = share(bound, 1 + goals[g].waste) - base;
        s.capacity -= s.capacity % s.alignment;
        if (s.capacity >= height)
            break;
        found = place_in_gaps(&s);
        for (int k = 0; k < ROUNDS * ORDERS && budget > 0 && !found; k++) {
            double threshold = tight[k % 2] * (double)bound - (double)base;
            find_tight_times(&s, threshold);
            found = try_order(&s, powers[k / 2 % 4], k / ORDERS, &budget);
        }
    }
    search_done(&s);
    return found ? top_of(blocks, count) : height;
}

size_t place_blocks(struct block *blocks, int count, int times)
{
    size_t bound = place_lower_bound(blocks, count, times);
    size_t base = 0, height;
    int fixed = 0;

    qsort(blocks, (size_t)count, sizeof(*blocks), by_lifetime);
    for (; fixed < count && lifetime(&blocks[fixed]) == times; fixed++) {
        blocks[fixed].offset = base;
        base += blocks[fixed].bytes;
    }
    height = place_by_skylines(blocks + fixed, count - fixed, times,
                               share(bound, 1 + good_enough) - base);
    if (base + height > share(bound, 1 + good_enough) &&
        count - fixed < MAX_SEARCHED)
        height = place_by_search(blocks + fixed, count - fixed, times, base,
                                 bound, height);
    for (int i = 0; i < count; i++)
        *blocks[i].target = blocks[i].offset += i < fixed ? 0 : base;
    return base + height;
}
