#define NCURSES_WIDECHAR 1

#include "ui/term/terminal.h"

#include <assert.h>
#include <curses.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/window.h"
#include "ui/term/signals.h"
#include "ui/term/tty.h"

#undef columns /* of curses: a capability, and a member of text_cell */

enum {
    ESCAPE_MILLISECONDS = 25, /* to tell Esc from a sequence that it begins */
    CODE_PASTE = 0x1000,      /* of a key, like curses' own */
    CODE_PASTE_END,
    MOUSE_EVENTS = 8          /* that curses keeps */
};

/* A paste is over if its end does not come within this time. */
static const double paste_seconds = 2;

static const char paste_on[] = "\033[?2004h", paste_off[] = "\033[?2004l";
/* Movements too, while a button is pressed. */
static const char drags_on[] = "\033[?1002h", drags_off[] = "\033[?1002l";
static const char mouse_off[] = "\033[?1006l\033[?1002l\033[?1000l";

static struct {
    bool on;
    WINDOW *input;           /* a pad: reading from it refreshes nothing */
    bool mouse;
    struct input mouse_events[MOUSE_EVENTS]; /* the latest first */
    int mouse_count;
    int signal;              /* that asks the program to end */
    bool resized;
    bool interrupted;        /* by Ctrl-C */
    bool pasting;
    double paste_time;       /* of its last key */
    int colours;             /* in use; 0: none */
    int indexed;             /* the first colours have numbers in a palette;
                                the others are given by red, green and blue, */
    int bits[3];             /* in these numbers of bits */
    bool many;               /* colours of the palette of 256 are used */
    bool defaults;           /* the terminal's own colours can be asked for */
    enum theme theme;        /* whose colours are set; THEME_COUNT: none */
    short pair[ROLE_COUNT];  /* of curses */
} terminal;

/* Whether the earlier contents come back when the screens are gone. */
static bool has_other_screen(void)
{
    const char *leave = tigetstr("rmcup");

    return leave && leave != (char *)-1;
}

static void prepare_restore(bool mouse)
{
    tty_remember();
    tty_add_restore(paste_off);
    if (mouse)
        tty_add_restore(mouse_off);
    tty_add_restore(tigetstr("sgr0"));
    tty_add_restore(tigetstr("op"));
    tty_add_restore(tigetstr("cnorm"));
    tty_add_restore(tigetstr("rmkx"));
    tty_add_restore(tigetstr(has_other_screen() ? "rmcup" : "clear"));
}

static bool check_terminal(const char *instead, struct error *e)
{
    const char *name = getenv("TERM");
    int found;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return error_set(e, EXIT_INPUT,
                         "the screens need a terminal for input and output; "
                         "without one use `%s`", instead);
    if (!name || !*name || strcmp(name, "dumb") == 0)
        return error_set(e, EXIT_INPUT,
                         "TERM is %s, which cannot show screens; set it to "
                         "what the terminal is, or use `%s`",
                         name && *name ? "dumb" : "not set", instead);
    if (setupterm(name, STDOUT_FILENO, &found) != OK)
        return error_set(e, EXIT_INPUT,
                         "TERM: no description of '%.64s' is installed; set "
                         "TERM to a known terminal, such as xterm-256color, "
                         "or use `%s`", name, instead);
    if (!tigetstr("cup") || tigetstr("cup") == (char *)-1)
        return error_set(e, EXIT_INPUT,
                         "TERM: '%.64s' cannot move its cursor; use `%s`",
                         name, instead);
    return true;
}

/* The bits of red, green and blue of colours that are no number of a palette.
 * The capability RGB is a flag, the bits of each, or "5/6/5". */
