#include "events/contest.h"

#include <math.h>

struct contest contest_by(const struct trial *t)
{
    return (struct contest){ t->scored, t->settings.data,
                             facts_of(&t->settings).score };
}

bool contest_alike(const struct contest *a, const struct contest *b)
{
    return a->data == b->data && score_same(&a->score, &b->score);
}

bool contest_admits(const struct contest *c, const struct entrant *a)
{
    struct contest own = contest_by(a->trial);

    return !trial_continues(a->trial) && a->peak_bytes > 0 && c->epochs > 0 &&
           a->trial->epochs >= c->epochs &&
           !isnan(contest_score(c, a->trial)) && contest_alike(&own, c);
}

double contest_score(const struct contest *c, const struct trial *t)
{
    return trial_best_by(t, c->epochs);
}

bool contest_is_better(const struct contest *c, const struct entrant *a,
                       const struct entrant *b)
{
    return score_better(&c->score, contest_score(c, a->trial),
                        contest_score(c, b->trial));
}

bool contest_beats(const struct contest *c, const struct entrant *a,
                   const struct entrant *b)
{
    bool is_better = contest_is_better(c, a, b);
    bool is_worse = contest_is_better(c, b, a);

    return a->peak_bytes <= b->peak_bytes && !is_worse &&
           (a->peak_bytes < b->peak_bytes || is_better);
}

int contest_line(double *line, const double *points, int count, double worst,
                 double end)
{
    double y = worst;

    for (int i = 0; i < count; i++) {
        double *to = line + 4 * i;
        to[0] = to[2] = points[2 * i];
        to[1] = y;
        to[3] = y = points[2 * i + 1];
    }
    line[4 * count] = end;
    line[4 * count + 1] = y;
    return count ? 2 * count + 1 : 0;
}
