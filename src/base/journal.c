#define _GNU_SOURCE

#include "base/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

struct journal {
    char *path;          /* owned */
    int fd;
    char *waiting;       /* owned, [JOURNAL_WAITING_MAX]; not written yet */
    size_t bytes;        /* of it */
};

static bool fail(const struct journal *j, struct error *e)
{
    return error_set(e, EXIT_RUN, "%s: %s", j->path, strerror(errno));
}

/* Ends the half line that a process left, if it did. */
static void end_half_line(struct journal *j, const struct stat *status)
{
    char last;

    if (status->st_size > 0 &&
        file_read_at(j->fd, &last, 1, (uint64_t)status->st_size - 1) &&
        last != '\n')
        j->waiting[j->bytes++] = '\n';
}

static bool open_journal(struct journal *j, struct error *e)
{
    struct stat status;

    j->fd = TEMP_FAILURE_RETRY(open(j->path, O_RDWR | O_APPEND | O_CREAT |
                                    O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666));
    if (j->fd < 0 || fstat(j->fd, &status) != 0)
        return fail(j, e);
    if (!file_check_kind(j->path, &status, e))
        return false;
    end_half_line(j, &status);
    return true;
}

bool journal_open(struct journal **out, const char *path, struct error *e)
{
    struct journal *j = xcalloc(1, sizeof(*j));

    j->path = xstrdup(path);
    j->waiting = xcalloc(JOURNAL_WAITING_MAX, 1);
    if (!open_journal(j, e)) {
        journal_close(j);
        return false;
    }
    *out = j;
    return true;
}

/* Writes the bytes that wait, as far as it can; the rest goes on where the file
 * ends. */
static bool write_waiting(struct journal *j)
{
    size_t done = 0;
    ssize_t n = 1;

    while (done < j->bytes &&
           (n = TEMP_FAILURE_RETRY(write(j->fd, j->waiting + done,
                                         j->bytes - done))) > 0)
        done += (size_t)n;
    j->bytes -= done;
    memmove(j->waiting, j->waiting + done, j->bytes);
    if (n == 0)
        errno = EIO;
    return j->bytes == 0;
}

static bool wait_for_room(struct journal *j, const char *line)
{
    size_t length = strlen(line);

    if (length + 1 > JOURNAL_WAITING_MAX - j->bytes)
        return false;
    memcpy(j->waiting + j->bytes, line, length);
    j->waiting[j->bytes + length] = '\n';
    j->bytes += length + 1;
    return true;
}

bool journal_add(struct journal *j, const char *line, struct error *e)
{
    errno = EMSGSIZE; /* if nothing waits, and yet there is no room */
    if (j->bytes > 0)
        write_waiting(j);
    return (wait_for_room(j, line) && write_waiting(j)) || fail(j, e);
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0) {
        write_waiting(j);
        close(j->fd);
    }
    free(j->waiting);
    free(j->path);
    free(j);
}
