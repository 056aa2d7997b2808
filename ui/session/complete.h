/*
 * Completion of a folder's name, as in shells.
 */
#ifndef MEMDIAL_COMPLETE_H
#define MEMDIAL_COMPLETE_H

#include <stddef.h>

/*
 * Extends a path by the part that all matching folders share, and by a slash if
 * only one matches. `offers` lists their names if several match, or says that
 * none does; else it is empty. Hidden folders count where a dot is typed; "~"
 * stays as it is and means $HOME.
 */
void complete_folder(char *text, size_t size, char *offers,
                     size_t offers_size);

#endif
