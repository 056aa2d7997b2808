/*
 * The table of the page Fit: a row for each way to train within the budget, the
 * least change first; or the reason why there is none.
 */
#ifndef MEMDIAL_PANE_FITS_H
#define MEMDIAL_PANE_FITS_H

#include "ui/pages/table.h"

/* The letter of a class, "F", and its style. */
enum { PRICE_LETTER_SIZE = 2 };
const char *pane_fits_letter(enum price, char text[PRICE_LETTER_SIZE]);
unsigned pane_fits_style(enum price);

void pane_fits_draw(struct screen *, struct table_view *, struct area,
                    bool keys);

#endif
