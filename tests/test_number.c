/* Numbers in fields: their text, and that it is never wider than its field. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

static void check(double value, int decimals, int cells, const char *expected)
{
    char text[NUMBER_SIZE];

    cr_expect_str_eq(number_format(text, value, decimals, cells), expected);
}

Test(number, format)
{
    check(0, 4, 7, "0.0000");
    check(2.30258, 4, 7, "2.3026");
    check(-2.30258, 4, 7, "-2.3026");
    check(123.456789, 4, 7, "123.457");
    check(1234567.8, 4, 7, "1234568");
    check(12345678.9, 4, 7, "1.235e7");
    check(1e30, 4, 7, "1e30");
    check(-1.5e300, 4, 8, "-1.5e300");
    check(-1.5e300, 4, 7, "-2e300");
    check(1.23456e-7, 4, 7, "1.23e-7");
    check(0.00002, 2, 7, "0.00002");
    check(NAN, 4, 6, "nan");
    check(INFINITY, 4, 6, "inf");
    check(-INFINITY, 4, 6, "-inf");
    check(1250, 0, 7, "1,250");
    check(-123456, 0, 8, "-123,456");
    check(1234567, 0, 7, "1234567");
    check(1e9, 0, 7, "1e9");
    check(0.003, 0, 7, "0.003");
    check(99.995, 2, 6, "100.00");
    check(999999.7, 2, 6, "1e6");
    check(5e-324, 2, 6, "5e-324");
    check(-5e-324, 2, 6, "0");
}

/* A double of random bits, or a random one just below a power of ten. */
static double any_double(unsigned *random)
{
    uint64_t bits = 0;
    double value;

    for (int i = 0; i < 8; i++) {
        *random = *random * 1103515245u + 12345u;
        bits = bits << 8 | (*random >> 16 & 0xff);
    }
    memcpy(&value, &bits, sizeof(value));
    if (*random & 1 << 20)
        value = pow(10, (int)(bits % 40) - 20) * (1 - ldexp(1, -53));
    return *random & 1 << 21 ? -value : value;
}

static void expect_near(const char *text, double value, int cells)
{
    char digits[NUMBER_SIZE], *to = digits;

    for (const char *from = text; *from; from++)
        if (*from != ',')
            *to++ = *from;
    *to = '\0';
    if (isnan(value) || isinf(strtod(digits, NULL)) || strcmp(text, "0") == 0)
        return;
    cr_expect(strtod(digits, NULL) == value ||
                  fabs(strtod(digits, NULL) / value - 1) < 0.51,
              "%.17g in %d cells: '%s'", value, cells, text);
}

Test(number, is_never_wider_than_its_field)
{
    unsigned random = 1;

    for (int i = 0; i < 20000; i++) {
        int cells = NUMBER_CELLS_MIN + i % (NUMBER_CELLS_MAX -
                                            NUMBER_CELLS_MIN + 1);
        double value = any_double(&random), other = any_double(&random);
        char text[NUMBER_SIZE];

        number_format(text, value, i % 5, cells);
        cr_assert_leq(strlen(text), (size_t)cells, "%.17g: '%s'", value,
                      text);
        expect_near(text, value, cells);
        number_round(text, value, 1 + i % 6, cells);
        cr_assert_leq(strlen(text), (size_t)cells, "%.17g: '%s'", value,
                      text);
        expect_near(text, value, cells);
        number_percent(text, value, 2);
        cr_assert_leq(strlen(text), 7, "%.17g: '%s'", value, text);
        number_change(text, value, other);
        cr_assert_leq(strlen(text), 8, "%.17g: '%s'", value, text);
    }
}

static void check_change(double from, double to, const char *expected,
                         int sign)
{
    char text[NUMBER_SIZE];

    cr_expect_eq(number_change(text, from, to), sign, "%s", expected);
    cr_expect_str_eq(text, expected);
}

Test(number, change)
{
    check_change(2, 1, "-50.0%", -1);
    check_change(1, 8, "+700.0%", 1);
    check_change(3, 3, "=", 0);
    check_change(0, 3, "new", 1);
    check_change(10000, 10001, "+0.0%", 0);
    check_change(10000, 9999, "-0.0%", 0);
    check_change(10000, 9990, "-0.1%", -1);
    check_change(1, 1e12, "+1e14%", 1);
}

static void check_duration(double seconds, const char *expected)
{
    char text[TEXT_DURATION_SIZE];

    cr_expect_str_eq(text_duration(text, seconds), expected);
}

Test(number, duration)
{
    check_duration(0, "0:00");
    check_duration(59.6, "1:00");
    check_duration(3661, "1:01:01");
    check_duration(359999, "99:59:59");
    check_duration(360000, "4 days");
    check_duration(1e7, "115 days");
    check_duration(1e30, "years");
    check_duration(INFINITY, "years");
    check_duration(NAN, "?");
    check_duration(-1e30, "0:00");
}
