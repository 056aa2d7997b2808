#include "sweep/sweep_claim.h"

#include <errno.h>
#include <string.h>

#include "base/folder.h"
#include "sweep/sweep_front.h"

static bool lock_sweep(struct sweep_claim *c, const struct sweep *s,
                        struct error *e)
{
    c->folder = opendir(s->folder);
    if (!c->folder)
        return error_set(e, EXIT_RUN, "%s: %s", s->folder, strerror(errno));
    if (folder_lock(c->folder))
        return true;
    return error_set(e, EXIT_INPUT, "%s: another process works on this sweep; "
                     "wait for its end, or end it", s->folder);
}

bool sweep_claim(struct sweep_claim *c, const struct sweep *s,
                 struct error *e)
{
    char below[RECORD_PATH_SIZE];
    bool ok;

    c->folder = NULL;
    ok = folder_make_for(record_path(s->folder, "", below), e) &&
         lock_sweep(c, s, e) && sweep_make_folders(s, e) &&
         sweep_front_keep(s, e);
    if (!ok)
        sweep_let_go(c);
    return ok;
}

void sweep_let_go(struct sweep_claim *c)
{
    if (c->folder)
        closedir(c->folder);
    c->folder = NULL;
}
