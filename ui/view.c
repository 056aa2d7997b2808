#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "preset.h"

static const char *const curves[CURVES_COUNT] = { "both", "accuracy",
                                                  "loss" };

void view_init(struct view *v)
{
    *v = (struct view){ .smooth = true };
}

/* The folder, which may not exist yet; false without a home. */
static bool find_folder(char *path)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (config && *config)
        snprintf(path, PRESET_PATH_SIZE, "%s/memdial", config);
    else if (home && *home)
        snprintf(path, PRESET_PATH_SIZE, "%s/.config/memdial", home);
    else
        return false;
    return strlen(path) + sizeof("/screens.yaml") < PRESET_PATH_SIZE;
}

static void read_line(struct view *v, const char *name, const char *value)
{
    bool yes = strcmp(value, "yes") == 0;

    if (strcmp(name, "theme") == 0)
        theme_find(value, &v->theme);
    else if (strcmp(name, "log_loss") == 0)
        v->log_loss = yes;
    else if (strcmp(name, "smooth") == 0)
        v->smooth = yes;
    for (int i = 0; i < UNIT_COUNT && strcmp(name, "axis") == 0; i++)
        if (strcmp(value, unit_name((enum unit)i)) == 0)
            v->unit = (enum unit)i;
    for (int i = 0; i < CURVES_COUNT && strcmp(name, "curves") == 0; i++)
        if (strcmp(value, curves[i]) == 0)
            v->curves = (enum curves)i;
}

void view_load(struct view *v)
{
    char path[PRESET_PATH_SIZE], line[256], name[32], value[32];
    FILE *file;

    if (!find_folder(path))
        return;
    strcat(path, "/screens.yaml");
    file = fopen(path, "re");
    if (!file)
        return;
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "%31[a-z_]: %31s", name, value) == 2)
            read_line(v, name, value);
    fclose(file);
}

static void make_folders(char *path)
{
    for (char *c = path + 1; *c; c++)
        if (*c == '/') {
            *c = '\0';
            mkdir(path, 0777);
            *c = '/';
        }
    mkdir(path, 0777);
}

bool view_save(const struct view *v, char *path, struct error *e)
{
    FILE *file;
    bool ok;

    if (!find_folder(path))
        return error_set(e, EXIT_RUN, "nowhere to save: set XDG_CONFIG_HOME");
    make_folders(path);
    strcat(path, "/screens.yaml");
    file = fopen(path, "we");
    if (!file)
        return error_set(e, EXIT_RUN, "%s: %s", path, strerror(errno));
    fprintf(file, "theme: %s\naxis: %s\ncurves: %s\nlog_loss: %s\n"
            "smooth: %s\n", theme_name(v->theme), unit_name(v->unit),
            curves[v->curves], v->log_loss ? "yes" : "no",
            v->smooth ? "yes" : "no");
    ok = !ferror(file);
    if (fclose(file) != 0 || !ok)
        return error_set(e, EXIT_RUN, "%s: %s", path, strerror(errno));
    return true;
}
