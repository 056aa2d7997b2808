/*
 * What follows from the table of settings: that a row is enough for a dial to
 * be on the screens, to be explained, to be off in the baseline, and to be
 * proposed when memory is short; and that rows say which memory they shrink.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "plan/fit.h"
#include "settings/ladder.h"
#include "tests/sample.h"
#include "tests/settings_of.h"
#include "train/trainer.h"
#include "ui/pages/control.h"
#include "ui/pages/explain.h"
#include "ui/pages/frame.h"

/* Budgets and learning rates have no end. */
enum { STEPS_MAX = 12 };

enum { AT_LEISURE = 1000 /* seconds */ };

static const struct machine machine = { .backend = "cpu", .processors = 2 };

/* Without nesterov, so that all dials turn. */
static struct settings defaults(void)
{
    return settings_of((const char *const[]){ "nesterov=no", NULL });
}

static struct job *job_of(const struct settings *s)
{
    struct job *job;
    struct error e;

    cr_assert(job_new_on(&job, s, &machine, &e), "%s", e.text);
    return job;
}

static size_t arena_of(const struct settings *s)
{
    struct job *job = job_of(s);
    size_t bytes = job->plan->arena_bytes;

    job_free(job);
    return bytes;
}

/* How often a setting is a dial. */
static int count_dials(const struct setting *row)
{
    int count = 0;

    for (int dial = 0; dial < dial_count(); dial++)
        count += dial_setting(dial) == row;
    return count;
}

Test(dials, are_all_that_can_change)
{
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        cr_expect_eq(row->live, row->ladder != LADDER_NONE, "%s", row->name);
        cr_expect_eq(count_dials(row), row->live, "%s", row->name);
        cr_expect(row->live || !row->place, "%s", row->name);
    }
    for (int dial = 0; dial < dial_count(); dial++) {
        cr_assert(dial_setting(dial), "none at place %d", dial + 1);
        cr_expect_eq(dial_setting(dial)->place,
                     dial < dial_first_page() ? dial + 1 : 0);
    }
    cr_expect_gt(dial_first_page(), 0);
    cr_expect_null(dial_setting(dial_count()));
}

Test(dials, rungs_are_values_in_order)
{
    int count = 0;

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        double before = -1;
        for (int j = 0; row->rungs && row->rungs[j]; j++) {
            struct settings s = defaults();
            struct error e;
            cr_expect(settings_set(&s, "test", row->name, row->rungs[j], &e),
                      "%s", e.text);
            cr_expect_gt(settings_number(&s, row), before, "%s", row->name);
            before = settings_number(&s, row);
            count++;
        }
    }
    cr_expect_gt(count, 0);
}

/* Takes a way of saving memory as far as it goes. */
static int save_all(struct settings *s, const struct setting *row)
{
    int steps = 0;

    while (ladder_step(s, row, ladder_saving(s, row), 0, s))
        steps++;
    return steps;
}

/* Each rung of a ladder is another value, and all choices are rungs. */
Test(dials, ladders_of_savings_are_climbed)
{
    struct settings s = defaults();

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        int choices = 0, steps;
        if (!row->saves)
            continue;
        settings_save_nothing(&s);
        steps = save_all(&s, row);
        while (row->choices && row->choices[choices])
            choices++;
        cr_expect(choices ? steps == choices - 1 : steps > 1, "%s: %d steps",
                  row->name, steps);
    }
}

Test(savings, rows_are_complete)
{
    int count = 0;

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        count += row->saves != NULL;
        cr_expect_eq(row->saves != NULL, row->price != PRICE_NONE, "%s",
                     row->name);
        cr_expect(!row->saves || (row->place && row->shrinks), "%s",
                  row->name);
        cr_expect_eq(row->live && row->shrinks, row->shrunk != NULL, "%s",
                     row->name);
    }
    cr_expect_gt(count, 0);
}

Test(savings, the_baseline_has_none)
{
    struct settings plain = defaults(), s = defaults();
    struct job *job, *baseline;

    /* The other way round precision=fp16 would come first, with which gradients
     * are not accumulated. */
    for (int i = settings_count - 1; i >= 0; i--)
        if (settings_table[i].saves)
            save_all(&s, &settings_table[i]);
    job = job_of(&s);
    baseline = job_baseline(job);
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        char value[SETTINGS_TEXT_SIZE];
        settings_format(&baseline->settings, row, value, sizeof(value));
        if (row->saves)
            cr_expect_str_eq(value, row->saves, "%s", row->name);
        else
            cr_expect_not(settings_differ(&baseline->settings, &s, row), "%s",
                          row->name);
        cr_expect_eq(row->saves != NULL,
                     settings_differ(&baseline->settings, &s, row), "%s",
                     row->name);
    }
    cr_expect_eq(baseline->plan->arena_bytes, arena_of(&plain));
    job_free(baseline);
    job_free(job);
}

