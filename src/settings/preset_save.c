/*
 * Writing presets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/draft.h"
#include "base/folder.h"
#include "base/octets.h"
#include "base/text.h"
#include "settings/preset.h"

/* Whether YAML takes a character as it is, and for no end of a line. */
static bool is_yaml(uint32_t c)
{
    return (c >= 0x20 && c < 0x7f) ||
           (c >= 0xa0 && c < 0xd800 && c != 0x2028 && c != 0x2029) ||
           (c >= 0xe000 && c < 0xfffe && c != 0xfeff) ||
           (c >= 0x10000 && c < 0x110000);
}

static bool is_yaml_text(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        uint32_t c;

        at += text_decode(text + at, length - at, &c);
        if (!is_yaml(c))
            return false;
    }
    return true;
}

/* In single quotes every character but the quote stands for itself. */
static void print_single_quoted(FILE *out, const char *text)
{
    putc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            putc('\'', out);
        putc(*text, out);
    }
    putc('\'', out);
}

/* In double quotes any character can be written by its number. */
static void print_double_quoted(FILE *out, const char *text, size_t length)
{
    putc('"', out);
    for (size_t at = 0; at < length;) {
        uint32_t c;
        size_t n = text_decode(text + at, length - at, &c);
        if (!is_yaml(c) || c == '"' || c == '\\')
            fprintf(out, "\\U%08X", (unsigned)c);
        else
            fwrite(text + at, 1, n, out);
        at += n;
    }
    putc('"', out);
}

/* Any text of UTF-8. */
static void print_quoted(FILE *out, const char *text)
{
    size_t length = strlen(text);

    if (is_yaml_text(text, length))
        print_single_quoted(out, text);
    else
        print_double_quoted(out, text, length);
}

static void print_octets(FILE *out, const char *bytes)
{
    char *text = octets_escape(bytes);

    print_quoted(out, text);
    free(text);
}

/* A description is a line for people. It may have names of files in it, and be
 * cut within a character. */
static void print_description(FILE *out, const char *description)
{
    char text[PRESET_DESCRIPTION_SIZE];

    text_clean(text, sizeof(text), description, strlen(description));
    print_quoted(out, text);
}

static void print_setting(FILE *out, const struct settings *s,
                          const struct setting *row)
{
    char text[SETTINGS_TEXT_SIZE];

    if (settings_begins_section(row))
        fprintf(out, "\n%s:\n", row->section);
    settings_format(s, row, text, sizeof(text));
    fprintf(out, "  %s: ", row->name);
    if (row->type == SETTING_TEXT)
        print_octets(out, text);
    else
        fputs(text, out);
    putc('\n', out);
}

/* The text of the file; the caller frees. */
static char *print_preset(const struct preset *preset)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool failed;

    if (!out)
        error_no_memory();
    fputs("description: ", out);
    print_description(out, preset->description);
    putc('\n', out);
    if (*preset->of) {
        fputs("preset: ", out);
        print_octets(out, preset->of);
        putc('\n', out);
    }
    for (int i = 0; i < settings_count; i++)
        print_setting(out, &preset->settings, &settings_table[i]);
    failed = ferror(out);
    if (fclose(out) != 0 || failed || !text)
        error_no_memory();
    return text;
}

/* Text that would be read as another one is found here and not when the preset
 * is needed. */
static bool reads_back(const struct preset *preset, const char *path,
                       const char *text, struct error *e)
{
    struct preset read;

    if (!preset_parse(&read, path, text, strlen(text), e))
        return false;
    if (strcmp(read.of, preset->of) != 0)
        return error_set(e, EXIT_INPUT, "%s: preset: '%.80s' cannot be written "
                         "in YAML", path, preset->of);
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        char value[SETTINGS_TEXT_SIZE];
        if (!settings_differ(&preset->settings, &read.settings, row))
            continue;
        settings_format(&preset->settings, row, value, sizeof(value));
        return error_set(e, EXIT_INPUT, "%s: %s: '%.80s' cannot be written "
                         "in YAML", path, row->name, value);
    }
    return true;
}

static bool is_saved_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= PRESET_SAVED_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                  "0123456789_-.") == length &&
           name[0] != '.' && name[0] != '-' &&
           !preset_is_path(name);
}

bool preset_write(const struct preset *preset, const char *path, bool replace,
                  struct error *e)
{
    char *text = print_preset(preset);
    bool good = reads_back(preset, path, text, e) &&
                folder_make_for(path, e) &&
                draft_put(path, text, replace ? DRAFT_REPLACE : DRAFT_NEW, e);

    free(text);
    return good;
}

bool preset_save(const struct preset *preset, const char *name, bool replace,
                 char path[PRESET_PATH_SIZE], struct error *e)
{
    char folder[PRESET_PATH_SIZE];

    if (!is_saved_name(name))
        return error_set(e, EXIT_INPUT, "'%.80s' cannot be a preset's name: "
                         "use letters, digits, '-', '_' and '.', %d at most",
                         name, PRESET_SAVED_NAME_MAX);
    if (!folder_config(folder, sizeof(folder), "presets") ||
        snprintf(path, PRESET_PATH_SIZE, "%s/%s.yaml", folder, name) >=
            PRESET_PATH_SIZE)
        return error_set(e, EXIT_RUN, "nowhere to save presets: set "
                         "XDG_CONFIG_HOME");
    return preset_write(preset, path, replace, e);
}
