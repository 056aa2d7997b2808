#include "ui/session/snapshot_path.h"

#include <stdio.h>

#include "base/draft.h"
#include "base/folder.h"
#include "base/tag.h"

static bool make_own_folder(struct scratch *own)
{
    char prefix[FEED_TEXT_SIZE];

    return (folder_state(prefix, sizeof(prefix), "run-") &&
            scratch_init(own, prefix)) ||
           scratch_init(own, "/tmp/memdial-run-");
}

void snapshot_path_init(struct snapshot_path *p, bool here)
{
    char tag[TAG_SIZE];

    p->own.fd = -1;
    if (here && make_own_folder(&p->own))
        snprintf(p->text, sizeof(p->text), "%.*s/snapshot.safetensors",
                 (int)sizeof(p->text) - 32, p->own.path);
    else
        snprintf(p->text, sizeof(p->text), "/tmp/memdial-%s.safetensors",
                 tag_make(tag));
}

void snapshot_path_done(struct snapshot_path *p)
{
    if (p->own.fd >= 0)
        scratch_done(&p->own);
    else
        draft_remove(p->text, NULL); /* the worker may be of this machine */
}
