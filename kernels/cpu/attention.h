/*
 * Attention's operands as both of its operations see them: heads, tiles of the
 * target and the source rows of a sentence, and dropout.
 *
 * Scores lie turned, (sources, targets), so that targets are the lanes of
 * vectors: a softmax over the sources then needs no sums across lanes, and the
 * draws of dropout for one group of sources are made for VLEN targets at once.
 */
#ifndef MEMDIAL_CPU_ATTENTION_H
#define MEMDIAL_CPU_ATTENTION_H

#include <math.h>

#include "kernels/cpu/dropout_row.h"
#include "kernels/cpu/matrix.h"
#include "kernels/cpu/vec_draw.h"
#include "kernels/cpu/vec_exp.h"
#include "kernels/sentence_tiles.h"

/* Rows of a tile, a multiple of DROPOUT_GROUP; and cache lines of later tiles
 * that are asked for at a time. */
enum { ATTENTION_ROWS = 64, ATTENTION_AHEAD = 16 };

struct attention {
    const struct call *call;
    int heads;
    int columns;         /* of a head */
    int width;           /* the same, rounded up to whole blocks */
    int targets, sources; /* rows that matrices have room for, whole blocks */
    float scale;         /* of scores: 1 / sqrt(columns) */
    struct dropout dropout;
};

/* Without dropout, which needs a batch. */
static inline struct attention attention_of(const struct call *c,
                                            const struct operand *q,
                                            const struct operand *k)
{
    int heads = c->attr.attention.heads, columns = q->dim[1] / heads;

    return (struct attention){
        .call = c, .heads = heads, .columns = columns,
        .width = matrix_round(columns),
        .targets = matrix_round(int_min(q->dim[0], ATTENTION_ROWS)),
        .sources = matrix_round(int_min(k->dim[0], ATTENTION_ROWS)),
        .scale = 1 / sqrtf((float)columns)
    };
}

static inline void attention_start_dropout(struct attention *a)
{
    const struct dropping *d = &a->call->attr.attention.dropout;

    a->dropout = dropout_of_call(a->call, d->stream, d->rate);
}

/* A tile of target rows and one of source rows of a sentence, and a head. */
struct attention_pair {
    struct sentence_tile target, source;
    int head;
};

static inline int tile_rows(const struct sentence_tile *t)
{
    return t->end - t->begin;
}

/* Item i of the tiles of all sentences in each head; *head is its head. The
 * tiles of a sentence follow one another in a head, so that its rows of the
 * other side stay near. */
static inline struct sentence_tile attention_item(const struct attention *a,
                                                  const struct operand *ends,
                                                  size_t i, int *head)
{
    struct sentence s = sentence_of_slot(ends->data, ends->dim[0],
                                         ATTENTION_ROWS,
                                         (int)(i / (size_t)a->heads));
    int at = (int)i - a->heads * sentence_slot(ends->data, s.number,
                                               ATTENTION_ROWS);
    int slots = sentence_own_slots(s, ATTENTION_ROWS);

    *head = at / slots;
    return sentence_tile(s, ATTENTION_ROWS, at % slots);
}

/* The items of tensor rows and their sentences. */
static inline size_t attention_items(const struct attention *a,
                                     const struct operand *rows,
                                     const struct operand *ends)
{
    return (size_t)a->heads
           * (size_t)sentence_slots(rows->dim[0], ends->dim[0],
                                    ATTENTION_ROWS);
}

/* The rows of a tile and the columns of a head. */
static inline struct window attention_window(const struct attention *a,
                                             const struct operand *tensor,
                                             const struct sentence_tile *t,
                                             int head)
{
    return (struct window){ tensor, t->begin, tile_rows(t), head * a->columns,
                            a->columns };
}

/* The draws for a group of sources from source `row` of the tile on, and for
 * VLEN targets from `lane` on. */
static inline struct vec_draw attention_draw(const struct attention *a,
                                             const struct attention_pair *p,
                                             int row, int lane)
{
    int sentence = dropout_sentence(a->call, p->target.sentence.number);
    int position = p->target.begin - p->target.sentence.begin + lane;
    int source = p->source.begin - p->source.sentence.begin + row;

    return vec_dropout_draw(&a->dropout, sentence, position,
                            source / DROPOUT_GROUP, p->head);
}

/* The tile after one: of the same sentence, or of the next; empty after the
 * last. */
static inline struct sentence_tile attention_next(const struct operand *ends,
                                                  struct sentence_tile t)
{
    const int32_t *end = ends->data;
    int number = t.sentence.number;

    if (t.end < t.sentence.end)
        return sentence_tile(t.sentence, ATTENTION_ROWS,
                             (t.end - t.sentence.begin) / ATTENTION_ROWS);
    if (number + 1 < ends->dim[0])
        return sentence_tile(sentence_at(end, number + 1), ATTENTION_ROWS, 0);
    t.begin = t.end;
    return t;
}

/* Has whole rows asked for, which lie one after the other, before `next`. A
 * head's columns alone, in each row, would come much more slowly. */
static inline struct conv_ahead attention_ahead(const struct operand *tensor,
                                                const struct sentence_tile *t,
                                                const struct conv_ahead *next)
{
    size_t row = (size_t)tensor->dim[1] * dtype_size(tensor->dtype);

    return (struct conv_ahead){
        .at = (const char *)tensor->data + (size_t)t->begin * row,
        .lines = tiles_of((size_t)tile_rows(t) * row, CPU_ALIGNMENT),
        .left = 1, .portion = ATTENTION_AHEAD, .next = next
    };
}

/* The next `rows` x `columns` of a thread's scratch, whole blocks of both. */
static inline struct matrix attention_room(float **room, int rows, int columns)
{
    struct matrix m = { *room, rows };

    *room += (size_t)rows * (size_t)columns;
    return m;
}

#endif
