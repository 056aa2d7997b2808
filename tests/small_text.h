/*
 * Sets of translated text from a few small files.
 */
#ifndef MEMDIAL_TESTS_SMALL_TEXT_H
#define MEMDIAL_TESTS_SMALL_TEXT_H

#include "data/dataset.h"
#include "tests/text_folder.h"

/* A folder with three pairs for training and one for validation. Its
 * dictionaries have 10 and 9 tokens; their numbers follow from their counts. */
struct text_folder make_small(void);

/* The settings of that set with further assignments, NULL: none. */
struct settings settings_for(const struct text_folder *,
                             const char *const more[]);

struct dataset *open_with(const struct settings *);

/* The target tokens of a split's first part, as they are loaded; returns how
 * many there are, at most 4096. */
int load_labels(const struct dataset *, const struct settings *, enum split,
                int32_t *labels);

/* The target text of a pair. */
const char *reference_of(const struct dataset *, enum split, int pair);

/* A message, in which the folder's path is @; valid until the next call. */
const char *message_of(const struct text_folder *, const struct error *);

/* Expects that the set is refused, by a message that begins with `said` and
 * goes on with something to do. */
void expect_refused(const struct text_folder *, const struct settings *,
                    const char *said);

#endif
