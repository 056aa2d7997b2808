#include "diff.h"

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

/* Whether a value says by itself which setting it is of. */
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

/* Asks for a new run on account of what cannot change in this one. */
void diff_ask_for_run(struct screen *s, const struct settings *settings)
{
    const struct setting *first = NULL;
    char question[DIFF_TEXT_SIZE], more[32] = "";
    int others = -1;

    for (int i = settings_count - 1; i >= 0; i--) {
        const struct setting *row = &settings_table[i];
        if (row->live ||
            !settings_differ(&s->session->in_force, settings, row))
            continue;
        first = row;
        others++;
    }
    if (others > 0)
        snprintf(more, sizeof(more), " and %d other%s", others,
                 others > 1 ? "s" : "");
    snprintf(question, sizeof(question),
             "new run%s%s%s? Enter: yes, Esc: no", first ? " for " : "",
             first ? first->name : "", more);
    screen_ask(s, question, "");
}

bool diff_go(struct screen *s, const char *name,
             const struct settings *settings)
{
    struct session *session = s->session;
    bool locked = session->locked;

    if (settings_same(&session->wanted, settings)) {
        if (session_pending(session))
            session->asks |= SESSION_ASK_APPLY;
        else
            session_say(session, NOTICE_INFO,
                        "%s: these are the current settings", name);
        return true;
    }
    if (!settings_can_follow(&session->in_force, settings, NULL)) {
        diff_ask_for_run(s, settings);
        return false;
    }
    session_want(session, settings);
    session_say(session, NOTICE_INFO, "took %s%s", name,
                locked ? "; Enter applies" : "");
    return true;
}

bool diff_agreed(const struct screen *s)
{
    return s->answer[0] == '\0' || s->answer[0] == 'y' ||
           s->answer[0] == 'Y';
}