static bool find_rgb(int bits[3])
{
    const char *text = tigetstr("RGB");
    int all = 0, number = tigetnum("RGB");

    while (all < 30 && 1 << all < COLORS)
        all++;
    if (text && text != (char *)-1)
        return sscanf(text, "%d/%d/%d", &bits[0], &bits[1], &bits[2]) == 3 &&
               bits[0] > 0 && bits[1] > 0 && bits[2] > 0 &&
               bits[0] <= 8 && bits[1] <= 8 && bits[2] <= 8;
    if (tigetflag("RGB") > 0)
        number = (all + 2) / 3;
    bits[0] = bits[1] = number;
    bits[2] = all - 2 * number;
    return number > 0 && number <= 8 && bits[2] > 0 && bits[2] <= 8;
}

/* With direct colours the first numbers are still those of a palette. */
static void describe_colours(void)
{
    int palette = tigetnum("CO");

    terminal.colours = COLORS;
    terminal.indexed = COLORS;
    if (COLORS <= 256)
        return;
    terminal.indexed = palette > 0 ? palette : 8;
    if (!find_rgb(terminal.bits))
        terminal.colours = 8;
}

static void start_colours(void)
{
    const char *no_color = getenv("NO_COLOR");

    terminal.theme = THEME_COUNT;
    terminal.colours = 0;
    if (!has_colors() || (no_color && *no_color) || start_color() != OK)
        return;
    terminal.defaults = use_default_colors() == OK;
    describe_colours();
}

/* Turns on or off what curses does not know of. */
static void send_modes(bool on)
{
    tty_send(on ? paste_on : paste_off, sizeof(paste_on) - 1);
    if (terminal.mouse)
        tty_send(on ? drags_on : drags_off, sizeof(drags_on) - 1);
}

static void start_input(bool mouse)
{
    terminal.input = newpad(1, 1);
    cbreak();
    noecho();
    nonl();
    keypad(terminal.input, TRUE);
    nodelay(terminal.input, TRUE);
    define_key("\033[200~", CODE_PASTE);
    define_key("\033[201~", CODE_PASTE_END);
    /* tmux, PuTTY and the console send these, whatever TERM says. */
    define_key("\033[1~", KEY_HOME);
    define_key("\033[7~", KEY_HOME);
    define_key("\033[4~", KEY_END);
    define_key("\033[8~", KEY_END);
    if (mouse) {
        mousemask(BUTTON1_PRESSED | BUTTON1_RELEASED | BUTTON4_PRESSED |
                      BUTTON5_PRESSED | REPORT_MOUSE_POSITION, NULL);
        mouseinterval(0);
    }
    terminal.mouse = mouse;
    send_modes(true);
}

/* Opens curses, which reads the description of the terminal anew. */
static bool open_curses(struct error *e)
{
    TERMINAL *described = cur_term;

    set_escdelay(ESCAPE_MILLISECONDS);
    use_env(FALSE); /* see take_size() */
    use_tioctl(TRUE);
    if (!newterm(NULL, stdout, stdin))
        return error_set(e, EXIT_RUN, "the terminal cannot be opened");
    del_curterm(described);
    return true;
}

/* If no other source gives the size, the description does. */
static void take_size(void)
{
    int rows, cols;

    window_size(&rows, &cols);
    resizeterm(rows ? rows : LINES, cols ? cols : COLS);
}

bool terminal_start(bool mouse, const char *instead, struct error *e)
{
    static bool registered;

    if (!check_terminal(instead, e))
        return false;
    prepare_restore(mouse);
    /* Before curses starts, so that it leaves these signals alone. */
    if (!signals_catch(e))
        return false;
    if (!open_curses(e)) {
        signals_release();
        return false;
    }
    terminal.on = true;
    if (!registered)
        atexit(terminal_stop);
    registered = true;
    take_size();
    start_colours();
    start_input(mouse);
    curs_set(0);
    return true;
}

void terminal_stop(void)
{
    if (!terminal.on)
        return;
    terminal.on = false;
    if (!has_other_screen()) {
        erase();
        refresh();
    }
    endwin();
    send_modes(false);
    signals_release();
}

