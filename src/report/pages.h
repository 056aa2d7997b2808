/*
 * A report as pages of A4, or as one picture with its figures.
 */
#ifndef MEMDIAL_PAGES_H
#define MEMDIAL_PAGES_H

#include "report/report.h"
#include "report/sheet.h"

bool pages_write(const struct report *, enum sheet_form, struct buffer *,
                 struct error *);

#endif
