/*
 * First fit, longest-lived first: that places the nested lifetimes of saved
 * activations like a stack, and is perfect where they are most of the memory.
 * Where it is not, the block that ends highest moves towards the front of the
 * order and all are placed again, a bounded number of times, and the best
 * placement is kept.
 */
#include "place.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "../kernels/philox.h"
#include <stdbool.h>

/* Placing again stops at this share of waste, or after about this many
 * comparisons of blocks, a few milliseconds. */
static const double good_enough = 0.002;
enum { COMPARISONS = 2000000 };

size_t place_lower_bound(const struct block *blocks, int count, int times)
{
    size_t *change = xcalloc((unsigned long)times + 1, sizeof(*change));
    size_t sum = 0, most = 0;

    /* Unsigned, but it wraps back. */
    for (int i = 0; i < count; i++) {
        change[blocks[i].first] += blocks[i].bytes;
        change[blocks[i].last + 1] -= blocks[i].bytes;
    }
    for (int t = 0; t < times; t++) {
        sum += change[t];
        if (sum > most)
            most = sum;
    }
    free(change);
    return most;
}

static int by_lifetime(const void *a, const void *b)
{
    const struct block *x = a, *y = b;
    int i = x->last - x->first, j = y->last - y->first;

    if (i != j)
        return (i < j) - (i > j);
    if (x->bytes != y->bytes)
        return (x->bytes < y->bytes) - (x->bytes > y->bytes);
    return (x->first > y->first) - (x->first < y->first);
}

static int by_size(const void *a, const void *b)
{
    const struct block *x = a, *y = b;

    if (x->bytes != y->bytes)
        return (x->bytes < y->bytes) - (x->bytes > y->bytes);
    return by_lifetime(a, b);
}

static int by_criticality(const void *a, const void *b)
{
    const struct block *x = a, *y = b;

    if (x->most != y->most)
        return (x->most < y->most) - (x->most > y->most);
    return by_lifetime(a, b);
}