/* Whether a list of assignments has one of a setting. */
static bool assigns(const char *list, const struct setting *row)
{
    char start[64];

    snprintf(start, sizeof(start), "%s=", row->name);
    for (const char *at = strstr(list, start); at; at = strstr(at + 1, start))
        if (at == list || at[-1] == ' ')
            return true;
    return false;
}

/* Bytes of an arena with all ways that are cheaper, and this one. */
static size_t bytes_with(const struct setting *row)
{
    struct settings s = defaults();

    for (int i = 0; i < settings_count; i++)
        if (&settings_table[i] == row ||
            (settings_table[i].saves && settings_table[i].price < row->price))
            save_all(&s, &settings_table[i]);
    return arena_of(&s);
}

static struct settings with_assignments(const struct settings *s,
                                        const char *list)
{
    struct settings with = *s;
    char text[256], *rest = NULL;
    struct error e;

    snprintf(text, sizeof(text), "%s", list);
    for (char *word = strtok_r(text, " ", &rest); word;
         word = strtok_r(NULL, " ", &rest))
        cr_assert(settings_assign(&with, "test", word, &e), "%s", e.text);
    return with;
}

/* Whether any way but this one is proposed that is dearer than it. */
static bool proposes_dearer(const char *list, const struct setting *row)
{
    for (int i = 0; i < settings_count; i++)
        if (settings_table[i].price > row->price &&
            assigns(list, &settings_table[i]))
            return true;
    return false;
}

/* A way is proposed where the cheaper ones are not enough, and no dearer one
 * is then. */
Test(savings, are_proposed_by_price)
{
    struct settings s = defaults();
    struct job *job = job_of(&s);
    char text[256];

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        struct settings with;
        size_t bytes;
        if (!row->saves)
            continue;
        bytes = bytes_with(row);
        cr_assert(fit_savings(job, bytes, NULL, AT_LEISURE, text, sizeof(text)),
                  "%s", row->name);
        cr_expect_not(proposes_dearer(text, row), "%s: %s", row->name, text);
        with = with_assignments(&s, text);
        cr_expect_leq(arena_of(&with), bytes, "%s", text);
    }
    cr_expect_not(fit_savings(job, 1, NULL, AT_LEISURE, text, sizeof(text)));
    job_free(job);
}

/* A search that has no more time proposes nothing, or not the best. */
Test(savings, are_proposed_in_time)
{
    struct settings s = defaults();
    struct job *job = job_of(&s);
    size_t bytes = job->plan->arena_bytes / 3;
    double seconds = 1e-4, began = clock_seconds();
    char text[256];

    cr_expect_not(fit_savings(job, bytes, NULL, 0, text, sizeof(text)));
    cr_expect_lt(clock_seconds() - began, 1);
    while (!fit_savings(job, bytes, NULL, seconds, text, sizeof(text)))
        cr_assert_lt(seconds *= 2, AT_LEISURE);
    s = with_assignments(&s, text);
    cr_expect_leq(arena_of(&s), bytes, "%s", text);
    job_free(job);
}

/* The loss after some steps. */
static double loss_of(const struct settings *s)
{
    struct trainer *t;
    struct error e;
    double loss = 0;

    cr_assert(trainer_new(&t, s, &e), "%s", e.text);
    for (int i = 0; i < 3; i++)
        loss = trainer_step(t).loss;
    trainer_free(t);
    return loss;
}

/* Dials whose price is free give the same bits, and no others do. */
Test(savings, free_ones_change_no_result)
{
    struct settings s = settings_of((const char *const[]){
        "batch=8", "epoch_samples=32", "valid_samples=8", "threads=1",
        "backend=cpu", "nesterov=no", NULL });
    double loss = loss_of(&s);

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        struct settings saving = s;
        if (!row->saves)
            continue;
        save_all(&saving, row);
        cr_expect_eq(loss_of(&saving) == loss, row->price == PRICE_FREE, "%s",
                     row->name);
    }
}

/* The most bytes of each kind in any step. */
struct most {
    size_t bytes[KIND_COUNT];
};

