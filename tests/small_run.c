#include "tests/small_run.h"

#include <criterion/criterion.h>

#include "tests/settings_of.h"

struct trainer *small_run(const char *const base[], const char *const more[])
{
    struct settings settings = settings_of(base);
    struct trainer *t;
    struct error e;

    settings_add(&settings, more);
    cr_assert(trainer_new(&t, &settings, &e), "%s", e.text);
    return t;
}
