/*
 * The subject of a page: whose plan it shows. It is the settings wanted, those
 * in force, or the ones they are compared with.
 */
#ifndef MEMDIAL_SUBJECT_H
#define MEMDIAL_SUBJECT_H

#include "ui/pages/screen.h"

enum subject { SUBJECT_WANTED, SUBJECT_IN_FORCE, SUBJECT_REFERENCE,
               SUBJECT_COUNT };

/* The next subject. Settings in force are passed over while nothing is pending,
 * for then they are the settings wanted. */
enum subject subject_next(const struct session *, enum subject);

/* The forecast to show, and its job; or NULL. */
const struct forecast *subject_forecast(const struct session *, enum subject);
const struct job *subject_job(const struct session *, enum subject);

/* Says why there is no plan to show. */
void subject_excuse(const struct session *, enum subject, struct area);

/*
 * Draws the first row of a pane: at the left its topic, in the longer words if
 * they fit, at the right its subject. A click there goes to the next subject.
 */
void subject_title(struct screen *, struct area, enum subject,
                   const char *words, const char *fewer_words);

#endif
