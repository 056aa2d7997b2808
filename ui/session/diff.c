#include "ui/session/diff.h"

#include <stdio.h>
#include <string.h>

void diff_value(const struct settings *s, const struct setting *row,
                char *text, size_t size)
{
    for (int dial = 0; dial < dial_count(); dial++)
        if (dial_setting(dial) == row) {
            dial_format(s, dial, text, size);
            return;
        }
    settings_format(s, row, text, size);
    if (!*text)
        snprintf(text, size, "–");
}

/* Whether a value alone shows which setting it belongs to. */
static bool tells_all(const struct setting *row, const char *value)
{
    int count = 0;

    for (int i = 0; i < settings_count; i++) {
        const char *const *choice = settings_table[i].choices;
        for (; choice && *choice; choice++)
            count += strcmp(*choice, value) == 0;
    }
    return row->choices && count == 1;
}

void diff_add(char *text, size_t size, const struct settings *s,
              const struct setting *row)
{
    size_t used = strlen(text);
    char value[SETTINGS_TEXT_SIZE];
    bool bare;

    diff_value(s, row, value, sizeof(value));
    bare = tells_all(row, value);
    snprintf(text + used, size - used, "%s%s%s%s", used ? ", " : "",
             bare ? "" : row->name, bare ? "" : " ", value);
}

void diff_list(char *text, size_t size, const struct settings *s,
               const struct settings *from)
{
    *text = '\0';
    for (int i = 0; i < settings_count; i++)
        if (settings_differ(s, from, &settings_table[i]))
            diff_add(text, size, s, &settings_table[i]);
}

void diff_savings(char *text, size_t size, const struct settings *s)
{
    struct settings nothing = *s;

    settings_save_nothing(&nothing);
    diff_list(text, size, s, &nothing);
    if (!*text)
        snprintf(text, size, "nothing saved");
}
