/*
 * Writing a report to a file, in a form that the ending of its name says. The
 * file is there as a whole or stays as it was.
 */
#ifndef MEMDIAL_WRITING_H
#define MEMDIAL_WRITING_H

#include "report/report.h"

enum report_form { REPORT_HTML, REPORT_SVG, REPORT_PNG, REPORT_PDF, REPORT_MD,
                   REPORT_FORMS };

/* The form of a path; refuses other endings, and forms that this program has no
 * pen for. */
bool report_form_of(const char *path, enum report_form *, struct error *);

bool report_write(const struct report *, enum report_form, const char *path,
                  struct error *);

#endif
