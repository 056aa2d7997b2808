/*
 * The part of Criterion that the tests of operations and of CUDA use, for
 * programs that run them one after the other in one process. Criterion starts a
 * process for each test. That process would run on the machine's own processor,
 * and not on the one that QEMU emulates for its parent; on a device it would
 * take a second to begin; and Criterion's libraries are not on every machine.
 */
#ifndef MEMDIAL_PLAIN_CRITERION_H
#define MEMDIAL_PLAIN_CRITERION_H

#include <stdbool.h>
#include <stddef.h>

struct plain_test {
    const char *suite, *name;
    void (*run)(void);
    struct plain_test *next;
};

void plain_add(struct plain_test *);

/* Counts a check; says where and why one failed. Returns whether it holds. */
bool plain_check(bool holds, const char *file, int line, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* Ends the test that runs; a skipped one says why. */
void plain_leave(void) __attribute__((noreturn));
void plain_skip(const char *format, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

#pragma GCC diagnostic ignored "-Wformat-zero-length"

#define Test(suite_, name_, ...) PLAIN_TEST(suite_, name_)
#define PLAIN_TEST(suite_, name_) \
    static void suite_##_##name_##_run(void); \
    __attribute__((constructor)) static void suite_##_##name_##_add(void) \
    { \
        static struct plain_test test = { #suite_, #name_, \
                                          suite_##_##name_##_run, NULL }; \
        plain_add(&test); \
    } \
    static void suite_##_##name_##_run(void)

#define cr_expect(holds, ...) \
    plain_check((holds) ? true : false, __FILE__, __LINE__, "" __VA_ARGS__)
#define cr_assert(holds, ...) \
    (cr_expect(holds, __VA_ARGS__) ? (void)0 : plain_leave())
#define cr_expect_eq(a, b, ...) cr_expect((a) == (b), __VA_ARGS__)
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b), __VA_ARGS__)
#define cr_expect_leq(a, b, ...) cr_expect((a) <= (b), __VA_ARGS__)
#define cr_expect_geq(a, b, ...) cr_expect((a) >= (b), __VA_ARGS__)
#define cr_expect_gt(a, b, ...) cr_expect((a) > (b), __VA_ARGS__)
#define cr_expect_lt(a, b, ...) cr_expect((a) < (b), __VA_ARGS__)
#define cr_expect_not(a, ...) cr_expect(!(a), __VA_ARGS__)
#define cr_assert_not(a, ...) cr_assert(!(a), __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) \
    cr_expect(strcmp(a, b) == 0, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) cr_assert((a) > (b), __VA_ARGS__)
#define cr_assert_not_null(a, ...) cr_assert((a) != NULL, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, n, ...) \
    cr_expect(memcmp(a, b, n) == 0, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...) \
    cr_assert(memcmp(a, b, n) == 0, __VA_ARGS__)
#define cr_expect_fail(...) cr_expect(false, __VA_ARGS__)
#define cr_skip_test(...) plain_skip(__VA_ARGS__)

#endif