enum glyphs terminal_glyphs(void)
{
    const char *term = getenv("TERM");

    if (!text_is_utf8())
        return GLYPHS_ASCII;
    /* The console's fonts have blocks but no braille. */
    return term && strcmp(term, "linux") == 0 ? GLYPHS_BLOCK : GLYPHS_BRAILLE;
}

void terminal_size(int *rows, int *cols)
{
    getmaxyx(stdscr, *rows, *cols);
}

/* A colour of the palette of 256 as the terminal wants it. */
static int colour_value(int colour)
{
    int rgb[3], value = 0;

    if (colour < terminal.indexed)
        return colour;
    theme_rgb(colour, rgb);
    for (int i = 0; i < 3; i++)
        value = value << terminal.bits[i] | rgb[i] >> (8 - terminal.bits[i]);
    return value;
}

/* Sets a pair of curses for each colour of the roles, many or few; false if
 * there are too few pairs. */
static bool set_pairs(enum theme theme, bool many)
{
    int colours[ROLE_COUNT], count = 0;

    for (int r = 0; r < ROLE_COUNT; r++) {
        struct paint paint = theme_paint(theme, (enum role)r);
        int colour = many ? paint.colour : paint.few, pair = 0;

        terminal.pair[r] = 0;
        if (colour < 0)
            continue;
        while (pair < count && colours[pair] != colour)
            pair++;
        if (pair == count)
            colours[count++] = colour;
        if (count >= COLOR_PAIRS)
            return false;
        terminal.pair[r] = (short)(pair + 1);
    }
    for (int i = 0; i < count; i++)
        init_extended_pair(i + 1, many ? colour_value(colours[i]) : colours[i],
                           terminal.defaults ? -1 : COLOR_BLACK);
    return true;
}

static void set_colours(enum theme theme)
{
    terminal.theme = theme;
    terminal.many = terminal.colours >= 256 && set_pairs(theme, true);
    if (!terminal.many && !(terminal.colours >= 8 && set_pairs(theme, false)))
        memset(terminal.pair, 0, sizeof(terminal.pair));
}

static attr_t attributes_of(unsigned style, enum theme theme)
{
    attr_t a = A_NORMAL;

    style = theme_attributes(theme, style, terminal.many);
    a |= style & STYLE_BOLD ? A_BOLD : 0;
    a |= style & STYLE_DIM ? A_DIM : 0;
    a |= style & STYLE_REVERSE ? A_REVERSE : 0;
    a |= style & STYLE_UNDERLINE ? A_UNDERLINE : 0;
    return a;
}

static short pair_of(const struct cell *cell)
{
    return terminal.pair[cell->style & STYLE_ROLE];
}

/* A cell in doubt is a special blank to curses: where an ordinary blank
 * replaces it, curses sends that. */
static void show_cell(const struct cells *g, int row, int col,
                      enum theme theme)
{
    const struct cell *cell = &g->cell[row * g->cols + col];
    wchar_t wide[2] = L"\u00a0";
    uint32_t character;
    cchar_t out;

    if (cell_is_certain(cell)) {
        text_decode(cell->text, strlen(cell->text), &character);
        wide[0] = (wchar_t)character;
    }
    setcchar(&out, wide, attributes_of(cell->style, theme), pair_of(cell),
             NULL);
    mvadd_wch(row, col, &out);
}

static int keep_byte(int byte)
{
    tty_keep((char)byte);
    return byte;
}

static void keep_capability(const char *text)
{
    if (text && text != (char *)-1)
        tputs(text, 1, keep_byte);
}

/* Sends a cell past curses, at its own place. */
static void paint(const struct cells *g, int row, int col, enum theme theme)
{
    const struct cell *cell = &g->cell[row * g->cols + col];

    if (!cell->text[0])
        return;
    keep_capability(tiparm(cursor_address, row, col));
    vid_puts(attributes_of(cell->style, theme), pair_of(cell), NULL,
             keep_byte);
    for (const char *c = cell->text; *c; c++)
        keep_byte(*c);
}

