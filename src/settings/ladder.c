/* Values are compared as numbers; a choice is the number of its word. */
#include "settings/ladder.h"

#include <math.h>
#include <stdio.h>

#include "settings/facts.h"

static const char *const no_yes[] = { "no", "yes", NULL };

static const char *const *rungs_of(const struct setting *row)
{
    return row->rungs ? row->rungs : row->choices ? row->choices : no_yes;
}

static double rung_number(const struct setting *row, const char *rung)
{
    struct settings s;

    settings_set(&s, "rung", row->name, rung, NULL);
    return settings_number(&s, row);
}

/* The nearest rung in that direction, or NULL. */
static const char *next_rung(const struct setting *row, double value,
                             enum ladder_way way)
{
    const char *const *rungs = rungs_of(row), *below = NULL;

    for (; *rungs; rungs++) {
        double rung = rung_number(row, *rungs);
        if (rung > value + 1e-9)
            return way == LADDER_UP ? *rungs : below;
        if (rung < value - 1e-9)
            below = *rungs;
    }
    return way == LADDER_UP ? NULL : below;
}

/* The next of 1, 2, 5, 10, ... and of their tenths. */
static double next_round(double value, enum ladder_way way)
{
    static const double digits[] = { 1, 2, 5, 10 };
    double power = pow(10, floor(log10(value) + 1e-9));
    double lead = value / power;

    if (way == LADDER_UP) {
        for (int i = 0; i < 4; i++)
            if (digits[i] > lead * (1 + 1e-9))
                return digits[i] * power;
        return 20 * power;
    }
    for (int i = 3; i >= 0; i--)
        if (digits[i] < lead * (1 - 1e-9))
            return digits[i] * power;
    return power / 2;
}

/* Whole numbers go by ones up to ten. */
static double next_whole(double value, enum ladder_way way)
{
    if (value + (way == LADDER_UP) <= 10)
        return value + way;
    return next_round(value, way);
}

/* Where 0 is allowed, it comes below 1e-5. */
static double next_real(const struct setting *row, double value,
                        enum ladder_way way)
{
    const double least = 1e-5;

    if (row->min > 0 || value > least * 1.001)
        return next_round(value, way);
    if (way == LADDER_DOWN)
        return value > 0 ? 0 : -1;
    return value < least * 0.999 ? least : next_round(value, way);
}

/* Microbatches that cut a batch into equal parts. */
static double next_divisor(int batch, int value, enum ladder_way way)
{
    value = (value ? value : batch) + way;
    while (value > 0 && value <= batch && batch % value != 0)
        value += way;
    return value == batch ? 0 : value > batch || value == 0 ? -1 : value;
}

/* The units that a part of the batch has room for, where parts need not be
 * equal: those of one part more, or one less. */
static double next_share(int batch, int value, enum ladder_way way)
{
    int parts = value ? (batch + value - 1) / value : 1;
    double next = next_whole(parts, -way);

    if (next < 1 || next > batch)
        return -1;
    return next == 1 ? 0 : ceil(batch / next);
}

/* 1, 1.5, 2, 3, 4, 6, ... MiB, from `least` on; below it 0, the smallest arena.
 */
static double next_budget(double value, enum ladder_way way, double least)
{
    double before = 0;

    for (double power = 1 << 20;; power *= 2)
        for (int half = 2; half < 4; half++) {
            double rung = power * half / 2;
            if (rung < least)
                continue;
            if (rung > value && way == LADDER_UP)
                return rung;
            if (rung >= value && way == LADDER_DOWN)
                return value > 0 ? before : -1;
            before = rung;
        }
}

/* The next number, or a negative one if there is none. */
static double next_number(const struct settings *s, const struct setting *row,
                          enum ladder_way way, uint64_t least)
{
    double value = settings_number(s, row);

    switch (row->ladder) {
    case LADDER_ROUND:
        return row->type == SETTING_INT ? next_whole(value, way)
                                        : next_real(row, value, way);
    case LADDER_PARTS:
        return (facts_of(s).packed ? next_share : next_divisor)(
            s->batch, (int)value, way);
    case LADDER_BUDGETS:
        return next_budget(value, way, (double)least);
    case LADDER_NONE:
    case LADDER_LIST:
        break;
    }
    return -1;
}

/* The next value as text; false if there is none. */
static bool next_text(const struct settings *s, const struct setting *row,
                      enum ladder_way way, uint64_t least, char *text,
                      size_t size)
{
    double next;

    if (row->ladder == LADDER_LIST) {
        const char *rung = next_rung(row, settings_number(s, row), way);
        snprintf(text, size, "%s", rung ? rung : "");
        return rung;
    }
    next = next_number(s, row, way, least);
    snprintf(text, size, row->type == SETTING_REAL ? "%.6g" : "%.0f", next);
    return next >= 0;
}

/* Sets the next value, whether or not it goes with the others. */
static bool take_next(const struct settings *from, const struct setting *row,
                      enum ladder_way way, uint64_t least, struct settings *to)
{
    char text[SETTINGS_TEXT_SIZE];

    *to = *from;
    return next_text(from, row, way, least, text, sizeof(text)) &&
           settings_set(to, "ladder", row->name, text, NULL);
}

bool ladder_step(const struct settings *from, const struct setting *row,
                 enum ladder_way way, uint64_t least, struct settings *to)
{
    struct settings next;

    if (!take_next(from, row, way, least, &next) ||
        !settings_check(&next, "ladder", NULL))
        return false;
    *to = next;
    return true;
}

bool ladder_refuses(const struct settings *from, const struct setting *row,
                    enum ladder_way way, const char *where, struct error *e)
{
    struct settings next;

    return take_next(from, row, way, 0, &next) &&
           !settings_check(&next, where, e);
}

enum ladder_way ladder_saving(const struct settings *s,
                              const struct setting *row)
{
    struct settings plain = *s;

    settings_set(&plain, "ladder", row->name, row->saves, NULL);
    return ladder_step(&plain, row, LADDER_UP, 0, &plain) ? LADDER_UP
                                                          : LADDER_DOWN;
}
