/*
 * A folder of text files for a test, which makes it and removes it.
 */
#ifndef MEMDIAL_TESTS_TEXT_FOLDER_H
#define MEMDIAL_TESTS_TEXT_FOLDER_H

#include <stddef.h>

struct text_folder {
    char path[64];
};

struct text_folder text_folder_make(void);
void text_folder_remove(const struct text_folder *);

/* The path of a file, valid until the next call. */
const char *text_folder_path(const struct text_folder *, const char *name);

/* Writes a file: text, or bytes. */
void text_folder_put(const struct text_folder *, const char *name,
                     const char *text);
void text_folder_put_bytes(const struct text_folder *, const char *name,
                           const void *data, size_t bytes);

/* The text of a file; the caller frees. */
char *text_folder_read(const struct text_folder *, const char *name);

#endif
