#include "event.h"

#include "settings_json.h"

/* The settings that differ, as they are now. */
static json_t *changes_json(const struct settings *before,
                            const struct settings *after)
{
    json_t *changed = json_object();

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        json_t *now = settings_json_value(after, row);
        json_t *was = settings_json_value(before, row);
        if (!json_equal(now, was))
            json_object_set(changed, row->name, now);
        json_decref(now);
        json_decref(was);
    }
    return changed;
}

json_t *event_json(const struct event *e)
{
    switch (e->type) {
    case EVENT_START:
        return json_pack("{ss si ss so sI sI}", "type", "start", "schema",
                         EVENT_SCHEMA, "preset", e->start.preset, "settings",
                         settings_json(e->start.settings), "step",
                         (json_int_t)e->start.step, "steps",
                         (json_int_t)e->start.steps);
    case EVENT_MEMORY:
        return json_pack("{ss sI sI sI sI}", "type", "memory", "planned",
                         (json_int_t)e->memory.planned, "arena",
                         (json_int_t)e->memory.arena, "touched",
                         (json_int_t)e->memory.touched, "os",
                         (json_int_t)e->memory.os);
    case EVENT_STEP:
        return json_pack("{ss sI sI si sf sf sf sf}", "type", "step", "step",
                         (json_int_t)e->step.step, "steps",
                         (json_int_t)e->step.steps, "epoch", e->step.epoch,
                         "loss", e->step.loss, "accuracy", e->step.accuracy,
                         "samples_per_second", e->step.samples_per_second,
                         "seconds", e->step.seconds);
    case EVENT_EPOCH:
        return json_pack("{ss si sf sf sf sf sf}", "type", "epoch", "epoch",
                         e->epoch.epoch, "train_loss", e->epoch.train_loss,
                         "train_accuracy", e->epoch.train_accuracy,
                         "valid_loss", e->epoch.valid_loss, "valid_accuracy",
                         e->epoch.valid_accuracy, "seconds",
                         e->epoch.seconds);
    case EVENT_APPLIED:
        return json_pack("{ss sI so sI sI}", "type", "applied", "step",
                         (json_int_t)e->applied.step, "settings",
                         changes_json(e->applied.before, e->applied.after),
                         "planned", (json_int_t)e->applied.planned, "arena",
                         (json_int_t)e->applied.arena);
    case EVENT_REFUSED:
        return json_pack("{ss ss ss}", "type", "refused", "command",
                         e->refused.command, "message", e->refused.message);
    case EVENT_PAUSED:
        return json_pack("{ss sI}", "type", "paused", "step",
                         (json_int_t)e->stopped_at);
    case EVENT_RESUMED:
        return json_pack("{ss sI}", "type", "resumed", "step",
                         (json_int_t)e->stopped_at);
    case EVENT_SAVED:
        return json_pack("{ss sI ss}", "type", "saved", "step",
                         (json_int_t)e->saved.step, "path", e->saved.path);
    case EVENT_WARNING:
        return json_pack("{ss ss}", "type", "warning", "message", e->message);
    case EVENT_ERROR:
        return json_pack("{ss ss}", "type", "error", "message", e->message);
    case EVENT_DONE:
        return json_pack("{ss}", "type", "done");
    }
    return NULL;
}
