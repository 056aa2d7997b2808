#define _GNU_SOURCE

#include "base/draft.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tag.h"

enum { LINKS_MAX = 40, TRIES_MAX = 100,
       SHOWN_MAX = 200 /* bytes of the name that a draft's begins with */ };

struct draft {
    char *path;          /* owned; as the caller says it */
    char *target;        /* owned; the path that links lead to */
    const char *name;    /* of the target in its folder, part of `target` */
    int folder, fd;
    uint64_t bytes;      /* written one after the other */
    char temporary[NAME_MAX + 1]; /* the draft, beside it; "": none yet */
    bool replaces;
    struct stat old;     /* of the file that it replaces */
    struct draft *next; /* in the list of all */
};

static struct draft *drafts;

static bool refuse_path(const struct draft *d, struct error *e)
{
    return error_set(e, EXIT_RUN, "%s: cannot write here: %s", d->path,
                     strerror(errno));
}

static bool fail_midway(const struct draft *d, struct error *e)
{
    return error_set(e, EXIT_RUN, "%s: cannot write all of it: %s; what "
                     "was there before, if anything, is as it was", d->path,
                     strerror(errno));
}

/* The path to which a link at `path` leads; takes the path over. */
static char *follow_link(char *path, const char *link)
{
    char *slash = strrchr(path, '/');
    size_t folder = slash && link[0] != '/' ? (size_t)(slash + 1 - path) : 0;
    char *to = xcalloc(folder + strlen(link) + 1, 1);

    memcpy(to, path, folder);
    strcpy(to + folder, link);
    free(path);
    return to;
}

/* The path with all links followed, though no file may be there; the caller
 * frees. NULL if the links lead nowhere. */
static char *follow_links(const char *path)
{
    char *at = xstrdup(path);

    for (int links = 0; links <= LINKS_MAX; links++) {
        char link[PATH_MAX];
        ssize_t n = TEMP_FAILURE_RETRY(readlink(at, link, sizeof(link) - 1));

        if (n < 0)
            return at;
        link[n] = '\0';
        at = follow_link(at, link);
    }
    free(at);
    errno = ELOOP;
    return NULL;
}

/* The folder need only be searchable: it may refuse to be listed. */
static int open_folder(const char *path)
{
    const int flags = O_DIRECTORY | O_CLOEXEC;
    int fd = TEMP_FAILURE_RETRY(open(path, flags | O_RDONLY));

    return fd >= 0 ? fd : TEMP_FAILURE_RETRY(open(path, flags | O_PATH));
}

/* Finds the folder and the name that the draft will have in the end. */
static bool find_target(struct draft *d)
{
    char *slash;

    d->target = follow_links(d->path);
    if (!d->target)
        return false;
    slash = strrchr(d->target, '/');
    d->name = slash ? slash + 1 : d->target;
    if (slash == d->target) {
        d->folder = open_folder("/");
    } else if (slash) {
        *slash = '\0';
        d->folder = open_folder(d->target);
    } else {
        d->folder = open_folder(".");
    }
    return d->folder >= 0;
}

/* Refuses a target that is no file, or that may not be written. */
static bool check_target(struct draft *d, struct error *e)
{
    if (fstatat(d->folder, d->name, &d->old, AT_SYMLINK_NOFOLLOW) == 0) {
        d->replaces = true;
        return file_check_kind(d->path, &d->old, e) &&
               (faccessat(d->folder, d->name, W_OK, AT_EACCESS) == 0 ||
                refuse_path(d, e));
    }
    if (errno == ENOENT && d->name[0])
        return true;
    if (d->path[0] && !d->name[0])
        errno = EISDIR;
    return refuse_path(d, e);
}

static const char ending[] = ".tmp";

/* Writes the name of a draft for a target, up to its tag; returns its length so
 * far. */
static int begin_name(const char *target, char name[NAME_MAX + 1])
{
    return snprintf(name, NAME_MAX + 1, ".%.*s.", SHOWN_MAX, target);
}

static void name_temporary(struct draft *d)
{
    char tag[TAG_SIZE];
    int n = begin_name(d->name, d->temporary);

    snprintf(d->temporary + n, sizeof(d->temporary) - (size_t)n, "%s%s",
             tag_make(tag), ending);
}

