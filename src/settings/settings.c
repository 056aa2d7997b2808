/*
 * The settings table and its reading and writing of values as text. Every row
 * carries what its type needs, so nothing below knows a setting by name but
 * settings_check(), which knows the combinations.
 *
 * Numbers are read strictly: the whole text, decimal, in range. A value that
 * is refused leaves the settings as they were.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/spelling.h"
#include "settings/settings.h"

static const char *const models[] = { "wrn", NULL };
static const char *const datas[] = { "shapes", "cifar10", NULL };
static const char *const precisions[] = { "fp32", "bf16", "fp16", NULL };
static const char *const master_weights[] = { "none", "fp32", NULL };
static const char *const recomputes[] = { "none", "bn-relu", NULL };
static const char *const checkpoints[] = { "none", "block", "sqrt",
                                           "recursive", "optimal", NULL };
static const char *const sparse_methods[] = { "dsr", "set", "static", NULL };
static const char *const lr_schedules[] = { "constant", "step", "cosine",
                                            NULL };

#define AT(field) \
    offsetof(struct settings, field), sizeof(((struct settings *)0)->field)
#define NO_RANGE 0, 0, NULL
#define CHOICES(list) 0, 0, list
#define RANGE(min, max) min, max, NULL

/* Whether a setting can change in a run. */
enum { FIXED = false, LIVE = true };

