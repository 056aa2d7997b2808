/*
 * Settings as JSON. The seed is an unsigned 64-bit number and JSON integers
 * are signed here, so one above 2^63 - 1 is written as text.
 */
#include <inttypes.h>

#include "settings_json.h"

static json_t *unsigned_json(uint64_t value)
{
    return value <= INT64_MAX ? json_integer((json_int_t)value) :
                                json_sprintf("%" PRIu64, value);
}

json_t *settings_json_value(const struct settings *s,
                            const struct setting *row)
{
    const void *value = (const char *)s + row->offset;
    char text[SETTINGS_TEXT_SIZE];

    switch (row->type) {
    case SETTING_INT:
        return json_integer(*(const int *)value);
    case SETTING_UINT64:
    case SETTING_BYTES:
        return unsigned_json(*(const uint64_t *)value);
    case SETTING_REAL:
        return json_real(*(const double *)value);
    case SETTING_BOOL:
        return json_boolean(*(const bool *)value);
    case SETTING_CHOICE:
    case SETTING_TEXT:
        break;
    }
    settings_format(s, row, text, sizeof(text));
    return json_string(text);
}

json_t *settings_json(const struct settings *s)
{
    json_t *object = json_object();

    for (int i = 0; i < settings_count; i++)
        json_object_set_new(object, settings_table[i].name,
                            settings_json_value(s, &settings_table[i]));
    return object;
}
