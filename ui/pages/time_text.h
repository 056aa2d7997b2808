/*
 * The time of an optimizer step in words: as it was predicted, as a run has
 * measured it, and how far these are apart. Where nothing is known of the
 * worker's machine a roofline guesses, and the words say so.
 */
#ifndef MEMDIAL_TIME_TEXT_H
#define MEMDIAL_TIME_TEXT_H

#include "ui/session/session.h"
#include "ui/term/text_block.h"

enum { TIME_TEXT_SIZE = 96, TIME_GUESS_SIZE = 2 * ERROR_TEXT_SIZE };

/* "predicted 86.0 ms, measured 91.2 ms (-6%)", or what of it is known. The
 * forecast may be NULL; 0 seconds are not measured. */
const char *time_text(const struct forecast *, double measured,
                      char text[TIME_TEXT_SIZE]);

/* Adds "A step, mean: ...; the last ...", of the mean of an attempt's steps and
 * of the last one. */
void time_text_tell(struct text_block *, const struct attempt *);

/* The first of settings, which the latest run with them has measured. */
const char *time_text_of(const struct session *, const struct forecast *,
                         char text[TIME_TEXT_SIZE]);

/* Why times are guesses, and which command measures them; "" if they are none.
 */
const char *time_text_guess(const struct session *,
                            char text[TIME_GUESS_SIZE]);

#endif