const struct setting settings_table[] = {
    { "model", "model", SETTING_CHOICE, AT(model), CHOICES(models),
      "wrn", NULL, FIXED,
      "network; wrn: pre-activation WideResNet" },
    { "depth", "model", SETTING_INT, AT(depth), RANGE(10, 4000),
      "10", "layers", FIXED,
      "depth of a WideResNet, 6n + 4" },
    { "width", "model", SETTING_INT, AT(width), RANGE(1, 64),
      "1", NULL, FIXED,
      "widening factor; 1: 16, 32 and 64 channels" },

    { "data", "data", SETTING_CHOICE, AT(data), CHOICES(datas),
      "shapes", NULL, FIXED,
      "data set; shapes: drawn as needed, cifar10: read from "
      "data_path" },
    { "data_path", "data", SETTING_TEXT, AT(data_path), NO_RANGE,
      "", NULL, FIXED,
      "folder of the CIFAR-10 binary files, or the one above it" },
    { "augment", "data", SETTING_BOOL, AT(augment), NO_RANGE,
      "yes", NULL, FIXED,
      "crop and flip training images at random" },
    { "epoch_samples", "data", SETTING_INT, AT(epoch_samples),
      RANGE(0, 1000000000),
      "0", "samples", FIXED,
      "length of a short epoch; 0: the whole set" },
    { "valid_samples", "data", SETTING_INT, AT(valid_samples),
      RANGE(0, 1000000000),
      "0", "samples", FIXED,
      "length of an evaluation; 0: the whole set" },

    { "batch", "train", SETTING_INT, AT(batch), RANGE(1, 65536),
      "100", "samples", FIXED,
      "samples in one optimizer step" },
    { "microbatch", "train", SETTING_INT, AT(microbatch), RANGE(0, 65536),
      "0", "samples", LIVE,
      "samples in one forward and backward pass; 0: the whole "
      "batch" },
    { "epochs", "train", SETTING_INT, AT(epochs), RANGE(1, 1000000),
      "10", "epochs", FIXED,
      "length of the run" },
    { "lr", "train", SETTING_REAL, AT(lr), RANGE(1e-12, 1000),
      "0.1", NULL, LIVE,
      "learning rate at the start" },
    { "lr_schedule", "train", SETTING_CHOICE, AT(lr_schedule),
      CHOICES(lr_schedules),
      "cosine", NULL, LIVE,
      "course of lr; cosine: down to 0, step: x0.2 at 30, 60 "
      "and 80 percent" },
    { "momentum", "train", SETTING_REAL, AT(momentum), RANGE(0, 0.999999),
      "0.9", NULL, LIVE,
      "momentum of the optimizer" },
    { "nesterov", "train", SETTING_BOOL, AT(nesterov), NO_RANGE,
      "yes", NULL, LIVE,
      "look ahead along the momentum, as Nesterov does" },
    { "weight_decay", "train", SETTING_REAL, AT(weight_decay), RANGE(0, 1),
      "0.0005", NULL, LIVE,
      "decay of every parameter, added to its gradient" },
    { "seed", "train", SETTING_UINT64, AT(seed), NO_RANGE,
      "1", NULL, FIXED,
      "key of all that is random: weights, order, augmentation" },

    { "sparsity", "memory", SETTING_REAL, AT(sparsity), RANGE(0, 0.98),
      "0", NULL, LIVE,
      "zeros, not stored, among the weights of 3x3 convolutions; "
      "a fraction" },
    { "sparse_method", "memory", SETTING_CHOICE, AT(sparse_method),
      CHOICES(sparse_methods),
      "dsr", NULL, LIVE,
      "how nonzeros move; dsr: between layers too, set: within "
      "each, static: not" },
    { "precision", "memory", SETTING_CHOICE, AT(precision),
      CHOICES(precisions),
      "fp32", NULL, LIVE,
      "how weights, gradients, momentum and activations are "
      "stored" },
    { "master_weights", "memory", SETTING_CHOICE, AT(master_weights),
      CHOICES(master_weights),
      "none", NULL, LIVE,
      "fp32: update copies in fp32 of weights in 16 bits; none: "
      "round them stochastically" },
    { "checkpoint", "memory", SETTING_CHOICE, AT(checkpoint),
      CHOICES(checkpoints),
      "none", NULL, LIVE,
      "what forward keeps; the rest is computed again; optimal: "
      "the least arithmetic that fits memory_budget" },
    { "memory_budget", "memory", SETTING_BYTES, AT(memory_budget), NO_RANGE,
      "0", "bytes", LIVE,
      "most that checkpoint=optimal may allocate; 0: as little "
      "as can be" },
    { "recompute", "memory", SETTING_CHOICE, AT(recompute),
      CHOICES(recomputes),
      "none", NULL, LIVE,
      "what backward computes again; bn-relu: batch norm and "
      "ReLU" },

    { "threads", "machine", SETTING_INT, AT(threads), RANGE(0, 1024),
      "0", "threads", LIVE,
      "threads of the CPU backend; 0: one per processor it may use" },
    { "backend", "machine", SETTING_TEXT, AT(backend), NO_RANGE,
      "auto", NULL, FIXED,
      "device to train on, as memdial backends lists them; auto: "
      "the first that works" },
    { "tf32", "machine", SETTING_BOOL, AT(tf32), NO_RANGE,
      "no", NULL, LIVE,
      "let CUDA multiply numbers of fp32 as TF32, with 10 bits of "
      "mantissa: faster" },
};

const int settings_count = sizeof(settings_table) / sizeof(settings_table[0]);

static void *field(struct settings *s, const struct setting *row)
{
    return (char *)s + row->offset;
}

static const void *field_const(const struct settings *s,
                               const struct setting *row)
{
    return (const char *)s + row->offset;
}

const struct setting *settings_find(const char *name)
{
    for (int i = 0; i < settings_count; i++)
        if (strcmp(settings_table[i].name, name) == 0)
            return &settings_table[i];
    return NULL;
}

const char *settings_nearest(const char *name)
{
    struct spelling spelling;

    spelling_init(&spelling, name);
    for (int i = 0; i < settings_count; i++)
        spelling_offer(&spelling, settings_table[i].name);
    return spelling.nearest;
}

static bool refuse(const char *where, const struct setting *row,
                   const char *text, const char *wanted, struct error *e)
{
    return error_set(e, EXIT_INPUT, "%s: %s: '%.80s' is not %s", where,
                     row->name, text, wanted);
}

static bool read_int(int *value, const struct setting *row, const char *where,
                     const char *text, struct error *e)
{
    char wanted[64], *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (!(isdigit((unsigned char)*text) || *text == '-') || *end || errno ||
        number < (long)row->min || number > (long)row->max) {
        snprintf(wanted, sizeof(wanted), "a whole number from %.0f to %.0f",
                 row->min, row->max);
        return refuse(where, row, text, wanted, e);
    }
    *value = (int)number;
    return true;
}

