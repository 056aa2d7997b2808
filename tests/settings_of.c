#include "tests/settings_of.h"

#include <criterion/criterion.h>

void settings_add(struct settings *s, const char *const assignments[])
{
    struct error e;

    for (int i = 0; assignments && assignments[i]; i++)
        cr_assert(settings_assign(s, "test", assignments[i], &e), "%s",
                  e.text);
}

struct settings settings_of(const char *const assignments[])
{
    struct settings s;

    settings_init(&s);
    settings_add(&s, assignments);
    return s;
}
