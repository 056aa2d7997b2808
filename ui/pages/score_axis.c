#include "ui/pages/score_axis.h"

#include <math.h>

void score_axis(struct chart *c, struct score score, double low, double high)
{
    c->label = score.percent ? chart_label_percent : NULL;
    c->y_min = score.percent ? fmax(0, low) : low;
    c->y_max = score.percent ? fmin(1, high) : high;
}
