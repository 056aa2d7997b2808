/*
 * The values are those of the dial's ladder. A ladder without an end is listed
 * as far as it is of use: budgets up to that of the baseline, other numbers
 * some steps either way. The session plans them as its candidates.
 */
#include "ui/pages/dial_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/text.h"
#include "models/model.h"
#include "plan/fit.h"
#include "ui/pages/explain.h"
#include "ui/pages/pane_fits.h"

enum { VALUES_MOST = 64, STEPS_EACH_WAY = 6 };

/* Whether there are values beyond this one, `steps` from the value wanted. */
static bool continues(const struct session *s, const struct setting *row,
                      const struct settings *value, int steps)
{
    if (row->ladder == LADDER_BUDGETS && s->baseline)
        return value->memory_budget < s->baseline->arena_bytes;
    return row->ladder == LADDER_LIST || row->ladder == LADDER_PARTS ||
           steps < STEPS_EACH_WAY;
}

/* Lists the values one way from the value wanted; returns the number. */
static int list_turns(const struct session *s, int dial, enum dial_turn turn,
                      struct settings list[], int most)
{
    const struct setting *row = dial_setting(dial);
    struct settings value = s->wanted;
    uint64_t least = session_least_budget(s);
    int n = 0;

    while (n < most && (turn == DIAL_DOWN || continues(s, row, &value, n)) &&
           (row->ladder != LADDER_ROUND || n < STEPS_EACH_WAY) &&
           dial_turn(&value, dial, turn, least, &value))
        list[n++] = value;
    return n;
}

/* Lists the values of a dial in their order, with the value wanted at *at. */
static int list_values(const struct session *s, int dial,
                       struct settings list[VALUES_MOST], int *at)
{
    int n = list_turns(s, dial, DIAL_DOWN, list, VALUES_MOST / 2);

    for (int i = 0; i < n / 2; i++) {
        struct settings other = list[i];
        list[i] = list[n - 1 - i];
        list[n - 1 - i] = other;
    }
    *at = n;
    list[n] = s->wanted;
    return n + 1 + list_turns(s, dial, DIAL_UP, list + n + 1,
                              VALUES_MOST - n - 1);
}

/* The forecast of the value at a place; NULL: not here yet. */
static const struct forecast *forecast_at(const struct session *s,
                                          const struct settings *value, int i)
{
    if (forecast_is_of(s->planned, value, &s->machine))
        return s->planned;
    return i < s->candidate_count && s->candidates[i].forecast &&
           settings_same(&s->candidates[i].settings, value)
               ? s->candidates[i].forecast : NULL;
}

/* "statistics", or the letter that the page Fit has for it; nothing for a value
 * that saves nothing. */
static const char *value_price(const struct session *s,
                               const struct setting *row,
                               const struct settings *value, bool brief,
                               char letter[PRICE_LETTER_SIZE])
{
    const struct graph *g = s->planned && s->planned->job
                                ? s->planned->job->graph : NULL;
    struct settings plain = *value;

    settings_save_nothing(&plain);
    if (!row->saves || !settings_differ(value, &plain, row))
        return "";
    return brief ? pane_fits_letter(change_price(row, g), letter)
                 : settings_price_name(change_price(row, g));
}

/* Bytes of a piece of a row; rows are cut on the screen. */
enum { VALUE_TEXT_SIZE = 128 };

/* "3.11 MiB  -12.3%", or the peak alone; nothing for a dial that saves no
 * bytes. */
static void value_bytes(const struct session *s, const struct setting *row,
                        const struct forecast *f, bool brief,
                        char text[VALUE_TEXT_SIZE])
{
    char bytes[BYTES_TEXT_SIZE], change[NUMBER_SIZE] = "";

    *text = '\0';
    if (!row->shrinks)
        return;
    if (s->planned && !s->planned->refused)
        number_change(change, (double)s->planned->peak_bytes,
                      (double)f->peak_bytes);
    bytes_format(bytes, sizeof(bytes), f->peak_bytes);
    if (brief)
        snprintf(text, VALUE_TEXT_SIZE, "%9s ", bytes);
    else
        snprintf(text, VALUE_TEXT_SIZE, "%9s %7s ", bytes, change);
}

/* "  86.0 ms  ×1.13", or the factor alone of a guess; or else the time. */
static void value_time(const struct session *s, const struct forecast *f,
                       bool brief, char text[VALUE_TEXT_SIZE])
{
    double times = session_times(s, f);
    char seconds[TEXT_TIME_SIZE], factor[NUMBER_SIZE] = "…";

    if (isfinite(times))
        number_format(factor, times, 2, NUMBER_CELLS_MIN);
    text_time(seconds, f->seconds);
    if (f->guessed)
        snprintf(text, VALUE_TEXT_SIZE, " ×%-10s", factor);
    else if (brief)
        snprintf(text, VALUE_TEXT_SIZE, "%8s ", seconds);
    else
        snprintf(text, VALUE_TEXT_SIZE, "%8s  ×%-10s", seconds, factor);
}

