#include "settings/facts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ACCURACY { "accuracy", .percent = true, .higher_is_better = true }

static const struct facts sets[] = {
    [DATA_SHAPES] = { "shapes", 3, { 32, 32, 3 }, 10, "sample", "samples",
                      "images", DATA_SHAPES, ACCURACY },
    [DATA_CIFAR10] = { "cifar10", 3, { 32, 32, 3 }, 10, "sample", "samples",
                       "images", DATA_SHAPES, ACCURACY },
};

struct facts facts_of(const struct settings *s)
{
    return sets[s->data];
}

const char *facts_units(const struct setting *row, const struct settings *s)
{
    if (row->unit && strcmp(row->unit, UNITS_OF_DATA) == 0)
        return facts_of(s).units;
    return row->unit;
}

const char *score_format(const struct score *score, double value, int digits,
                         char text[NUMBER_SIZE])
{
    if (score->percent)
        return number_percent(text, value, digits);
    snprintf(text, NUMBER_SIZE, "%.*f", digits, value);
    return text;
}

bool score_better(const struct score *score, double one, double other)
{
    if (isnan(one) || isnan(other))
        return false;
    return score->higher_is_better ? one > other : one < other;
}
