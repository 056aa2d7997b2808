/*
 * A past run in words: what a row says of it, and the text of a popup about it.
 */
#ifndef MEMDIAL_PAST_TEXT_H
#define MEMDIAL_PAST_TEXT_H

#include "ui/session/session.h"
#include "ui/term/text_block.h"

/* "NAME #tag  fp16, microbatch 10", with the name that a person gave it, if one
 * did, or that of its folder, without the preset if that is the session's; of a
 * sweep's run "NAME  fp16  of SWEEP". */
void past_describe(const struct session *, const struct past *, char *text,
                   size_t size);

/* Adds its results, how it can go on, the changes of going back to its
 * settings, and these. */
void past_explain(struct text_block *, const struct session *,
                  const struct past *);

#endif
