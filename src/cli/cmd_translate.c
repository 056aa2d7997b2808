/*
 * `memdial translate`: reads all lines of standard input, and prints their
 * translations by a saved run, in order. Lines are cut into tokens as the run's
 * data were, and a line without words stays one.
 */
#include "cli/cmd_translate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/print.h"
#include "base/text.h"
#include "cli/request.h"
#include "data/text_file.h"
#include "train/bleu.h"
#include "train/snapshot.h"
#include "train/translator.h"

struct wanted {
    struct request *request;
    const char *load, *reference;
};

static const char translate_usage[] =
    "translate [PRESET] --load FILE [--set NAME=VALUE]... [--beam N] "
    "[--reference FILE]";

static const struct option translate_options[] = {
    { "set", required_argument, NULL, 's' },
    { "load", required_argument, NULL, 'L' },
    { "beam", required_argument, NULL, 'b' },
    { "reference", required_argument, NULL, 'r' },
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
    }
}

/* The lines of standard input, and their tokens. */
struct input {
    char *text;          /* owned, as is the rest */
    size_t bytes;
    int count;
    struct source *sources;      /* [count] */
    int *line;                   /* [count] the line of each, from 1 */
    int lines;
};

static void input_free(struct input *in)
{
    for (int i = 0; i < in->count; i++)
        free((void *)(uintptr_t)in->sources[i].tokens);
    free(in->sources);
    free(in->line);
    free(in->text);
}

static bool read_standard_input(struct input *in, struct error *e)
{
    enum { PIECE = 1 << 16 };
    ssize_t n;

    do {
        in->text = xrealloc(in->text, in->bytes + PIECE + 1, 1);
        n = read(STDIN_FILENO, in->text + in->bytes, PIECE);
        if (n < 0 && errno != EINTR)
            return error_set(e, EXIT_INPUT, "standard input: %s",
                             strerror(errno));
        in->bytes += n > 0 ? (size_t)n : 0;
        if (in->bytes > TEXT_FILE_MOST)
            return error_set(e, EXIT_INPUT, "standard input: more than 1 GiB; "
                             "translate it in parts");
    } while (n != 0);
    in->text[in->bytes] = '\0';
    return true;
}

/* Adds a line that ends with NUL, unless it has no words. */
static bool add_line(struct input *in, const struct sequences *set,
                     const struct plan *plan, const char *line,
                     struct error *e)
{
    struct source s;

    s.tokens = sequences_encode(set, line, &s.count);
    in->lines++;
    if (s.count == 1) {
        free((void *)(uintptr_t)s.tokens);
        return true;
    }
    in->sources = xgrow(in->sources, in->count, sizeof(*in->sources));
    in->line = xgrow(in->line, in->count, sizeof(*in->line));
    in->sources[in->count] = s;
    in->line[in->count++] = in->lines;
    return s.count <= translator_source(plan) ||
           error_set(e, EXIT_INPUT, "standard input: line %d: %d tokens with "
                     "the end mark, more than the longest sentence has, %d; "
                     "divide it", in->lines, s.count, translator_source(plan));
}

/* Whether the next line is text. */
static bool check_line(const struct input *in, const char *line, size_t bytes,
                       struct error *e)
{
    for (size_t at = 0; at < bytes;) {
        uint32_t c;
        size_t n = text_decode(line + at, bytes - at, &c);

        if (c == TEXT_NO_CHARACTER || (c >= 0xd800 && c <= 0xdfff))
            return error_set(e, EXIT_INPUT, "standard input: line %d: byte "
                             "%zu is not UTF-8; convert the text with iconv",
                             in->lines + 1, at + 1);
        if (c == 0)
            return error_set(e, EXIT_INPUT, "standard input: line %d has a "
                             "NUL; this is not text", in->lines + 1);
        at += n;
    }
    return true;
}

static bool read_input(struct input *in, const struct trainer *t,
                       struct error *e)
{
    const struct sequences *set = dataset_sequences(t->data);

