/*
 * The changing line of `memdial train`, on terminals of every width: it never
 * takes more than its row, and leaves nothing of an earlier line behind.
 */
#define _GNU_SOURCE

#include <criterion/criterion.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/print.h"
#include "base/text.h"
#include "base/window.h"
#include "cli/progress.h"

enum { ROW_SIZE = 1024, TOLD_SIZE = 1 << 16 };

static int terminal = -1, before;
static struct progress progress;

/* The row with the cursor, as a terminal shows it. */
static uint32_t row[ROW_SIZE];
static int column, widest;

static void set_width(int cols)
{
    struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)cols };

    cr_assert_eq(ioctl(terminal, TIOCSWINSZ, &size), 0);
}

static void begin(void)
{
    struct termios raw;
    int fd;

    cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
    unsetenv("COLUMNS");
    terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    cr_assert(terminal >= 0 && grantpt(terminal) == 0 &&
              unlockpt(terminal) == 0);
    fd = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    cr_assert(fd >= 0);
    tcgetattr(fd, &raw);
    cfmakeraw(&raw);
    tcsetattr(fd, TCSANOW, &raw);
    before = dup(STDOUT_FILENO);
    dup2(fd, STDOUT_FILENO);
    close(fd);
    progress_init(&progress, NULL);
    cr_assert(progress.live);
}

static void end(void)
{
    dup2(before, STDOUT_FILENO);
}

TestSuite(progress, .init = begin, .fini = end);

static void show(uint32_t c)
{
    if (c == '\r' || c == '\n') {
        column = 0;
        return;
    }
    cr_assert_lt(column, ROW_SIZE);
    row[column++] = c;
    if (column > widest)
        widest = column;
}

/* Feeds the row all text written since the last look. */
static void look(void)
{
    static char told[TOLD_SIZE];
    ssize_t n = read(terminal, told, sizeof(told));
    uint32_t c;

    widest = 0;
    for (size_t at = 0; n > 0 && at < (size_t)n; show(c))
        at += text_decode(told + at, (size_t)n - at, &c);
}

/* The columns of the row up to the last that is not blank. */
static int used(void)
{
    int n = ROW_SIZE;

    while (n > 0 && (row[n - 1] == ' ' || row[n - 1] == 0))
        n--;
    return n;
}

static void step(int64_t number, double loss)
{
    struct event e = {
        .type = EVENT_STEP,
        .step = { number, INT64_C(1) << 50, 1234567, loss, 0.5,
                  1e6 / (double)number, 1 }
    };

    progress.drawn = 0;
    progress_emit(&progress, &e);
    look();
}

/* The text must fit a row of `cols`, without its last column and a ^C. */
static void check_row(int cols)
{
    cr_assert_leq(widest, cols > 1 ? cols - 1 : 0, "%d columns of %d", widest,
                  cols);
    cr_assert_leq(used(), cols > 3 ? cols - 3 : 0, "%d columns used of %d",
                  used(), cols);
    cr_assert_leq(used(), progress.width, "leftovers at %d", cols);
}

static void check_steps(int cols)
{
    static const double losses[] = { 2.3, 1e30, NAN, 2, -INFINITY, 123456 };

    for (int i = 0; i < 6; i++) {
        step(i % 2 ? 7 : INT64_C(123456789012), losses[i]);
        check_row(cols);
    }
}

Test(progress, fits_every_width)
{
    for (int cols = 1; cols <= 400; cols++) {
        struct event epoch = { .type = EVENT_EPOCH, .epoch = { .epoch = 1 } };

        set_width(cols);
        check_steps(cols);
        print("^C");
        progress.step.type = EVENT_STEP;
        progress_emit(&progress, &epoch);
        look();
        memset(row, 0, sizeof(row));
    }
}

