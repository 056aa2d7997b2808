/*
 * Figures in the small text files of the system, such as those of /proc and of
 * control groups. Nothing is allocated, so that asking changes nothing.
 */
#ifndef MEMDIAL_CPU_FIGURES_H
#define MEMDIAL_CPU_FIGURES_H

#include <stddef.h>

enum { FIGURES_TEXT_SIZE = 8192 };

/* The text of a file, after an empty line; nothing if it cannot be read. */
void figures_read(const char *folder, const char *file,
                  char text[FIGURES_TEXT_SIZE]);

/* The number after a word at the beginning of a line of a file; 0 if there is
 * none. */
size_t figures_find(const char *folder, const char *file, const char *word);

#endif