/* Where in placed[0..count-1], sorted by offset, a new offset belongs. */
static int position(const struct block *placed, int count, size_t offset)
{
    int low = 0, high = count;

    while (low < high) {
        int middle = (low + high) / 2;
        if (placed[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The lowest offset at which `b` overlaps nothing of placed[] in both address
 * and time. */
static size_t lowest_gap(const struct block *b, const struct block *placed,
                         int count)
{
    size_t offset = 0;

    for (int i = 0; i < count; i++) {
        const struct block *p = &placed[i];
        if (p->first > b->last || p->last < b->first)
            continue;
        if (p->offset >= offset + b->bytes)
            break;
        if (p->offset + p->bytes > offset)
            offset = p->offset + p->bytes;
    }
    return offset;
}

/* The highest offset below `limit`, or the lowest above all if none. */
static size_t highest_gap(const struct block *b, const struct block *placed,
                          int count, size_t limit)
{
    size_t offset = 0, best = (size_t)-1;

    for (int i = 0; i < count; i++) {
        const struct block *p = &placed[i];
        if (p->first > b->last || p->last < b->first)
            continue;
        if (p->offset >= offset + b->bytes && p->offset<=limit)
            best = p->offset - b->bytes;
        if (p->offset + p->bytes > offset)
            offset = p->offset + p->bytes;
    }
    if (offset + b->bytes <= limit)
        best = limit - b->bytes;
    return best == (size_t)-1 ? offset : best;
}
static int SHORT; static size_t LIMIT;
/* Places all in their order; returns the index of the one that ends highest.
 * placed[] is room for as many blocks. */
static int first_fit(struct block *blocks, int count, struct block *placed)
{
    int highest = 0;

    for (int i = 0; i < count; i++) {
        struct block *b = &blocks[i];
        int at;
        b->offset = b->last - b->first < SHORT ? highest_gap(b, placed, i, LIMIT) : lowest_gap(b, placed, i);
        at = position(placed, i, b->offset);
        memmove(&placed[at + 1], &placed[at],
                (size_t)(i - at) * sizeof(*placed));
        placed[at] = *b;
        if (b->offset + b->bytes >
            blocks[highest].offset + blocks[highest].bytes)
            highest = i;
    }
    return highest;
}

static void move_forward(struct block *blocks, int from, int to)
{
    struct block moved = blocks[from];

    memmove(&blocks[to + 1], &blocks[to], (size_t)(from - to) *
                                              sizeof(*blocks));
    blocks[to] = moved;
}

/* The best so far, kept in a copy of the order that gave it. */
struct search {
    struct block *blocks, *best, *placed;
    int count;
    size_t top;
};

static bool try_order(struct search *s, int *highest)
{
    size_t top;

    *highest = first_fit(s->blocks, s->count, s->placed);
    top = s->blocks[*highest].offset + s->blocks[*highest].bytes;
    if (top > s->top)
        return false;
    s->top = top;
    memcpy(s->best, s->blocks, (size_t)s->count * sizeof(*s->blocks));
    return true;
}

size_t place_blocks(struct block *blocks, int count, int times)
{
    size_t bound = place_lower_bound(blocks, count, times);
    size_t good = bound + (size_t)(good_enough * (double)bound);
    struct search s = { blocks, NULL, NULL, count, (size_t)-1 };
    long tries = getenv("TRIES") ? atoi(getenv("TRIES")) : 1 + COMPARISONS / ((long)count * count + 1);
    int highest, h;
    unsigned long n = count;
    s.best = xcalloc(n, sizeof(*blocks));
    s.placed = xcalloc(n, sizeof(*blocks));
    static int (*const orders[])(const void *, const void *) = {
        by_lifetime, by_criticality, by_size
    };
    { size_t *live = xcalloc(times, sizeof(size_t)); 
      for(int i=0;i<count;i++) for(int t=blocks[i].first;t<=blocks[i].last;t++) live[t]+=blocks[i].bytes;
      for(int i=0;i<count;i++) { blocks[i].most=0; for(int t=blocks[i].first;t<=blocks[i].last;t++) if(live[t]>blocks[i].most) blocks[i].most=live[t]; }
      free(live);}
    LIMIT=bound; int bestshort=0;
    for (size_t sh=0; sh<24 && s.top>good;sh++)
    for (size_t k = 0; k < 3 && s.top > good; k++) {
        static int shs[]={0,1,2,3,4,6,8,10,12,14,16,20,24,28,32,40,48,56,64,80,96,128,192,256}; SHORT=shs[sh];
        qsort(blocks, (size_t)count, sizeof(*blocks), orders[k]);
        size_t was=s.top; try_order(&s, &h); if(s.top<was)bestshort=SHORT;
        if(s.best[0].target==blocks[0].target) highest=h;
    }
    SHORT=bestshort; memcpy(blocks, s.best, count*sizeof(*blocks));
    highest=first_fit(blocks,count,s.placed);
    for (long k = 0; k < tries && s.top > good && highest>0; k++) {
        struct philox r = philox(0, k, 0, 0);
        int mode = getenv("MODE")?atoi(getenv("MODE")):0;
        if (mode==0 || (r.x[1]&1)) move_forward(blocks, highest, (int)(r.x[0] % (uint32_t)highest));
        else { /* a random block that overlaps highest in time, earlier in order: move after highest */
            int c=0, pick=-1;
            for(int i=0;i<highest;i++) if(blocks[i].first<=blocks[highest].last&&blocks[i].last>=blocks[highest].first&&blocks[i].last-blocks[i].first<times/3){ c++; if(philox(1,k,i,0).x[0]%c==0) pick=i; }
            if(pick<0) continue;
            if(mode==1){ struct block m=blocks[pick]; memmove(&blocks[pick],&blocks[pick+1],(highest-pick)*sizeof(m)); blocks[highest]=m; }
            if(mode==2){ move_forward(blocks, pick, (int)(r.x[2]%(uint32_t)(pick+1))); }
            if(mode==3){ if(r.x[3]&1) { struct block m=blocks[pick]; memmove(&blocks[pick],&blocks[pick+1],(highest-pick)*sizeof(m)); blocks[highest]=m; } else move_forward(blocks, pick, (int)(r.x[2]%(uint32_t)(pick+1))); }
        }
        if (!try_order(&s, &h)) {memcpy(blocks, s.best, count*sizeof(*blocks));}
        else highest=h;
    }
    for (int i = 0; i < count; i++)
        *s.best[i].target = s.best[i].offset;
    free(s.best); free(s.placed);
    return s.top;
}