/* Whether name_temporary() may have made this name. */
bool draft_is_of(const char *name, const char *target)
{
    char begin[NAME_MAX + 1];
    size_t length = (size_t)begin_name(target, begin);

    return strncmp(name, begin, length) == 0 && tag_begins(name + length) &&
           strcmp(name + length + TAG_DIGITS, ending) == 0;
}

/* Whether a name still is that of an open file. */
static bool still_names(int folder, const char *name, int fd)
{
    struct stat named, opened;

    return fstat(fd, &opened) == 0 &&
           fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* Opens a left draft for a lock: some file systems lock only files that can be
 * written. */
static int open_left_one(int folder, const char *name)
{
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = openat(folder, name, O_RDWR | flags);

    return fd >= 0 || errno != EACCES ? fd
                                      : openat(folder, name, O_RDONLY | flags);
}

/* Removes a draft that no process holds. The lock is released when its process
 * ends, on whichever machine; without locks, no draft is removed. A draft may
 * already have the permissions of the file that it was to replace. */
static void remove_left_draft(const struct draft *d, const char *name)
{
    int folder = d->folder, fd = open_left_one(folder, name);
    struct stat status;

    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        (status.st_uid == geteuid() ||
         (d->replaces && status.st_uid == d->old.st_uid)) &&
        flock(fd, LOCK_EX | LOCK_NB) == 0 &&
        still_names(folder, name, fd))
        unlinkat(folder, name, 0);
    close(fd);
}

static void remove_left_drafts(const struct draft *d)
{
    int fd = openat(d->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    if (!folder) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(folder)))
        if (draft_is_of(entry->d_name, d->name))
            remove_left_draft(d, entry->d_name);
    closedir(folder);
}

/* Another process that clears drafts away may remove this draft before its lock
 * is taken. */
