#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Opens /dev/null, which takes the lowest free descriptor: it must be fd. */
static bool take_up(int fd, int flags, struct error *e)
{
    static const char nothing[] = "/dev/null";

    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF ||
        open(nothing, flags) == fd)
        return true;
    return error_set(e, EXIT_RUN, "%s: %s", nothing, strerror(errno));
}

bool process_streams(struct error *e)
{
    bool heard = fcntl(STDOUT_FILENO, F_GETFD) >= 0 || errno != EBADF;

    if (!take_up(STDIN_FILENO, O_RDONLY, e) ||
        !take_up(STDOUT_FILENO, O_WRONLY, e) ||
        !take_up(STDERR_FILENO, O_WRONLY, e))
        return false;
    return heard || error_set(e, EXIT_RUN, "standard output is closed: give "
                              "it a file, or /dev/null");
}
