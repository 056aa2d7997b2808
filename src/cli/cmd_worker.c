/*
 * `memdial worker`: a worker on standard input and output. The list of its
 * events can also be printed as items of an mdoc list, from which
 * memdial-events(5) is kept up to date.
 */
#include "cli/cmd_worker.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/ending.h"
#include "base/error.h"
#include "base/print.h"
#include "cli/lesson.h"
#include "events/event.h"
#include "train/worker.h"

/* If memory runs out the kernel should end this process, which can be started
 * again, and not the front end. Linux only; elsewhere nothing is lost. */
static void volunteer(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY);

    if (file < 0)
        return;
    if (write(file, "500", 3) < 0)
        print_error("memdial worker: oom_score_adj: %s\n", strerror(errno));
    close(file);
}

/* The screens run this process as /proc/self/exe, and "exe" would be its name
 * in lists of processes. */
static void take_name(void)
{
    prctl(PR_SET_NAME, "memdial");
}

static void print_item(const char *name, const char *help)
{
    print(".It Cm %s\n%c%s.\n", name, toupper((unsigned char)help[0]),
          help + 1);
}

static void print_members(enum event_type type)
{
    int count = 0;

    for (int i = 0; i < event_member_count; i++) {
        const struct member *m = &event_members[i];
        if (m->event != type)
            continue;
        if (count++ == 0)
            print(".Bl -tag -width Ds -compact\n");
        print_item(m->name, m->help);
    }
    if (count)
        print(".El\n");
}

/* Prints the events for the manual, as the items of a list. */
static void print_mdoc(void)
{
    for (int type = 0; type < EVENT_COUNT; type++) {
        print_item(event_name((enum event_type)type),
                   event_help((enum event_type)type));
        print_members((enum event_type)type);
    }
}

int cmd_worker(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--mdoc") == 0) {
        print_mdoc();
        return EXIT_OK;
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        print("Usage: memdial worker\n"
              "Reads commands as lines of JSON, writes events; "
              "see memdial-events(5).\n");
        return EXIT_OK;
    }
    if (argc > 1) {
        print_error("memdial worker: '%s' is not expected; it takes "
                    "commands on standard input, see memdial-events(5)\n",
                    argv[1]);
        return EXIT_INPUT;
    }
    ending_hold();
    volunteer();
    take_name();
    event_print_last_words();
    lesson_print();
    if (worker_run(STDIN_FILENO))
        return EXIT_OK;
    print_error("memdial worker: commands could not be read\n");
    return EXIT_RUN;
}
