#include "plan/dial.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

enum { MAX_DIALS = 64, VALUE_SIZE = SETTINGS_TEXT_SIZE };

/* Shown first, those of them that the settings table has. */
static const char *const first[] = {
    "sparsity", "precision", "microbatch", "checkpoint", "recompute",
    "memory_budget", "lr",
};

enum { FIRST_COUNT = sizeof(first) / sizeof(first[0]) };

/* Where steps of 1, 2, 5, 10, ... would make no sense. */
static const struct ladder {
    const char *name;
    double rung[12];
    int count;
} ladders[] = {
    { "sparsity", { 0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98 }, 9 },
    { "momentum", { 0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999 }, 8 },
};

static bool is_dial(const struct setting *row)
{
    return row->live && row->type != SETTING_TEXT &&
           row->type != SETTING_UINT64;
}

static bool is_first(const char *name)
{
    for (int i = 0; i < FIRST_COUNT; i++)
        if (strcmp(first[i], name) == 0)
            return true;
    return false;
}

int dial_first_page(void)
{
    int n = 0;

    for (int i = 0; i < FIRST_COUNT; i++) {
        const struct setting *row = settings_find(first[i]);
        n += row && is_dial(row);
    }
    return n;
}

int dial_count(void)
{
    int n = 0;

    for (int i = 0; i < settings_count; i++)
        n += is_dial(&settings_table[i]);
    return n;
}

const struct setting *dial_setting(int dial)
{
    for (int i = 0; i < FIRST_COUNT; i++) {
        const struct setting *row = settings_find(first[i]);
        if (row && is_dial(row) && dial-- == 0)
            return row;
    }
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (is_dial(row) && !is_first(row->name) && dial-- == 0)
            return row;
    }
    return NULL;
}

static double number(const struct settings *s, const struct setting *row)
{
    const char *field = (const char *)s + row->offset;

    switch (row->type) {
    case SETTING_INT:
    case SETTING_CHOICE:
        return *(const int *)field;
    case SETTING_BYTES:
        return (double)*(const uint64_t *)field;
    case SETTING_BOOL:
        return *(const bool *)field;
    default:
        return *(const double *)field;
    }
}

