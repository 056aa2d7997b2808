#include "events/event.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_print.h"
#include "base/print.h"
#include "base/text.h"
#include "plan/timings_file.h"
#include "settings/settings_json.h"

static const struct {
    const char *name, *help;
} types[EVENT_COUNT] = {
    [EVENT_LEARNING] = { "learning",
        "before start, while merges of byte pair encoding are learned from the "
        "training text, a few a second; at last with all of them" },
    [EVENT_START] = { "start", "the first of a run" },
    [EVENT_TIMINGS] = { "timings",
        "from a worker alone: the seconds that calls of the kernels were "
        "measured to take there; after start all that are known, in as many "
        "events as it takes, later those that a run has just measured" },
    [EVENT_MEMORY] = { "memory",
        "a figure has changed; until the first step after start or applied "
        "little of an arena is touched" },
    [EVENT_STEP] = { "step", "after an optimizer step" },
    [EVENT_EPOCH] = { "epoch", "after an epoch and its validation" },
    [EVENT_TEST] = { "test",
        "after the last epoch, where the data have a test split" },
    [EVENT_APPLIED] = { "applied",
        "settings changed between two steps of the run" },
    [EVENT_REFUSED] = { "refused",
        "a command was not carried out, and the run is as it was" },
    [EVENT_PAUSED] = { "paused", "no more steps are done" },
    [EVENT_RESUMED] = { "resumed", "the run goes on" },
    [EVENT_SAVED] = { "saved", "a snapshot was written" },
    [EVENT_LABEL] = { "label",
        "a person has given the run a name or a tag, or taken a tag away; only "
        "in the folder of a run" },
    [EVENT_WARNING] = { "warning",
        "something is amiss that does not stop the run, such as a setting "
        "that has no effect beside the others" },
    [EVENT_ERROR] = { "error",
        "the run cannot go on; its last event, and that of the worker if the "
        "host is out of memory" },
    [EVENT_DONE] = { "done",
        "the run came to its end or was stopped; no step follows" },
};

/* The field's C type gives its JSON type. */
#define TYPE(field) \
    _Generic(((struct event *)0)->field, \
             int: MEMBER_INT, int64_t: MEMBER_COUNT, uint64_t: MEMBER_BYTES, \
             double: MEMBER_REAL, const char *: MEMBER_TEXT, \
             char *: MEMBER_NAME, enum error_reason: MEMBER_REASON, \
             const struct settings *: MEMBER_SETTINGS)
#define PLACE(field) \
    offsetof(struct event, field), sizeof(((struct event *)0)->field)
#define AT(field) TYPE(field), PLACE(field)
#define NOWHERE(type) type, 0, 0
#define REQUIRED false
#define OPTIONAL true

