/*
 * A session as it is after some minutes, with made-up events and real plans,
 * for tests of frames.
 */
#ifndef TESTS_SAMPLE_H
#define TESTS_SAMPLE_H

#include "ui/pages/screen.h"

/* The machine of its worker: one processor and no device. */
extern const struct machine sample_machine;

/* Keeps out the settings and presets of the person who runs the tests. */
void sample_init(struct session *);

/* The same of a translator: quick-translate, with BLEU every other epoch. */
void sample_init_translator(struct session *);

/* Answers all open questions at once. */
void sample_plan(struct session *);

/* Says that a run begins, or goes on after `step` steps. */
void sample_start(struct session *, const char *preset,
                  const struct settings *, int64_t step);

/* Sends the events of `epochs` epochs, of ten steps each. */
void sample_train(struct session *, int epochs);

/* Changes a setting as a person and a worker would. */
void sample_apply(struct session *, const char *assignment);

/* Searches for settings within a budget, to the end. */
void sample_fit(struct session *, size_t budget);

/* Shows a frame of a page; the caller frees the text. */
char *sample_frame(struct session *, enum page_id, int pane, int rows,
                   int cols, enum glyphs);

#endif
