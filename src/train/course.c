#include "train/course.h"

#include <math.h>

/* Warm-up rises from here, as fairseq's does. */
static const double lr_first = 1e-7;

/* The rate without warm-up. */
static double scheduled(const struct settings *s, int64_t step, int64_t steps)
{
    double done = (double)step / (double)steps;

    switch (s->lr_schedule) {
    case LR_STEP: /* the report's 60, 120 and 160 of 200 epochs */
        return s->lr * pow(0.2, (done >= 0.3) + (done >= 0.6) + (done >= 0.8));
    case LR_COSINE:
        return s->lr * 0.5 * (1 + cos(3.14159265358979323846 * done));
    case LR_INVERSE_SQRT: /* lr at the end of the warm-up */
        return s->lr * sqrt((s->warmup > 0 ? s->warmup : 1) /
                            (double)(step > 0 ? step : 1));
    default:
        return s->lr;
    }
}

double course_learning_rate(const struct settings *s, int64_t step,
                            int64_t steps)
{
    if (step < s->warmup && s->lr > lr_first)
        return lr_first + (s->lr - lr_first) * (double)step / s->warmup;
    return scheduled(s, step, steps);
}

/* Less often later, and not at the end: the report's 25, 80, 140 and 190 of 200
 * epochs. */
bool course_rewires(const struct settings *s, int64_t step, int64_t steps)
{
    double done = (double)step / (double)steps;
    int64_t period = (int64_t)s->rewire_period
                     << ((done >= 0.125) + (done >= 0.4) + (done >= 0.7));

    return done < 0.95 && (step + 1) % period == 0;
}