    if (!read_standard_input(in, e))
        return false;
    for (char *at = in->text, *end; at < in->text + in->bytes; at = end + 1) {
        end = memchr(at, '\n', (size_t)(in->text + in->bytes - at));
        if (!end)
            end = in->text + in->bytes;
        if (!check_line(in, at, (size_t)(end - at), e))
            return false;
        *end = '\0';
        if (!add_line(in, set, t->job->plan, at, e))
            return false;
    }
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

static bool read_reference(const struct wanted *w, const struct input *in,
                           struct text_file *reference, struct error *e)
{
    if (!w->reference)
        return true;
    if (!text_file_read(reference, w->reference, e))
        return false;
    return reference->lines == in->lines ||
           error_set(e, EXIT_INPUT, "%s: %d lines, but standard input has %d; "
                     "give both the same sentences", w->reference,
                     reference->lines, in->lines);
}

/* Prints all lines, and adds each to the BLEU, if there is a reference. */
static void print_lines(const struct input *in, const struct sequences *set,
                        const int32_t *tokens, int steps,
                        const struct text_file *reference, struct bleu *bleu)
{
    size_t at = 0;

    for (int line = 1, i = 0; line <= in->lines; line++) {
        bool has_words = i < in->count && in->line[i] == line;
        char *text = has_words
                         ? sequences_text(set, tokens + (size_t)i++ *
                                                   (size_t)steps, steps)
                         : xstrdup("");
        struct word word;

        print_translation(text);
        if (reference->data && text_file_next(reference, &at, &word)) {
            char *expected = xcalloc(word.bytes + 1, 1);

            memcpy(expected, word.at, word.bytes);
            sequences_join(set, expected);
            bleu_add(bleu, text, expected);
            free(expected);
        }
        free(text);
    }
}

static bool translate_input(const struct wanted *w, struct trainer *t,
                            struct input *in, struct error *e)
{
    struct text_file reference = { 0 };
    int steps = translator_steps(t->job->plan);
    int32_t *tokens = NULL;
    struct bleu bleu = { 0 };
    bool done = read_input(in, t, e) && read_reference(w, in, &reference, e);

    if (done) {
        tokens = xcalloc((unsigned long)in->count * (unsigned long)steps + 1,
                         sizeof(*tokens));
        translator_run(t->executor, in->sources, in->count, tokens);
        done = executor_check(t->executor, e);
    }
    if (done)
        print_lines(in, dataset_sequences(t->data), tokens, steps, &reference,
                    &bleu);
    if (done && w->reference)
        print_error("BLEU %.2f\n", bleu_score(&bleu));
    free(tokens);
    text_file_free(&reference);
    return done;
}

static bool check_translator(const struct trainer *t, struct error *e)
{
    return translator_is_planned(t->job->plan) ||
           error_set(e, EXIT_INPUT, "model: this network does not translate; "
                     "name a preset with model=dynamicconv");
}

/* A run with the program that translates in its plan. */
static bool open_translator(const struct wanted *w, struct trainer **t,
                            struct error *e)
{
    struct settings s;

    if (!w->load)
        return error_set(e, EXIT_INPUT, "translate: --load FILE is missing: "
                         "the snapshot that `memdial train --save` wrote");
    if (!file_check_path("--load", w->load, e) ||
        !file_check_path("--reference", w->reference, e) ||
        !request_settings(w->request, &s, e))
        return false;
    s.bleu_every = s.bleu_every ? s.bleu_every : 1;
    if (!trainer_prepare(t, &s, e))
        return false;
    if (check_translator(*t, e) && trainer_allocate(*t, e) &&
        snapshot_load_state(*t, w->load, e))
        return true;
    trainer_free(*t);
    return false;
}

static int translate_request(const struct wanted *w)
{
    struct input in = { 0 };
    struct trainer *t;
    struct error e;
    bool ok;

    if (!open_translator(w, &t, &e))
        return report_error(&e);
    ok = translate_input(w, t, &in, &e);
    input_free(&in);
    trainer_free(t);
    return ok ? EXIT_OK : report_error(&e);
}

int cmd_translate(int argc, char **argv)
{
    struct request request;
    struct wanted wanted = { .request = &request };
    int code;

    if (request_parse(&request, argc, argv, translate_options, translate_usage,
                      cmd_translate_choose, &wanted, &code))
        code = translate_request(&wanted);
    request_done(&request);
    return code;
}
