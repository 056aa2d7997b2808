#include "events/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

const char *axis_name(enum axis axis)
{
    static const char *const names[] = { "epochs", "seconds", "units" };

    return names[axis];
}

/* Keeps the first point and the last. If their number is even the second point
 * and the third both go. */
static void thin(struct series *s, int most)
{
    while (s->count > most && s->count > 2) {
        int kept = 1;

        for (int i = 3 - s->count % 2; i < s->count; i += 2)
            s->points[kept++] = s->points[i];
        s->count = kept;
    }
}

static void resize(struct series *s, int capacity)
{
    s->points = xrealloc(s->points, (unsigned long)capacity,
                         sizeof(*s->points));
    s->capacity = capacity;
}

void series_add(struct series *s, const double at[AXIS_COUNT], double value)
{
    struct point *p;

    if (!isfinite(value))
        return;
    thin(s, SERIES_MOST - 1);
    if (s->count == s->capacity)
        resize(s, s->capacity ? 2 * s->capacity : 64);
    p = &s->points[s->count++];
    memcpy(p->at, at, sizeof(p->at));
    p->value = value;
}

void series_cut(struct series *s, double units)
{
    while (s->count > 0 &&
           s->points[s->count - 1].at[AXIS_UNITS] > units)
        s->count--;
}

void series_shrink(struct series *s, int most)
{
    thin(s, most);
    if (s->count > 0)
        resize(s, s->count);
}

const struct point *series_last(const struct series *s)
{
    return s->count ? &s->points[s->count - 1] : NULL;
}

void series_done(struct series *s)
{
    free(s->points);
    *s = (struct series){ 0 };
}
