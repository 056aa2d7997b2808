#include "ui/term/keys.h"

#include <stddef.h>

#include "ui/term/input.h"

#define ON(page) (1 << PAGE_##page)
#define F(n) (KEY_FUNCTION + (n))

/* Hints are shown in this order until there is no more room. */
const struct key keys_table[] = {
    { ACTION_UP, 0, { KEY_ARROW_UP, 'k' }, KEYS_ANYWHERE,
      "Up k", NULL, "go up in a pane" },
    { ACTION_DOWN, 0, { KEY_ARROW_DOWN, 'j' }, KEYS_ANYWHERE,
      "Down j", NULL, "go down in a pane" },
    { ACTION_LEFT, 0, { KEY_ARROW_LEFT, 'h' }, KEYS_ANYWHERE,
      "Left h", NULL, "turn a dial down, or go left" },
    { ACTION_RIGHT, 0, { KEY_ARROW_RIGHT, 'l' }, KEYS_ANYWHERE,
      "Right l", NULL, "turn a dial up, or go right" },
    { ACTION_LESS, 0, { '-', '_' }, ON(RUN),
      "-", "less", "turn the chosen dial down, from any pane" },
    { ACTION_MORE, 0, { '+', '=' }, ON(RUN),
      "+", "more", "turn the chosen dial up, from any pane" },
    { ACTION_VALUE, 0, { 'v' }, ON(RUN),
      "v", NULL, "type a value for the chosen dial" },
    { ACTION_PAGE_UP, 0, { KEY_PAGE_UP }, KEYS_ANYWHERE,
      "PgUp", NULL, "go up by a screenful" },
    { ACTION_PAGE_DOWN, 0, { KEY_PAGE_DOWN }, KEYS_ANYWHERE,
      "PgDn", NULL, "go down by a screenful" },
    { ACTION_START, 0, { KEY_TO_START, '<' }, KEYS_ANYWHERE,
      "Home <", NULL, "go to the first" },
    { ACTION_END, 0, { KEY_TO_END, '>' }, KEYS_ANYWHERE,
      "End >", NULL, "go to the last" },
    { ACTION_ENTER, 0, { KEY_RETURN, '\n', ' ' }, ON(RUN),
      "Enter Space", NULL, "apply pending changes; list the values of a dial, "
      "where Space marks some for a sweep; explain a row" },
    { ACTION_ENTER, 0, { KEY_RETURN, '\n', ' ' }, ON(STEP) | ON(LAYERS),
      "Enter Space", NULL, "explain a row" },
    { ACTION_CLOSE, 0, { KEY_ESCAPE }, ON(RUN),
      "Esc", NULL, "close what is open on top, or drop pending changes" },
    { ACTION_CLOSE, 0, { KEY_ESCAPE }, ON(FIT),
      "Esc", NULL, "close what is open on top, end the search, or go back" },
    { ACTION_CLOSE, 0, { KEY_ESCAPE }, ON(RUNS),
      "Esc", NULL, "close what is open on top, or show all rows again" },
    { ACTION_CLOSE, 0, { KEY_ESCAPE }, ON(STEP) | ON(LAYERS) | ON(PRESETS),
      "Esc", NULL, "close what is open on top; it never quits" },
    { ACTION_NEXT_PANE, 0, { KEY_TAB }, KEYS_ANYWHERE & ~ON(LAYERS),
      "Tab", "pane", "go to the next pane" },
    { ACTION_PREVIOUS_PANE, 0, { KEY_BACK_TAB }, KEYS_ANYWHERE & ~ON(LAYERS),
      "Shift-Tab", NULL, "go to the previous pane" },
    { ACTION_SUBJECT, 0, { 'v' }, ON(STEP) | ON(LAYERS),
      "v", "whose", "show the plan of the pending settings, of those in "
      "force, or of what they are compared with" },
    { ACTION_LESS, 0, { '-', '_' }, ON(STEP),
      "-", "out", "see more steps" },
    { ACTION_MORE, 0, { '+', '=' }, ON(STEP),
      "+", "in", "see fewer steps, larger" },
    { ACTION_ENTER, 0, { KEY_RETURN, '\n', ' ' }, ON(FIT),
      "Enter Space", "apply", "turn the dials to the chosen settings" },
    { ACTION_FIT, 0, { 'f' }, ON(FIT),
      "f", "budget", "ask for another budget of bytes" },
    { ACTION_UNDO, 0, { 'u' }, KEYS_ANYWHERE,
      "u", "undo", "undo the last change of a setting" },
    { ACTION_LOCK, 0, { 'L' }, KEYS_ANYWHERE,
      "L", "lock", "keep changes pending until Enter, or apply them at once" },
    { ACTION_ENTER, 0, { KEY_RETURN, '\n', ' ' }, ON(RUNS),
      "Enter Space", "show", "show the chosen settings and what they gave" },
    { ACTION_FILTER, 0, { '/' }, ON(RUNS),
      "/", "filter", "keep the rows that have all words, and meet all "
      "conditions, as peak<8MiB, state=done, tags=x or batch=100" },
    { ACTION_BACK, 0, { 'b' }, ON(RUNS),
      "b", "load", "go back to the chosen settings: put them on the dials" },
    { ACTION_AFRESH, 0, { 'N' }, ON(RUNS),
      "N", "afresh", "run the chosen settings from the beginning" },
    { ACTION_CONTINUE, 0, { 'C' }, ON(RUNS),
      "C", "go on", "go on with a run of another session from its snapshot" },
    { ACTION_OVERLAY, 0, { 'o' }, ON(RUNS),
      "o", "draw", "draw the curves of a run of another session beside those "
      "of this one, or no more" },
    { ACTION_MARK, 0, { 'm' }, ON(RUNS),
      "m", "mark", "mark the chosen settings, or not" },
    { ACTION_QUEUE, 0, { 'Q' }, ON(RUNS),
      "Q", "queue", "run the marked settings, or the chosen ones, one after "
      "the other, each from the beginning; again: not" },
    { ACTION_COMPARE, 0, { 'c' }, ON(RUNS),
      "c", "compare", "show the two marked settings side by side, or the "
      "marked and the chosen ones" },
    { ACTION_PIN_ROW, 0, { 'p' }, ON(RUNS),
      "p", "pin", "compare with the chosen settings and their run from now "
      "on; again: with the baseline" },
    { ACTION_ENTER, 0, { KEY_RETURN, '\n', ' ' }, ON(PRESETS),
      "Enter Space", "load", "load the chosen preset" },
    { ACTION_DIFF, 0, { 'D' }, ON(PRESETS),
      "D", "diff", "show only what differs from the present settings, or all"
    },
    { ACTION_SAVE_PRESET, 0, { 'a' }, ON(PRESETS),
      "a", "save as", "save the present settings as a preset" },
    { ACTION_PIN_ROW, 0, { 'p' }, ON(FIT),
      "p", "pin", "compare with the chosen settings, as planned; again: with "
      "the baseline" },
    { ACTION_PIN, 0, { 'p' }, KEYS_ANYWHERE & ~ON(RUNS) & ~ON(FIT),
      "p", "pin", "compare with the present settings and run from now on; "
      "again: with the baseline" },
    { ACTION_PAUSE, 0, { 'Z' }, KEYS_ANYWHERE,
      "Z", "pause", "pause the run, or go on" },
    { ACTION_RESTART, 0, { 'R' }, KEYS_ANYWHERE,
      "R", "restart", "begin the run again; start a worker that died again" },
    { ACTION_FIT, 0, { 'f' }, KEYS_ANYWHERE & ~ON(FIT),
      "f", "fit", "find settings that train within a budget, which can be "
      "dragged along a bar of memory too" },
    { ACTION_SWEEP, 0, { 'S' }, ON(RUN) | ON(RUNS),
      "S", "sweep", "run every combination of the values that are marked, once "
      "its plan was shown; say how far it is, and end it" },
    { ACTION_ZOOM, 0, { 'z' }, ON(RUN),
      "z", "zoom", "let the bars of now and planned fill the pane, and cut the "
      "one they are compared with; or all on one scale" },
    { ACTION_DIALS, 0, { 'd' }, ON(RUN),
      "d", "dials", "show the other dials" },
    { ACTION_CURVE, 0, { 'c' }, ON(RUN),
      "c", "curve", "show loss, score, or both" },
    { ACTION_AXIS, 0, { 'x' }, ON(RUN),
      "x", "axis", "draw curves against epochs, seconds or units of data" },
    { ACTION_LOG, 0, { 'g' }, ON(RUN),
      "g", "log", "make the axis of the loss logarithmic" },
    { ACTION_SMOOTH, 0, { 'm' }, ON(RUN),
      "m", "smooth", "smooth the loss, or not" },
    { ACTION_SORT, 0, { 's' }, ON(LAYERS) | ON(RUNS),
      "s", "sort", "sort by the next column" },
    { ACTION_REVERSE, 0, { 'r' }, ON(LAYERS) | ON(RUNS),
      "r", "reverse", "reverse the order" },
    { ACTION_PICTURE, 0, { 'e' }, KEYS_ANYWHERE,
      "e", "picture", "write a picture of the page to a file" },
    { ACTION_EXPORT, 0, { 'E' }, KEYS_ANYWHERE,
      "E", NULL, "write plan, settings and curves to a file" },
    { ACTION_PAGE, PAGE_RUN, { '1' }, KEYS_ANYWHERE,
      "1", NULL, "page Run: dials, memory, curves" },
    { ACTION_PAGE, PAGE_STEP, { '2' }, KEYS_ANYWHERE,
      "2", NULL, "page Step: memory through one training step" },
    { ACTION_PAGE, PAGE_LAYERS, { '3' }, KEYS_ANYWHERE,
      "3", NULL, "page Layers: what each layer has and costs" },
    { ACTION_PAGE, PAGE_RUNS, { '4' }, KEYS_ANYWHERE,
      "4", NULL, "page Runs: every setting tried so far, and earlier runs" },
    { ACTION_PAGE, PAGE_PRESETS, { '5' }, KEYS_ANYWHERE,
      "5", NULL, "page Presets: load, compare and save settings" },
    { ACTION_PAGE, PAGE_FIT, { '6' }, KEYS_ANYWHERE,
      "6", NULL, "page Fit: settings that train within a budget" },
    { ACTION_NEXT_PAGE, 0, { ']' }, KEYS_ANYWHERE,
      "]", NULL, "go to the next page" },
    { ACTION_PREVIOUS_PAGE, 0, { '[' }, KEYS_ANYWHERE,
      "[", NULL, "go to the previous page" },
    { ACTION_THEME, 0, { 't', F(2) }, KEYS_ANYWHERE,
      "t F2", "theme", "next theme: dark, light, colour-blind, contrast, "
      "mono" },
    { ACTION_SAVE_VIEW, 0, { 'w' }, KEYS_ANYWHERE,
      "w", NULL, "save theme and views for the next time" },
    { ACTION_MESSAGE, 0, { '!' }, KEYS_ANYWHERE,
      "!", NULL, "read all of what was said last" },
    { ACTION_REPAINT, 0, { KEY_CTRL_L }, KEYS_ANYWHERE,
      "Ctrl-L", NULL, "paint the screen anew" },
    { ACTION_HELP, 0, { '?', F(1) }, KEYS_ANYWHERE,
      "? F1", "help", "show all keys" },
    { ACTION_QUIT, 0, { 'q', F(10) }, KEYS_ANYWHERE,
      "q F10", "quit", "leave, once more if a run ends by it; Ctrl-C too" },
};

const int keys_count = sizeof(keys_table) / sizeof(keys_table[0]);

const struct key *keys_find(enum page_id page, int key)
{
    for (int i = 0; key && i < keys_count; i++)
        for (int k = 0; k < KEYS_EACH; k++)
            if (keys_table[i].key[k] == key &&
                keys_table[i].pages & 1u << page)
                return &keys_table[i];
    return NULL;
}

const struct key *keys_of(enum page_id page, enum action action)
{
    for (int i = 0; i < keys_count; i++)
        if (keys_table[i].action == action &&
            keys_table[i].pages & 1u << page)
            return &keys_table[i];
    return NULL;
}
