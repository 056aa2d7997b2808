/* The text of a preset, by an unknown author. */
#include <stdint.h>

#include "settings/preset.h"
#include "tests/fuzz_settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = { .text = "" };
    struct preset preset;

    if (preset_parse(&preset, "x.yaml", (const char *)data, size, &e)) {
        require(strlen(preset.description) < PRESET_DESCRIPTION_SIZE &&
                    !strchr(preset.description, '\n'),
                "a description is one line");
        check_settings(&preset.settings);
    } else {
        require(e.text[0] != '\0', "what is refused is refused with a reason");
    }
    return 0;
}
