#include "train/resume.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "settings/preset.h"
#include "train/snapshot.h"

/* The settings of a run that has not come to a snapshot. */
static bool first_settings(struct resume *r, struct error *e)
{
    char path[RECORD_PATH_SIZE];
    struct preset preset;

    r->settings = r->record.began_with;
    if (r->record.has_settings)
        return true;
    record_path(r->record.folder, RECORD_SETTINGS, path);
    if (access(path, F_OK) != 0)
        return error_set(e, EXIT_INPUT, "%s: it was ended before it began, and "
                         "there is nothing to go on from; memdial runs rm "
                         "removes it", r->record.name);
    if (!preset_load(&preset, path, e))
        return false;
    r->settings = preset.settings;
    return true;
}

/* The settings in force when the snapshot was written. The line that tells of
 * it may be missing, if the process was killed then. */
static bool snapshot_settings(struct resume *r, struct error *e)
{
    if (!snapshot_step(r->snapshot, &r->step, e))
        return false;
    r->loads = true;
    if (r->step == r->record.saved_step)
        r->settings = r->record.saved_settings;
    else if (run_trial(&r->record.run))
        r->settings = r->record.run.settings;
    else
        return first_settings(r, e);
    return true;
}

static bool check_known(const struct record *r, struct error *e)
{
    if (*r->lost_settings)
        return error_set(e, EXIT_INPUT, "%s: this version cannot read all its "
                         "settings (%s); the one that wrote them can",
                         r->name, r->lost_settings);
    return !strstr(r->unknown, "setting ") ||
           error_set(e, EXIT_INPUT, "%s: this version does not know all its "
                     "settings (%s): memdial %s, which wrote it, does", r->name,
                     r->unknown, r->version);
}

static bool check_record(const struct record *r, bool take_over,
                         struct error *e)
{
    if (r->error.code != EXIT_OK)
        return error_set(e, r->error.code, "%s: %s", r->name, r->error.text);
    return (take_over || record_check_ended(r, "continued", e)) &&
           check_known(r, e);
}

/* Locks the folder; false if another process has. */
static bool claim(struct resume *r, const char *folder)
{
    r->claim = opendir(folder);
    return !r->claim || folder_lock(r->claim);
}

bool resume_open(struct resume *r, const char *folder, bool take_over,
                 struct error *e)
{
    bool claimed;

    memset(r, 0, sizeof(*r));
    claimed = claim(r, folder) || take_over; /* before the record is read */
    if (!record_read(&r->record, folder, RECORD_EPOCHS, e) ||
        !check_record(&r->record, take_over, e))
        return false;
    if (!claimed)
        return error_set(e, EXIT_INPUT, "%s: not continued: another process is "
                         "about to do so", r->record.name);
    r->ours = true;
    snprintf(r->preset, sizeof(r->preset), "%s",
             *r->record.run.preset ? r->record.run.preset : r->record.name);
    record_path(r->record.folder, RECORD_SNAPSHOT, r->snapshot);
    return r->record.has_snapshot ? snapshot_settings(r, e)
                                  : first_settings(r, e);
}

bool resume_check_more(const struct resume *r, const struct settings *s,
                       struct error *e)
{
    const struct run *run = &r->record.run;

    if (!r->loads || r->record.state != RECORD_DONE ||
        r->step < run->steps / run->settings.epochs * s->epochs)
        return true;
    return error_set(e, EXIT_INPUT, "%s: all its epochs are trained, %d, and "
                     "nothing is left to do; train --resume with --epochs N, "
                     "above %d, goes on with it", r->record.name,
                     run->settings.epochs, run->settings.epochs);
}

void resume_done(struct resume *r)
{
    record_done(&r->record);
    if (r->claim)
        closedir(r->claim);
    r->claim = NULL;
}

bool resume_load(const struct resume *r, struct trainer *t, struct error *e)
{
    bool told = r->step == r->record.saved_step;

    if (!r->loads)
        return true;
    if (!snapshot_load(t, r->snapshot, e))
        return false;
    t->seconds = told ? r->record.saved_seconds : r->record.seconds;
    t->epoch_began = told ? r->record.saved_epoch_began
                          : r->record.epoch_began;
    return true;
}
