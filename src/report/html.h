/*
 * A report as a page of HTML: one file, without scripts, which fetches nothing.
 * It is XML too. A cell that is a number has it in full as data-value.
 */
#ifndef MEMDIAL_HTML_H
#define MEMDIAL_HTML_H

#include "report/report.h"

bool html_write(const struct report *, struct buffer *, struct error *);

#endif