static bool read_uint64(uint64_t *value, const struct setting *row,
                        const char *where, const char *text, struct error *e)
{
    unsigned long long number;
    char *end;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno)
        return refuse(where, row, text,
                      "a whole number from 0 to 18446744073709551615", e);
    *value = number;
    return true;
}

static bool read_real(double *value, const struct setting *row,
                      const char *where, const char *text, struct error *e)
{
    char wanted[64], *end;
    double number = strtod(text, &end);

    /* The span keeps out what strtod also takes: inf, nan, hexadecimal. */
    if (end == text || text[strspn(text, "0123456789.eE+-")] ||
        *end || number < row->min || number > row->max) {
        snprintf(wanted, sizeof(wanted), "a number from %g to %.6g",
                 row->min, row->max);
        return refuse(where, row, text, wanted, e);
    }
    *value = number;
    return true;
}

static bool read_bool(bool *value, const struct setting *row,
                      const char *where, const char *text, struct error *e)
{
    static const char *const words[] = { "no", "yes", "false", "true", "off",
                                         "on" };

    for (int i = 0; i < 6; i++)
        if (strcmp(text, words[i]) == 0) {
            *value = i % 2;
            return true;
        }
    return refuse(where, row, text, "yes or no", e);
}

static bool read_choice(int *value, const struct setting *row,
                        const char *where, const char *text, struct error *e)
{
    char wanted[256] = "one of ";
    size_t used = strlen(wanted);

    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(text, row->choices[i]) == 0) {
            *value = i;
            return true;
        }
        used += (size_t)snprintf(wanted + used, sizeof(wanted) - used, "%s%s",
                                 i ? ", " : "", row->choices[i]);
    }
    return refuse(where, row, text,
                  row->choices[1] ? wanted : wanted + strlen("one of "), e);
}

static bool read_text(char *value, const struct setting *row,
                      const char *where, const char *text, struct error *e)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return refuse(where, row, text, "one line of plain text", e);
    if (strlen(text) >= row->size)
        return error_set(e, EXIT_INPUT, "%s: %s: %zu bytes are too many, "
                         "at most %zu fit", where, row->name, strlen(text),
                         row->size - 1);
    strcpy(value, text);
    return true;
}

static bool read_bytes(uint64_t *value, const struct setting *row,
                       const char *where, const char *text, struct error *e)
{
    return bytes_parse(text, value) ||
           refuse(where, row, text, "a number of bytes, as 8388608 or 8MiB",
                  e);
}

static bool read_value(struct settings *s, const struct setting *row,
                       const char *where, const char *text, struct error *e)
{
    void *value = field(s, row);

    switch (row->type) {
    case SETTING_INT:
        return read_int(value, row, where, text, e);
    case SETTING_UINT64:
        return read_uint64(value, row, where, text, e);
    case SETTING_REAL:
        return read_real(value, row, where, text, e);
    case SETTING_BYTES:
        return read_bytes(value, row, where, text, e);
    case SETTING_BOOL:
        return read_bool(value, row, where, text, e);
    case SETTING_CHOICE:
        return read_choice(value, row, where, text, e);
    case SETTING_TEXT:
        return read_text(value, row, where, text, e);
    }
    return false;
}

bool settings_set(struct settings *s, const char *where, const char *name,
                  const char *text, struct error *e)
{
    const struct setting *row = settings_find(name);
    const char *nearest;

    if (row)
        return read_value(s, row, where, text, e);
    nearest = settings_nearest(name);
    return error_set(e, EXIT_INPUT, nearest ?
                     "%s: unknown setting '%.80s'; did you mean '%s'?" :
                     "%s: unknown setting '%.80s'; see `memdial settings`",
                     where, name, nearest);
}