const struct member event_members[] = {
    { EVENT_LEARNING, "merges", AT(learning.merges), REQUIRED,
      "how many are learned" },
    { EVENT_LEARNING, "wanted", AT(learning.wanted), REQUIRED,
      "how many subwords asks for" },

    { EVENT_START, "schema", NOWHERE(MEMBER_SCHEMA), REQUIRED,
      "the version of this format" },
    { EVENT_START, "preset", AT(start.preset), REQUIRED,
      "the preset, or what the command said in its place" },
    { EVENT_START, "settings", AT(start.settings), REQUIRED,
      "an object of all settings by name" },
    { EVENT_START, "backend", AT(start.machine.backend), REQUIRED,
      "the one that the run is on, also where the settings leave the choice "
      "to it" },
    { EVENT_START, "processors", MEMBER_PROCESSORS,
      PLACE(start.machine.processors), REQUIRED,
      "how many the machine lets it use, for which threads=0 stands" },
    { EVENT_START, "images_left", AT(start.machine.images_left), OPTIONAL,
      "bytes of images that there was no room for, so that none are kept, "
      "whatever the settings say" },
    { EVENT_START, "step", AT(start.step), REQUIRED,
      "how many steps were done before: 0 but for a run that was loaded" },
    { EVENT_START, "steps", AT(start.steps), REQUIRED,
      "how many the whole run has" },
    { EVENT_START, "unit", AT(start.unit), OPTIONAL,
      "what the data and their batches are counted in, as sample" },
    { EVENT_START, "score", AT(start.score), OPTIONAL,
      "what score the data are judged by, as accuracy or BLEU" },
    { EVENT_START, "left_out", AT(start.left_out), OPTIONAL,
      "how many sentence pairs training leaves out, because one of the two has "
      "more tokens than longest" },
    { EVENT_START, "folder", MEMBER_PATH, PLACE(start.folder), OPTIONAL,
      "the folder that the run is kept in; this and the members below only "
      "where it is, and this one not in the folder itself" },
    { EVENT_START, "host", AT(start.host), OPTIONAL,
      "the host that the run is on, by name" },
    { EVENT_START, "boot", AT(start.boot), OPTIONAL,
      "the identity of its boot, where the system tells it" },
    { EVENT_START, "pid", AT(start.pid), OPTIONAL,
      "the number of the process there" },
    { EVENT_START, "began", AT(start.began), OPTIONAL,
      "when that process began, in clock ticks after the boot" },
    { EVENT_START, "time", AT(start.time), OPTIONAL,
      "when the run began or went on, in seconds after 1970 began" },
    { EVENT_START, "version", AT(start.version), OPTIONAL,
      "the version of memdial" },

    { EVENT_TIMINGS, "backend", AT(timings.backend), REQUIRED,
      "the one whose kernels they are" },
    { EVENT_TIMINGS, "calls", MEMBER_CALLS, PLACE(timings.calls), REQUIRED,
      "an array of at most 48 objects" },
    { EVENT_TIMINGS, "left", AT(timings.left), OPTIONAL,
      "how many calls the next events have" },
    { EVENT_TIMINGS, "overhead", AT(timings.overhead), OPTIONAL,
      "seconds that each call of a step takes beside its own" },
    { EVENT_TIMINGS, "message", AT(timings.message), OPTIONAL,
      "why there are none, where that is not because nothing was measured" },

    { EVENT_MEMORY, "planned", AT(memory.planned), REQUIRED,
      "bytes alive at the peak of the plan" },
    { EVENT_MEMORY, "arena", AT(memory.arena), REQUIRED,
      "bytes allocated for it, with the gaps between tensors" },
    { EVENT_MEMORY, "touched", AT(memory.touched), REQUIRED,
      "bytes of the arena on pages that have been used; these may have 2 MiB "
      "where the system gives large ones" },
    { EVENT_MEMORY, "os", AT(memory.os), REQUIRED,
      "bytes that the process has in memory now, as the operating system "
      "counts them, or, on an NVIDIA device, that are taken of its memory" },
    { EVENT_MEMORY, "os_peak", AT(memory.os_peak), OPTIONAL,
      "the most bytes that the process has had in memory at once; only where "
      "the system counts them" },

    { EVENT_STEP, "step", AT(step.step), REQUIRED,
      "how many steps are done" },
    { EVENT_STEP, "steps", AT(step.steps), REQUIRED,
      "how many the whole run has" },
    { EVENT_STEP, "epoch", AT(step.epoch), REQUIRED,
      "the epoch, counted from 1" },
    { EVENT_STEP, "loss", AT(step.loss), REQUIRED,
      "of the batch" },
    { EVENT_STEP, "accuracy", AT(step.accuracy), REQUIRED,
      "of the batch" },
    { EVENT_STEP, "samples_per_second", AT(step.samples_per_second), REQUIRED,
      "the speed of the step" },
    { EVENT_STEP, "seconds", AT(step.seconds), REQUIRED,
      "the time that all processes so far have spent on steps and validations "
      "of the run" },
    { EVENT_STEP, "turned", AT(step.turned), OPTIONAL,
      "in a folder: how often the settings were changed in the middle of the "
      "run, with steps between" },

    { EVENT_EPOCH, "epoch", AT(epoch.epoch), REQUIRED,
      "the epoch, counted from 1" },
    { EVENT_EPOCH, "train_loss", AT(epoch.train_loss), REQUIRED,
      "the mean over its steps" },
    { EVENT_EPOCH, "train_accuracy", AT(epoch.train_accuracy), REQUIRED,
      "the mean over its steps" },
    { EVENT_EPOCH, "valid_loss", AT(epoch.valid_loss), REQUIRED,
      "of the validation" },
    { EVENT_EPOCH, "valid_accuracy", AT(epoch.valid_accuracy), REQUIRED,
      "of the validation" },
    { EVENT_EPOCH, "train_score", AT(epoch.train_score), OPTIONAL,
      "the score, where its steps tell it" },
    { EVENT_EPOCH, "score", AT(epoch.score), OPTIONAL,
      "the score of the validation; left out after epochs that have none, as "
      "between those with BLEU" },
    { EVENT_EPOCH, "bleu", AT(epoch.bleu), OPTIONAL,
      "BLEU of translations of the validation's sentences, 0 to 100; every "
      "bleu_every epochs, and after the last" },
    { EVENT_EPOCH, "seconds", AT(epoch.seconds), REQUIRED,
      "the time of the epoch and its validation" },

    { EVENT_TEST, "loss", AT(test.loss), REQUIRED,
      "of the test split; no more than valid_samples of it" },
    { EVENT_TEST, "accuracy", AT(test.accuracy), REQUIRED,
      "of the test split" },
    { EVENT_TEST, "score", AT(test.score), OPTIONAL,
      "the score, as after an epoch" },
    { EVENT_TEST, "bleu", AT(test.bleu), OPTIONAL,
      "BLEU of translations of its sentences, where bleu_every is not 0" },
    { EVENT_TEST, "seconds", AT(test.seconds), REQUIRED,
      "the time that it took" },

    { EVENT_APPLIED, "step", AT(applied.step), REQUIRED,
      "how many steps were done before" },
    { EVENT_APPLIED, "settings", NOWHERE(MEMBER_CHANGES), REQUIRED,
      "an object of those that changed, with their new values" },
    { EVENT_APPLIED, "planned", AT(applied.planned), REQUIRED,
      "bytes alive at the peak of the new plan" },
    { EVENT_APPLIED, "arena", AT(applied.arena), REQUIRED,
      "bytes allocated for it" },
    { EVENT_APPLIED, "sets", AT(applied.sets), REQUIRED,
      "how many commands set the run had been given by then" },

    { EVENT_REFUSED, "command", AT(refused.command), REQUIRED,
      "its name, empty if it had none" },
    { EVENT_REFUSED, "message", AT(refused.message), REQUIRED,
      "why" },
    { EVENT_REFUSED, "sets", AT(refused.sets), REQUIRED,
      "as in applied" },
    { EVENT_REFUSED, "reason", AT(refused.reason), OPTIONAL,
      "the kind of reason: data, where the files of the data set are absent or "
      "not as they should be, or other; words that a program does not know are "
      "to be read as other" },

    { EVENT_PAUSED, "step", AT(stopped_at), REQUIRED,
      "how many steps were done before" },

    { EVENT_RESUMED, "step", AT(stopped_at), REQUIRED,
      "how many steps were done before" },

    { EVENT_SAVED, "step", AT(saved.step), REQUIRED,
      "how many steps were done before" },
    { EVENT_SAVED, "path", MEMBER_PATH, PLACE(saved.path), REQUIRED,
      "its file" },

    { EVENT_LABEL, "name", AT(label.name), OPTIONAL,
      "its name from now on; empty: it has none" },
    { EVENT_LABEL, "tag", AT(label.tag), OPTIONAL,
      "a tag that it has from now on" },
    { EVENT_LABEL, "untag", AT(label.untag), OPTIONAL,
      "a tag that it does not have any more" },

    { EVENT_WARNING, "message", AT(message), REQUIRED,
      "what is amiss" },

    { EVENT_ERROR, "message", AT(message), REQUIRED,
      "why" },
};

