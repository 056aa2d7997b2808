/*
 * A report in Markdown: its tables and its commands.
 */
#ifndef MEMDIAL_MARKDOWN_H
#define MEMDIAL_MARKDOWN_H

#include "report/report.h"

void markdown_write(const struct report *, struct buffer *);

#endif
