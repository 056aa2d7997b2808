/*
 * `memdial presets`, `settings` and `backends`. The settings can also be had as
 * items of an mdoc list, from which memdial-presets(5) is kept up to date.
 * Completions of shells ask for presets and settings as words: a line for each,
 * with tabs between its name, its help, and for a setting its values.
 */
#include <ctype.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json_print.h"
#include "base/kind.h"
#include "base/print.h"
#include "cli/cmd_list.h"
#include "cli/request.h"
#include "kernels/kernels.h"
#include "settings/idle.h"
#include "settings/preset.h"
#include "settings/settings_json.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_MDOC, FORMAT_WORDS };

static const struct option options[] = {
    { "mdoc", no_argument, NULL, 'm' },
    { "words", no_argument, NULL, 'w' },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 }
};

static const struct option *const words_options = options + 1;
static const struct option *const json_options = options + 2;

static bool read_options(int argc, char **argv, const struct option *known,
                         enum format *format, int *code)
{
    const char *unexpected = NULL;
    int option;

    *format = FORMAT_TEXT;
    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1)
        if (option == 'j') {
            *format = FORMAT_JSON;
        } else if (option == 'm') {
            *format = FORMAT_MDOC;
        } else if (option == 'w') {
            *format = FORMAT_WORDS;
        } else if (option == 'h') {
            print("Usage: memdial %s [--json]\n", argv[0]);
            *code = EXIT_OK;
            return false;
        } else if (!unexpected) {
            unexpected = request_unknown(argv, known);
        }
    if (!unexpected && optind < argc)
        unexpected = argv[optind];
    if (!unexpected)
        return true;
    print_error("memdial %s: '%s' is not expected; usage: memdial %s "
                "[--json]\n", argv[0], unexpected, argv[0]);
    *code = EXIT_INPUT;
    return false;
}

static json_t *preset_json(const struct preset_entry *entry)
{
    const struct preset *preset = &entry->preset;
    json_t *object = json_object();

    json_put(object, "name", json_text(entry->name));
    json_put(object, "path",
             entry->path[0] ? json_text(entry->path) : json_null());
    if (entry->error.code == EXIT_OK) {
        json_put(object, "description", json_text(preset->description));
        json_put(object, "settings", settings_json(&preset->settings));
    } else {
        json_put(object, "error", json_text(entry->error.text));
    }
    return object;
}

static void print_presets(const struct preset_entry *list, int count,
                          enum format format)
{
    for (int i = 0; i < count; i++) {
        const char *help = list[i].error.code == EXIT_OK ?
                               list[i].preset.description :
                               list[i].error.text;
        if (format == FORMAT_WORDS)
            print("%s\t%s\n", list[i].name, help);
        else
            print("%-18s %s\n", list[i].name, help);
    }
}

static json_t *presets_json(const struct preset_entry *list, int count)
{
    json_t *array = json_array();

    for (int i = 0; i < count; i++)
        json_push(array, preset_json(&list[i]));
    return array;
}

int cmd_presets(int argc, char **argv)
{
    struct preset_entry *list;
    enum format format;
    int code, count;

    if (!read_options(argc, argv, words_options, &format, &code))
        return code;
    count = preset_list(&list);
    if (format == FORMAT_JSON)
        json_print(presets_json(list, count));
    else
        print_presets(list, count, format);
    free(list);
    return EXIT_OK;
}

static const char *type_name(enum setting_type type)
{
    switch (type) {
    case SETTING_INT:
    case SETTING_UINT64:
    case SETTING_BYTES:
        return "integer";
    case SETTING_REAL:
        return "number";
    case SETTING_BOOL:
        return "boolean";
    case SETTING_CHOICE:
        return "choice";
    case SETTING_TEXT:
        break;
    }
    return "text";
}

/* Integer ranges stay integers. */
static json_t *bound_json(const struct setting *row, double bound)
{
    return row->type == SETTING_INT ? json_integer((json_int_t)bound) :
                                      json_number(bound);
}

