/*
 * A line that is typed, with the usual keys: arrows, Home, End, Delete, and
 * Ctrl with A, E, B, F, D, H, K, U and W.
 */
#ifndef MEMDIAL_PROMPT_H
#define MEMDIAL_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "ui/term/cells.h"

/* Carries out a key in text[size], with the cursor before byte *at. A character
 * that does not fit is left out, and so are keys without a meaning. */
void prompt_key(char *text, size_t size, size_t *at, int key);

/* Whether a key is a character that is written. */
bool prompt_writes(int key);

/* Draws it from a column to the end of a row, so that the cursor is seen. Text
 * that the next character replaces is marked. */
void prompt_draw(struct area, int row, int col, const char *text, size_t at,
                 bool replaced);

#endif
