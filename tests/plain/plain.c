/*
 * Runs the tests of the suites that are named, in this process. Prints TAP.
 */
#include <criterion/criterion.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct plain_test *tests;
static jmp_buf leave;
static long failed;

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

void plain_leave(void)
{
    longjmp(leave, 1);
}

/* Whether all that the test checks holds. */
static bool run(const struct plain_test *test)
{
    failed = 0;
    if (setjmp(leave) == 0)
        test->run();
    return failed == 0;
}

int main(int argc, char **argv)
{
    int count = 0, bad = 0;

    for (int i = 1; i < argc; i++)
        for (struct plain_test *t = tests; t; t = t->next) {
            bool ok;
            if (strcmp(t->suite, argv[i]) != 0)
                continue;
            ok = run(t);
            bad += !ok;
            printf("%sok %d - %s::%s\n", ok ? "" : "not ", ++count, t->suite,
                   t->name);
            fflush(stdout);
        }
    printf("1..%d\n", count);
    return bad > 0 || count == 0;
}
