/* Arguments of --set, one a line. */
#include <stdint.h>

#include "tests/fuzz_settings.h"

static void assign(struct settings *s, const char *assignment)
{
    struct settings before = *s;
    struct error e = { .text = "" };

    if (settings_assign(s, "--set", assignment, &e))
        return;
    require(e.text[0] != '\0', "what is refused is refused with a reason");
    require(memcmp(&before, s, sizeof(before)) == 0, "and changes nothing");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *rest = text, *line;
    struct settings s;

    settings_init(&s);
    while ((line = strsep(&rest, "\n")))
        assign(&s, line);
    check_settings(&s);
    free(text);
    return 0;
}