static json_t *words_json(const char *const *words)
{
    json_t *array = json_array();

    for (int i = 0; words[i]; i++)
        json_push(array, json_text(words[i]));
    return array;
}

/* A value in the form that the JSON of settings has. */
static json_t *value_json(const struct setting *row, const char *value)
{
    struct settings s;

    settings_set(&s, "table", row->name, value, NULL);
    return settings_json_value(&s, row);
}

static json_t *rungs_json(const struct setting *row)
{
    json_t *array = json_array();

    for (int i = 0; row->rungs[i]; i++)
        json_push(array, value_json(row, row->rungs[i]));
    return array;
}

static json_t *kinds_json(unsigned kinds)
{
    json_t *array = json_array();

    for (int k = 0; k < KIND_COUNT; k++)
        if (kinds & 1u << k)
            json_push(array, json_text(kind_name((enum kind)k)));
    return array;
}

/* Adds how the setting changes memory. */
static void put_memory(json_t *object, const struct setting *row)
{
    if (row->rungs)
        json_put(object, "steps", rungs_json(row));
    if (row->saves) {
        json_put(object, "saves_nothing", value_json(row, row->saves));
        json_put(object, "price", json_text(settings_price_name(row->price)));
    }
    if (row->shrinks)
        json_put(object, "shrinks", kinds_json(row->shrinks));
}

static bool has_range(const struct setting *row)
{
    return row->type == SETTING_INT || row->type == SETTING_REAL;
}

static json_t *setting_json(const struct setting *row)
{
    json_t *object = json_object();

    json_put(object, "name", json_text(row->name));
    json_put(object, "section", json_text(row->section));
    json_put(object, "type", json_text(type_name(row->type)));
    json_put(object, "default", value_json(row, row->initial));
    if (has_range(row)) {
        json_put(object, "min", bound_json(row, row->min));
        json_put(object, "max", bound_json(row, row->max));
    }
    if (row->choices)
        json_put(object, "choices", words_json(row->choices));
    if (row->unit)
        json_put(object, "unit", json_text(row->unit));
    json_put(object, "live", json_boolean(row->live));
    put_memory(object, row);
    json_put(object, "help", json_text(row->help));
    return object;
}

static json_t *table_json(void)
{
    json_t *array = json_array();

    for (int i = 0; i < settings_count; i++)
        json_push(array, setting_json(&settings_table[i]));
    return array;
}

/* The values that a setting takes, for people: "10 to 100000 layers". */
static void format_values(const struct setting *row, char *text, size_t size)
{
    size_t used = 0;

    switch (row->type) {
    case SETTING_INT:
    case SETTING_REAL:
        snprintf(text, size, "%.10g to %.10g%s%s", row->min, row->max,
                 row->unit ? " " : "", row->unit ? row->unit : "");
        break;
    case SETTING_UINT64:
        snprintf(text, size, "0 to 2^64 - 1");
        break;
    case SETTING_BYTES:
        snprintf(text, size, "bytes, as 8388608 or 8MiB");
        break;
    case SETTING_BOOL:
        snprintf(text, size, "yes, no");
        break;
    case SETTING_CHOICE:
        for (int i = 0; row->choices[i] && used < size; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%s",
                                     i ? ", " : "", row->choices[i]);
        break;
    case SETTING_TEXT:
        snprintf(text, size, "text");
        break;
    }
}

static void print_setting_text(const struct setting *row, const char *values)
{
    char assignment[64], idle[IDLE_WHY_SIZE];

    if (settings_begins_section(row))
        print(row == settings_table ? "%s\n" : "\n%s\n", row->section);
    snprintf(assignment, sizeof(assignment), "%s=%s", row->name, row->initial);
    print("  %-25s %s\n      %s\n", assignment, values, row->help);
    if (idle_ever(row, idle))
        print("      no effect %s\n", idle);
}

/* Prints a word, after a space or not; returns its columns. */
static int print_word(const char *word, int length, bool space)
{
    print("%s%.*s", space ? " " : "", length, word);
    return space + length;
}