/*
 * Paints cells in doubt over the blanks that curses has drawn there, and then
 * repaints the cells that a terminal may have drawn over because it takes them
 * for wider. So all other cells stay in place whatever the terminal believes.
 * Returns the column after the cells.
 */
static int paint_doubtful(const struct cells *g, int row, int col, int cols,
                          enum theme theme)
{
    int from = col, end, over = 0;

    for (; col < cols; col++) {
        const struct cell *cell = &g->cell[row * g->cols + col];
        if (cell_is_certain(cell))
            break;
        paint(g, row, col, theme);
        over = cell->text[0] ? 2 * (int)text_characters(cell->text) : over;
    }
    end = col + over < cols ? col + over : cols;
    for (int c = col; c < end && col > from; c++)
        paint(g, row, c, theme);
    return col > from ? col : col + 1;
}

/* The cursor is where curses believes it to be, before and after. */
static void paint_all_doubtful(const struct cells *g, int rows, int cols,
                               enum theme theme)
{
    keep_capability(exit_am_mode);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols;)
            c = paint_doubtful(g, r, c, cols, theme);
    keep_capability(enter_am_mode);
    keep_capability(tiparm(cursor_address, 0, 0));
    tty_send_kept();
}

void terminal_show(const struct cells *g, enum theme theme)
{
    int rows = g->rows < LINES ? g->rows : LINES;
    int cols = g->cols < COLS ? g->cols : COLS;

    if (terminal.colours < 8)
        theme = THEME_MONO;
    if (theme != terminal.theme)
        set_colours(theme);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            show_cell(g, r, c, theme);
    move(0, 0);
    wnoutrefresh(stdscr);
    doupdate();
    if (!cells_are_certain(g, rows, cols))
        paint_all_doubtful(g, rows, cols, theme);
}

void terminal_repaint(void)
{
    clearok(curscr, TRUE);
}

static void resume_screen(void)
{
    send_modes(true);
    refresh();
    terminal_repaint();
    terminal.resized = true;
}

/* Ctrl-Z: the shell gets its terminal, and we get ours when we go on. Without a
 * shell that could tell us to, we go on at once. */
static void suspend(void)
{
    endwin();
    send_modes(false);
    signals_suspend();
    resume_screen();
}

static void take_signals(void)
{
    int number;

    while (signals_next(&number))
        switch (number) {
        case SIGWINCH:
            terminal.resized = true;
            break;
        case SIGNALS_CTRL_C:
            terminal.interrupted = true;
            break;
        case SIGTSTP:
            suspend();
            break;
        case SIGCONT:
            resume_screen();
            break;
        default:
            terminal.signal = number;
            break;
        }
}

void terminal_wait(struct pollfd *fds, int count, int milliseconds)
{
    struct pollfd all[TERMINAL_MOST_FDS + 2] = {
        { signals_fd(), POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 }
    };

    assert(count <= TERMINAL_MOST_FDS);
    memcpy(all + 2, fds, (size_t)count * sizeof(*fds));
    if (poll(all, (nfds_t)count + 2, milliseconds) > 0) {
        if (all[0].revents)
            take_signals();
        /* The terminal is gone. */
        if (all[1].revents & (POLLHUP | POLLERR | POLLNVAL))
            terminal.signal = SIGHUP;
        memcpy(fds, all + 2, (size_t)count * sizeof(*fds));
    }
}

static bool read_resize(struct input *input)
{
    if (!terminal.resized)
        return false;
    terminal.resized = false;
    take_size();
    terminal_repaint();
    *input = (struct input){ .type = INPUT_RESIZE };
    terminal_size(&input->row, &input->col);
    return true;
}

