#include "base/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "base/tag.h"

enum { TRIES_MAX = 100 };

static int open_folder_at(int above, const char *name)
{
    return openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
                                   O_CLOEXEC);
}

/* Removes all files of a folder; takes the descriptor over. */
static void remove_files(int fd)
{
    DIR *folder = fdopendir(fd);
    struct dirent *entry;

    if (!folder) {
        close(fd);
        return;
    }
    while ((entry = readdir(folder)))
        unlinkat(dirfd(folder), entry->d_name, 0); /* not . and .. */
    closedir(folder);
}

static bool is_own(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && status.st_uid == geteuid();
}

static void remove_left_folder(int above, const char *name)
{
    int fd = open_folder_at(above, name);

    if (fd < 0)
        return;
    if (is_own(fd) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        remove_files(open_folder_at(fd, "."));
        unlinkat(above, name, AT_REMOVEDIR);
    }
    close(fd);
}

static bool is_scratch_name(const char *name, const char *begin)
{
    size_t length = strlen(begin);

    return strncmp(name, begin, length) == 0 && tag_begins(name + length) &&
           name[length + TAG_DIGITS] == '\0';
}

static void remove_left_folders(const char *prefix)
{
    const char *begin = strrchr(prefix, '/') + 1;
    char above[PATH_MAX];
    struct dirent *entry;
    DIR *folder;

    snprintf(above, sizeof(above), "%.*s", (int)(begin - prefix), prefix);
    folder = opendir(above);
    if (!folder)
        return;
    while ((entry = readdir(folder)))
        if (is_scratch_name(entry->d_name, begin))
            remove_left_folder(dirfd(folder), entry->d_name);
    closedir(folder);
}

/* Another process may remove a folder before it is locked: then the folder has
 * no links. */
static bool lock_folder(int fd)
{
    struct stat status;

    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0 &&
           status.st_nlink > 0;
}

bool scratch_init(struct scratch *s, const char *prefix)
{
    s->fd = -1;
    if (!folder_make_for(prefix, NULL))
        return false;
    remove_left_folders(prefix);
    for (int i = 0; s->fd < 0 && i < TRIES_MAX; i++) {
        char tag[TAG_SIZE];
        int n = snprintf(s->path, sizeof(s->path), "%s%s", prefix,
                         tag_make(tag));
        if (n >= (int)sizeof(s->path))
            return false;
        if (mkdir(s->path, 0700) != 0 && errno != EEXIST)
            return false;
        s->fd = open_folder_at(AT_FDCWD, s->path);
        if (s->fd >= 0 && !lock_folder(s->fd)) {
            close(s->fd);
            s->fd = -1;
        }
    }
    return s->fd >= 0;
}

void scratch_done(struct scratch *s)
{
    if (s->fd < 0)
        return;
    remove_files(open_folder_at(s->fd, "."));
    rmdir(s->path);
    close(s->fd);
    s->fd = -1;
}
