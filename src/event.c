#include "event.h"

#include "settings_json.h"

json_t *event_json(const struct event *e)
{
    switch (e->type) {
    case EVENT_START:
        return json_pack("{ss si ss so}", "type", "start", "schema",
                         EVENT_SCHEMA, "preset", e->start.preset, "settings",
                         settings_json(e->start.settings));
    case EVENT_MEMORY:
        return json_pack("{ss sI sI sI sI}", "type", "memory", "planned",
                         (json_int_t)e->memory.planned, "arena",
                         (json_int_t)e->memory.arena, "touched",
                         (json_int_t)e->memory.touched, "os",
                         (json_int_t)e->memory.os);
    case EVENT_STEP:
        return json_pack("{ss sI si sf sf}", "type", "step", "step",
                         (json_int_t)e->step.step, "epoch", e->step.epoch,
                         "loss", e->step.loss, "samples_per_second",
                         e->step.samples_per_second);
    case EVENT_EPOCH:
        return json_pack("{ss si sf sf sf sf sf}", "type", "epoch", "epoch",
                         e->epoch.epoch, "train_loss", e->epoch.train_loss,
                         "train_accuracy", e->epoch.train_accuracy,
                         "valid_loss", e->epoch.valid_loss, "valid_accuracy",
                         e->epoch.valid_accuracy, "seconds",
                         e->epoch.seconds);
    case EVENT_WARNING:
        return json_pack("{ss ss}", "type", "warning", "message", e->message);
    case EVENT_ERROR:
        return json_pack("{ss ss}", "type", "error", "message", e->message);
    case EVENT_DONE:
        return json_pack("{ss}", "type", "done");
    }
    return NULL;
}
