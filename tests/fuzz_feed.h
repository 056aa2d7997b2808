/*
 * The properties of the reader that must hold for any output of a worker, for
 * libFuzzer and for the test that feeds mutations of good streams.
 */
#ifndef MEMDIAL_FUZZ_FEED_H
#define MEMDIAL_FUZZ_FEED_H

#include <stddef.h>
#include <stdint.h>

/* The first byte decides the pieces in which the rest arrives. Aborts if a
 * property does not hold. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
