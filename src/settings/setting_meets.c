#include "settings/setting_meets.h"

#include "settings/settings_json.h"

bool setting_meets(const struct settings *s, const struct setting *row,
                   const struct condition *c)
{
    char text[SETTINGS_TEXT_SIZE];
    json_t *value = settings_json_value(s, row);
    bool meets;

    settings_format(s, row, text, sizeof(text));
    meets = json_is_number(value)
                ? condition_meets_number(c, json_number_value(value), text)
                : condition_meets_text(c, text);
    json_decref(value);
    return meets;
}
