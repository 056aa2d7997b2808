#include "ui/session/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/folder.h"
#include "settings/preset.h"

#define FILE_NAME "screens.yaml"

enum { FILE_MAX = 1 << 16 /* bytes */ };

static const char *const curves[CURVES_COUNT] = { "both", "score", "loss" };

const char *view_curves_name(enum curves which)
{
    return curves[which];
}

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
    for (int i = 0; i < AXIS_COUNT && strcmp(name, "axis") == 0; i++)
        if (strcmp(value, axis_name((enum axis)i)) == 0)
            v->axis = (enum axis)i;
    for (int i = 0; i < CURVES_COUNT && strcmp(name, "curves") == 0; i++)
        if (strcmp(value, curves[i]) == 0)
            v->curves = (enum curves)i;
}

void view_load(struct view *v)
{
    char path[PRESET_PATH_SIZE], name[32], value[32], *text, *rest;
    size_t bytes;

    if (!folder_config(path, sizeof(path), FILE_NAME))
        return;
    text = file_read(path, FILE_MAX, &bytes, NULL);
    if (!text)
        return;
    for (char *line = strtok_r(text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest))
        if (sscanf(line, "%31[a-z_]: %31s", name, value) == 2)
            read_line(v, name, value);
    free(text);
}

static const char *yes_or_no(bool yes)
{
    return yes ? "yes" : "no";
}

bool view_save(const struct view *v, char *path, struct error *e)
{
    char text[256];

    if (!folder_config(path, PRESET_PATH_SIZE, FILE_NAME))
        return error_set(e, EXIT_RUN, "nowhere to save: set XDG_CONFIG_HOME");
    snprintf(text, sizeof(text), "theme: %s\naxis: %s\ncurves: %s\n"
             "log_loss: %s\nsmooth: %s\nzoom: %s\n", theme_name(v->theme),
             axis_name(v->axis), curves[v->curves], yes_or_no(v->log_loss),
             yes_or_no(v->smooth), yes_or_no(v->zoom));
    return folder_make_for(path, e) && draft_put(path, text, DRAFT_REPLACE, e);
}
