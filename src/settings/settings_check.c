/*
 * Combinations of settings that no single row of the table can see.
 */
#include <ctype.h>
#include <string.h>

#include "settings/facts.h"
#include "settings/settings.h"

static bool check_microbatch(const struct settings *s, const char *where,
                             struct error *e)
{
    return s->microbatch <= s->batch ||
           error_set(e, EXIT_INPUT, "%s: microbatch: %d is larger than "
                     "batch, %d; lower it, or 0 for the whole batch",
                     where, s->microbatch, s->batch);
}

/* A part has room for each sentence. */
static bool check_longest(const struct settings *s, const char *where,
                          struct error *e)
{
    int longest = facts_of(s).text.longest;
    int room = s->microbatch ? s->microbatch : s->batch;
    const char *name = s->microbatch ? "microbatch" : "batch";

    if (longest <= room)
        return true;
    return s->data == DATA_PARALLEL
               ? error_set(e, EXIT_INPUT, "%s: %s: %d tokens have no room for "
                           "a sentence of longest, %d; raise %s, or lower "
                           "longest to leave such sentences out", where, name,
                           room, longest, name)
               : error_set(e, EXIT_INPUT, "%s: %s: %d tokens have no room for "
                           "the longest sentence, %d; raise it", where, name,
                           room, longest);
}

/* A language is a part of the name of a file. */
static bool check_language(const char *name, const char *language,
                           const char *where, struct error *e)
{
    bool good = isalnum((unsigned char)language[0]);

    for (const char *c = language; *c; c++)
        good &= isalnum((unsigned char)*c) || *c == '-' || *c == '_';
    return good ||
           error_set(e, EXIT_INPUT, "%s: %s: '%s' is no language; name the end "
                     "of its files' names, as de of train.de", where, name,
                     language);
}

static bool check_languages(const struct settings *s, const char *where,
                            struct error *e)
{
    if (s->data != DATA_PARALLEL)
        return true;
    if (!check_language("source", s->source, where, e) ||
        !check_language("target", s->target, where, e))
        return false;
    return strcmp(s->source, s->target) != 0 ||
           error_set(e, EXIT_INPUT, "%s: target: %s is the source too; name "
                     "the other language", where, s->target);
}

/* Moments take gradients for good, before the batch's last is known. */
static bool check_accumulation(const struct settings *s, const char *where,
                               struct error *e)
{
    bool adam = s->optimizer == OPTIMIZER_ADAM;

    if (s->gradients != GRADIENTS_ACCUMULATE)
        return true;
    if (s->nesterov && !adam && s->momentum > 0)
        return error_set(e, EXIT_INPUT, "%s: gradients: accumulate cannot look "
                         "ahead as nesterov does; set nesterov=no, or "
                         "gradients=buffer", where);
    if (s->precision == PRECISION_FP16)
        return error_set(e, EXIT_INPUT, "%s: gradients: accumulate cannot "
                         "take back a step that overflows in fp16; set "
                         "precision=bf16, or gradients=buffer", where);
    return s->master_weights == MASTER_WEIGHTS_NONE ||
           s->precision == PRECISION_FP32 ||
           error_set(e, EXIT_INPUT, "%s: gradients: accumulate works without "
                     "copies of weights in fp32; set master_weights=none, or "
                     "gradients=buffer", where);
}

bool settings_check(const struct settings *s, const char *where,
                    struct error *e)
{
    return check_microbatch(s, where, e) && check_longest(s, where, e) &&
           check_languages(s, where, e) && check_accumulation(s, where, e);
}