bool settings_assign(struct settings *s, const char *where,
                     const char *assignment, struct error *e)
{
    size_t length = strcspn(assignment, "=");
    char name[128];

    if (assignment[length] != '=' || length == 0 || length >= sizeof(name))
        return error_set(e, EXIT_INPUT, "%s: '%.80s' is not of the form "
                         "name=value", where, assignment);
    memcpy(name, assignment, length);
    name[length] = '\0';
    return settings_set(s, where, name, assignment + length + 1, e);
}

void settings_init(struct settings *s)
{
    memset(s, 0, sizeof(*s));
    for (int i = 0; i < settings_count; i++)
        settings_set(s, "default", settings_table[i].name,
                     settings_table[i].initial, NULL);
}

/* The fewest digits that read back to the same value. */
static void format_real(double value, char *text, size_t size)
{
    int digits = 1;

    do
        snprintf(text, size, "%.*g", digits, value);
    while (strtod(text, NULL) != value && digits++ < 17);
}

void settings_format(const struct settings *s, const struct setting *row,
                     char *text, size_t size)
{
    const void *value = field_const(s, row);

    switch (row->type) {
    case SETTING_INT:
        snprintf(text, size, "%d", *(const int *)value);
        break;
    case SETTING_UINT64:
    case SETTING_BYTES:
        snprintf(text, size, "%llu",
                 (unsigned long long)*(const uint64_t *)value);
        break;
    case SETTING_REAL:
        format_real(*(const double *)value, text, size);
        break;
    case SETTING_BOOL:
        snprintf(text, size, "%s", *(const bool *)value ? "yes" : "no");
        break;
    case SETTING_CHOICE:
        snprintf(text, size, "%s", row->choices[*(const int *)value]);
        break;
    case SETTING_TEXT:
        snprintf(text, size, "%s", (const char *)value);
        break;
    }
}

bool settings_begins_section(const struct setting *row)
{
    return row == settings_table || strcmp(row->section, row[-1].section) != 0;
}

bool settings_differ(const struct settings *a, const struct settings *b,
                     const struct setting *row)
{
    char x[SETTINGS_TEXT_SIZE], y[SETTINGS_TEXT_SIZE];

    settings_format(a, row, x, sizeof(x));
    settings_format(b, row, y, sizeof(y));
    return strcmp(x, y) != 0;
}

bool settings_same(const struct settings *a, const struct settings *b)
{
    for (int i = 0; i < settings_count; i++)
        if (settings_differ(a, b, &settings_table[i]))
            return false;
    return true;
}

void settings_changes(const struct settings *before,
                      const struct settings *after, char *text, size_t size)
{
    size_t used = 0;

    *text = '\0';
    for (int i = 0; i < settings_count && used < size; i++) {
        const struct setting *row = &settings_table[i];
        char value[SETTINGS_TEXT_SIZE];
        if (!settings_differ(before, after, row))
            continue;
        settings_format(after, row, value, sizeof(value));
        used += (size_t)snprintf(text + used, size - used, "%s%s=%s",
                                 used ? " " : "", row->name, value);
    }
}

bool settings_can_follow(const struct settings *before,
                         const struct settings *after, struct error *e)
{
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        char was[SETTINGS_TEXT_SIZE], wanted[SETTINGS_TEXT_SIZE];
        if (row->live || !settings_differ(before, after, row))
            continue;
        settings_format(before, row, was, sizeof(was));
        settings_format(after, row, wanted, sizeof(wanted));
        return error_set(e, EXIT_INPUT,
                         "%s: cannot change during a run, from %.80s to "
                         "%.80s; restart with it", row->name, was, wanted);
    }
    return true;
}

bool settings_check(const struct settings *s, const char *where,
                    struct error *e)
{
    if (s->microbatch > s->batch)
        return error_set(e, EXIT_INPUT, "%s: microbatch: %d is larger than "
                         "batch, %d; lower it, or 0 for the whole batch",
                         where, s->microbatch, s->batch);
    if (s->model == MODEL_WRN && s->depth % 6 != 4)
        return error_set(e, EXIT_INPUT, "%s: depth: %d is not 6n + 4; the "
                         "nearest are %d and %d", where, s->depth,
                         s->depth - (s->depth + 2) % 6,
                         s->depth - (s->depth + 2) % 6 + 6);
    return true;
}
