/*
 * The properties of settings, wherever they came from: they read back from text
 * and from JSON, and those that can be planned have a valid plan. For the
 * fuzzers of all inputs that settings come from.
 */
#ifndef MEMDIAL_FUZZ_SETTINGS_H
#define MEMDIAL_FUZZ_SETTINGS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_print.h"
#include "models/model.h"
#include "plan/job.h"
#include "settings/settings_json.h"

/* Larger plans take too long to make by the thousand. */
enum { FUZZ_DEPTH = 16, FUZZ_WIDTH = 2 };

static inline void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static inline void check_text(const struct settings *s)
{
    struct settings read;
    struct error e;

    settings_init(&read);
    for (int i = 0; i < settings_count; i++) {
        char text[SETTINGS_TEXT_SIZE];

        settings_format(s, &settings_table[i], text, sizeof(text));
        require(settings_set(&read, "text", settings_table[i].name, text, &e),
                "a value can be set to what it is written as");
    }
    require(settings_same(s, &read), "and is the same then");
}

static inline void check_json(const struct settings *s)
{
    char *line = json_line(settings_json(s));
    struct settings read;
    struct error e;
    json_error_t why;
    json_t *object = json_read(line, strlen(line), &why);

    settings_init(&read);
    require(object && settings_json_read(object, &read, "json", &e),
            "settings can be read from JSON");
    require(settings_same(s, &read), "and are the same then");
    json_decref(object);
    free(line);
}

static inline void check_plan(const struct settings *s)
{
    const struct machine machine = { .backend = "cpu", .processors = 4 };
    struct error e = { .text = "" };
    char why[256];
    struct job *job;

    if (s->depth > FUZZ_DEPTH || s->width > FUZZ_WIDTH)
        return;
    if (!job_new_on(&job, s, &machine, &e)) {
        require(e.text[0] != '\0', "what cannot be planned has a reason");
        return;
    }
    require(plan_check(job->plan, why, sizeof(why)), why);
    job_free(job);
}

static inline void check_settings(const struct settings *s)
{
    struct error e = { .text = "" };

    check_text(s);
    check_json(s);
    if (model_check(s, "settings", &e))
        check_plan(s);
    else
        require(e.text[0] != '\0', "what cannot be together has a reason");
}

#endif
