/*
 * The sinusoidal position embedding of fairseq. Position p of a sentence has
 * row p + 2 of a table of C columns, C even. Columns i and C/2 + i of row r are
 * sin(r f) and cos(r f), of the frequency f = exp(-i ln(10000) / (C/2 - 1)).
 *
 * An angle is counted in quarters of a turn, in double precision. Taking the
 * nearest whole quarter from it leaves a float's precision of sine and cosine,
 * in millions of positions too. These are polynomials of Cephes (Moshier), so
 * that a loop over columns can be made of vectors.
 */
#ifndef MEMDIAL_SINUSOID_H
#define MEMDIAL_SINUSOID_H

#include <math.h>

#include "kernels/portable.h"

enum { SINUSOID_FIRST = 2 };    /* row of position 0 */

struct sinusoid {
    float sine, cosine;
};

/* The angle of row 1 in column `column` of the first `half` columns. */
PORTABLE double sinusoid_step(int column, int half)
{
    const double quarters = 0.63661977236758134308; /* 2 / pi */
    const double log_10000 = 9.21034037197618273607;

    return half > 1 ? quarters * exp(-column * log_10000 / (half - 1))
                    : quarters;
}

/* Sine and cosine of an angle, in quarters of a turn, of at most 2^31. */
PORTABLE struct sinusoid sinusoid_at(double angle)
{
    const double shift = 0x1.8p52;  /* beside it doubles are 1 apart */
    double whole = angle + shift - shift;
    int quarter = (int)whole;
    float x = (float)((angle - whole) * 1.57079632679489661923);
    float z = x * x;
    float sine = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z
                  - 1.6666654611e-1f) * z * x + x;
    float cosine = ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z
                    + 4.166664568298827e-2f) * z * z - 0.5f * z + 1;
    float first = quarter & 1 ? cosine : sine;
    float second = quarter & 1 ? sine : cosine;
    struct sinusoid s = { quarter & 2 ? -first : first,
                          (quarter + 1) & 2 ? -second : second };

    return s;
}

#endif
