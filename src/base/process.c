#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool had_input = true;

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

/* Opens /dev/null, which takes the lowest free descriptor: it must be fd. */
static bool take_up(int fd, int flags, struct error *e)
{
    static const char nothing[] = "/dev/null";

    if (is_open(fd) || open(nothing, flags) == fd)
        return true;
    return error_set(e, EXIT_RUN, "%s: %s", nothing, strerror(errno));
}

bool process_streams(struct error *e)
{
    bool heard = is_open(STDOUT_FILENO);

    had_input = is_open(STDIN_FILENO);
    if (!take_up(STDIN_FILENO, O_RDONLY, e) ||
        !take_up(STDOUT_FILENO, O_WRONLY, e) ||
        !take_up(STDERR_FILENO, O_WRONLY, e))
        return false;
    return heard || error_set(e, EXIT_RUN, "standard output is closed: give "
                              "it a file, or /dev/null");
}

bool process_has_input(struct error *e)
{
    return had_input || error_set(e, EXIT_INPUT, "standard input is closed: "
                                  "give it a file, or /dev/null");
}
