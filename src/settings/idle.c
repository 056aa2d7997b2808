#include "settings/idle.h"

#include <stdio.h>
#include <string.h>

/* Idle with a value of another setting, or with any but that. */
enum company { WITH, WITHOUT };

static const struct rule {
    const char *name;
    enum company company;
    const char *other, *value;
} rules[] = {
    { "data_path", WITHOUT, "data", "cifar10" },
    { "nesterov", WITH, "momentum", "0" },
    { "sparse_method", WITH, "sparsity", "0" },
    { "master_weights", WITH, "precision", "fp32" },
    { "memory_budget", WITHOUT, "checkpoint", "optimal" },
    { "threads", WITHOUT, "backend", "cpu" },
    { "tf32", WITHOUT, "backend", "cuda" },
    { "tf32", WITHOUT, "precision", "fp32" },
};

enum { RULE_COUNT = sizeof(rules) / sizeof(rules[0]) };

static size_t describe(const struct rule *r, char *text, size_t size)
{
    return (size_t)snprintf(text, size, "%s %s=%s",
                            r->company == WITH ? "with" : "without", r->other,
                            r->value);
}

bool idle_ever(const struct setting *row, char when[IDLE_WHY_SIZE])
{
    size_t used = 0;

    for (int i = 0; i < RULE_COUNT; i++) {
        if (strcmp(rules[i].name, row->name) != 0)
            continue;
        if (used)
            used += (size_t)snprintf(when + used, IDLE_WHY_SIZE - used,
                                     " or ");
        used += describe(&rules[i], when + used, IDLE_WHY_SIZE - used);
    }
    return used > 0;
}

static bool holds(const struct rule *r, const struct settings *s)
{
    char value[SETTINGS_TEXT_SIZE];

    settings_format(s, settings_find(r->other), value, sizeof(value));
    return (strcmp(value, r->value) == 0) == (r->company == WITH);
}

bool idle_now(const struct setting *row, const struct settings *s,
              const struct machine *machine, char why[IDLE_WHY_SIZE])
{
    struct settings settled = machine_settle(machine, s);

    for (int i = 0; i < RULE_COUNT; i++)
        if (strcmp(rules[i].name, row->name) == 0 &&
            holds(&rules[i], &settled)) {
            describe(&rules[i], why, IDLE_WHY_SIZE);
            return true;
        }
    return false;
}

/* A default asks for nothing, and nor does a no. */
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
