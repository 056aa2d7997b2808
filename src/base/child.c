#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

enum { UNSENT_MAX = 1 << 20 };

/* Seconds until a killed child is given up. */
static const double kill_seconds = 0.1;

void child_init(struct child *c)
{
    *c = (struct child){ .to = -1, .from = -1 };
    signal(SIGPIPE, SIG_IGN); /* it may die while it is written to */
}

void child_done(struct child *c)
{
    child_kill(c);
    free(c->unsent);
}

/* The number of processes that the system has killed for want of memory; 0 if
 * it does not tell. */
static uint64_t count_oom_kills(void)
{
    FILE *file = fopen("/proc/vmstat", "r");
    char line[128];
    uint64_t count = 0;

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "oom_kill %" SCNu64, &count) == 1)
            break;
    if (file)
        fclose(file);
    return count;
}

bool child_starved(const struct child *c)
{
    return c->signal == SIGKILL && count_oom_kills() > c->oom_kills;
}

/* Runs in the child. A session of its own keeps Ctrl-C and password prompts of
 * the program away from the terminal. The child dies with its parent. */
static void become(const char *const *words, pid_t parent, int in, int out)
{
    sigset_t none;

    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it has died already */
        _exit(CHILD_CANNOT);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO); /* its complaints likely say why it ends */
    execvp(strcmp(words[0], CHILD_SELF) == 0 ? "/proc/self/exe" : words[0],
           (char *const *)words);
    dprintf(STDERR_FILENO, "cannot be started: %s\n", strerror(errno));
    _exit(CHILD_CANNOT);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool open_child_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return false;
    for (int i = 0; i < 2; i++)
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    return true;
}

/* Moves our ends of the pipes to the child. */
static bool fork_child(struct child *c, const char *const *words, int in[2],
                       int out[2])
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid == 0)
        become(words, parent, in[0], out[1]);
    if (pid < 0)
        return false;
    c->pid = pid;
    c->to = in[1];
    c->from = out[0];
    in[1] = out[0] = -1;
    fcntl(c->to, F_SETFL, O_NONBLOCK);
    fcntl(c->from, F_SETFL, O_NONBLOCK);
    return true;
}

bool child_start(struct child *c, const char *const *words)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, code;
    bool ok;

    c->unsent_bytes = 0;
    c->ended = false;
    c->signal = c->status = 0;
    c->oom_kills = count_oom_kills();
    ok = open_child_pipe(in) && open_child_pipe(out) &&
         fork_child(c, words, in, out);
    code = errno;
    for (int i = 0; i < 2; i++) {
        close_fd(&in[i]);
        close_fd(&out[i]);
    }
    errno = code;
    return ok;
}

void child_flush(struct child *c)
{
    while (c->to >= 0 && c->unsent_bytes > 0) {
        ssize_t n = write(c->to, c->unsent, c->unsent_bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            close_fd(&c->to);
        if (n < 0)
            return;
        c->unsent_bytes -= (size_t)n;
        memmove(c->unsent, c->unsent + n, c->unsent_bytes);
    }
}

/* Takes twice the room needed: a child that does not read is sent many lines.
 */
static void grow_unsent(struct child *c, size_t bytes)
{
    size_t needed = c->unsent_bytes + bytes;

    if (needed <= c->unsent_room)
        return;
    c->unsent_room = 2 * needed;
    c->unsent = xrealloc(c->unsent, c->unsent_room, 1);
}

bool child_send(struct child *c, const char *line)
{
    size_t length = strlen(line);

    grow_unsent(c, length + 1);
    memcpy(c->unsent + c->unsent_bytes, line, length);
    c->unsent[c->unsent_bytes + length] = '\n';
    c->unsent_bytes += length + 1;
    child_flush(c);
    return c->unsent_bytes <= UNSENT_MAX;
}

void child_hang_up(struct child *c)
{
    close_fd(&c->to);
    close_fd(&c->from);
}

static void nap(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* A shell exits with 128 plus the signal that ended its command. */
static void take_end(struct child *c, int status)
{
    int number = WIFSIGNALED(status) ? WTERMSIG(status)
                                     : WEXITSTATUS(status) - 128;

    c->signal = number > 0 && number < NSIG ? number : 0;
    c->status = WEXITSTATUS(status);
}

bool child_reap(struct child *c, double seconds)
{
    double deadline = clock_seconds() + seconds;
    int status = 0;
    pid_t ended;

    while ((ended = waitpid(c->pid, &status, WNOHANG)) == 0 &&
           clock_seconds() < deadline)
        nap();
    c->ended = ended != 0;
    if (ended > 0)
        take_end(c, status);
    return c->ended;
}

void child_ask_to_end(const struct child *c)
{
    if (c->pid && !c->ended)
        kill(c->pid, SIGTERM);
}

void child_kill(struct child *c)
{
    if (!c->pid)
        return;
    kill(-c->pid, SIGKILL);
    child_reap(c, kill_seconds);
    child_hang_up(c);
    c->pid = 0;
}
