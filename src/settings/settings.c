/*
 * Values of settings, read from text and written as text. Rows of the table
 * carry the limits of their types. Nothing here knows a setting by name.
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
#include "base/text.h"
#include "settings/settings.h"

const char *settings_price_name(enum price price)
{
    static const char *const names[PRICE_COUNT] = {
        [PRICE_NONE] = "none",
        [PRICE_FREE] = "free",
        [PRICE_ROUNDING] = "rounding",
        [PRICE_STATISTICS] = "statistics",
        [PRICE_STORAGE] = "storage",
        [PRICE_CAPACITY] = "capacity",
    };

    return names[price];
}

static void *field(struct settings *s, const struct setting *row)
{
    return (char *)s + row->offset;
}

static const void *field_const(const struct settings *s,
                               const struct setting *row)
{
    return (const char *)s + row->offset;
}

/* Names mostly come in the order of the table: the search begins behind the
 * last that was found. */
const struct setting *settings_find(const char *name)
{
    static _Thread_local int last;

    for (int i = 1; i <= settings_count; i++) {
        int at = (last + i) % settings_count;
        if (strcmp(settings_table[at].name, name) == 0) {
            last = at;
            return &settings_table[at];
        }
    }
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

/* Whether the place is an option that names the setting itself, as --epochs. */
static bool names_setting(const char *where, const struct setting *row)
{
    return strncmp(where, "--", 2) == 0 && strcmp(where + 2, row->name) == 0;
}

static bool refuse_value(const char *where, const struct setting *row,
                         const char *text, const char *wanted, struct error *e)
{
    if (names_setting(where, row))
        return error_set(e, EXIT_INPUT, "%s: '%.80s' is not %s", where, text,
                         wanted);
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
        return refuse_value(where, row, text, wanted, e);
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
        return refuse_value(where, row, text,
                            "a whole number from 0 to 18446744073709551615", e);
    *value = number;
    return true;
}

static bool read_real(double *value, const struct setting *row,
                      const char *where, const char *text, struct error *e)
{
    char wanted[64], *end;
    double number = strtod(text, &end);

    /* The span refuses other numbers of strtod: inf, nan, hexadecimal. */
    if (end == text || text[strspn(text, "0123456789.eE+-")] ||
        *end || number < row->min || number > row->max) {
        snprintf(wanted, sizeof(wanted), "a number from %g to %.6g",
                 row->min, row->max);
        return refuse_value(where, row, text, wanted, e);
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
    return refuse_value(where, row, text, "yes or no", e);
}

static bool read_choice(int *value, const struct setting *row,
                        const char *where, const char *text, struct error *e)
{
    char wanted[256] = "one of ";
    int count = 0;

    for (; row->choices[count]; count++)
        if (strcmp(text, row->choices[count]) == 0) {
            *value = count;
            return true;
        }
    text_list(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted),
              row->choices, count, ", ");
    return refuse_value(where, row, text,
                        count > 1 ? wanted : wanted + strlen("one of "), e);
}

static bool read_text(char *value, const struct setting *row,
                      const char *where, const char *text, struct error *e)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return refuse_value(where, row, text, "one line of plain text", e);
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
           refuse_value(where, row, text,
                        "a number of bytes, as 8388608 or 8MiB", e);
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

static void read_defaults(struct settings *s)
{
    for (int i = 0; i < settings_count; i++)
        settings_set(s, "default", settings_table[i].name,
                     settings_table[i].initial, NULL);
}

/* Thousands of runs are read at once, and each begins here. */
void settings_init(struct settings *s)
{
    static _Thread_local struct settings defaults;
    static _Thread_local bool known;

    if (!known)
        read_defaults(&defaults);
    known = true;
    *s = defaults;
}

void settings_copy(struct settings *to, const struct settings *from,
                   const struct setting *row)
{
    memcpy(field(to, row), field_const(from, row), row->size);
}

void settings_save_nothing(struct settings *s)
{
    for (int i = 0; i < settings_count; i++)
        if (settings_table[i].saves)
            settings_set(s, "baseline", settings_table[i].name,
                         settings_table[i].saves, NULL);
}

bool settings_can_be(const struct settings *s, const char *name, int number)
{
    struct settings with = *s;
    char text[16];

    snprintf(text, sizeof(text), "%d", number);
    return settings_set(&with, "", name, text, NULL) &&
           settings_check(&with, "", NULL);
}

double settings_number(const struct settings *s, const struct setting *row)
{
    const void *value = field_const(s, row);

    switch (row->type) {
    case SETTING_INT:
    case SETTING_CHOICE:
        return *(const int *)value;
    case SETTING_UINT64:
    case SETTING_BYTES:
        return (double)*(const uint64_t *)value;
    case SETTING_REAL:
        return *(const double *)value;
    case SETTING_BOOL:
        return *(const bool *)value;
    case SETTING_TEXT:
        break;
    }
    return 0;
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

void settings_names(char *text, size_t size,
                    bool (*which)(const struct setting *, const void *arg),
                    const void *arg, const char *last)
{
    const char **names = xcalloc((size_t)settings_count, sizeof(*names));
    int count = 0;

    for (int i = 0; i < settings_count; i++)
        if (which(&settings_table[i], arg))
            names[count++] = settings_table[i].name;
    text_list(text, size, names, count, last);
    free(names);
}

bool settings_differ(const struct settings *a, const struct settings *b,
                     const struct setting *row)
{
    char x[SETTINGS_TEXT_SIZE], y[SETTINGS_TEXT_SIZE];

    if (memcmp(field_const(a, row), field_const(b, row), row->size) == 0)
        return false;
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

/* Adds an assignment to a list; cuts it where it does not fit. */
static void add_assignment(char *text, size_t size, const struct settings *s,
                           const struct setting *row)
{
    size_t used = strlen(text);
    char value[SETTINGS_TEXT_SIZE];

    settings_format(s, row, value, sizeof(value));
    snprintf(text + used, size - used, "%s%s=%s", used ? " " : "", row->name,
             value);
}

void settings_changes(const struct settings *before,
                      const struct settings *after, char *text, size_t size)
{
    *text = '\0';
    for (int i = 0; i < settings_count; i++)
        if (settings_differ(before, after, &settings_table[i]))
            add_assignment(text, size, after, &settings_table[i]);
}

void settings_identity(const struct settings *s, char *text, size_t size)
{
    *text = '\0';
    for (int i = 0; i < settings_count; i++)
        if (settings_table[i].identity)
            add_assignment(text, size, s, &settings_table[i]);
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
                         "%.80s; begin a run with it", row->name, was, wanted);
    }
    return true;
}
