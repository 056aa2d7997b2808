#include "sweep/sweep_list.h"

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
    if (sweep_is_file(word))
        return error_set(e, EXIT_INPUT, "%s: '%.100s' is a file of the sweep; "
                         "give the run another name", where, word);
    return !name_is_taken(s, word) ||
           error_set(e, EXIT_INPUT, "%s: another line is called '%.100s' "
                     "already", where, word);
}

static bool is_in_over(const struct sweep_request *r, const char *name)
{
    for (int i = 0; i < r->over_count; i++)
        if (strcspn(r->over[i], "=") == strlen(name) &&
            strncmp(r->over[i], name, strlen(name)) == 0)
            return true;
    return false;
}

/* Takes a word "a=1", and cuts it to the name of the setting. given[i]: the
 * line has the setting i already. */
static bool take_setting(const struct sweep *s, struct settings *settings,
                         const char *where, char *word, bool *given,
                         struct error *e)
{
    long i;

    if (!settings_assign(settings, where, word, e))
        return false;
    word[strcspn(word, "=")] = '\0';
    i = settings_find(word) - settings_table;
    if (given[i])
        return error_set(e, EXIT_INPUT, "%s: %s is there twice; give it one "
                         "value", where, word);
    given[i] = true;
    return !s->request->list || !is_in_over(s->request, word) ||
           error_set(e, EXIT_INPUT, "%s: %s is in --over too; leave it out of "
                     "one of them", where, word);
}

/* Takes the settings of a line. They are the name of the run as well, unless it
 * has one. */
static bool take_settings(const struct sweep *s, struct sweep_run *run,
                          const char *where, char *word, char *rest,
                          struct error *e)
{
    bool *given = xcalloc((unsigned long)settings_count, sizeof(*given));
    bool named = *run->text, ok = true;

    for (; ok && word; word = next_list_word(&rest)) {
        ok = take_setting(s, &run->settings, where, word, given, e);
        if (ok && !named)
            sweep_extend_name(run, word);
    }
    free(given);
    return ok;
}

/* Reads "NAME: a=1 b=2"; without the name it is called by its settings. */
static bool read_list_line(struct sweep *s, const char *where, char *line,
                           struct error *e)
{
    char *rest = line, *word = next_list_word(&rest);
    bool named = word && word[strlen(word) - 1] == ':';

    if (!word || *word == '#')
        return true;
    if (named && !take_line_name(s, where, word, e))
        return false;
    sweep_add(s, &s->base, named ? word : "");
    if (named)
        word = next_list_word(&rest);
    return take_settings(s, &s->runs[s->count - 1], where, word, rest, e);
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
