#include "settings/score.h"

#include <math.h>
#include <stdio.h>

double score_is_accuracy(double loss, double accuracy)
{
    (void)loss;
    return accuracy;
}

double score_of(const struct score *score, double loss, double accuracy)
{
    return score->of ? score->of(loss, accuracy) : NAN;
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
