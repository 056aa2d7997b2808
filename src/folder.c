#include "folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The specification has relative paths ignored. */
bool folder_config(char *path, size_t size, const char *name)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int length;

    if (config && config[0] == '/')
        length = snprintf(path, size, "%s/memdial/%s", config, name);
    else if (home && home[0] == '/')
        length = snprintf(path, size, "%s/.config/memdial/%s", home, name);
    else
        return false;
    return length < (int)size;
}

bool folder_make_for(const char *path, struct error *e)
{
    char *above = xstrdup(path);
    int failure = 0;

    for (char *slash = above + 1; (slash = strchr(slash, '/')) && !failure;
         slash++) {
        *slash = '\0';
        if (mkdir(above, 0777) != 0 && errno != EEXIST) {
            failure = errno;
            error_set(e, EXIT_RUN, "%s: %s", above, strerror(failure));
        }
        *slash = '/';
    }
    free(above);
    return !failure;
}
