#include "help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "theme.h"

void help_fill(struct text_block *text, enum page_id page)
{
    for (int i = 0; i < keys_count; i++)
        if (keys_table[i].pages & 1u << page)
            text_block_add(text, ROLE_TEXT, "%-12s %s", keys_table[i].label,
                           keys_table[i].help);
    text_block_add(text, ROLE_TEXT, " ");
    text_block_add(text, ROLE_TITLE, "Kinds of memory");
    for (int i = 0; i < KIND_COUNT; i++)
        text_block_add(text, (unsigned)(ROLE_KIND + i), "%s%s %c  %s",
                       theme_pattern((enum kind)i, GLYPHS_BLOCK),
                       theme_pattern((enum kind)i, GLYPHS_BLOCK),
                       theme_letter((enum kind)i), kind_name((enum kind)i));
}

/* Only keys of some pages say which, in the order of the pages. */
static void print_pages(unsigned pages)
{
    static const char *const names[PAGE_COUNT] = { "Run", "Step", "Layers",
                                                   "Runs", "Presets" };
    const char *separator = " (";

    if (pages == KEYS_ANYWHERE)
        return;
    for (int i = 0; i < PAGE_COUNT; i++)
        if (pages & 1u << i) {
            printf("%s%s", separator, names[i]);
            separator = ", ";
        }
    putchar(')');
}

static void print_label(const char *label)
{
    printf(".It");
    while (*label) {
        int n = (int)strcspn(label, " ");
        /* mdoc would take a lone punctuation mark for one of its own. */
        printf(" Ic %s%.*s",
               n == 1 && ispunct((unsigned char)*label) ? "\\&" : "", n,
               label);
        label += n;
        label += strspn(label, " ");
        if (*label)
            printf(" ,");
    }
    putchar('\n');
}

void help_print_mdoc(void)
{
    puts(".Bl -tag -width Ds -compact");
    for (int i = 0; i < keys_count; i++) {
        print_label(keys_table[i].label);
        printf("%c%s", toupper((unsigned char)keys_table[i].help[0]),
               keys_table[i].help + 1);
        print_pages(keys_table[i].pages);
        puts(".");
    }
    puts(".El");
}
