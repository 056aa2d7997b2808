#include "export.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json_print.h"
#include "plan_json.h"
#include "settings_json.h"

static json_t *curve_json(const struct series *series)
{
    json_t *points = json_array();

    for (int i = 0; i < series->count; i++) {
        const struct point *p = &series->points[i];
        json_array_append_new(
            points, json_pack("{sf sf sf sf}", "epochs", p->at[UNIT_EPOCHS],
                              "seconds", p->at[UNIT_SECONDS], "samples",
                              p->at[UNIT_SAMPLES], "value", p->value));
    }
    return points;
}

static json_t *history_json(const struct history *h)
{
    static const char *const names[CURVE_COUNT] = {
        "loss", "train_accuracy", "valid_loss", "valid_accuracy"
    };
    json_t *object = json_pack("{ss}", "preset", h->preset);
    json_t *marks = json_array();

    for (int c = 0; c < CURVE_COUNT; c++)
        json_object_set_new(object, names[c], curve_json(&h->curve[c]));
    for (int i = 0; i < h->mark_count; i++)
        json_array_append_new(
            marks, json_pack("{sf ss}", "epochs",
                             h->marks[i].at[UNIT_EPOCHS], "changed",
                             h->marks[i].text));
    json_object_set_new(object, "changes", marks);
    return object;
}

static json_t *trial_json(const struct trial *t)
{
    return json_pack("{ss si sI sI sf si sf so}", "preset", t->preset, "run",
                     t->run + 1, "peak_bytes", (json_int_t)t->peak_bytes,
                     "arena_bytes", (json_int_t)t->arena_bytes, "flops",
                     t->flops, "epochs", t->epochs, "valid_accuracy",
                     t->valid_accuracy, "settings",
                     settings_json(&t->settings));
}

static json_t *session_json(const struct session *s)
{
    json_t *runs = json_array(), *trials = json_array();
    json_t *object = json_pack("{si so so}", "schema", EVENT_SCHEMA, "runs",
                               runs, "tried", trials);

    for (int i = 0; i < s->run_count; i++)
        json_array_append_new(runs, history_json(&s->runs[i]));
    for (int i = 0; i < s->trial_count; i++)
        json_array_append_new(trials, trial_json(&s->trials[i]));
    if (s->now && s->now->job && s->baseline && s->baseline->job)
        json_object_set_new(object, "plan",
                            plan_json(s->now->job, s->baseline->job,
                                      s->preset, true, true));
    return object;
}

/* The first of memdial-1.json, memdial-2.json, ... that is not there. */
static FILE *open_new(char path[EXPORT_PATH_SIZE])
{
    FILE *file = NULL;

    for (int i = 1; i < 10000 && !file; i++) {
        snprintf(path, EXPORT_PATH_SIZE, "memdial-%d.json", i);
        file = fopen(path, "wxe");
        if (!file && errno != EEXIST)
            break;
    }
    return file;
}

bool export_session(const struct session *s, char path[EXPORT_PATH_SIZE],
                    struct error *e)
{
    FILE *file = open_new(path);
    json_t *json;
    bool ok;

    if (!file)
        return error_set(e, EXIT_RUN, "%s: %s", path, strerror(errno));
    json = session_json(s);
    ok = json_dumpf(json, file, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0;
    json_decref(json);
    if (fclose(file) != 0 || !ok)
        return error_set(e, EXIT_RUN, "%s: cannot be written: %s", path,
                         strerror(errno));
    return true;
}
