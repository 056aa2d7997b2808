#include "ui/pages/subject.h"

#include <stdio.h>

const struct forecast *subject_forecast(const struct session *s,
                                        enum subject subject)
{
    switch (subject) {
    case SUBJECT_IN_FORCE:
        return s->now;
    case SUBJECT_REFERENCE:
        return session_reference(s);
    default:
        return s->planned;
    }
}

enum subject subject_next(const struct session *s, enum subject subject)
{
    enum subject next = (enum subject)((subject + 1) % SUBJECT_COUNT);

    return next == SUBJECT_IN_FORCE && !session_differs(s)
               ? SUBJECT_REFERENCE : next;
}

static const char *name_of(const struct session *s, enum subject subject,
                           unsigned *style)
{
    bool pending = session_differs(s);

    *style = subject == SUBJECT_REFERENCE           ? ROLE_PINNED
             : subject == SUBJECT_WANTED && pending ? ROLE_PENDING
                                                    : ROLE_GOOD;
    if (subject == SUBJECT_REFERENCE)
        return s->pinned ? "the pinned settings" : "the baseline";
    return subject == SUBJECT_WANTED && pending ? "the pending settings"
                                                : "the settings in force";
}

const struct job *subject_job(const struct session *s, enum subject subject)
{
    const struct forecast *f = subject_forecast(s, subject);

    return f ? f->job : NULL;
}

void subject_excuse(const struct session *s, enum subject subject,
                    struct area area)
{
    const struct forecast *f = subject_forecast(s, subject);
    struct text_block text = { 0 };

    if (f && f->refused)
        text_block_add(&text, ROLE_BAD, "There is no plan: %s",
                       f->error.text);
    else
        text_block_add(&text, ROLE_DIM, "The plan is being made…");
    text_block_draw(&text, area_sub(area, 2, 1, area.rows - 2,
                                    area.cols - 2), 0);
    text_block_done(&text);
}

void subject_title(struct screen *s, struct area area, enum subject subject,
                   const char *words, const char *fewer_words)
{
    unsigned style;
    const char *name = name_of(s->session, subject, &style);
    const struct key *key = keys_of(s->page, ACTION_SUBJECT);
    char whose[64];
    int width, room;

    snprintf(whose, sizeof(whose), "%s ‹%s›", name, key ? key->label : "");
    width = cells_width(whose);
    room = area.cols - width - 3;
    area_fit(area, 0, 1, room, ROLE_DIM,
             cells_width(words) <= room ? words : fewer_words);
    area_right(area, 0, area.cols - 1, style | STYLE_BOLD, whose);
    screen_target(s, area, 0, area.cols - 1 - width, 1, width,
                  ACTION_SUBJECT, 0);
}
