/*
 * Text in lines, such as one sentence each, of words that spaces divide. A file
 * is read once, as a whole: text that is mapped would end the process if
 * somebody cut the file short. It is valid UTF-8 without control characters,
 * for words are printed again, wherever that goes; tabs and the like divide
 * words.
 */
#ifndef MEMDIAL_TEXT_FILE_H
#define MEMDIAL_TEXT_FILE_H

#include "base/error.h"
#include "data/words.h"

/* A larger file is refused, so that an int counts its tokens, whatever it is
 * cut into. */
enum { TEXT_FILE_MOST = 1 << 30 };

/* Whether lines may be empty: those of sentences with a translation each may
 * not, nor may all of such a file. */
enum text_gaps { GAPS_REFUSED, GAPS_ALLOWED };

struct text_file {
    char *path, *data;   /* owned; tabs and the like are spaces by now */
    enum text_gaps gaps;
    size_t bytes;
    int lines;
};

/* Reads a file. The error begins with the path; of text that is refused, it
 * goes on with the line, and the byte in the line. After "; " comes the remedy.
 */
bool text_file_read(struct text_file *, const char *path, enum text_gaps,
                    struct error *);

/* Reads standard input in the same way, under that name, with gaps. */
bool text_file_read_input(struct text_file *, struct error *);

void text_file_free(struct text_file *);

/* The line that begins at byte *at, which moves to the next; false: there is
 * none. */
bool text_file_next(const struct text_file *, size_t *at, struct word *line);

#endif
