/*
 * Whether the sanitizers watch. They slow a test down ten times, and see as
 * much in little work as in much.
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