/* The next of 1, 2, 5, 10, ... and of their tenths. */
static double next_round(double value, enum dial_turn turn)
{
    static const double digits[] = { 1, 2, 5, 10 };
    double power = pow(10, floor(log10(value) + 1e-9));
    double lead = value / power;

    if (turn == DIAL_UP) {
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
static double next_whole(double value, enum dial_turn turn)
{
    if (value + (turn == DIAL_UP) <= 10)
        return value + (turn == DIAL_UP ? 1 : -1);
    return next_round(value, turn);
}

/* A microbatch divides the batch, so that all are alike. */
static double next_microbatch(const struct settings *s, enum dial_turn turn)
{
    int step = turn == DIAL_UP ? 1 : -1;
    int value = (s->microbatch ? s->microbatch : s->batch) + step;

    while (value > 0 && value <= s->batch && s->batch % value != 0)
        value += step;
    return value == s->batch ? 0 : value > s->batch ? -1 : value ? value : -1;
}

/* 1, 1.5, 2, 3, 4, 6, ... MiB, from `least` on; below it 0, which is as little
 * as can be. */
static double next_budget(double value, enum dial_turn turn, double least)
{
    double before = 0;

    for (double power = 1 << 20;; power *= 2)
        for (int half = 2; half < 4; half++) {
            double rung = power * half / 2;
            if (rung < least)
                continue;
            if (rung > value && turn == DIAL_UP)
                return rung;
            if (rung >= value && turn == DIAL_DOWN)
                return value > 0 ? before : -1;
            before = rung;
        }
}

static double next_rung(const struct ladder *l, double value,
                        enum dial_turn turn)
{
    if (turn == DIAL_UP) {
        for (int i = 0; i < l->count; i++)
            if (l->rung[i] > value + 1e-9)
                return l->rung[i];
    } else {
        for (int i = l->count - 1; i >= 0; i--)
            if (l->rung[i] < value - 1e-9)
                return l->rung[i];
    }
    return -1;
}

/* Where 0 is allowed, it comes below 1e-5. */
static double next_real(const struct setting *row, double value,
                        enum dial_turn turn)
{
    const double least = 1e-5;

    if (row->min > 0 || value > least * 1.001)
        return next_round(value, turn);
    if (turn == DIAL_DOWN)
        return value > 0 ? 0 : -1;
    return value < least * 0.999 ? least : next_round(value, turn);
}

static double next_number(const struct settings *s, const struct setting *row,
                          enum dial_turn turn, uint64_t least)
{
    double value = number(s, row);

    if (strcmp(row->name, "microbatch") == 0)
        return next_microbatch(s, turn);
    if (row->type == SETTING_BYTES)
        return next_budget(value, turn, (double)least);
    for (size_t i = 0; i < sizeof(ladders) / sizeof(ladders[0]); i++)
        if (strcmp(row->name, ladders[i].name) == 0)
            return next_rung(&ladders[i], value, turn);
    if (row->type == SETTING_INT)
        return next_whole(value, turn);
    return next_real(row, value, turn);
}

/* The next value as text; false if there is none. */
static bool next_text(const struct settings *s, const struct setting *row,
                      enum dial_turn turn, uint64_t least, char *text,
                      size_t size)
{
    int step = turn == DIAL_UP ? 1 : -1;
    double value = number(s, row), next;

    if (row->type == SETTING_CHOICE) {
        int i = (int)value + step;
        if (i < 0 || !row->choices[i])
            return false;
        snprintf(text, size, "%s", row->choices[i]);
        return true;
    }
    if (row->type == SETTING_BOOL) {
        snprintf(text, size, "%s", turn == DIAL_UP ? "yes" : "no");
        return value != (turn == DIAL_UP);
    }
    next = next_number(s, row, turn, least);
    snprintf(text, size, row->type == SETTING_REAL ? "%.6g" : "%.0f", next);
    return next >= 0;
}

bool dial_turn(const struct settings *from, int dial, enum dial_turn turn,
               uint64_t least, struct settings *to)
{
    const struct setting *row = dial_setting(dial);
    struct settings next = *from;
    char text[VALUE_SIZE];

    if (!row || !next_text(from, row, turn, least, text, sizeof(text)) ||
        !settings_set(&next, "dial", row->name, text, NULL) ||
        !settings_check(&next, "dial", NULL))
        return false;
    *to = next;
    return true;
}

void dial_format(const struct settings *s, int dial, char *text, size_t size)
{
    const struct setting *row = dial_setting(dial);
    double value = number(s, row);

    if (row->type == SETTING_BYTES && value > 0)
        bytes_format(text, size, (uint64_t)value);
    else if (row->type == SETTING_BYTES)
        snprintf(text, size, "least");
    else if (strcmp(row->name, "microbatch") == 0 && value == 0)
        snprintf(text, size, "%d (all)", s->batch);
    else if (strcmp(row->name, "threads") == 0 && value == 0)
        snprintf(text, size, "all");
    else
        settings_format(s, row, text, size);
}

bool dial_same(const struct settings *a, const struct settings *b, int dial)
{
    const struct setting *row = dial_setting(dial);

    return memcmp((const char *)a + row->offset,
                  (const char *)b + row->offset, row->size) == 0;
}

void dial_changes(const struct settings *from, const struct settings *to,
                  char *text, size_t size)
{
    size_t used = 0;

    *text = '\0';
    for (int dial = 0; dial < dial_count() && used < size; dial++) {
        char value[SETTINGS_TEXT_SIZE];
        if (dial_same(from, to, dial))
            continue;
        dial_format(to, dial, value, sizeof(value));
        used += (size_t)snprintf(text + used, size - used, "%s%s=%s",
                                 used ? " " : "", dial_setting(dial)->name,
                                 value);
    }
}
