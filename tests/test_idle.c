/*
 * Settings that have no effect beside the others: that they have none, that
 * they are told, and told once.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "settings/idle.h"
#include "tests/settings_of.h"
#include "train/trainer.h"

static const struct machine cpu = { .backend = "cpu", .processors = 2 },
                            cuda = { .backend = "cuda", .processors = 2 };

/* Every condition names a setting and a value of it. */
Test(idle, conditions_can_be_met)
{
    int count = 0;

    for (int i = 0; i < settings_count; i++) {
        char when[IDLE_WHY_SIZE];
        struct settings s;
        struct error e;
        if (!idle_ever(&settings_table[i], when))
            continue;
        count++;
        settings_init(&s);
        for (char *word = strtok(when, " "); word; word = strtok(NULL, " "))
            cr_expect(!strchr(word, '=') ||
                      settings_assign(&s, "test", word, &e), "%s", e.text);
    }
    cr_expect_gt(count, 0);
}

/* All warnings of the settings, one a line. */
static const char *warnings(const struct settings *before,
                            const struct settings *after,
                            const struct machine *machine)
{
    static char all[4 * IDLE_TEXT_SIZE];
    char one[IDLE_TEXT_SIZE];

    all[0] = '\0';
    for (int i = 0; i < settings_count; i++)
        if (idle_warning(&settings_table[i], before, after, machine, one)) {
            strcat(all, one);
            strcat(all, "\n");
        }
    return all;
}

Test(idle, warnings_say_why)
{
    static const struct {
        const struct machine *machine;
        const char *assignments[4], *expected;
    } cases[] = {
        { &cpu, { NULL }, "" },
        { &cuda, { NULL }, "" },
        { &cpu, { "memory_budget=8MiB" },
          "memory_budget=8388608 has no effect without checkpoint=optimal\n" },
        { &cpu, { "memory_budget=8MiB", "checkpoint=optimal" }, "" },
        { &cpu, { "checkpoint=optimal" }, "" },
        { &cpu, { "sparse_method=set", "master_weights=fp32" },
          "sparse_method=set has no effect with sparsity=0\n"
          "master_weights=fp32 has no effect with precision=fp32\n" },
        { &cpu, { "sparse_method=set", "sparsity=0.5" }, "" },
        { &cpu, { "master_weights=fp32", "precision=bf16" }, "" },
        /* Defaults were not asked for, and a setting may be off. */
        { &cpu, { "momentum=0" }, "" },
        { &cpu, { "momentum=0", "nesterov=no" }, "" },
        { &cpu, { "data_path=/x" },
          "data_path=/x has no effect with data=shapes\n" },
        { &cpu, { "data_path=/x", "data=parallel" }, "" },
        { &cpu, { "data_path=/x", "longest=99", "data=numbers" },
          "data_path=/x has no effect with data=numbers\n"
          "longest=99 has no effect without data=parallel\n" },
        /* Settings that depend on the machine. */
        { &cpu, { "threads=4" }, "" },
        { &cuda, { "threads=4" }, "" },
        { &cpu, { "tf32=yes" },
          "tf32=yes has no effect without backend=cuda\n" },
        { &cuda, { "tf32=yes" }, "" },
        { &cuda, { "tf32=yes", "precision=fp16" },
          "tf32=yes has no effect without precision=fp32\n" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct settings s = settings_of(cases[i].assignments);
        cr_expect_str_eq(warnings(NULL, &s, cases[i].machine),
                         cases[i].expected, "case %zu", i);
    }
}

Test(idle, only_news_are_told)
{
    static const char *const one[] = { "memory_budget=8MiB", NULL };
    static const char *const more[] = { "memory_budget=8MiB", "lr=1",
                                        "sparse_method=set", NULL };
    static const char *const other[] = { "memory_budget=9MiB", NULL };
    static const char *const busy[] = { "memory_budget=8MiB",
                                        "checkpoint=optimal", NULL };
    struct settings before = settings_of(one), now = settings_of(busy), after;

    after = settings_of(more);
    cr_expect_str_eq(warnings(&before, &after, &cpu),
                     "sparse_method=set has no effect with sparsity=0\n");
    after = settings_of(other);
    cr_expect_str_eq(warnings(&before, &after, &cpu), "memory_budget=9437184 "
                     "has no effect without checkpoint=optimal\n");
    cr_expect_str_eq(warnings(&now, &before, &cpu), "memory_budget=8388608 "
                     "has no effect without checkpoint=optimal\n",
                     "it had one before");
    cr_expect_str_eq(warnings(&before, &now, &cpu), "");
}

/* The bytes and the loss of a few steps. */
struct outcome {
    size_t arena;
    double loss;
};

static struct outcome outcome_of(const char *company, const char *assignment)
{
    const char *const assignments[] = { "batch=8", "epoch_samples=32",
                                        "valid_samples=8", "threads=1",
                                        company, assignment, NULL };
    struct settings s = settings_of(assignments);
    struct outcome outcome = { 0 };
    struct trainer *t;
    struct error e;

    cr_assert(trainer_new(&t, &s, &e), "%s", e.text);
    for (int i = 0; i < 2; i++)
        outcome.loss = trainer_step(t).loss;
    outcome.arena = t->job->plan->arena_bytes;
    trainer_free(t);
    return outcome;
}

static bool is_idle(const char *company, const char *assignment)
{
    const char *const assignments[] = { company, assignment, NULL };
    struct settings s = settings_of(assignments);
    char name[64], why[IDLE_WHY_SIZE];

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(assignment, "="),
             assignment);
    return idle_now(settings_find(name), &s, &cpu, why);
}

