#include "tests/small_run.h"

#include <criterion/criterion.h>

static void assign(struct settings *s, const char *const assignments[])
{
    struct error e;

    for (int i = 0; assignments && assignments[i]; i++)
        cr_assert(settings_assign(s, "test", assignments[i], &e), "%s",
                  e.text);
}

struct trainer *small_run(const char *const base[], const char *const more[])
{
    struct settings settings;
    struct trainer *t;
    struct error e;

    settings_init(&settings);
    assign(&settings, base);
    assign(&settings, more);
    cr_assert(trainer_new(&t, &settings, &e), "%s", e.text);
    return t;
}
