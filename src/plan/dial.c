#include "plan/dial.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "settings/ladder.h"

static bool is_dial(const struct setting *row)
{
    return row->live && row->ladder != LADDER_NONE;
}

int dial_first_page(void)
{
    int n = 0;

    for (int i = 0; i < settings_count; i++)
        n += is_dial(&settings_table[i]) && settings_table[i].place;
    return n;
}

int dial_count(void)
{
    int n = 0;

    for (int i = 0; i < settings_count; i++)
        n += is_dial(&settings_table[i]);
    return n;
}

const struct setting *dial_setting(int dial)
{
    int next = dial_first_page();

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        if (is_dial(row) && (row->place ? row->place - 1 : next++) == dial)
            return row;
    }
    return NULL;
}

static enum ladder_way dial_way(enum dial_turn turn)
{
    return turn == DIAL_UP ? LADDER_UP : LADDER_DOWN;
}

bool dial_turn(const struct settings *from, int dial, enum dial_turn turn,
               uint64_t least, struct settings *to)
{
    const struct setting *row = dial_setting(dial);

    return row && ladder_step(from, row, dial_way(turn), least, to);
}

bool dial_refuses(const struct settings *from, int dial, enum dial_turn turn,
                  struct error *e)
{
    const struct setting *row = dial_setting(dial);
    char where[64];

    snprintf(where, sizeof(where), "%s has no further step that way",
             row->name);
    return ladder_refuses(from, row, dial_way(turn), where, e);
}

void dial_format(const struct settings *s, int dial, char *text, size_t size)
{
    const struct setting *row = dial_setting(dial);
    bool zero = row->zero && settings_number(s, row) == 0;

    if (zero && row->ladder == LADDER_PARTS)
        snprintf(text, size, "%d (%s)", s->batch, row->zero);
    else if (zero)
        snprintf(text, size, "%s", row->zero);
    else if (row->type == SETTING_BYTES)
        bytes_format(text, size, (uint64_t)settings_number(s, row));
    else
        settings_format(s, row, text, size);
}

bool dial_same(const struct settings *a, const struct settings *b, int dial)
{
    const struct setting *row = dial_setting(dial);

    return memcmp((const char *)a + row->offset,
                  (const char *)b + row->offset, row->size) == 0;
}

void dial_changes(const struct settings *from, const struct settings *to,
                  char *text, size_t size)
{
    size_t used = 0;

    *text = '\0';
    for (int dial = 0; dial < dial_count() && used < size; dial++) {
        char value[SETTINGS_TEXT_SIZE];
        if (dial_same(from, to, dial))
            continue;
        dial_format(to, dial, value, sizeof(value));
        used += (size_t)snprintf(text + used, size - used, "%s%s=%s",
                                 used ? " " : "", dial_setting(dial)->name,
                                 value);
    }
}
