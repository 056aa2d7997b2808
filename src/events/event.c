#include "events/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_print.h"
#include "base/print.h"
#include "settings/settings_json.h"

/* A figure that is left out where it is 0. */
static json_t *known(uint64_t bytes)
{
    return bytes ? json_integer((json_int_t)bytes) : NULL;
}

const char *event_name(enum event_type type)
{
    static const char *const names[EVENT_COUNT] = {
        [EVENT_START] = "start",     [EVENT_MEMORY] = "memory",
        [EVENT_STEP] = "step",       [EVENT_EPOCH] = "epoch",
        [EVENT_APPLIED] = "applied", [EVENT_REFUSED] = "refused",
        [EVENT_PAUSED] = "paused",   [EVENT_RESUMED] = "resumed",
        [EVENT_SAVED] = "saved",     [EVENT_WARNING] = "warning",
        [EVENT_ERROR] = "error",     [EVENT_DONE] = "done",
    };

    return names[type];
}

json_t *event_json(const struct event *e)
{
    const char *name = event_name(e->type);

    switch (e->type) {
    case EVENT_START:
        return json_pack("{ss si so so so si sI sI}", "type", name, "schema",
                         EVENT_SCHEMA, "preset", json_text(e->start.preset),
                         "settings", settings_json(e->start.settings),
                         "backend", json_text(e->start.machine.backend),
                         "processors", e->start.machine.processors, "step",
                         (json_int_t)e->start.step, "steps",
                         (json_int_t)e->start.steps);
    case EVENT_MEMORY:
        return json_pack("{ss sI sI sI sI so*}", "type", name, "planned",
                         (json_int_t)e->memory.planned, "arena",
                         (json_int_t)e->memory.arena, "touched",
                         (json_int_t)e->memory.touched, "os",
                         (json_int_t)e->memory.os, "os_peak",
                         known(e->memory.os_peak));
    case EVENT_STEP:
        return json_pack("{ss sI sI si so so so so}", "type", name, "step",
                         (json_int_t)e->step.step, "steps",
                         (json_int_t)e->step.steps, "epoch", e->step.epoch,
                         "loss", json_number(e->step.loss), "accuracy",
                         json_number(e->step.accuracy), "samples_per_second",
                         json_number(e->step.samples_per_second), "seconds",
                         json_number(e->step.seconds));
    case EVENT_EPOCH:
        return json_pack("{ss si so so so so so}", "type", name, "epoch",
                         e->epoch.epoch, "train_loss",
                         json_number(e->epoch.train_loss), "train_accuracy",
                         json_number(e->epoch.train_accuracy), "valid_loss",
                         json_number(e->epoch.valid_loss), "valid_accuracy",
                         json_number(e->epoch.valid_accuracy), "seconds",
                         json_number(e->epoch.seconds));
    case EVENT_APPLIED:
        return json_pack("{ss sI so sI sI sI}", "type", name, "step",
                         (json_int_t)e->applied.step, "settings",
                         settings_json_changes(e->applied.before,
                                               e->applied.after),
                         "planned", (json_int_t)e->applied.planned, "arena",
                         (json_int_t)e->applied.arena, "sets",
                         (json_int_t)e->applied.sets);
    case EVENT_REFUSED:
        return json_pack("{ss so so sI}", "type", name, "command",
                         json_text(e->refused.command), "message",
                         json_text(e->refused.message), "sets",
                         (json_int_t)e->refused.sets);
    case EVENT_PAUSED:
    case EVENT_RESUMED:
        return json_pack("{ss sI}", "type", name, "step",
                         (json_int_t)e->stopped_at);
    case EVENT_SAVED:
        return json_pack("{ss sI so}", "type", name, "step",
                         (json_int_t)e->saved.step, "path",
                         json_text(e->saved.path));
    case EVENT_WARNING:
    case EVENT_ERROR:
        return json_pack("{ss so}", "type", name, "message",
                         json_text(e->message));
    case EVENT_DONE:
        return json_pack("{ss}", "type", name);
    case EVENT_COUNT:
        break;
    }
    return NULL;
}

bool event_print(const struct event *event)
{
    json_print_line(event_json(event));
    return print_flush();
}

static void print_last(const char *message)
{
    print("{\"type\":\"error\",\"message\":\"%s\"}\n", message);
}

void event_print_last_words(void)
{
    error_last_words(print_last);
}
