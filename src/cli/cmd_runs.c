/*
 * `memdial runs`: finds the command that is meant, and reads its options. All
 * of them take the same; those that mean nothing to a command are refused.
 */
#include "cli/cmd_runs.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"
#include "base/spelling.h"
#include "cli/request.h"
#include "cli/runs_choices.h"
#include "cli/runs_columns.h"
#include "events/archive_within.h"

/* The options that a command has, beside --runs and --help. */
enum { OPTION_JSON = 1, OPTION_CSV = 2, OPTION_LIST = 4, OPTION_PRUNE = 8,
       OPTION_TAG = 16,
       OPTION_SWEEP = 32 /* none, but its first word may be a sweep */ };

static const struct runs_command {
    const char *name;
    int (*run)(const struct runs_choices *);
    unsigned options;
    int least, most;             /* words */
    const char *usage, *help;
} commands[] = {
    { "list", runs_list, OPTION_JSON | OPTION_CSV | OPTION_LIST | OPTION_SWEEP,
      0, 1 << 20, "[SWEEP] [WORD]... [--filter CONDITION]... "
      "[--sort [-]COLUMN] [--json | --csv]",
      "those with the words, and that meet the conditions" },
    { "show", runs_show, OPTION_JSON | OPTION_SWEEP, 1, 1,
      "RUN | SWEEP [--json]", "all about one" },
    { "diff", runs_diff, OPTION_JSON, 2, 2, "RUN RUN [--json]",
      "two beside each other" },
    { "export", runs_export, OPTION_JSON | OPTION_CSV, 1, 1 << 20,
      "{RUN | SWEEP}... [--csv | --json]", "every number of some" },
    { "name", runs_name, 0, 2, 2, "RUN NAME",
      "call one by a name of its own; '' takes it away" },
    { "tag", runs_tag, OPTION_TAG, 2, 1 << 20, "RUN TAG... [--remove]",
      "give one tags, or take them away" },
    { "rm", runs_rm, 0, 1, 1 << 20, "{RUN | SWEEP}...",
      "remove some, or a sweep with all its runs" },
    { "prune", runs_prune, OPTION_PRUNE, 0, 0,
      "[--older AGE] [--size BYTES] [--snapshots] [--dry-run]",
      "remove the oldest, but none with the tag keep" },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static const struct option options[] = {
    { "runs", required_argument, NULL, 'r' },
    { "json", no_argument, NULL, 'j' },
    { "csv", no_argument, NULL, 'c' },
    { "words", no_argument, NULL, 'w' },
    { "filter", required_argument, NULL, 'f' },
    { "sort", required_argument, NULL, 'o' },
    { "older", required_argument, NULL, 'a' },
    { "size", required_argument, NULL, 'z' },
    { "snapshots", no_argument, NULL, 'n' },
    { "dry-run", no_argument, NULL, 'd' },
    { "remove", no_argument, NULL, 'm' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

/* The commands that an option is for. */
static unsigned commands_with(int which)
{
    switch (which) {
    case 'j':
        return OPTION_JSON;
    case 'c':
        return OPTION_CSV;
    case 'w':
    case 'f':
    case 'o':
        return OPTION_LIST;
    case 'a':
    case 'z':
    case 'n':
    case 'd':
        return OPTION_PRUNE;
    case 'm':
        return OPTION_TAG;
    default:
        return ~0u;
    }
}

static void take_option(struct runs_choices *c, int which, const char *value)
{
    switch (which) {
    case 'r':
        c->runs = value;
        break;
    case 'j':
        c->format = RUNS_JSON;
        break;
    case 'c':
        c->format = RUNS_CSV;
        break;
    case 'w':
        c->format = RUNS_WORDS;
        break;
    case 'f':
        c->filters = xgrow(c->filters, c->filter_count, sizeof(*c->filters));
        c->filters[c->filter_count++] = value;
        break;
    case 'o':
        c->sort = value;
        break;
    case 'a':
        c->older = value;
        break;
    case 'z':
        c->size = value;
        break;
    case 'n':
        c->snapshots = true;
        break;
    case 'd':
        c->dry_run = true;
        break;
    case 'm':
        c->remove = true;
        break;
    }
}

static int refuse(const struct runs_command *command, const char *what,
                  const char *word)
{
    print_error("memdial runs %s: %s '%s'; usage: memdial runs %s %s\n",
                command->name, what, word, command->name, command->usage);
    return EXIT_INPUT;
}

static int refuse_few(const struct runs_command *command)
{
    print_error("memdial runs %s: words are missing; usage: memdial runs %s "
                "%s\n", command->name, command->name, command->usage);
    return EXIT_INPUT;
}

/* The exit code of what was wrong with the options, or -1. */
static int read_runs_options(const struct runs_command *command, int argc,
                        char **argv, struct runs_choices *c)
{
    int which;

    optind = 0; /* GNU: begin anew */
    opterr = 0;
    while ((which = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (which == 'h') {
            print("Usage: memdial runs %s %s [--runs DIR]\n", command->name,
                  command->usage);
            return EXIT_OK;
        }
        if (which == ':')
            return refuse(command, "a value must follow", argv[optind - 1]);
        if (which == '?')
            return refuse(command, "no such option",
                          request_unknown(argv, options));
        if (which != 'r' && !(commands_with(which) & command->options))
            return refuse(command, "not an option of it:", argv[optind - 1]);
        take_option(c, which, optarg);
    }
    c->words = (const char *const *)argv + optind;
    c->count = argc - optind;
    if (c->count < command->least)
        return refuse_few(command);
    if (c->count > command->most)
        return refuse(command, "one word too many:",
                      c->words[command->most]);
    return -1;
}

static bool find_root(struct runs_choices *c, struct error *e)
{
    return archive_root(c->root, c->runs, e) &&
           archive_check_root(c->root, c->runs, e);
}

/* Takes a first word that names a sweep away. */
static void take_sweep(const struct runs_command *command,
                       struct runs_choices *c)
{
    char folder[RECORD_PATH_SIZE];

    if (!(command->options & OPTION_SWEEP) || c->count == 0 ||
        !archive_within(c->root, c->words[0], folder))
        return;
    strcpy(c->root, folder);
    c->sweep = true;
    c->words++;
    c->count--;
}

static int find_and_run(const struct runs_command *command,
                        struct runs_choices *c)
{
    struct error e;

    if (!find_root(c, &e))
        return report_error(&e);
    take_sweep(command, c);
    return command->run(c);
}

static int run_runs_command(const struct runs_command *command, int argc,
                            char **argv)
{
    struct runs_choices choices = { .format = RUNS_TEXT };
    int code = read_runs_options(command, argc, argv, &choices);

    if (code < 0)
        code = find_and_run(command, &choices);
    free(choices.filters);
    return code;
}

static int print_usage(void)
{
    print("Usage: memdial runs [COMMAND] [ARGUMENT]... [--runs DIR]\n"
          "RUN is the name of a run, the beginning of it, or a path; SWEEP "
          "the name\nor the path of a folder of runs.\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        print("  %-7s %s\n          %s\n", commands[i].name,
              commands[i].usage, commands[i].help);
    return EXIT_OK;
}

/* Prints the columns for the manual, as the items of a list. */
static int print_columns(void)
{
    for (int i = 0; i < runs_column_count; i++)
        print(".It Cm %s\n%c%s.\n", runs_columns[i].name,
              toupper((unsigned char)runs_columns[i].help[0]),
              runs_columns[i].help + 1);
    return EXIT_OK;
}

/* Names and help, with a tab between, for the completions of shells. */
static int print_runs_words(void)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        print("%s\t%s\n", commands[i].name, commands[i].help);
    return EXIT_OK;
}

static int refuse_runs_command(const char *name)
{
    struct spelling spelling;
    struct error e;

    spelling_init(&spelling, name);
    for (int i = 0; i < COMMAND_COUNT; i++)
        spelling_offer(&spelling, commands[i].name);
    spelling_refuse(&spelling, "command of runs", "see `memdial runs --help`",
                    &e);
    return report_error(&e);
}

int cmd_runs(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--mdoc") == 0)
        return print_columns();
    if (argc > 1 && strcmp(argv[1], "--words") == 0)
        return print_runs_words();
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 ||
                     strcmp(argv[1], "-h") == 0))
        return print_usage();
    if (argc < 2 || argv[1][0] == '-')
        return run_runs_command(&commands[0], argc, argv);
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, argv[1]) == 0)
            return run_runs_command(&commands[i], argc - 1, argv + 1);
    return refuse_runs_command(argv[1]);
}
