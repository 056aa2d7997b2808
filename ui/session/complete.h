/*
 * Completion of a folder's name, as shells have it.
 */
#ifndef MEMDIAL_COMPLETE_H
#define MEMDIAL_COMPLETE_H

#include <stddef.h>

/*
 * Extends a path by what all folders that it could become have in common, and
 * by a slash if there is one alone. `offers` lists their names if there are
 * several, or says that there is none; else it is empty. Hidden folders count
 * where a dot is typed; "~" stays as it is and means $HOME.
 */
void complete_folder(char *text, size_t size, char *offers,
                     size_t offers_size);

#endif
