/*
 * Whether the sanitizers watch. They see the same in little work as in much, of
 * which theirs takes ten times as long.
 */
#ifndef MEMDIAL_TESTS_SANITIZED_H
#define MEMDIAL_TESTS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