/* A setting changes nothing where it is idle, and something where it is
 * not. */
Test(idle, settings_do_nothing)
{
    static const struct {
        const char *idle, *busy; /* the company */
        const char *one, *other;
    } cases[] = {
        { "momentum=0", "momentum=0.9", "nesterov=no", "nesterov=yes" },
        { "sparsity=0", NULL, "sparse_method=dsr", "sparse_method=static" },
        { "precision=fp32", "precision=fp16", "master_weights=none",
          "master_weights=fp32" },
        { "checkpoint=block", "checkpoint=optimal", "memory_budget=0",
          "memory_budget=1GiB" },
        { "backend=cpu", NULL, "tf32=no", "tf32=yes" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct outcome a = outcome_of(cases[i].idle, cases[i].one);
        struct outcome b = outcome_of(cases[i].idle, cases[i].other);
        cr_expect(a.arena == b.arena && a.loss == b.loss, "%s with %s",
                  cases[i].other, cases[i].idle);
        cr_expect(is_idle(cases[i].idle, cases[i].other), "%s with %s",
                  cases[i].other, cases[i].idle);
        if (!cases[i].busy)
            continue;
        a = outcome_of(cases[i].busy, cases[i].one);
        b = outcome_of(cases[i].busy, cases[i].other);
        cr_expect(a.arena != b.arena || a.loss != b.loss, "%s with %s",
                  cases[i].other, cases[i].busy);
        cr_expect_not(is_idle(cases[i].busy, cases[i].other), "%s with %s",
                      cases[i].other, cases[i].busy);
    }
}

/* The threads of a device are its own. */
Test(idle, threads_do_nothing_on_a_device)
{
    static const char *const few[] = { "threads=1", NULL };
    static const char *const many[] = { "threads=9", NULL };
    struct settings one = settings_of(few), other = settings_of(many);
    struct job *a, *b;
    struct error e;

    cr_assert(job_new_on(&a, &one, &cuda, &e), "%s", e.text);
    cr_assert(job_new_on(&b, &other, &cuda, &e), "%s", e.text);
    cr_expect_eq(a->plan->arena_bytes, b->plan->arena_bytes);
    job_free(a);
    job_free(b);
}

struct heard {
    int warnings;
    char last[IDLE_TEXT_SIZE];
};

static void hear(void *arg, const struct event *event)
{
    struct heard *h = arg;

    if (event->type != EVENT_WARNING)
        return;
    h->warnings++;
    snprintf(h->last, sizeof(h->last), "%s", event->message);
}

Test(idle, runs_warn_at_their_start_and_of_changes)
{
    static const char *const assignments[] = {
        "batch=8", "epoch_samples=32", "valid_samples=8", "threads=1",
        "backend=cpu", "memory_budget=8MiB", NULL
    };
    struct settings s = settings_of(assignments);
    struct heard h = { 0 };
    struct event_sink sink = { hear, &h };
    struct trainer *t;
    struct error e;

    cr_assert(trainer_new(&t, &s, &e), "%s", e.text);
    trainer_begin(t, "test", sink);
    cr_expect_eq(h.warnings, 1);
    cr_expect(strstr(h.last, "memory_budget=8388608 has no effect"), "%s",
              h.last);
    s.lr = 0.01;
    cr_assert(trainer_change(t, &s, sink, &e), "%s", e.text);
    cr_expect_eq(h.warnings, 1);
    s.master_weights = MASTER_WEIGHTS_FP32;
    cr_assert(trainer_change(t, &s, sink, &e), "%s", e.text);
    cr_expect_eq(h.warnings, 2);
    cr_expect(strstr(h.last, "master_weights=fp32"), "%s", h.last);
    s.precision = PRECISION_FP16;
    s.memory_budget = 0;
    cr_assert(trainer_change(t, &s, sink, &e), "%s", e.text);
    cr_expect_eq(h.warnings, 2);
    trainer_free(t);
}