/* Prints a paragraph, each sentence from a line of its own on, as mdoc asks. */
static void print_about(const char *text)
{
    int column = 0;

    while (*text) {
        int n = (int)strcspn(text, " ");

        if (column > 0 && column + 1 + n > 78) {
            print("\n");
            column = 0;
        }
        column += print_word(text, n, column > 0);
        if (text[n - 1] == '.' && text[n]) {
            print("\n");
            column = 0;
        }
        text += n;
        text += strspn(text, " ");
    }
    print("\n");
}

static void print_setting_mdoc(const struct setting *row, const char *values)
{
    char idle[IDLE_WHY_SIZE];

    if (settings_begins_section(row))
        print(row == settings_table ? ".Ss %s\n.Bl -tag -width Ds\n" :
                                      ".El\n.Ss %s\n.Bl -tag -width Ds\n",
              row->section);
    print(".It Cm %s\n%c%s.\nValues: %s", row->name,
          toupper((unsigned char)row->help[0]), row->help + 1, values);
    print(row->initial[0] ? "; default %s.\n" : ".\n", row->initial);
    if (idle_ever(row, idle))
        print("No effect %s.\n", idle);
    if (row->about) {
        print(".Pp\n");
        print_about(row->about);
    }
    if (row == &settings_table[settings_count - 1])
        print(".El\n");
}

static void print_setting_words(const struct setting *row)
{
    print("%s\t%s\t", row->name, row->help);
    if (row->type == SETTING_BOOL)
        print("yes no");
    for (int i = 0; row->choices && row->choices[i]; i++)
        print("%s%s", i ? " " : "", row->choices[i]);
    print("\n");
}

int cmd_settings(int argc, char **argv)
{
    char values[256];
    enum format format;
    int code;

    if (!read_options(argc, argv, options, &format, &code))
        return code;
    if (format == FORMAT_JSON) {
        json_print(table_json());
        return EXIT_OK;
    }
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];

        format_values(row, values, sizeof(values));
        if (format == FORMAT_MDOC)
            print_setting_mdoc(row, values);
        else if (format == FORMAT_WORDS)
            print_setting_words(row);
        else
            print_setting_text(row, values);
    }
    return EXIT_OK;
}

static json_t *device_json(const char *name, const struct device_info *device)
{
    json_t *object = json_object();
    char capability[32];

    json_put(object, "name", json_text(name));
    json_put(object, "available", json_boolean(device->usable));
    json_put(object, device->usable ? "description" : "reason",
             json_text(device->line));
    if (device->memory)
        json_put(object, "memory", json_integer((json_int_t)device->memory));
    if (device->major) {
        snprintf(capability, sizeof(capability), "%d.%d", device->major,
                 device->minor);
        json_put(object, "capability", json_text(capability));
    }
    return object;
}

static void print_device(const char *name, const struct device_info *device)
{
    char memory[BYTES_TEXT_SIZE];

    bytes_format(memory, sizeof(memory), device->memory);
    print("%-7s %s%s", name,
          device->usable ? "" : "not available: ", device->line);
    if (device->usable && device->memory)
        print(", %s", memory);
    print("\n");
}

int cmd_backends(int argc, char **argv)
{
    enum format format;
    json_t *array;
    int code;

    if (!read_options(argc, argv, json_options, &format, &code))
        return code;
    array = json_array();
    for (int i = 0; backends[i]; i++) {
        struct device_info devices[BACKEND_DEVICES_MAX];
        int count = backends[i]->list(devices, BACKEND_DEVICES_MAX);

        for (int k = 0; k < count; k++) {
            char name[32];
            snprintf(name, sizeof(name), count > 1 ? "%s:%d" : "%s",
                     backends[i]->name, k);
            if (format == FORMAT_JSON)
                json_push(array, device_json(name, &devices[k]));
            else
                print_device(name, &devices[k]);
        }
    }
    if (format == FORMAT_JSON)
        json_print(array);
    else
        json_decref(array);
    return EXIT_OK;
}
