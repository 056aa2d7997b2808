/*
 * A screen: how a session is shown, and the means of its pages. frame.h draws
 * it into cells, control.h changes it as a person says.
 *
 * A page is one file: a const struct page, and a state of its own that the
 * screen allocates, zeroed, and hands to it. It draws one pane at a time into
 * an area that is already framed, makes parts clickable with screen_target(),
 * and never draws outside a pane. Long text goes into a popup.
 */
#ifndef MEMDIAL_SCREEN_H
#define MEMDIAL_SCREEN_H

#include "ui/session/session.h"
#include "ui/session/view.h"
#include "ui/term/input.h"
#include "ui/term/layout.h"
#include "ui/term/text_block.h"
#include "ui/term/theme.h"

struct screen;

struct page {
    const char *name;
    size_t state_size;
    void (*init)(void *state);       /* of a state that is all zeros; or
                                        NULL */
    void (*done)(void *state);       /* or NULL */
    /* Draws one pane. */
    void (*draw)(struct screen *, void *state, int pane, struct area);
    /* Carries out an action; `argument` is the target's. */
    void (*act)(struct screen *, void *state, enum action, int argument);
};

extern const struct page page_run, page_step, page_layers, page_runs,
    page_presets, page_fit;
extern const struct page *const screen_pages[PAGE_COUNT];

struct target {
    struct rect rect;                /* in the frame */
    enum action action;
    int argument;
};

enum { QUESTION_SIZE = 96, ANSWER_SIZE = SETTINGS_TEXT_SIZE, CHOICES_MOST = 4 };

/* A choice that a popup offers. */
struct choice {
    int key;
    const char *label;               /* of the key, as printed */
    const char *word;
};

/* A run that a person is asked about: new_run.h. */
struct new_run {
    char name[RUN_PRESET_SIZE];    /* of the preset */
    struct settings settings;
    bool undoes;                     /* it goes back to the run before */
    int continued;                   /* number of a past run that goes on */
};

/* A popup takes Up, Down, Enter and Esc while it is open. */
struct popup {
    bool open;
    char title[64];
    struct text_block text;
    int scroll;
    int chosen;                      /* of its lines that can be chosen */
    bool strays;                     /* the chosen line may be out of sight */
    /* Writes the text anew for each frame; NULL: it stays. */
    void (*fill)(struct screen *);
    /* A popup with choices is left by them or by Esc alone. */
    struct choice choices[CHOICES_MOST];
    int choice_count;
    void (*choose)(struct screen *, int key); /* gets the key of a choice */
    struct new_run run;              /* that it is about */
    int dial;                        /* likewise */
    bool leaving;                    /* it asks whether to leave */
    bool helping;                    /* it lists the keys */
};

/* A question takes all keys until Enter or Esc. */
struct prompt {
    bool open;
    char text[QUESTION_SIZE], answer[ANSWER_SIZE];
    size_t at;                       /* the cursor is before this byte */
    bool proposed;                   /* the answer is not a person's yet */
    bool completes;                  /* Tab completes folders in the answer */
    char offers[ANSWER_SIZE];        /* completions of the answer */
    /* Told of an answer; NULL: the page is, as ACTION_ANSWER. */
    void (*answered)(struct screen *);
    /* Told of each change of an answer; Esc empties it. Keys that no answer has
     * a use for, as Up, are the page's then. NULL: nobody is told. */
    void (*edited)(struct screen *);
    struct new_run run;              /* that it is about */
    int dial;                        /* likewise */
};

/* A run that the worker refused. */
struct refused_run {
    char preset[RUN_PRESET_SIZE];
    struct settings settings;
    bool continued;                  /* it was to go on with a past one */
    enum error_reason reason;
    char message[ERROR_TEXT_SIZE];
};

struct screen {
    struct session *session;         /* borrowed */
    struct cells cells;              /* the frame */
    struct view view;
    enum page_id page;
    enum page_id before;             /* that was shown before it */
    int pane[PAGE_COUNT];            /* that has the keys */
    struct layout layout;
    int dial;                        /* that is chosen */
    void *state[PAGE_COUNT];         /* owned */
    struct target *targets;          /* owned, [target_count] */
    int target_count;
    /* A person drags this part since it was pressed, until it is let go. */
    bool drags;
    struct rect grip;
    int grip_col;                    /* where it was pressed */
    char drag_hint[80];              /* says what letting go does, if anything;
                                        meanwhile no message hides it */
    struct popup popup;
    struct prompt question;
    void (*waiting)(struct screen *); /* opens a popup; NULL: none waits */
    struct refused_run refused;      /* the last */
    /* For app.c to carry out and clear. */
    bool quit, repaint, save_view, export, picture;
    bool interrupted;                /* by Ctrl-C */
};

void screen_init(struct screen *, struct session *, int rows, int cols,
                 enum glyphs);
void screen_done(struct screen *);

/* The functions below are for pages. */

/* Gives a click in part of an area a meaning in this frame; where parts overlap
 * the last one counts. */
void screen_target(struct screen *, struct area, int row, int col, int rows,
                   int cols, enum action, int argument);

/* Goes to another page. A message about one page does not stay on another. */
void screen_go(struct screen *, enum page_id);

/* Whether this pane of the page that is shown has the keys. */
bool screen_has_keys(const struct screen *, int pane);

/* Opens an empty popup; fill screen->popup.text. */
void screen_popup(struct screen *, const char *title);

/* Opens a popup that nobody asked for. It waits while a question or a popup
 * with choices is open, whose keys it would take; a later one replaces it. */
void screen_when_free(struct screen *, void (*show)(struct screen *));

/* Leaves the popup that waits out: a run was asked for, and it is about one
 * before. */
void screen_drop_waiting(struct screen *);

/* Opens the popup that waits, if it can. */
void screen_serve_waiting(struct screen *);

/* Opens a popup with the trouble that ended the run, if there is any; a line
 * may be too short. */
void screen_trouble(struct screen *);

/* Adds a choice to it, or the effect of Esc; screen->popup.choose gets the key.
 */
void screen_offer(struct screen *, int key, const char *label,
                  const char *word);

/* Lets `fill` write the text of a popup, at once and for each frame. */
void screen_fill(struct screen *, void (*fill)(struct screen *));

/* Whether a popup waits for a choice. */
bool screen_offers(const struct screen *);

/* Asks for a line of text, which screen->question.answer then has. A character
 * that is typed takes the place of the answer that is proposed, other keys edit
 * it. The page is told of it, or screen->question.answered if that is set by
 * then. */
void screen_ask(struct screen *, const char *question, const char *answer);

/* Text at the right end of the top border of a pane. */
void screen_note(struct screen *, struct area pane, unsigned style,
                 const char *text);

#endif
