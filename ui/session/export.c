#include "ui/session/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/draft.h"
#include "base/json_print.h"
#include "plan/plan_json.h"
#include "settings/settings_json.h"

static json_t *curve_json(const struct series *series)
{
    json_t *points = json_array();

    for (int i = 0; i < series->count; i++) {
        const struct point *p = &series->points[i];
        json_push(points,
                  json_pack("{so so so so}", "epochs",
                            json_number(p->at[AXIS_EPOCHS]), "seconds",
                            json_number(p->at[AXIS_SECONDS]), "units",
                            json_count(p->at[AXIS_UNITS]), "value",
                            json_number(p->value)));
    }
    return points;
}

static json_t *run_json(const struct run *r)
{
    static const char *const names[CURVE_COUNT] = {
        "loss", "train_score", "valid_loss", "valid_accuracy", "valid_score"
    };
    json_t *object = json_pack("{si so ss ss}", "run", r->number + 1, "preset",
                               json_text(r->preset), "score",
                               run_score(r).name, "unit",
                               facts_of(&r->settings).unit);
    json_t *marks = json_array();

    for (int c = 0; c < CURVE_COUNT; c++)
        json_put(object, names[c], curve_json(&r->curve[c]));
    for (int i = 0; i < r->mark_count; i++)
        json_push(marks,
                  json_pack("{so so}", "epochs",
                            json_number(r->marks[i].at[AXIS_EPOCHS]),
                            "changed", json_text(r->marks[i].text)));
    json_put(object, "changes", marks);
    return object;
}

static json_t *attempt_json(const struct attempt *t)
{
    return json_pack("{so si sI sI so si so so so}", "preset",
                     json_text(t->preset), "run", t->run + 1, "peak_bytes",
                     (json_int_t)t->peak_bytes, "arena_bytes",
                     (json_int_t)t->arena_bytes, "flops",
                     json_count(t->flops), "epochs", t->trial.epochs,
                     "valid_score", json_number(t->trial.valid_score),
                     "test_score", json_number(t->trial.test_score),
                     "settings", settings_json(&t->trial.settings));
}

static json_t *session_json(const struct session *s)
{
    json_t *runs = json_array(), *trials = json_array();
    json_t *object = json_pack("{si so so}", "schema", EVENT_SCHEMA, "runs",
                               runs, "tried", trials);

    for (int i = 0; i < s->runs.count; i++)
        json_push(runs, run_json(&s->runs.list[i]));
    for (int i = 0; i < s->tried.count; i++)
        json_push(trials, attempt_json(&s->tried.list[i]));
    if (s->now && s->now->job && s->baseline && s->baseline->job)
        json_put(object, "plan",
                 plan_json(s->now->job, s->baseline->job, s->preset,
                           s->ledger.timings, true,
                           true));
    return object;
}

static bool is_there(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

bool export_put(const struct buffer *b, const char *ending,
                char path[EXPORT_PATH_SIZE], struct error *e)
{
    bool ok = false;

    for (int i = 1; i < 10000 && !ok; i++) {
        snprintf(path, EXPORT_PATH_SIZE, "memdial-%d.%s", i, ending);
        if (is_there(path))
            continue;
        ok = draft_put_bytes(path, b->bytes, b->count, DRAFT_NEW, e);
        if (!ok && !is_there(path))
            return false;
    }
    return ok || error_set(e, EXIT_RUN, "%s: there are too many of them",
                           path);
}

bool export_session(const struct session *s, char path[EXPORT_PATH_SIZE],
                    struct error *e)
{
    struct buffer b = { NULL, 0, 0 };
    char *text = json_line(session_json(s));
    bool ok;

    buffer_text(&b, text);
    free(text);
    ok = export_put(&b, "json", path, e);
    buffer_done(&b);
    return ok;
}