/* The line fits after any change of the width. */
Test(progress, fits_when_the_width_changes)
{
    for (int i = 1; i <= 400; i++) {
        int cols = i * 179 % 400 + 1;

        set_width(cols);
        for (int c = cols > 1 ? cols - 1 : 0; c < ROW_SIZE; c++)
            row[c] = 0; /* the terminal has no such column any more */
        check_steps(cols);
    }
}

static void say_epoch(struct run *run, int epoch, double accuracy)
{
    struct event e = { .type = EVENT_EPOCH,
                       .epoch = { epoch, 1, 0.5, 1, accuracy, 1, 0.5, accuracy,
                                  NAN } };

    if (run)
        run_take(run, &e);
    else
        progress_emit(&progress, &e);
}

/* The best epoch may be one that the run had before it went on; but those after
 * its snapshot are trained again. */
Test(progress, knows_the_best_of_before)
{
    struct settings settings;
    struct event start = { .type = EVENT_START,
                           .start = { "quick", &settings, { "cpu", 1, 0 }, 0,
                                      100, "sample", "accuracy" } };
    struct run earlier;

    settings_init(&settings);
    run_init(&earlier);
    run_take(&earlier, &start);
    say_epoch(&earlier, 1, 0.25);
    say_epoch(&earlier, 2, 0.75);
    say_epoch(&earlier, 3, 0.5);
    say_epoch(&earlier, 4, 1);
    progress_init(&progress, &earlier);
    start.start.step = 30;
    progress_emit(&progress, &start);
    say_epoch(NULL, 4, 0.625);
    cr_expect_eq(progress.best_epoch, 2);
    cr_expect_eq(progress.best_score, 0.75);
    run_done(&earlier);
}

/* No rest of the line, or of a terminal's echo, stays above an epoch. */
Test(progress, is_taken_back)
{
    struct event done = { .type = EVENT_DONE };

    for (int cols = 1; cols <= 100; cols++) {
        set_width(cols);
        step(7, 2.3);
        if (cols > 2) {
            show('^');
            show('C');
        }
        progress_emit(&progress, &done);
        look();
        cr_assert_eq(used(), 0, "%d columns", cols);
        cr_assert_eq(column, 0);
    }
}

static bool has(const char *text)
{
    size_t length = strlen(text);

    for (int at = 0; at + (int)length < ROW_SIZE; at++) {
        size_t i = 0;
        while (i < length && row[at + (int)i] == (unsigned char)text[i])
            i++;
        if (i == length)
            return true;
    }
    return false;
}

/* The dearest part stays longest. */
Test(progress, parts_go_one_by_one)
{
    static const char *const dearest[] = { "/1125899906842624", "loss",
                                           "left", "epoch", "samples/s", "]" };
    int parts = 6;

    for (int cols = 120; cols >= 21; cols--) {
        set_width(cols);
        memset(row, 0, sizeof(row));
        progress.width = 0;
        step(7, 2.3);
        for (int i = 0; i < 6; i++)
            if (!has(dearest[i])) {
                cr_assert_leq(i, parts, "'%s' came back at %d", dearest[i],
                              cols);
                cr_assert(i == 5 || i + 1 >= parts, "'%s' went before others",
                          dearest[i]);
                parts = i;
                break;
            }
    }
    cr_expect_eq(parts, 1, "%d parts in 21 columns", parts);
    set_width(12);
    step(7, 2.3);
    cr_expect(has("0%"));
}

Test(progress, a_terminal_that_does_not_know_its_width)
{
    static const struct { const char *exported; int cols; } cases[] = {
        { "50", 50 }, { "0", 80 }, { "-1", 80 }, { "50x", 80 }, { "", 80 },
        { "99999999999999999999", 80 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        set_width(0);
        setenv("COLUMNS", cases[i].exported, 1);
        memset(row, 0, sizeof(row));
        progress.width = 0;
        check_steps(cases[i].cols);
        cr_expect_geq(used(), 30);
    }
    set_width(40);
    setenv("COLUMNS", "200", 1);
    memset(row, 0, sizeof(row));
    progress.width = 0;
    check_steps(40);
}