static bool lock_draft(const struct draft *d)
{
    return (flock(d->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
           still_names(d->folder, d->temporary, d->fd);
}

/* A file that only its owner may read has a draft that only its owner may read.
 */
static bool open_temporary(struct draft *d)
{
    mode_t mode = d->replaces ? 0600 : 0666;

    for (int i = 0; i < TRIES_MAX; i++) {
        name_temporary(d);
        d->fd = TEMP_FAILURE_RETRY(openat(
            d->folder, d->temporary,
            O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
        if (d->fd >= 0 && lock_draft(d))
            return true;
        if (d->fd < 0 && errno != EEXIST)
            break;
        if (d->fd >= 0) {
            unlinkat(d->folder, d->temporary, 0);
            close(d->fd);
        }
        d->fd = -1;
    }
    d->temporary[0] = '\0';
    return false;
}

/* Gives owner and group as far as this process may. If it may not, the new
 * group may do no more than all others. */
static void take_permissions(const struct draft *d)
{
    mode_t mode = d->old.st_mode & 0777;

    if (!d->replaces)
        return;
    if (fchown(d->fd, d->old.st_uid, d->old.st_gid) != 0 &&
        fchown(d->fd, (uid_t)-1, d->old.st_gid) != 0)
        mode &= ~(mode_t)070 | (mode & 07) << 3;
    if (fchmod(d->fd, mode) != 0)
        return; /* a file system without permissions */
}

static void remove_drafts(void)
{
    for (const struct draft *d = drafts; d; d = d->next)
        unlinkat(d->folder, d->temporary, 0);
}

static void enlist(struct draft *d)
{
    static bool at_exit;

    if (!at_exit)
        at_exit = atexit(remove_drafts) == 0;
    d->next = drafts;
    drafts = d;
}

static void free_draft(struct draft *d)
{
    for (struct draft **at = &drafts; *at; at = &(*at)->next)
        if (*at == d) {
            *at = d->next;
            break;
        }
    if (d->fd >= 0)
        close(d->fd);
    if (d->folder >= 0)
        close(d->folder);
    free(d->target);
    free(d->path);
    free(d);
}

void draft_drop(struct draft *d)
{
    if (!d)
        return;
    if (d->temporary[0])
        unlinkat(d->folder, d->temporary, 0);
    free_draft(d);
}

/* A draft without its file yet. */
static struct draft *draft_new(const char *path)
{
    struct draft *d = xcalloc(1, sizeof(*d));

    d->path = xstrdup(path);
    d->folder = d->fd = -1;
    return d;
}

bool draft_begin(struct draft **out, const char *path, struct error *e)
{
    struct draft *d = draft_new(path);
    bool ok = find_target(d) || refuse_path(d, e);

    ok = ok && check_target(d, e);
    if (ok) {
        remove_left_drafts(d);
        ok = open_temporary(d) || refuse_path(d, e);
    }
    if (!ok) {
        draft_drop(d);
        return false;
    }
    enlist(d);
    *out = d;
    return true;
}

bool draft_check(const char *path, struct error *e)
{
    struct draft *d;

    if (!draft_begin(&d, path, e))
        return false;
    draft_drop(d);
    return true;
}

int draft_written(const struct draft *d, uint64_t *bytes)
{
    *bytes = d->bytes;
    return d->fd;
}

bool draft_write_at(struct draft *d, const void *from, size_t bytes,
                   uint64_t at, struct error *e)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = TEMP_FAILURE_RETRY(pwrite(d->fd, (const char *)from + done,
                                              bytes - done,
                                              (off_t)(at + done)));
        if (n <= 0) {
            errno = n < 0 ? errno : EIO;
            return fail_midway(d, e);
        }
        done += (size_t)n;
    }
    return true;
}

bool draft_write(struct draft *d, const void *from, size_t bytes,
                struct error *e)
{
    uint64_t at = d->bytes;

    d->bytes += bytes;
    return draft_write_at(d, from, bytes, at, e);
}

bool draft_sync(const struct draft *d, struct stat *status, struct error *e)
{
    return (TEMP_FAILURE_RETRY(fsync(d->fd)) == 0 &&
            fstat(d->fd, status) == 0) || fail_midway(d, e);
}

static bool rename_draft(struct draft *d, unsigned flags)
{
    bool ok = TEMP_FAILURE_RETRY(renameat2(d->folder, d->temporary, d->folder,
                                           d->name, flags)) == 0;

    if (ok)
        d->temporary[0] = '\0';
    return ok;
}

/* Some file systems have no links, others no rename that never replaces. */
static bool give_name(struct draft *d, enum draft_place place)
{
    if (rename_draft(d, place == DRAFT_NEW ? RENAME_NOREPLACE : 0))
        return true;
    return place == DRAFT_NEW && (errno == EINVAL || errno == ENOSYS) &&
           TEMP_FAILURE_RETRY(linkat(d->folder, d->temporary, d->folder,
                                     d->name, 0)) == 0;
}

bool draft_finish(struct draft *d, enum draft_place place,
                 struct error *e)
{
    bool ok = TEMP_FAILURE_RETRY(fsync(d->fd)) == 0;

    if (ok)
        take_permissions(d);
    ok = ok && give_name(d, place);
    if (!ok)
        refuse_path(d, e);
    /* A name is durable once its folder is, where the file system can do
     * that. */
    if (ok)
        fsync(d->folder);
    draft_drop(d);
    return ok;
}

bool draft_put_bytes(const char *path, const void *from, size_t bytes,
                     enum draft_place place, struct error *e)
{
    struct draft *d;

    if (!draft_begin(&d, path, e))
        return false;
    if (draft_write(d, from, bytes, e))
        return draft_finish(d, place, e);
    draft_drop(d);
    return false;
}

bool draft_put(const char *path, const char *text, enum draft_place place,
               struct error *e)
{
    return draft_put_bytes(path, text, strlen(text), place, e);
}

/* An inode number is used again, so the time is compared too. */
static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool is_only(const struct draft *d, const struct stat *only)
{
    struct stat status;

    return !only || (fstatat(d->folder, d->name, &status, 0) == 0 &&
                     is_same(&status, only));
}

void draft_remove(const char *path, const struct stat *only)
{
    struct draft *d = draft_new(path);

    if (find_target(d)) {
        if (is_only(d, only))
            unlinkat(d->folder, d->name, 0);
        remove_left_drafts(d);
    }
    draft_drop(d);
}