/* Where there is no such plan, all bytes there are. */
static struct most most_of(const struct settings *s)
{
    struct job *job;
    const struct plan *plan;
    struct most most;

    memset(&most, 0xFF, sizeof(most));
    if (!job_new_on(&job, s, &machine, NULL))
        return most;
    memset(&most, 0, sizeof(most));
    plan = job->plan;
    for (int t = 0; t < plan->schedule->step_count; t++)
        for (int k = 0; k < KIND_COUNT; k++)
            if (plan->live[t][k] > most.bytes[k])
                most.bytes[k] = plan->live[t][k];
    job_free(job);
    return most;
}

/* Kinds of memory that take less somewhere on the ladder than with `s`. */
static unsigned kinds_shrunk(const struct settings *s,
                             const struct setting *row)
{
    static const enum ladder_way ways[] = { LADDER_DOWN, LADDER_UP };
    struct most own = most_of(s);
    unsigned kinds = 0;

    for (int w = 0; w < 2; w++) {
        struct settings next = *s;
        for (int i = 0; i < STEPS_MAX &&
                        ladder_step(&next, row, ways[w], 0, &next); i++) {
            struct most most = most_of(&next);
            for (int k = 0; k < KIND_COUNT; k++)
                if (most.bytes[k] < own.bytes[k])
                    kinds |= 1u << k;
        }
    }
    return kinds;
}

/* Each kind that a row names takes less in some company; in that of the
 * defaults no other does. A dial of the first page that shrinks something
 * there is a way of saving memory. */
Test(savings, rows_name_what_they_shrink)
{
    static const char *const companies[][3] = {
        { NULL },
        { "backend=cuda" },
        { "checkpoint=block" },
        { "precision=fp16", "master_weights=fp32" },
        { "microbatch=10" },
        { "checkpoint=optimal", "memory_budget=64MiB" },
    };
    enum { COMPANIES = sizeof(companies) / sizeof(companies[0]) };

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        unsigned shrunk = 0, plain = 0;
        if (!row->live)
            continue;
        for (int c = 0; c < COMPANIES; c++) {
            struct settings s = settings_of(companies[c]);
            unsigned kinds;
            s.nesterov = false;
            kinds = kinds_shrunk(&s, row);
            plain |= c == 0 ? kinds : 0;
            shrunk |= kinds;
        }
        cr_expect_eq(row->shrinks & ~shrunk, 0, "%s: %#x never shrink",
                     row->name, row->shrinks & ~shrunk);
        cr_expect_eq(plain & ~row->shrinks, 0, "%s: %#x shrink too",
                     row->name, plain & ~row->shrinks);
        cr_expect(!plain || !row->place || row->saves, "%s: saves",
                  row->name);
    }
}

static bool has_line(const struct text_block *text, const char *words)
{
    for (int i = 0; i < text->count; i++)
        if (strstr(text->lines[i].text, words))
            return true;
    return false;
}

static struct session session;

static void init_session(void)
{
    sample_init(&session);
}

static void done_session(void)
{
    session_done(&session);
}

TestSuite(explanations, .init = init_session, .fini = done_session);

Test(explanations, are_of_every_dial)
{
    struct text_block peak = { 0 };

    explain_peak(&peak, &session);
    for (int dial = 0; dial < dial_count(); dial++) {
        const struct setting *row = dial_setting(dial);
        struct text_block text = { 0 };
        explain_value(&text, &session, dial);
        explain_dial(&text, &session, dial);
        cr_expect(has_line(&text, row->help), "%s", row->name);
        cr_assert(row->about, "%s: no word on the technique", row->name);
        cr_expect(has_line(&text, row->about), "%s", row->name);
        cr_expect_eq(has_line(&text, "It can shrink"), row->shrinks != 0,
                     "%s", row->name);
        cr_expect(has_line(&peak, row->name), "%s", row->name);
        text_block_done(&text);
    }
    text_block_done(&peak);
}

Test(explanations, are_reached_by_keys)
{
    struct screen screen;
    struct input more = { .type = INPUT_KEY, .key = 'd' };

    screen_init(&screen, &session, 60, 160, GLYPHS_ASCII);
    for (int dial = 0; dial < dial_count(); dial++) {
        char *frame;
        if (dial == dial_first_page())
            control_input(&screen, &more);
        frame_draw(&screen);
        frame = cells_dump(&screen.cells);
        cr_expect(strstr(frame, dial_setting(dial)->name), "%s\n%s",
                  dial_setting(dial)->name, frame);
        free(frame);
    }
    screen_done(&screen);
}
