#include "ui/session/marks.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void marks_done(struct marks *m)
{
    free(m->list);
    *m = (struct marks){ NULL, 0 };
}

static struct marked mark_of(const struct settings *s,
                             const struct setting *row)
{
    struct marked made = { row, settings_number(s, row), "" };

    settings_format(s, row, made.value, sizeof(made.value));
    return made;
}

/* Tells the order as strcmp() does. */
static int compare_marks(const struct marked *a, const struct marked *b)
{
    return a->setting != b->setting ? (a->setting > b->setting) -
                                          (a->setting < b->setting)
                                    : (a->order > b->order) -
                                          (a->order < b->order);
}

/* The place of a mark, or that where it would be. */
static int place_of_mark(const struct marks *m, const struct marked *mark)
{
    int i = 0;

    while (i < m->count && compare_marks(&m->list[i], mark) < 0)
        i++;
    return i;
}

static bool is_at(const struct marks *m, const struct marked *mark, int at)
{
    return at < m->count && compare_marks(&m->list[at], mark) == 0;
}

void marks_toggle(struct marks *m, const struct settings *s,
                  const struct setting *row)
{
    struct marked mark = mark_of(s, row);
    int at = place_of_mark(m, &mark);

    if (is_at(m, &mark, at)) {
        memmove(m->list + at, m->list + at + 1,
                (size_t)(--m->count - at) * sizeof(*m->list));
        return;
    }
    m->list = xgrow(m->list, m->count, sizeof(*m->list));
    memmove(m->list + at + 1, m->list + at,
            (size_t)(m->count++ - at) * sizeof(*m->list));
    m->list[at] = mark;
}

bool marks_has(const struct marks *m, const struct settings *s,
               const struct setting *row)
{
    struct marked mark = mark_of(s, row);

    return is_at(m, &mark, place_of_mark(m, &mark));
}

int marks_of(const struct marks *m, const struct setting *row)
{
    int count = 0;

    for (int i = 0; i < m->count; i++)
        count += m->list[i].setting == row;
    return count;
}
