/*
 * The keys: one table that dispatches them, makes the line of hints and the
 * help page, and gives memdial(1) its section KEYS. An action is the meaning of
 * a key or a click; pages and the screen carry it out.
 */
#ifndef MEMDIAL_KEYS_H
#define MEMDIAL_KEYS_H

enum page_id { PAGE_RUN, PAGE_STEP, PAGE_LAYERS, PAGE_RUNS, PAGE_PRESETS,
               PAGE_FIT, PAGE_COUNT };

enum action {
    ACTION_NONE,
    /* within a pane */
    ACTION_UP, ACTION_DOWN, ACTION_LEFT, ACTION_RIGHT,
    ACTION_PAGE_UP, ACTION_PAGE_DOWN, ACTION_START, ACTION_END,
    ACTION_LESS, ACTION_MORE, ACTION_ENTER, ACTION_CLOSE,
    /* between panes and pages */
    ACTION_NEXT_PANE, ACTION_PREVIOUS_PANE, ACTION_NEXT_PAGE,
    ACTION_PREVIOUS_PAGE,
    ACTION_PAGE,         /* argument: enum page_id */
    /* of the run */
    ACTION_UNDO, ACTION_LOCK, ACTION_PIN, ACTION_PAUSE, ACTION_RESTART,
    ACTION_EXPORT, ACTION_PICTURE, ACTION_FIT,
    /* of a view */
    ACTION_DIALS, ACTION_CURVE, ACTION_AXIS, ACTION_LOG, ACTION_SMOOTH,
    ACTION_ZOOM, ACTION_SORT, ACTION_REVERSE, ACTION_PIN_ROW, ACTION_BACK,
    ACTION_AFRESH, ACTION_VALUE, ACTION_MARK, ACTION_QUEUE, ACTION_COMPARE,
    ACTION_DIFF, ACTION_SAVE_PRESET, ACTION_SUBJECT, ACTION_FILTER,
    ACTION_OVERLAY, ACTION_CONTINUE, ACTION_SWEEP,
    /* of the screens */
    ACTION_THEME, ACTION_SAVE_VIEW, ACTION_REPAINT, ACTION_MESSAGE, ACTION_HELP,
    ACTION_QUIT,
    /* without keys: clicks, and answers to a question */
    ACTION_PANE,         /* argument: pane */
    ACTION_ROW,          /* argument: row of the pane with the keys */
    ACTION_ANSWER,       /* the question of the screen has an answer */
    ACTION_CHOICE,       /* argument: the key of a choice of the popup */
    ACTION_PICK,         /* argument: a line of the popup that can be chosen */
    ACTION_GRIP,         /* a part that can be dragged is pressed; it moves to
                            that column of its own, and is let go there: */
    ACTION_DRAG, ACTION_DROP,
    ACTION_COUNT
};

enum { KEYS_EACH = 3 };

struct key {
    enum action action;
    int argument;
    int key[KEYS_EACH];  /* characters or enum input_key; 0: none */
    unsigned pages;      /* 1 << enum page_id, or KEYS_ANYWHERE */
    const char *label;   /* of the keys, as printed: "q F10" */
    const char *hint;    /* a word for the hint line, or NULL */
    const char *help;    /* for the help page and the manual */
};

enum { KEYS_ANYWHERE = (1 << PAGE_COUNT) - 1 };

extern const struct key keys_table[];
extern const int keys_count;

/* The row of a key on a page, or NULL. */
const struct key *keys_find(enum page_id, int key);

/* The first row of an action on a page, or NULL. */
const struct key *keys_of(enum page_id, enum action);

#endif
