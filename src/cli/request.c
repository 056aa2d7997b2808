#include "cli/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"
#include "base/window.h"
#include "models/model.h"

void request_set(struct request *r, const char *option,
                 const char *name_value)
{
    r->assignments = xrealloc(r->assignments, (unsigned long)r->count + 1,
                              sizeof(*r->assignments));
    r->assignments[r->count++] = (struct assignment){ option,
                                                      xstrdup(name_value) };
}

void request_done(struct request *r)
{
    for (int i = 0; i < r->count; i++)
        free(r->assignments[i].text);
    free(r->assignments);
    *r = (struct request){ 0 };
}

static bool refuse_word(const char *command, const char *what, const char *word,
                        const char *usage, int *code)
{
    print_error("memdial %s: %s '%s'; usage: memdial %s\n", command, what,
                word, usage);
    *code = EXIT_INPUT;
    return false;
}

/* The bytes of a usage up to the next space that no bracket has around it. */
static size_t usage_part(const char *usage)
{
    int depth = 0;
    size_t n;

    for (n = 0; usage[n] && (depth > 0 || usage[n] != ' '); n++)
        depth += (strchr("[{", usage[n]) != NULL) -
                 (strchr("]}", usage[n]) != NULL);
    /* A word after an option is its value. */
    return usage[0] == '-' && usage[n] == ' ' && usage[n + 1] != '[' &&
                   usage[n + 1] != '-' ? n + 1 + usage_part(usage + n + 1) : n;
}

void request_print_usage(const char *usage)
{
    enum { INDENT = 8 };
    int room = window_columns() - 1, at = print("Usage: memdial");

    while (*usage) {
        size_t n = usage_part(usage);
        if (at + 1 + (int)n > room)
            at = print("\n%*s", INDENT - 1, "");
        at += print(" %.*s", (int)n, usage);
        usage += n;
        usage += *usage == ' ';
    }
    print("\nmemdial(1) tells of each option; see `man memdial`.\n");
}

const char *request_unknown(char **argv, const struct option *known)
{
    static char letter[] = "-?";
    bool is_long = optopt == 0;

    for (; known->name; known++)
        is_long |= known->val == optopt && strchr(argv[optind - 1], '=');
    letter[1] = (char)optopt;
    return is_long ? argv[optind - 1] : letter;
}

bool request_parse(struct request *r, int argc, char **argv,
                   const struct option *known, const char *usage,
                   void (*option)(void *arg, int which, const char *value),
                   void *arg, int *code)
{
    int which;

    *r = (struct request){ .preset = PRESET_DEFAULT };
    *code = EXIT_OK;
    optind = 0; /* GNU: begin anew */
    opterr = 0;
    while ((which = getopt_long(argc, argv, ":hs:", known, NULL)) != -1)
        switch (which) {
        case 's':
            if (!strchr(optarg, '='))
                return refuse_word(argv[0], "--set needs NAME=VALUE, not",
                                   optarg, usage, code);
            request_set(r, "--set", optarg);
            break;
        case 'h':
            request_print_usage(usage);
            return false;
        case ':':
            return refuse_word(argv[0], "a value must follow", argv[optind - 1],
                               usage, code);
        case '?':
            return refuse_word(argv[0], "no such option",
                               request_unknown(argv, known), usage, code);
        default:
            option(arg, which, optarg);
        }
    if (optind < argc) {
        r->preset = argv[optind++];
        r->named = true;
    }
    if (optind < argc)
        return refuse_word(argv[0], "one preset is enough, not also",
                           argv[optind], usage, code);
    return true;
}

bool request_settings(const struct request *r, struct settings *s,
                      struct error *e)
{
    struct settings read;

    if (!preset_open(r->preset, r->assignments, r->count, &read, e) ||
        !model_check(&read, r->preset, e))
        return false;
    *s = read;
    return true;
}

bool request_change(const struct request *r, const char *where,
                    struct settings *s, struct error *e)
{
    struct settings changed = *s;

    for (int i = 0; i < r->count; i++)
        if (!settings_assign(&changed, r->assignments[i].option,
                             r->assignments[i].text, e))
            return false;
    if (!settings_check(&changed, where, e) || !model_check(&changed, where, e))
        return false;
    *s = changed;
    return true;
}

int report_error(const struct error *e)
{
    print_error("memdial: %s\n", e->text);
    return e->code;
}
