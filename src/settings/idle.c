#include "settings/idle.h"

#include <stdio.h>
#include <string.h>

static size_t describe(const struct idle_rule *r, char *text, size_t size)
{
    return (size_t)snprintf(text, size, "%s %s=%s",
                            r->company == IDLE_WITH ? "with" : "without",
                            r->other, r->value);
}

bool idle_ever(const struct setting *row, char when[IDLE_WHY_SIZE])
{
    size_t used = 0;

    for (int i = 0; i < IDLE_RULES_MAX && row->idle[i].other; i++) {
        if (used)
            used += (size_t)snprintf(when + used, IDLE_WHY_SIZE - used,
                                     " or ");
        used += describe(&row->idle[i], when + used, IDLE_WHY_SIZE - used);
    }
    return used > 0;
}

static bool holds(const struct idle_rule *r, const struct settings *s)
{
    char value[SETTINGS_TEXT_SIZE];

    settings_format(s, settings_find(r->other), value, sizeof(value));
    return (strcmp(value, r->value) == 0) == (r->company == IDLE_WITH);
}

bool idle_now(const struct setting *row, const struct settings *s,
              const struct machine *machine, char why[IDLE_WHY_SIZE])
{
    struct settings settled = machine_settle(machine, s);

    /* A rule is for all devices of a backend. */
    settled.backend[strcspn(settled.backend, ":")] = '\0';
    for (int i = 0; i < IDLE_RULES_MAX && row->idle[i].other; i++)
        if (holds(&row->idle[i], &settled)) {
            describe(&row->idle[i], why, IDLE_WHY_SIZE);
            return true;
        }
    return false;
}

/* A setting at its default asks for nothing, and neither does a no. */
static bool is_asked_for(const struct setting *row, const struct settings *s)
{
    struct settings initial;
    char value[SETTINGS_TEXT_SIZE];

    settings_init(&initial);
    settings_format(s, row, value, sizeof(value));
    return settings_differ(s, &initial, row) && strcmp(value, "no") != 0;
}

bool idle_warning(const struct setting *row, const struct settings *before,
                  const struct settings *after, const struct machine *machine,
                  char text[IDLE_TEXT_SIZE])
{
    char why[IDLE_WHY_SIZE], value[SETTINGS_TEXT_SIZE];
    bool was = before && !settings_differ(before, after, row) &&
               idle_now(row, before, machine, why);

    if (was || !is_asked_for(row, after) ||
        !idle_now(row, after, machine, why))
        return false;
    settings_format(after, row, value, sizeof(value));
    snprintf(text, IDLE_TEXT_SIZE, "%s=%s has no effect %s", row->name, value,
             why);
    return true;
}
