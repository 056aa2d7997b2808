/* Bytes as text, and back. */
#include <criterion/criterion.h>

#include "base/bytes.h"

static void check_format(uint64_t bytes, const char *expected)
{
    char text[BYTES_TEXT_SIZE];

    cr_expect_str_eq(bytes_format(text, sizeof(text), bytes), expected);
}

Test(bytes, format)
{
    check_format(0, "0 B");
    check_format(1, "1 B");
    check_format(1023, "1023 B");
    check_format(1024, "1.00 KiB");
    check_format(1536, "1.50 KiB");
    check_format(24 * 1024, "24.0 KiB");
    check_format(1024 * 1024 - 1, "1.00 MiB");
    check_format(399862272, "381.3 MiB");
    check_format(1023896, "999.9 KiB");
    check_format(1041203, "1017 KiB");
    check_format(1048063, "1023 KiB");
    check_format(1048065, "1.00 MiB");
    check_format(UINT64_C(3) << 40, "3.00 TiB");
    check_format(UINT64_MAX, "16.0 EiB");
}

static void check_parse(const char *text, uint64_t expected)
{
    uint64_t bytes = 12345;

    cr_expect(bytes_parse(text, &bytes), "'%s' should be read", text);
    cr_expect_eq(bytes, expected, "'%s' gave %ju", text, (uintmax_t)bytes);
}

Test(bytes, exact)
{
    char text[BYTES_EXACT_SIZE];

    cr_expect_str_eq(bytes_exact(text, 1023), "1023 B");
    cr_expect_str_eq(bytes_exact(text, 1024), "1.00 KiB (1024 bytes)");
    cr_expect_str_eq(bytes_exact(text, 211200), "206.2 KiB (211200 bytes)");
    cr_expect_str_eq(bytes_exact(text, UINT64_MAX),
                     "16.0 EiB (18446744073709551615 bytes)");
}

Test(bytes, parse)
{
    check_parse("0", 0);
    check_parse("8388608", 8388608);
    check_parse("8MiB", 8388608);
    check_parse("8 MiB", 8388608);
    check_parse("8mib", 8388608);
    check_parse("1.5KiB", 1536);
    check_parse("2GiB", UINT64_C(2) << 30);
    check_parse("12 B", 12);
    check_parse("18446744073709551615", UINT64_MAX);
}

Test(bytes, parse_refuses)
{
    static const char *const bad[] = {
        "", " ", "MiB", "-1", "+1", "8MB", "8M", "8 MiB ", " 8", "1e3",
        "0x10", "nan", "inf", "1..2", ".", "18446744073709551616",
        "16777216TiB", "8MiBMiB"
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t bytes = 12345;

        cr_expect(!bytes_parse(bad[i], &bytes), "'%s' was read", bad[i]);
        cr_expect_eq(bytes, 12345, "'%s' changed the value", bad[i]);
    }
}
