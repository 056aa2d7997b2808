#include "settings/score.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

double score_is_accuracy(double loss, double accuracy)
{
    (void)loss;
    return accuracy;
}

double score_is_perplexity(double loss, double accuracy)
{
    (void)accuracy;
    return exp(loss);
}

double score_of(const struct score *score, double loss, double accuracy)
{
    return score->of ? score_possible(score, score->of(loss, accuracy)) : NAN;
}

const char *score_format(const struct score *score, double value, int digits,
                         char text[NUMBER_SIZE])
{
    return score->percent ? number_percent(text, value, digits)
                          : number_format(text, value, digits, SCORE_CELLS);
}

double score_possible(const struct score *score, double value)
{
    double most = score->most > 0 ? score->most : DBL_MAX;

    return value >= 0 && value <= most ? value : NAN;
}

bool score_same(const struct score *a, const struct score *b)
{
    return strcmp(a->name, b->name) == 0;
}

bool score_better(const struct score *score, double one, double other)
{
    if (isnan(one) || isnan(other))
        return isnan(other) && !isnan(one);
    return score->higher_is_better ? one > other : one < other;
}