static bool read_interrupt(struct input *input)
{
    if (!terminal.interrupted)
        return false;
    terminal.interrupted = false;
    *input = (struct input){ .type = INPUT_KEY, .key = KEY_CTRL_C };
    return true;
}

static struct input input_of_mouse(const MEVENT *event)
{
    struct input input = { .type = INPUT_CLICK, .row = event->y,
                           .col = event->x };

    if (event->bstate & (BUTTON4_PRESSED | BUTTON5_PRESSED)) {
        input.type = INPUT_WHEEL;
        input.turn = event->bstate & BUTTON4_PRESSED ? -1 : 1;
    } else if (event->bstate & BUTTON1_RELEASED) {
        input.type = INPUT_DROP;
    } else if (event->bstate & REPORT_MOUSE_POSITION) {
        input.type = INPUT_DRAG;
    }
    return input;
}

/* Events that come together have one key. curses gives the latest first. */
static void take_mouse(void)
{
    MEVENT event;

    while (terminal.mouse_count < MOUSE_EVENTS && getmouse(&event) == OK)
        terminal.mouse_events[terminal.mouse_count++] =
            input_of_mouse(&event);
    if (terminal.pasting)
        terminal.mouse_count = 0;
}

static bool read_mouse(struct input *input)
{
    if (terminal.mouse_count == 0)
        return false;
    *input = terminal.mouse_events[--terminal.mouse_count];
    return true;
}

/* Our code for a key of curses, or 0. */
static int key_of_curses(wint_t code)
{
    static const struct { wint_t code; int key; } keys[] = {
        { KEY_UP, KEY_ARROW_UP },       { KEY_DOWN, KEY_ARROW_DOWN },
        { KEY_LEFT, KEY_ARROW_LEFT },   { KEY_RIGHT, KEY_ARROW_RIGHT },
        { KEY_PPAGE, KEY_PAGE_UP },     { KEY_NPAGE, KEY_PAGE_DOWN },
        { KEY_HOME, KEY_TO_START },     { KEY_FIND, KEY_TO_START },
        { KEY_END, KEY_TO_END },        { KEY_SELECT, KEY_TO_END },
        { KEY_BTAB, KEY_BACK_TAB },     { KEY_BACKSPACE, KEY_RUBOUT },
        { KEY_DC, KEY_ERASE },          { KEY_ENTER, KEY_RETURN },
    };

    if (code >= KEY_F(1) && code <= KEY_F(12))
        return KEY_FUNCTION + (int)(code - KEY_F0);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].code == code)
            return keys[i].key;
    return 0;
}

/* True if the key begins a paste or ends it. */
static bool is_marker(int status, wint_t code)
{
    bool marker = status == KEY_CODE_YES &&
                  (code == CODE_PASTE || code == CODE_PASTE_END);
    double now = clock_seconds();

    if (terminal.pasting && now - terminal.paste_time > paste_seconds)
        terminal.pasting = false;
    if (marker)
        terminal.pasting = code == CODE_PASTE;
    terminal.paste_time = now;
    return marker;
}

static int character_of(wint_t code)
{
    return code == 0x7f || code == '\b' ? KEY_RUBOUT : (int)code;
}

bool terminal_read(struct input *input)
{
    wint_t code;
    int status;

    if (read_resize(input) || read_interrupt(input) || read_mouse(input))
        return true;
    while ((status = wget_wch(terminal.input, &code)) != ERR) {
        if (is_marker(status, code))
            continue;
        if (status == KEY_CODE_YES && code == KEY_MOUSE) {
            take_mouse();
            if (read_mouse(input))
                return true;
            continue;
        }
        *input = (struct input){ .type = INPUT_KEY,
                                 .pasted = terminal.pasting };
        input->key = status == KEY_CODE_YES ? key_of_curses(code)
                                            : character_of(code);
        if (input->key)
            return true;
    }
    return false;
}

int terminal_signal(void)
{
    return terminal.signal;
}