const int event_member_count = sizeof(event_members) /
                               sizeof(event_members[0]);

double event_score(const struct event *e, const struct score *score)
{
    return isnan(e->epoch.score)
               ? score_of(score, e->epoch.valid_loss, e->epoch.valid_accuracy)
               : e->epoch.score;
}

double event_train_score(const struct event *e, const struct score *score)
{
    return isnan(e->epoch.score)
               ? score_of(score, e->epoch.train_loss, e->epoch.train_accuracy)
               : e->epoch.train_score;
}

const char *event_left_out(const struct event *e,
                           char text[EVENT_LEFT_OUT_SIZE])
{
    char count[TEXT_COUNT_SIZE];
    bool one = e->start.left_out == 1;

    *text = '\0';
    if (e->start.left_out > 0)
        snprintf(text, EVENT_LEFT_OUT_SIZE, "%s sentence pair%s longer than "
                 "longest, %d tokens, and left out",
                 text_count(count, e->start.left_out), one ? " is" : "s are",
                 e->start.settings->longest);
    return text;
}

const char *event_name(enum event_type type)
{
    return types[type].name;
}

const char *event_help(enum event_type type)
{
    return types[type].help;
}

const char *event_reason_name(enum error_reason reason)
{
    static const char *const names[REASON_COUNT] = {
        [REASON_OTHER] = "other", [REASON_DATA] = "data"
    };

    return names[reason];
}

