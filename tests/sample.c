#include "tests/sample.h"
#include "ui/pages/control.h"
#include "ui/pages/frame.h"
#include "ui/session/inquiry.h"
#include "settings/preset.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct machine sample_machine = { .backend = "cpu", .processors = 1 };

/* The locale decides the width of characters. */
__attribute__((constructor)) static void use_unicode(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
}

static const char *const assignments[] = {
    "depth=10", "batch=100", "epoch_samples=1000", "epochs=20", "threads=1",
    "backend=cpu", "lr=0.1",
};

static const char *const translator[] = {
    "epoch_samples=10000", "epochs=20", "threads=1", "backend=cpu",
    "bleu_every=2"
};

static void assign(struct settings *s, const char *assignment)
{
    struct error e;

    cr_assert(settings_assign(s, "sample", assignment, &e), "%s", e.text);
}

void sample_start(struct session *s, const char *preset,
                  const struct settings *settings, int64_t step)
{
    struct facts facts = facts_of(settings);
    struct event e = { .type = EVENT_START,
                       .start = { preset, settings, sample_machine, step,
                                  200, facts.unit, facts.score.name } };

    session_event(s, &e);
}

static void remember(struct session *s)
{
    struct event e = {
        .type = EVENT_MEMORY,
        .memory = { s->now->peak_bytes, s->now->arena_bytes,
                    s->now->arena_bytes, s->now->arena_bytes + (20 << 20),
                    70 << 20 }
    };

    session_event(s, &e);
}

void sample_plan(struct session *s)
{
    struct question *q = xcalloc((unsigned long)inquiry_most(),
                                 sizeof(*q));

    /* An answer can open another question. */
    for (int round = 0; round < 2 || s->asks & SESSION_ASK_QUESTIONS;
         round++) {
        int n = inquiry_list(s, 0, q);
        s->asks &= ~(unsigned)SESSION_ASK_QUESTIONS;
        for (int i = 0; i < n; i++)
            inquiry_answer(s, q[i].tag,
                           forecast_new(&q[i].settings, &q[i].machine,
                                        q[i].timings, q[i].whole,
                                        q[i].baseline));
    }
    free(q);
}

static void sample_begin(struct session *s, const char *preset,
                         const struct settings *settings)
{
    session_init(s, preset, settings);
    s->state = LINK_RUNNING;
    sample_plan(s);
    sample_start(s, preset, &s->wanted, 0);
    sample_plan(s);
    remember(s);
}

void sample_init(struct session *s)
{
    struct settings settings;

    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    settings_init(&settings);
    for (size_t i = 0; i < sizeof(assignments) / sizeof(assignments[0]); i++)
        assign(&settings, assignments[i]);
    sample_begin(s, "quick", &settings);
}

void sample_init_translator(struct session *s)
{
    struct preset p;
    struct error e;

    setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
    cr_assert(preset_load(&p, "quick-translate", &e), "%s", e.text);
    for (size_t i = 0; i < sizeof(translator) / sizeof(translator[0]); i++)
        assign(&p.settings, translator[i]);
    sample_begin(s, "quick-translate", &p.settings);
}

static void step(struct session *s, int64_t number)
{
    double wave = 0.1 * sin(1.7 * (double)number);
    struct event e = {
        .type = EVENT_STEP,
        .step = { number, 200, (int)((number - 1) / 10) + 1,
                  2.3 * exp(-0.02 * (double)number) + wave, 0.5, 1250,
                  0.08 * (double)number }
    };

    session_event(s, &e);
}

static void epoch(struct session *s, int number)
{
    struct facts facts = facts_of(&s->in_force);
    double done = 1 - exp(-0.2 * number);
    double bleu = facts.score.of || number % facts.score_every ? NAN
                                                               : 99 * done;
    struct event e = {
        .type = EVENT_EPOCH,
        .epoch = { number, 2.3 * (1 - done), 0.92 * done, 2.4 * (1 - done),
                   0.9 * done, 0.9, NAN, bleu, bleu }
    };

    if (facts.score.of) {
        e.epoch.train_score = 0.92 * done;
        e.epoch.score = 0.9 * done;
    }
    session_event(s, &e);
}

void sample_train(struct session *s, int epochs)
{
    for (int i = 0; i < epochs; i++) {
        int64_t from = session_run(s)->step;
        for (int64_t n = from + 1; n <= from + 10; n++)
            step(s, n);
        epoch(s, session_run(s)->epoch);
    }
}

void sample_apply(struct session *s, const char *assignment)
{
    struct settings before = s->in_force, after = s->wanted;
    struct event e = { .type = EVENT_APPLIED };

    assign(&after, assignment);
    session_want(s, &after);
    sample_plan(s);
    e.applied.step = session_run(s)->step;
    e.applied.before = &before;
    e.applied.after = &after;
    e.applied.planned = s->planned->peak_bytes;
    e.applied.arena = s->planned->arena_bytes;
    session_event(s, &e);
    sample_plan(s);
    remember(s);
}

void sample_fit(struct session *s, size_t budget)
{
    struct finding *f = xcalloc(1, sizeof(*f));
    struct fit_query q = { .settings = &s->wanted, .machine = &s->machine,
                           .timings = s->ledger.timings,
                           .budget = budget };

    session_fit(s, budget);
    f->from = s->wanted;
    f->machine = s->machine;
    f->timings = timings_hold(s->ledger.timings);
    f->budget = budget;
    f->refused = !fit_find(&f->fit, &q, &f->error);
    f->blocked = !f->refused && f->fit.count == 0 &&
                 fit_find_obstacle(&f->obstacle, &q, NULL);
    session_fitted(s, f);
    s->asks &= ~(unsigned)SESSION_ASK_FIT;
}

char *sample_frame(struct session *s, enum page_id page, int pane, int rows,
                   int cols, enum glyphs glyphs)
{
    struct screen screen;
    char *text;

    screen_init(&screen, s, rows, cols, glyphs);
    control_act(&screen, ACTION_PAGE, (int)page);
    screen.pane[page] = pane;
    frame_draw(&screen);
    if (s->asks & SESSION_ASK_QUESTIONS) {
        sample_plan(s);
        frame_draw(&screen);
    }
    text = cells_dump(&screen.cells);
    screen_done(&screen);
    return text;
}
