#include "settings/machine.h"

#include <stdio.h>
#include <string.h>

#include "kernels/kernels.h"

void machine_init(struct machine *m)
{
    *m = (struct machine){ .processors = backend_default_threads() };
    snprintf(m->backend, sizeof(m->backend), "%s", cpu_backend.name);
}

/* Whether `auto` may choose a backend; if not, why. */
static bool is_automatic(const struct backend *backend, char why[WHY_SIZE])
{
    struct device_info devices[BACKEND_DEVICES_MAX];
    int count = backend->list(devices, BACKEND_DEVICES_MAX);

    for (int i = 0; i < count; i++)
        if (devices[i].automatic)
            return true;
    memcpy(why, devices[0].line, WHY_SIZE);
    return false;
}

bool machine_find_backend(struct machine *m, struct error *e)
{
    char why[WHY_SIZE];

    for (int i = 0; backends[i]; i++)
        if (is_automatic(backends[i], why)) {
            snprintf(m->backend, sizeof(m->backend), "%s", backends[i]->name);
            return true;
        }
    return error_set(e, EXIT_RUN, "backend: none can be opened: %s; see "
                     "`memdial backends`", why);
}

struct settings machine_settle(const struct machine *m,
                               const struct settings *s)
{
    struct settings settled = *s;

    if (strcmp(s->backend, "auto") == 0)
        memcpy(settled.backend, m->backend, sizeof(settled.backend));
    if (s->threads == 0)
        settled.threads = m->processors;
    if (m->images_left)
        settled.keep_images = false;
    return settled;
}

bool machine_same(const struct machine *a, const struct machine *b)
{
    return strcmp(a->backend, b->backend) == 0 &&
           a->processors == b->processors && a->images_left == b->images_left;
}
