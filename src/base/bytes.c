/*
 * Bytes to text and back. A figure has at most four digits, and just below a
 * unit it is not printed as 1024 of the smaller unit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"

static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB",
                                     "EiB" };

enum { UNIT_COUNT = sizeof(units) / sizeof(units[0]) };

const char *bytes_format(char *text, size_t size, uint64_t bytes)
{
    double value = (double)bytes;
    int unit = 0;

    while (unit + 1 < UNIT_COUNT && value >= (unit ? 1023.5 : 1024)) {
        value /= 1024;
        unit++;
    }
    snprintf(text, size, "%.*f %s",
             unit == 0         ? 0
             : value < 9.995  ? 2
             : value < 999.95 ? 1 : 0, value, units[unit]);
    return text;
}

const char *bytes_exact(char text[BYTES_EXACT_SIZE], uint64_t bytes)
{
    char rounded[BYTES_TEXT_SIZE];

    bytes_format(rounded, sizeof(rounded), bytes);
    if (bytes < 1024)
        snprintf(text, BYTES_EXACT_SIZE, "%s", rounded);
    else
        snprintf(text, BYTES_EXACT_SIZE, "%s (%llu bytes)", rounded,
                 (unsigned long long)bytes);
    return text;
}

static bool find_unit(const char *text, int *unit)
{
    for (*unit = 0; *unit < UNIT_COUNT; (*unit)++)
        if (strcasecmp(text, units[*unit]) == 0)
            return true;
    *unit = 0;
    return *text == '\0';
}

bool bytes_parse(const char *text, uint64_t *bytes)
{
    size_t digits = strspn(text, "0123456789.");
    char *end;
    long double value; /* has all 64 bits of a plain integer */
    int unit;

    if (digits == 0)
        return false;
    value = strtold(text, &end);
    if (end != text + digits)
        return false;
    if (!find_unit(end + strspn(end, " "), &unit))
        return false;
    for (int i = 0; i < unit; i++)
        value *= 1024;
    if (value >= 0x1p64L)
        return false;
    *bytes = (uint64_t)value;
    return true;
}