/* An error without a reason still has REASON_OTHER. */
bool event_lacks(const struct event *e, const struct member *m)
{
    static const char none[sizeof(int64_t)];
    const void *value = (const char *)e + m->offset;

    if (!m->optional || m->type == MEMBER_REASON)
        return false;
    if (m->type == MEMBER_REAL)
        return isnan(*(const double *)value);
    assert(m->size <= sizeof(none));
    return memcmp(value, none, m->size) == 0;
}

static json_t *calls_json(const struct event_calls *calls)
{
    json_t *array = json_array();

    for (int i = 0; i < calls->count; i++)
        json_push(array, timing_json(&calls->list[i]));
    return array;
}

static json_t *member_json(const struct event *e, const struct member *m)
{
    const void *value = (const char *)e + m->offset;

    switch (m->type) {
    case MEMBER_SCHEMA:
        return json_integer(EVENT_SCHEMA);
    case MEMBER_INT:
    case MEMBER_PROCESSORS:
        return json_integer(*(const int *)value);
    case MEMBER_COUNT:
        return json_integer((json_int_t)*(const int64_t *)value);
    case MEMBER_BYTES:
        return json_integer((json_int_t)*(const uint64_t *)value);
    case MEMBER_REAL:
        return json_number(*(const double *)value);
    case MEMBER_TEXT:
    case MEMBER_PATH:
        return json_text(*(const char *const *)value);
    case MEMBER_NAME:
        return json_text(value);
    case MEMBER_REASON:
        return json_text(event_reason_name(*(const enum error_reason *)value));
    case MEMBER_CALLS:
        return calls_json(value);
    case MEMBER_SETTINGS:
        return settings_json(*(const struct settings *const *)value);
    case MEMBER_CHANGES:
        return settings_json_changes(e->applied.before, e->applied.after);
    }
    return NULL;
}

json_t *event_json(const struct event *e)
{
    json_t *object = json_object();

    json_put(object, "type", json_text(event_name(e->type)));
    for (int i = 0; i < event_member_count; i++) {
        const struct member *m = &event_members[i];
        if (m->event == e->type && !event_lacks(e, m))
            json_put(object, m->name, member_json(e, m));
    }
    return object;
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
