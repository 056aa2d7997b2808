#include "ui/pages/help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/print.h"
#include "ui/pages/sawtooth.h"
#include "ui/term/theme.h"

static void add_kinds(struct text_block *text, enum glyphs glyphs)
{
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TITLE, "Kinds of memory");
    for (int i = 0; i < KIND_COUNT; i++) {
        const char *pattern = theme_pattern((enum kind)i, glyphs);
        text_block_add(text, (unsigned)(ROLE_KIND + i), "%s%s %c  %s",
                       pattern, pattern, theme_letter((enum kind)i),
                       kind_name((enum kind)i));
    }
}

static void add_phases(struct text_block *text)
{
    static const char *const meanings[PHASE_COUNT] = {
        [PHASE_PREPARE] = "gradients begin at zero",
        [PHASE_FORWARD] = "from the input to the loss",
        [PHASE_RECOMPUTE] = "forward again, for what was not saved",
        [PHASE_BACKWARD] = "from the loss to gradients",
        [PHASE_UPDATE] = "from gradients to new weights",
        [PHASE_EVALUATE] = "forward alone, for validation",
        [PHASE_TRANSLATE] = "from sentences to sentences, for BLEU",
    };

    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TITLE, "Phases, below the bytes alive");
    for (int i = 0; i < PHASE_COUNT; i++) {
        const char *band = sawtooth_band((enum phase)i);
        text_block_add(text, sawtooth_role((enum phase)i),
                       "%s%s %-10s %s", band, band, phase_name((enum phase)i),
                       meanings[i]);
    }
    text_block_add(text, ROLE_DIM, "A step is as wide as its FLOPs; evaluation "
                   "has an eighth of training's width.");
}

void help_fill(struct text_block *text, enum page_id page,
               enum glyphs glyphs)
{
    for (int i = 0; i < keys_count; i++)
        if (keys_table[i].pages & 1u << page)
            text_block_add(text, ROLE_TEXT, "%-12s %s", keys_table[i].label,
                           keys_table[i].help);
    if (page == PAGE_STEP)
        add_phases(text);
    add_kinds(text, glyphs);
}

/* Keys of some pages alone name them, in the order of the pages. */
static void print_pages(unsigned pages)
{
    static const char *const names[PAGE_COUNT] = { "Run", "Step", "Layers",
                                                   "Runs", "Presets",
                                                   "Fit" };
    const char *separator = " (";

    if (pages == KEYS_ANYWHERE)
        return;
    for (int i = 0; i < PAGE_COUNT; i++)
        if (pages & 1u << i) {
            print("%s%s", separator, names[i]);
            separator = ", ";
        }
    print(")");
}

static void print_label(const char *label)
{
    print(".It");
    while (*label) {
        int n = (int)strcspn(label, " ");
        /* mdoc would read a lone punctuation mark as its own. */
        print(" Ic %s%.*s",
              n == 1 && ispunct((unsigned char)*label) ? "\\&" : "", n,
              label);
        label += n;
        label += strspn(label, " ");
        if (*label)
            print(" ,");
    }
    print("\n");
}

void help_print_mdoc(void)
{
    print(".Bl -tag -width Ds -compact\n");
    for (int i = 0; i < keys_count; i++) {
        print_label(keys_table[i].label);
        print("%c%s", toupper((unsigned char)keys_table[i].help[0]),
              keys_table[i].help + 1);
        print_pages(keys_table[i].pages);
        print(".\n");
    }
    print(".El\n");
}
