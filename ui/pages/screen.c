#include "ui/pages/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const struct page *const screen_pages[PAGE_COUNT] = {
    [PAGE_RUN] = &page_run,       [PAGE_STEP] = &page_step,
    [PAGE_LAYERS] = &page_layers, [PAGE_RUNS] = &page_runs,
    [PAGE_PRESETS] = &page_presets, [PAGE_FIT] = &page_fit,
};

void screen_init(struct screen *s, struct session *session, int rows,
                 int cols, enum glyphs glyphs)
{
    *s = (struct screen){ .session = session };
    view_init(&s->view);
    cells_init(&s->cells, rows, cols, glyphs);
    for (int i = 0; i < PAGE_COUNT; i++) {
        s->state[i] = xcalloc(1, screen_pages[i]->state_size);
        if (screen_pages[i]->init)
            screen_pages[i]->init(s->state[i]);
    }
}

void screen_done(struct screen *s)
{
    for (int i = 0; i < PAGE_COUNT; i++) {
        if (screen_pages[i]->done)
            screen_pages[i]->done(s->state[i]);
        free(s->state[i]);
    }
    free(s->targets);
    text_block_done(&s->popup.text);
    cells_done(&s->cells);
}

void screen_target(struct screen *s, struct area area, int row, int col,
                   int rows, int cols, enum action action, int argument)
{
    struct area part = area_sub(area, row, col, rows, cols);

    if (part.rows == 0 || part.cols == 0)
        return;
    s->targets = xrealloc(s->targets, (unsigned long)s->target_count + 1,
                          sizeof(*s->targets));
    s->targets[s->target_count++] = (struct target){
        { part.row, part.col, part.rows, part.cols }, action, argument
    };
}

void screen_go(struct screen *s, enum page_id next)
{
    if (next == s->page)
        return;
    if (s->session->notice == NOTICE_INFO)
        s->session->notice = NOTICE_NONE;
    s->before = s->page;
    s->page = next;
}

bool screen_has_keys(const struct screen *s, int pane)
{
    return s->pane[s->page] == pane;
}

void screen_popup(struct screen *s, const char *title)
{
    text_block_done(&s->popup.text);
    s->popup = (struct popup){ .open = true };
    snprintf(s->popup.title, sizeof(s->popup.title), "%.*s",
             text_cut(title, sizeof(s->popup.title) - 1), title);
}

void screen_when_free(struct screen *s, void (*show)(struct screen *))
{
    s->waiting = show;
    screen_serve_waiting(s);
}

void screen_drop_waiting(struct screen *s)
{
    s->waiting = NULL;
}

void screen_serve_waiting(struct screen *s)
{
    void (*show)(struct screen *) = s->waiting;

    if (!show || s->question.open || screen_offers(s))
        return;
    s->waiting = NULL;
    show(s);
}

void screen_trouble(struct screen *s)
{
    const struct session *session = s->session;
    struct text_block *text = &s->popup.text;
    char remedy[64];

    if (!session->sentence[0])
        return;
    screen_popup(s, session->silent              ? "The worker is silent"
                    : session->state == LINK_DEAD ? "The worker is gone"
                                                  : "The run cannot go on");
    text_block_add(text, ROLE_BAD, "%s", session->sentence);
    text_block_add(text, ROLE_TEXT, " ");
    session_remedy(session, remedy, sizeof(remedy));
    text_block_add(text, ROLE_TEXT, "R %s, with the %s. On the page Presets "
                   "are others.", remedy, session->snapshot >= 0 ?
                   "settings that were in force there" :
                   "dials as they are");
}

void screen_fill(struct screen *s, void (*fill)(struct screen *))
{
    text_block_done(&s->popup.text);
    s->popup.fill = fill;
    fill(s);
}

void screen_offer(struct screen *s, int key, const char *label,
                  const char *word)
{
    struct popup *p = &s->popup;

    p->choices[p->choice_count++] = (struct choice){ key, label, word };
}

bool screen_offers(const struct screen *s)
{
    return s->popup.open && s->popup.choice_count > 0;
}

void screen_ask(struct screen *s, const char *question, const char *answer)
{
    struct prompt *q = &s->question;

    *q = (struct prompt){ .open = true, .proposed = *answer };
    snprintf(q->text, sizeof(q->text), "%s", question);
    snprintf(q->answer, sizeof(q->answer), "%s", answer);
    q->at = strlen(q->answer);
}

void screen_note(struct screen *s, struct area pane, unsigned style,
                 const char *text)
{
    struct area frame = area_all(&s->cells);
    int width = cells_width(text);

    if (!*text || s->layout.size <= SIZE_TABS || width + 2 > pane.cols - 16)
        return;
    frame = area_sub(frame, pane.row - 1, pane.col + pane.cols - width - 3, 1,
                     width + 2);
    area_fill(frame, style, " ");
    area_text(frame, 0, 1, style, text);
}
