/*
 * History: the runs of an archive that are not this session's, the newest
 * first, as reader.h finds them. Their numbers are in the
 * order of their names at first, and then as they come.
 *
 * Of the wholes that are here, a few are kept: those whose curves are drawn,
 * and those that were used last.
 */
#ifndef MEMDIAL_HISTORY_H
#define MEMDIAL_HISTORY_H

#include "ui/session/past.h"
#include "ui/session/sift.h"

enum { HISTORY_DRAWN = 4, HISTORY_WHOLES = 8 };

struct history {
    struct past **list;              /* owned, [count], each owned */
    int count;
    int shown;                       /* that pass, and are not the session's
                                        own */
    struct sift sift;                /* of the table that they are shown in */
    char **own;                      /* owned, [own_count], each owned: names of
                                        the session's folders */
    int own_count;
    int reading, folders;            /* that were looked at, of all; equal: all
                                        were */
    int others;                      /* that are no runs */
    int drawn[HISTORY_DRAWN];        /* numbers of those whose curves are drawn;
                                        0: none */
    unsigned used;
    bool wants;                      /* some whole is wanted since this was set
                                        to false */
};

void history_init(struct history *);
void history_done(struct history *);

/* Takes over a run that is new, or was read again. */
void history_put(struct history *, struct past *);
void history_remove(struct history *, int number);

/* Takes over a whole; NULL: it cannot be read any more. */
void history_put_whole(struct history *, int number, struct whole *);

/* NULL: there is none of that number. */
struct past *history_find(const struct history *, int number);

/* The run whose curves are drawn with a letter from 'a' on, or NULL. */
struct past *history_drawn(const struct history *, int index);

/* Tells the name of a folder that the session itself writes: RUN, or
 * SWEEP/RUN. */
void history_own(struct history *, const char *name);

void history_sift(struct history *, const char *filter);

/* Wants the whole of a run, if it is not here; true: it is, whatever was added
 * since. */
bool history_want(struct history *, struct past *);

/* Draws the curves of a run, or no more; false if enough are drawn. */
bool history_draw(struct history *, struct past *);

#endif
