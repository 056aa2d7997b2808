/*
 * Runs the tests of the suites that are named, or those named as suite/test, in
 * this process. Prints TAP. If all tests were skipped, nothing was tested, and
 * that is a failure too.
 */
#include <criterion/criterion.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct plain_test *tests;
static jmp_buf leave;
static long failed;
static bool skipped;

void plain_add(struct plain_test *test)
{
    test->next = tests;
    tests = test;
}

bool plain_check(bool holds, const char *file, int line, const char *format,
                 ...)
{
    va_list args;

    if (holds)
        return true;
    failed++;
    printf("# %s:%d: ", file, line);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    return false;
}

void plain_skip(const char *format, ...)
{
    va_list args;

    skipped = true;
    printf("# ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    plain_leave();
}

void plain_leave(void)
{
    longjmp(leave, 1);
}

/* Whether all that the test checks holds. */
static bool run(const struct plain_test *test)
{
    failed = 0;
    skipped = false;
    if (setjmp(leave) == 0)
        test->run();
    return failed == 0;
}

/* Whether a name is that of a test's suite, or its own. */
static bool is_named(const struct plain_test *test, const char *name)
{
    size_t n = strlen(test->suite);

    if (strncmp(name, test->suite, n) != 0)
        return false;
    return name[n] == '\0' ||
           (name[n] == '/' && strcmp(name + n + 1, test->name) == 0);
}

int main(int argc, char **argv)
{
    int count = 0, bad = 0, tested = 0;

    for (int i = 1; i < argc; i++)
        for (struct plain_test *t = tests; t; t = t->next) {
            bool ok;
            if (!is_named(t, argv[i]))
                continue;
            ok = run(t);
            bad += !ok;
            tested += !skipped;
            printf("%sok %d - %s::%s%s\n", ok ? "" : "not ", ++count,
                   t->suite, t->name, skipped ? " # SKIP" : "");
            fflush(stdout);
        }
    printf("1..%d\n", count);
    if (tested == 0)
        printf("# nothing was tested\n");
    return bad > 0 || tested == 0;
}
