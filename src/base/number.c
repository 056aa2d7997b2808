#include "base/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond these, digits of a double mean nothing, or decimals show none. */
static const double most_fixed = 1e15, least_fixed = 1e-15;

static bool put_word(char *text, double value)
{
    if (isfinite(value))
        return false;
    strcpy(text, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
    return true;
}

static bool fits_cells(const char *text, int cells)
{
    return (int)strlen(text) <= cells;
}

/* "1.200e+06" to "1.2e6". */
static void shorten_power(char *text)
{
    char *e = strchr(text, 'e'), *end = e;
    int power;

    if (!e)
        return;
    power = atoi(e + 1);
    while (strchr(text, '.') < e && strchr(text, '.') && end[-1] == '0')
        end--;
    if (end[-1] == '.')
        end--;
    snprintf(end, NUMBER_SIZE - (size_t)(end - text), "e%d", power);
}

/* A number below 1 without room for a power of ten becomes 0. */
static const char *put_power(char *text, double value, int cells)
{
    for (int digits = 3; digits >= 0; digits--) {
        snprintf(text, NUMBER_SIZE, "%.*e", digits, value);
        shorten_power(text);
        if (fits_cells(text, cells))
            return text;
    }
    return strcpy(text, fabs(value) < 1 ? "0" : "#");
}

const char *number_group(char text[NUMBER_SIZE])
{
    char digits[NUMBER_SIZE], *to = text;
    int n = (int)strlen(strcpy(digits, text));

    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0 && digits[i - 1] != '-')
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

static const char *put_whole(char *text, int cells)
{
    char grouped[NUMBER_SIZE];

    number_group(strcpy(grouped, text));
    return fits_cells(grouped, cells) ? strcpy(text, grouped) : text;
}

const char *number_format(char text[NUMBER_SIZE], double value, int decimals,
                          int cells)
{
    double size = fabs(value);
    int least; /* decimals without which only zeros would be left */

    if (put_word(text, value))
        return text;
    if (value != 0 && (size >= most_fixed || size < least_fixed))
        return put_power(text, value, cells);
    least = value != 0 && size < 1 ? -(int)floor(log10(size)) : 0;
    for (int d = decimals > least ? decimals : least; d >= least; d--) {
        snprintf(text, NUMBER_SIZE, "%.*f", d, value);
        if (fits_cells(text, cells))
            return d == 0 ? put_whole(text, cells) : text;
    }
    return put_power(text, value, cells);
}

const char *number_round(char text[NUMBER_SIZE], double value, int digits,
                         int cells)
{
    if (put_word(text, value))
        return text;
    for (; digits > 0; digits--) {
        snprintf(text, NUMBER_SIZE, "%.*g", digits, value);
        shorten_power(text);
        if (fits_cells(text, cells))
            return text;
    }
    return put_power(text, value, cells);
}

const char *number_percent(char text[NUMBER_SIZE], double fraction,
                           int decimals)
{
    number_format(text, 100 * fraction, decimals, NUMBER_CELLS_MIN);
    return isfinite(fraction) ? strcat(text, "%") : text;
}

double number_step(double range, int most)
{
    static const double digits[] = { 1, 2, 5 };
    double least = range / (most > 1 ? most : 1);
    double power = pow(10, floor(log10(least)));

    for (int i = 0; i < 3; i++)
        if (digits[i] * power >= least * (1 - 1e-9))
            return digits[i] * power;
    return 10 * power;
}

int number_change(char text[NUMBER_SIZE], double from, double to)
{
    double percent = round(1000 * (to / from - 1)) / 10;
    char size[NUMBER_SIZE];

    if (to == from || from == 0) {
        strcpy(text, to == from ? "=" : "new");
        return to > from;
    }
    number_format(size, fabs(percent), 1, NUMBER_CELLS_MIN);
    strcpy(text, to < from ? "-" : "+");
    strcat(strcat(text, size), "%");
    return percent > 0 ? 1 : percent < 0 ? -1 : 0;
}
