/*
 * Snapshots that no run has written: a real one is taken apart, changed, and
 * put together again with a valid checksum. For tests and the fuzzer.
 */
#ifndef MEMDIAL_TESTS_FORGE_H
#define MEMDIAL_TESTS_FORGE_H

#include <stddef.h>

#include <jansson.h>

struct forge {
    json_t *header;          /* owned, like the rest */
    unsigned char *tensors;
    size_t tensor_bytes;
};

/* Takes a snapshot apart; ends the program if the file is none. */
void forge_open(struct forge *, const char *path);
void forge_done(struct forge *);

/* The data of a tensor, to be changed; NULL if there is none of that name. */
void *forge_tensor(struct forge *, const char *name, size_t *bytes);

/* Gives a member of the metadata another text; NULL removes it. */
void forge_metadata(struct forge *, const char *name, const char *text);

/* The file with its checksum; the caller frees. */
unsigned char *forge_seal(const struct forge *, size_t *bytes);

/* Corrects the checksum of a file, wherever it stands in it. */
void forge_repair(unsigned char *file, size_t bytes);

#endif
