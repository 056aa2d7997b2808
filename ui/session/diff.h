/*
 * Differences between settings, in words.
 */
#ifndef MEMDIAL_DIFF_H
#define MEMDIAL_DIFF_H

#include "plan/dial.h"

enum { DIFF_TEXT_SIZE = 128 };

/* A value for people, as a dial shows it. */
void diff_value(const struct settings *, const struct setting *, char *text,
                size_t size);

/* Adds "fp16" or "microbatch 10" to a list with commas. */
void diff_add(char *text, size_t size, const struct settings *,
              const struct setting *);

/* Lists the settings of `s` that differ from `from`: "fp16, microbatch 10". */
void diff_list(char *text, size_t size, const struct settings *s,
               const struct settings *from);

/* Lists the settings that save memory: "fp16, microbatch 10", or "nothing
 * saved". */
void diff_savings(char *text, size_t size, const struct settings *);

#endif
