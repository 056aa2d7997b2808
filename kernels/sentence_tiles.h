/*
 * Packed sentences cut into tiles of a number of rows; the last tile of a
 * sentence has the rest. Tiles have slots. The first slot of sentence n, which
 * begins at row b, is b / tile + n. So shapes alone give the number of slots,
 * and bisection finds the sentence of a slot. Some slots stay empty.
 */
#ifndef MEMDIAL_SENTENCE_TILES_H
#define MEMDIAL_SENTENCE_TILES_H

#include "kernels/sentences.h"

struct sentence_tile {
    struct sentence sentence;
    int begin, end;      /* rows; in an empty slot there are none */
};

/* The slots of all sentences. */
PORTABLE int sentence_slots(int rows, int sentences, int tile)
{
    return rows / tile + sentences;
}

/* The tiles of a sentence. */
PORTABLE int sentence_tiles(struct sentence s, int tile)
{
    return (s.end - s.begin + tile - 1) / tile;
}

/* The first slot of a sentence, and its number of slots. */
PORTABLE int sentence_slot(const int32_t *ends, int number, int tile)
{
    return sentence_at(ends, number).begin / tile + number;
}

PORTABLE int sentence_own_slots(struct sentence s, int tile)
{
    return s.end / tile - s.begin / tile + 1;
}

/* Tile i of a sentence; none beyond the last. */
PORTABLE struct sentence_tile sentence_tile(struct sentence s, int tile, int i)
{
    int begin = s.begin + i * tile, end = begin + tile;
    struct sentence_tile t = { s, begin < s.end ? begin : s.end,
                               end < s.end ? end : s.end };

    return t;
}

/* The sentence of a slot, found by bisection among `count`. */
PORTABLE struct sentence sentence_of_slot(const int32_t *ends, int count,
                                          int tile, int slot)
{
    int low = 0, high = count - 1;

    while (low < high) {
        int middle = high - (high - low) / 2;

        if (slot < sentence_slot(ends, middle, tile))
            high = middle - 1;
        else
            low = middle;
    }
    return sentence_at(ends, low);
}

#endif
