#include "train/course.h"

#include <math.h>

double course_learning_rate(const struct settings *s, int64_t step,
                            int64_t steps)
{
    double done = (double)step / (double)steps;

    switch (s->lr_schedule) {
    case LR_STEP: /* the report's 60, 120 and 160 of 200 epochs */
        return s->lr * pow(0.2, (done >= 0.3) + (done >= 0.6) + (done >= 0.8));
    case LR_COSINE:
        return s->lr * 0.5 * (1 + cos(3.14159265358979323846 * done));
    default:
        return s->lr;
    }
}

/* Every 100 steps, less often later, and not at the end: the report's 25, 80,
 * 140 and 190 of 200 epochs. */
bool course_rewires(int64_t step, int64_t steps)
{
    double done = (double)step / (double)steps;
    int64_t period = 100 << ((done >= 0.125) + (done >= 0.4) + (done >= 0.7));

    return done < 0.95 && (step + 1) % period == 0;
}
