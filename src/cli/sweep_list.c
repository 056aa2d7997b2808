#include "cli/sweep_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { LIST_MAX = 1 << 20 /* bytes of a file */, WHERE_SIZE = 1100 };

/* The words of a line, one after another, from *rest on; NULL after the last.
 */
static char *next_list_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t\r");

    if (!*word)
        return NULL;
    *rest = word + strcspn(word, " \t\r");
    if (**rest)
        *(*rest)++ = '\0';
    return word;
}

static bool name_is_taken(const struct sweep *s, const char *text)
{
    for (int i = 0; i < s->count; i++)
        if (strcmp(s->runs[i].text, text) == 0)
            return true;
    return false;
}

/* Takes "all:", the name of a line, off its word. */
static bool take_line_name(const struct sweep *s, const char *where,
                           char *word, struct error *e)
{
    word[strlen(word) - 1] = '\0';
    if (!archive_check_name(where, word, e))
        return false;
    return !name_is_taken(s, word) ||
           error_set(e, EXIT_INPUT, "%s: another line is called '%.100s' "
                     "already", where, word);
}

/* Reads "NAME: a=1 b=2"; without the name it is called by its settings. */
static bool read_list_line(struct sweep *s, const char *where, char *line,
                           struct error *e)
{
    char *rest = line, *word = next_list_word(&rest);
    bool named = word && word[strlen(word) - 1] == ':';
    struct sweep_run *run;

    if (!word || *word == '#')
        return true;
    if (named && !take_line_name(s, where, word, e))
        return false;
    sweep_add(s, &s->base, named ? word : "");
    run = &s->runs[s->count - 1];
    for (word = named ? next_list_word(&rest) : word; word;
         word = next_list_word(&rest)) {
        if (!settings_assign(&run->settings, where, word, e))
            return false;
        word[strcspn(word, "=")] = '\0';
        if (!named)
            sweep_extend_name(run, word);
    }
    return true;
}

static bool read_lines(struct sweep *s, const char *path, char *text,
                       struct error *e)
{
    int number = 0;

    for (char *line = text, *end; line; line = end) {
        char where[WHERE_SIZE];

        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        snprintf(where, sizeof(where), "%.1024s:%d", path, ++number);
        if (!read_list_line(s, where, line, e))
            return false;
    }
    return s->count > 0 ||
           error_set(e, EXIT_INPUT, "%s: no line has settings, as "
                     "sparsity=0.7 precision=bf16", path);
}

bool sweep_list_read(struct sweep *s, const char *path, struct error *e)
{
    size_t bytes;
    char *text = file_read(path, LIST_MAX, &bytes, e);
    bool ok;

    if (!text)
        return false;
    ok = strlen(text) == bytes
             ? read_lines(s, path, text, e)
             : error_set(e, EXIT_INPUT, "%s: not text: it has a zero byte",
                         path);
    free(text);
    return ok;
}
