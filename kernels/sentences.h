/*
 * Packed sentences: the rows of one follow those of the one before. `ends` has
 * the row at which each ends, so that the last end is the number of rows.
 */
#ifndef MEMDIAL_SENTENCES_H
#define MEMDIAL_SENTENCES_H

#include "kernels/portable.h"

struct sentence {
    int number;          /* within the part */
    int begin, end;      /* rows */
};

PORTABLE struct sentence sentence_at(const int32_t *ends, int number)
{
    struct sentence s = { number, number > 0 ? ends[number - 1] : 0,
                          ends[number] };

    return s;
}

/* The sentence of a row, found by bisection among `count`. */
PORTABLE struct sentence sentence_of_row(const int32_t *ends, int count,
                                         int row)
{
    int low = 0, high = count - 1;

    while (low < high) {
        int middle = (low + high) / 2;

        if (row < ends[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return sentence_at(ends, low);
}

#endif
