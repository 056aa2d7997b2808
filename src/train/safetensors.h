/*
 * Files of tensors in the safetensors format: 8 bytes of header size, a JSON
 * header, the tensors. Metadata in the header are strings; one of ours is a
 * checksum of everything else in the file.
 *
 * The reader trusts nothing in a file, and names a fault in a sentence.
 */
#ifndef MEMDIAL_SAFETENSORS_H
#define MEMDIAL_SAFETENSORS_H

#include <jansson.h>

#include "base/error.h"
#include "base/draft.h"
#include "graph/graph.h"

/* The value of "checksum" in a header's metadata until all has been written. */
#define SAFETENSORS_NO_CHECKSUM "0000000000000000"

/* The header's entry of a tensor, whose data have `bytes` bytes from `offset`
 * on, behind the header. */
json_t *safetensors_entry(const struct value *, size_t offset, size_t bytes);

/* A file that is being written. */
struct safetensors_writer {
    struct draft *draft;    /* borrowed */
    uint64_t sum;                /* of all bytes so far */
    size_t checksum_at;
};

/* Takes the header over. */
bool safetensors_begin(struct safetensors_writer *, struct draft *,
                       json_t *header, struct error *);

/* Writes the tensors, one after the other. */
bool safetensors_put(struct safetensors_writer *, const void *data,
                     size_t bytes, struct error *);

/* Puts the checksum into its place. */
bool safetensors_end(struct safetensors_writer *, struct error *);

/* A file that is being read. */
struct safetensors {
    const char *path;            /* borrowed */
    int fd;                      /* borrowed */
    uint64_t bytes;              /* of the file */
    char *text;                  /* owned; of the header */
    size_t text_bytes;
    json_t *header;              /* owned */
    uint64_t tensors;            /* offset of the first */
    uint64_t at;                 /* offset of the next to be read */
    uint64_t sum;                /* of all bytes before that */
};

/* Reads the header; refuses one of more than `most` bytes. Call
 * safetensors_done() even if this fails. */
bool safetensors_open(struct safetensors *, const char *path, int fd,
                      uint64_t bytes, size_t most, struct error *);
void safetensors_done(struct safetensors *);

/* Sets an error that begins with the path; returns false. */
bool safetensors_refuse(const struct safetensors *, struct error *,
                        const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A text of the metadata; "" if there is none of that name. */
const char *safetensors_metadata(const struct safetensors *,
                                 const char *name);

/* Starts again from the first tensor. */
void safetensors_rewind(struct safetensors *);
bool safetensors_read(struct safetensors *, void *to, size_t bytes,
                      struct error *);

/* Whether the bytes read have the file's checksum; call it at the end. */
bool safetensors_check(const struct safetensors *, struct error *);

/* Reads all of the file for that, whatever its tensors are. */
bool safetensors_check_whole(struct safetensors *, struct error *);

#endif
