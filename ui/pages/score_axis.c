#include "ui/pages/score_axis.h"

#include <math.h>

static void label_number(double y, char text[NUMBER_SIZE])
{
    number_round(text, y, 4, CHART_MARGIN - 1);
}

void score_axis(struct chart *c, struct score score, double low, double high)
{
    c->label = score.percent ? chart_label_percent : label_number;
    c->y_min = score.percent ? fmax(0, low) : low;
    c->y_max = score.percent ? fmin(1, high) : high;
}
