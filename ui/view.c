#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "preset.h"

#define FILE_NAME "screens.yaml"

static const char *const curves[CURVES_COUNT] = { "both", "accuracy",
                                                  "loss" };

void view_init(struct view *v)
{
    *v = (struct view){ .smooth = true };
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
    else if (strcmp(name, "zoom") == 0)
        v->zoom = yes;
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

    if (!folder_config(path, sizeof(path), FILE_NAME))
        return;
    file = fopen(path, "re");
    if (!file)
        return;
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "%31[a-z_]: %31s", name, value) == 2)
            read_line(v, name, value);
    fclose(file);
}

static const char *yes_or_no(bool yes)
{
    return yes ? "yes" : "no";
}

bool view_save(const struct view *v, char *path, struct error *e)
{
    FILE *file;
    bool ok;

    if (!folder_config(path, PRESET_PATH_SIZE, FILE_NAME))
        return error_set(e, EXIT_RUN, "nowhere to save: set XDG_CONFIG_HOME");
    if (!folder_make_for(path, e))
        return false;
    file = fopen(path, "we");
    if (!file)
        return error_set(e, EXIT_RUN, "%s: %s", path, strerror(errno));
    fprintf(file, "theme: %s\naxis: %s\ncurves: %s\nlog_loss: %s\n"
            "smooth: %s\nzoom: %s\n", theme_name(v->theme),
            unit_name(v->unit), curves[v->curves], yes_or_no(v->log_loss),
            yes_or_no(v->smooth), yes_or_no(v->zoom));
    ok = !ferror(file);
    if (fclose(file) != 0 || !ok)
        return error_set(e, EXIT_RUN, "%s: %s", path, strerror(errno));
    return true;
}
