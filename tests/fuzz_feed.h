/*
 * What must hold whatever a worker writes, for libFuzzer and for the test that
 * feeds mutations of good streams.
 */
#ifndef MEMDIAL_FUZZ_FEED_H
#define MEMDIAL_FUZZ_FEED_H

#include <stddef.h>
#include <stdint.h>

/* The first byte says in what pieces the rest arrives. Aborts if something
 * does not hold. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
