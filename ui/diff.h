/*
 * What differs between settings, in words, and the question whether a run of
 * others shall begin: for pages that go from the present settings to others
 * in one step.
 */
#ifndef MEMDIAL_DIFF_H
#define MEMDIAL_DIFF_H

#include "screen.h"

enum { DIFF_TEXT_SIZE = 128 };

/* A value for people, as a dial shows it. */
void diff_value(const struct settings *, const struct setting *, char *text,
                size_t size);

/* Adds "fp16" or "microbatch 10" to a list with commas. */
void diff_add(char *text, size_t size, const struct settings *,
              const struct setting *);

/* Lists where `s` is other than `from`: "fp16, microbatch 10". */
void diff_list(char *text, size_t size, const struct settings *s,
               const struct settings *from);

/* Wants other settings, if they can follow in this run, and says so. If not,
 * asks for a new run, which diff_agreed() tells the answer to; false then. */
bool diff_go(struct screen *, const char *name, const struct settings *);

/* Asks that question. */
void diff_ask_for_run(struct screen *, const struct settings *);

/* Whether the answer to the question is yes. */
bool diff_agreed(const struct screen *);

#endif
