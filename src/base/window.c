#include "base/window.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_COLUMNS = 80 };

static int exported(const char *name, int most)
{
    const char *text = getenv(name);
    char *end;
    long number = text ? strtol(text, &end, 10) : 0;

    return number > 0 && number <= most && *end == '\0' ? (int)number : 0;
}

static int window_choose(int said, const char *name, int most)
{
    if (said == 0)
        return exported(name, most);
    return said < most ? said : most;
}

void window_size(int *rows, int *cols)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        size = (struct winsize){ 0 };
    *rows = window_choose(size.ws_row, "LINES", WINDOW_ROWS_MAX);
    *cols = window_choose(size.ws_col, "COLUMNS", WINDOW_COLS_MAX);
}

int window_columns(void)
{
    int rows, cols;

    window_size(&rows, &cols);
    return cols ? cols : USUAL_COLUMNS;
}
