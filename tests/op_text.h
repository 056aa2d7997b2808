/*
 * Packed sentences in shapes of operations: their rows and their ends.
 */
#ifndef MEMDIAL_TESTS_OP_TEXT_H
#define MEMDIAL_TESTS_OP_TEXT_H

#include "tests/op_describe.h"

/* A shape's sentences in the source language, by their tokens. */
#define SOURCE(...) \
    .source = { __VA_ARGS__ }, \
    .sentences = sizeof((int[]){ __VA_ARGS__ }) / sizeof(int)

/* A language of the sentences. */
enum side { SIDE_SOURCE, SIDE_TARGET };

/* The tokens of all sentences of a shape. */
int text_rows(const struct shape *, enum side);

/* (rows, columns) in the storage type; the sentences' ends, an int32 each. */
void shape_text(struct problem *, int slot, enum side, int columns);
void shape_ends(struct problem *, int slot);

/* Writes where each sentence ends. */
void prepare_ends(struct problem *, int slot, enum side);

/* By the ends that a reference gets: the sentence of a row; the row where a
 * sentence begins. */
int text_sentence(const struct exact *ends, int row);
int text_begin(const struct exact *ends, int sentence);

#endif
