#include "ui/term/scroll.h"

enum { VERY_FAR = 1000000 };

int scroll_steps(enum action action, int height)
{
    switch (action) {
    case ACTION_UP:
        return -1;
    case ACTION_DOWN:
        return 1;
    case ACTION_PAGE_UP:
        return -height;
    case ACTION_PAGE_DOWN:
        return height;
    case ACTION_START:
        return -VERY_FAR;
    case ACTION_END:
        return VERY_FAR;
    default:
        return 0;
    }
}

int scroll_row(int row, int count)
{
    if (row >= count)
        row = count - 1;
    return row > 0 ? row : 0;
}

int scroll_keep(int first, int chosen, int count, int height)
{
    if (first < chosen - height + 1)
        first = chosen - height + 1;
    if (first > chosen)
        first = chosen;
    return scroll_row(first, count - height + 1);
}
