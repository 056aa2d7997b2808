/*
 * `memdial translate`: reads all lines of standard input, and prints their
 * translations by a saved run, in order. Lines are cut into tokens as the run's
 * data were, and a line without words stays one.
 */
#include "cli/cmd_translate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/print.h"
#include "base/process.h"
#include "cli/lesson.h"
#include "cli/request.h"
#include "data/text_file.h"
#include "settings/facts.h"
#include "train/bleu.h"
#include "train/snapshot.h"
#include "train/translator.h"

struct wanted {
    struct request *request;
    const char *load, *reference;
    bool last;           /* weights, in place of their average */
};

static const char translate_usage[] =
    "translate [PRESET] --load FILE [--set NAME=VALUE]... [--beam N] "
    "[--reference FILE] [--last]";

static const struct option translate_options[] = {
    { "set", required_argument, NULL, 's' },
    { "load", required_argument, NULL, 'L' },
    { "beam", required_argument, NULL, 'b' },
    { "reference", required_argument, NULL, 'r' },
    { "last", no_argument, NULL, 'l' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void set_beam(struct request *r, const char *value)
{
    char assignment[64];

    snprintf(assignment, sizeof(assignment), "beam=%s", value);
    request_set(r, "--beam", assignment);
}

static void cmd_translate_choose(void *arg, int which, const char *value)
{
    struct wanted *w = arg;

    switch (which) {
    case 'b':
        set_beam(w->request, value);
        break;
    case 'L':
        w->load = value;
        break;
    case 'r':
        w->reference = value;
        break;
    case 'l':
        w->last = true;
        break;
    }
}

struct translation {
    int32_t *tokens;             /* owned, [count] */
    int count;
};

/* The lines of standard input, and the tokens of those that have words. */
struct input {
    struct text_file text;
    struct source *sources;      /* owned, [count] */
    int *line;                   /* owned, [count]: of each, from 1 */
    struct translation *translations; /* owned, [count], once they are there */
    int count;
};

static void input_free(struct input *in)
{
    for (int i = 0; i < in->count; i++) {
        free((void *)(uintptr_t)in->sources[i].tokens);
        if (in->translations)
            free(in->translations[i].tokens);
    }
    free(in->sources);
    free(in->line);
    free(in->translations);
    text_file_free(&in->text);
}

/* Keeps a translation until all of them are known to hold. */
static void keep_translation(void *arg, int place, const int32_t *tokens,
                             int count)
{
    struct translation *t = &((struct input *)arg)->translations[place];

    t->tokens = xcalloc((unsigned long)count + 1, sizeof(*t->tokens));
    memcpy(t->tokens, tokens, (size_t)count * sizeof(*tokens));
    t->count = count;
}

static bool translate_lines(struct input *in, struct executor *ex,
                            struct error *e)
{
    in->translations = xcalloc((unsigned long)in->count + 1,
                               sizeof(*in->translations));
    translator_run(ex, in->sources, in->count,
                   (struct translation_sink){ keep_translation, in });
    return executor_check(ex, e);
}

/* The text of a line, whose place among those with words *next says, which
 * moves to that of the next one. The caller frees. */
static char *text_of_line(const struct input *in, const struct sequences *set,
                          int line, int *next)
{
    const struct translation *t;

    if (*next == in->count || in->line[*next] != line)
        return xstrdup("");
    t = &in->translations[(*next)++];
    return sequences_text(set, t->tokens, t->count);
}

/* Adds a line, unless it has no words. */
static bool add_line(struct input *in, const struct trainer *t, int number,
                     struct word line, struct error *e)
{
    int most = translator_source(t->job->plan);
    struct source s;

    s.tokens = sequences_encode(dataset_sequences(t->data), line, &s.count);
    if (s.count == 1) {
        free((void *)(uintptr_t)s.tokens);
        return true;
    }
    in->sources = xgrow(in->sources, in->count, sizeof(*in->sources));
    in->line = xgrow(in->line, in->count, sizeof(*in->line));
    in->sources[in->count] = s;
    in->line[in->count++] = number;
    return s.count <= most ||
           error_set(e, EXIT_INPUT, "%s: line %d: %d tokens with the end mark, "
                     "more than the longest sentence has, %d; divide it",
                     in->text.path, number, s.count, most);
}

static bool read_input(struct input *in, const struct trainer *t,
                       struct error *e)
{
    struct word line;
    size_t at = 0;

    if (!text_file_read_input(&in->text, e))
        return false;
    for (int i = 1; text_file_next(&in->text, &at, &line); i++)
        if (!add_line(in, t, i, line, e))
            return false;
    return true;
}

/* A terminal gets only what cannot harm it. */
static void print_translation(const char *text)
{
    if (isatty(STDOUT_FILENO)) {
        print("%s\n", text);
        return;
    }
    print_bytes(text, strlen(text));
    print_bytes("\n", 1);
}

static bool check_reference(const struct text_file *reference,
                            const struct input *in, struct error *e)
{
    return !reference->path || reference->lines == in->text.lines ||
           error_set(e, EXIT_INPUT, "%s: %d lines, but standard input has %d; "
                     "give both the same sentences", reference->path,
                     reference->lines, in->text.lines);
}

/* Prints all lines, and adds each to the BLEU, if there is a reference. */
static void print_lines(const struct input *in, const struct sequences *set,
                        const struct text_file *reference, struct bleu *bleu)
{
    size_t at = 0;
    int next = 0;

    for (int line = 1; line <= in->text.lines; line++) {
        char *text = text_of_line(in, set, line, &next);
        struct word word;

        print_translation(text);
        if (reference->path && text_file_next(reference, &at, &word)) {
            char *expected = xcalloc(word.bytes + 1, 1);

            memcpy(expected, word.at, word.bytes);
            sequences_join(set, expected);
            bleu_add(bleu, text, expected);
            free(expected);
        }
        free(text);
    }
}

/* Without a run of four words there is nothing to count. */
static void print_bleu(const struct bleu *bleu)
{
    print_error("BLEU %.2f%s\n", bleu_score(bleu),
                bleu->grams[BLEU_WORDS - 1] > 0
                    ? "" : "; no translation has four words in a row, which "
                           "BLEU counts");
}

static bool translate_input(struct trainer *t, struct input *in,
                            const struct text_file *reference, struct error *e)
{
    struct bleu bleu = { 0 };

    if (!read_input(in, t, e) || !check_reference(reference, in, e) ||
        !translate_lines(in, t->executor, e))
        return false;
    print_lines(in, dataset_sequences(t->data), reference, &bleu);
    if (reference->path)
        print_bleu(&bleu);
    return true;
}

/* Settings alone say whether there is anything to translate: no data are asked
 * for before. */
static bool check_wanted(const struct wanted *w, struct settings *s,
                         struct error *e)
{
    if (!w->load)
        return error_set(e, EXIT_INPUT, "translate: --load FILE is missing: "
                         "the snapshot that `memdial train --save` wrote");
    if (!file_check_path("--load", w->load, e) ||
        !file_check_path("--reference", w->reference, e) ||
        !request_settings(w->request, s, e))
        return false;
    s->bleu_every = s->bleu_every ? s->bleu_every : 1;
    return facts_of(s).text.target ||
           error_set(e, EXIT_INPUT, "model: this network does not translate; "
                     "name a preset with model=dynamicconv");
}

/* A run with the program that translates in its plan. */
static bool open_translator(const struct wanted *w, const struct settings *s,
                            struct trainer **t, struct error *e)
{
    if (!trainer_prepare(t, s, e))
        return false;
    if (trainer_allocate(*t, e) &&
        snapshot_load_state(*t, w->load, !w->last, e))
        return true;
    trainer_free(*t);
    return false;
}

/* Translates with a reference that was read, if there is one. */
static bool translate_beside(const struct wanted *w, const struct settings *s,
                             const struct text_file *reference,
                             struct error *e)
{
    struct input in = { 0 };
    struct trainer *t;
    bool ok;

    if (!open_translator(w, s, &t, e))
        return false;
    ok = translate_input(t, &in, reference, e);
    input_free(&in);
    trainer_free(t);
    return ok;
}

/* The reference is read first: the data, the snapshot and standard input may
 * take long. */
static bool translate_request(const struct wanted *w, struct error *e)
{
    struct text_file reference = { 0 };
    struct settings s;
    bool ok;

    lesson_show();
    if (!process_has_input(e) || !check_wanted(w, &s, e) ||
        (w->reference &&
         !text_file_read(&reference, w->reference, GAPS_ALLOWED, e)))
        return false;
    ok = translate_beside(w, &s, &reference, e);
    text_file_free(&reference);
    return ok;
}

int cmd_translate(int argc, char **argv)
{
    struct request request;
    struct wanted wanted = { .request = &request };
    struct error e;
    int code;

    if (request_parse(&request, argc, argv, translate_options, translate_usage,
                      cmd_translate_choose, &wanted, &code) &&
        !translate_request(&wanted, &e))
        code = report_error(&e);
    request_done(&request);
    return code;
}
