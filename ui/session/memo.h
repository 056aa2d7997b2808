/*
 * The memory of the screens from one time to the next: the folder of the
 * images, in $XDG_STATE_HOME/memdial/data_path. If it is lost it must be typed
 * again, no more, so nothing is said of a file that cannot be read or written.
 */
#ifndef MEMDIAL_MEMO_H
#define MEMDIAL_MEMO_H

#include <stddef.h>

/* An empty text if there is none. */
void memo_load(char *data_path, size_t size);
void memo_save(const char *data_path);

#endif
