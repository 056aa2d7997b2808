#include "json_print.h"

#include <stdio.h>
#include <stdlib.h>

#include "error.h"

void json_print(json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(value);
}

json_t *json_text(const char *text)
{
    json_t *string = json_string(text);
    char *ascii;

    if (string)
        return string;
    ascii = xstrdup(text);
    for (char *c = ascii; *c; c++)
        if (*c & 0x80)
            *c = '?';
    string = json_string(ascii);
    free(ascii);
    return string;
}