/* Of a terminal with fewer columns the rows are brief. */
enum { BRIEF_COLS = 60 };

static void add_value(struct text_block *text, const struct session *s,
                      int dial, const struct settings *value, int i, bool here,
                      bool brief)
{
    const struct setting *row = dial_setting(dial);
    const struct forecast *f = forecast_at(s, value, i);
    char bytes[VALUE_TEXT_SIZE], time[VALUE_TEXT_SIZE];
    char name[SETTINGS_TEXT_SIZE];
    char letter[PRICE_LETTER_SIZE];
    const char *mark = marks_has(&s->marks, value, row) ? "+" : " ";
    const char *now = here ? "▸" : " ";

    dial_format(value, dial, name, sizeof(name));
    if (!f) {
        text_block_add(text, ROLE_DIM, "%s%s%-10s  …", now, mark, name);
    } else if (f->refused) {
        text_block_add(text, ROLE_BAD, "%s%s%-10s  %s", now, mark, name,
                       f->error.text);
    } else {
        value_bytes(s, row, f, brief, bytes);
        value_time(s, f, brief, time);
        text_block_add(text, here ? ROLE_TITLE : ROLE_TEXT,
                       "%s%s%-10s %s%s %s", now, mark, name, bytes, time,
                       value_price(s, row, value, brief, letter));
    }
    text_block_choosable(text);
}

static void add_heading(struct text_block *text, const struct session *s,
                        const struct setting *row, bool brief)
{
    bool seconds = s->ledger.timings;

    text_block_add(text, ROLE_DIM, "  %-10s %s%s%s", "value",
                   !row->shrinks ? "" : brief ? "     peak "
                                              : "     peak  change ",
                   seconds ? "  a step " : "",
                   seconds && brief ? "" : " of baseline price");
}

static void fill_list(struct screen *s)
{
    struct session *session = s->session;
    struct text_block *text = &s->popup.text;
    struct settings list[VALUES_MOST];
    int at, n = list_values(session, s->popup.dial, list, &at);
    bool brief = s->cells.cols < BRIEF_COLS;

    explain_value(text, session, s->popup.dial);
    add_heading(text, session, dial_setting(s->popup.dial), brief);
    for (int i = 0; i < n; i++)
        add_value(text, session, s->popup.dial, &list[i], i, i == at, brief);
    explain_dial(text, session, s->popup.dial);
}

static void take_value(struct screen *s)
{
    struct settings list[VALUES_MOST];
    int at, n = list_values(s->session, s->popup.dial, list, &at);

    if (s->popup.chosen < n && s->popup.chosen != at)
        session_want(s->session, &list[s->popup.chosen]);
}

/* Marks the chosen value for a sweep, or no more; the list stays. */
static void mark_value(struct screen *s)
{
    struct settings list[VALUES_MOST];
    int at, n = list_values(s->session, s->popup.dial, list, &at);

    if (s->popup.chosen < n)
        marks_toggle(&s->session->marks, &list[s->popup.chosen],
                     dial_setting(s->popup.dial));
    s->popup.open = true;
}

static void on_typed(struct screen *s)
{
    struct session *session = s->session;
    const struct setting *row = dial_setting(s->question.dial);
    struct settings wanted = session->wanted;
    struct error e;

    if (!settings_set(&wanted, "typed", row->name, s->question.answer, &e) ||
        !model_check(&wanted, "typed", &e))
        session_say(session, NOTICE_ERROR, "%s", e.text);
    else if (settings_same(&wanted, &session->wanted))
        session_say(session, NOTICE_INFO, "%s is set so already", row->name);
    else
        session_want(session, &wanted);
}

static void ask_value(struct screen *s, int dial)
{
    const struct setting *row = dial_setting(dial);
    char question[64], value[SETTINGS_TEXT_SIZE];

    settings_format(&s->session->wanted, row, value, sizeof(value));
    snprintf(question, sizeof(question), "%s:", row->name);
    screen_ask(s, question, value);
    s->question.dial = dial;
    s->question.answered = on_typed;
}

static void on_list(struct screen *s, int key)
{
    if (key == KEY_RETURN)
        take_value(s);
    else if (key == ' ')
        mark_value(s);
    else
        ask_value(s, s->popup.dial);
}

void dial_list_open(struct screen *s)
{
    struct settings list[VALUES_MOST];
    int at, n = list_values(s->session, s->dial, list, &at);

    session_consider(s->session, dial_setting(s->dial), list, n);
    screen_popup(s, dial_setting(s->dial)->name);
    s->popup.dial = s->dial;
    s->popup.choose = on_list;
    screen_fill(s, fill_list);
    s->popup.chosen = at;
    screen_offer(s, KEY_RETURN, "Enter", "take the value");
    screen_offer(s, 'v', "v", "type one");
    screen_offer(s, ' ', "Space", "mark it for a sweep");
    screen_offer(s, KEY_ESCAPE, "Esc", "leave it");
}

void dial_list_ask(struct screen *s)
{
    ask_value(s, s->dial);
}
