/*
 * The command line: finds the sub-command and runs it. Each has a file of its
 * own and is called with its name as argv[0]; only here does the program end.
 */
#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/print.h"
#include "base/process.h"
#include "base/spelling.h"
#include "cli/cmd_calibrate.h"
#include "cli/cmd_fit.h"
#include "cli/cmd_list.h"
#include "cli/cmd_plan.h"
#include "cli/cmd_report.h"
#include "cli/cmd_runs.h"
#include "cli/cmd_train.h"
#include "cli/cmd_sweep.h"
#include "cli/cmd_translate.h"
#include "cli/cmd_vocabulary.h"
#include "cli/cmd_worker.h"
#include "cli/request.h"
#include "config.h"
#include "settings/preset.h"
#include "ui/app.h"
#include "ui/pages/help.h"

struct command {
    const char *name;
    const char *arguments;
    const char *help;
    int (*run)(int argc, char **argv);
    bool trains;         /* with OpenMP's threads */
};

static int cmd_help(int argc, char **argv);

static const struct command commands[] = {
    { "train", "[PRESET] [--set NAME=VALUE]...", "train a network",
      cmd_train, true },
    { "translate", "[PRESET] --load FILE",
      "translate lines of standard input", cmd_translate, true },
    { "vocabulary", "[PRESET] --write FOLDER",
      "keep the dictionaries of sentences", cmd_vocabulary, false },
    { "plan", "[PRESET] [--set NAME=VALUE]...",
      "say what memory training takes", cmd_plan, false },
    { "fit", "[PRESET] --budget BYTES",
      "find settings within a budget", cmd_fit, false },
    { "calibrate", "[PRESET] [--seconds SECONDS]",
      "measure what calls take here", cmd_calibrate, true },
    { "runs", "[list | show | diff ...]",
      "look at the runs that were kept", cmd_runs, false },
    { "sweep", "[PRESET] --over NAME=VALUE,...",
      "train each combination of values", cmd_sweep, false },
    { "report", "[RUN | FOLDER]... -o FILE",
      "tell of runs in pictures and tables", cmd_report, false },
    { "worker", "", "train as standard input says", cmd_worker, true },
    { "presets", "[--json]", "list the presets", cmd_presets, false },
    { "settings", "[--json]", "list the settings and their values",
      cmd_settings, false },
    { "backends", "[--json]", "list the devices to train on", cmd_backends,
      false },
    { "help", "", "print this text", cmd_help, false },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

/* Names and help, with a tab between, for the completions of shells. */
static void print_command_words(void)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        print("%s\t%s\n", commands[i].name, commands[i].help);
}

static int cmd_help(int argc, char **argv)
{
    /* For the manual, which has the same list of keys as the screens. */
    if (argc > 1 && strcmp(argv[1], "--mdoc") == 0) {
        help_print_mdoc();
        return EXIT_OK;
    }
    if (argc > 1 && strcmp(argv[1], "--words") == 0) {
        print_command_words();
        return EXIT_OK;
    }
    if (argc > 1) {
        print_error("memdial help: '%s' is not expected; `memdial COMMAND "
                    "--help` says how a command is used\n", argv[1]);
        return EXIT_INPUT;
    }
    print("Usage: memdial [PRESET] [--set NAME=VALUE]...\n"
          "       memdial COMMAND [ARGUMENT]...\n"
          "Trains a network inside exactly the bytes that it plans.\n\n"
          "Without a command: on screens that show memory and score while "
          "it trains.\nThe commands:\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        print("  %-11s %-30s %s\n", commands[i].name, commands[i].arguments,
              commands[i].help);
    print("Options of the screens, such as --plain for screen readers: see "
          "memdial(1).\n");
    return EXIT_OK;
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int refuse_command(const char *name)
{
    struct preset_entry *presets;
    int count = preset_list(&presets);
    struct spelling spelling;
    struct error e;

    spelling_init(&spelling, name);
    for (int i = 0; i < COMMAND_COUNT; i++)
        spelling_offer(&spelling, commands[i].name);
    for (int i = 0; i < count; i++)
        spelling_offer(&spelling, presets[i].name);
    spelling_refuse(&spelling, "command or preset",
                    "see `memdial help` and `memdial presets`", &e);
    free(presets);
    return report_error(&e);
}

/* Whether a word asks for the screens: an option of theirs, or a preset. */
static bool means_screens(const char *word)
{
    return word[0] == '-' || preset_exists(word);
}

static int begin_screens(int argc, char **argv)
{
    static char name[] = "screens";

    argv[0] = name;
    return app_run(argc, argv);
}

static int run_arguments(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2)
        return begin_screens(argc, argv);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return cmd_help(1, argv + 1);
    if (strcmp(argv[1], "--version") == 0) {
        print("%s\n", PACKAGE_STRING);
        return EXIT_OK;
    }
    command = find_command(argv[1]);
    if (command)
        return command->run(argc - 1, argv + 1);
    return means_screens(argv[1]) ? begin_screens(argc, argv)
                                  : refuse_command(argv[1]);
}

/* OpenMP's threads spin for milliseconds before they sleep. Where other
 * programs need the processors too, these and every step wait for that. So
 * threads spin for a tenth of a millisecond, unless the environment says how
 * they wait. The library reads that before main(): the program begins again. */
static void begin_with_brief_waits(char **argv)
{
    static char path[4096];

    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") ||
        readlink("/proc/self/exe", path, sizeof(path) - 1) <= 0)
        return;
    if (setenv("GOMP_SPINCOUNT", "8000", 1) == 0)
        execv(path, argv); /* if it cannot, threads spin */
}

/* A search makes schedules and plans by the thousand, of some 100 KB each.
 * glibc would return that memory to the system, and ask for it, every time. */
static void keep_freed_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
#endif
}

int main(int argc, char **argv)
{
    const struct command *command = argc > 1 ? find_command(argv[1]) : NULL;
    struct error e;
    int code;

    if (command && command->trains)
        begin_with_brief_waits(argv);
    keep_freed_memory();
    if (!process_streams(&e))
        return report_error(&e);
    setlocale(LC_CTYPE, ""); /* characters, not the form of numbers */
    signal(SIGXFSZ, SIG_IGN); /* a file that must not grow is an error */
    code = run_arguments(argc, argv);
    /* A command whose output could not be written has failed. */
    if (print_flush())
        return code;
    print_error("memdial: standard output: %s\n", strerror(errno));
    return code == EXIT_OK ? EXIT_RUN : code;
}
