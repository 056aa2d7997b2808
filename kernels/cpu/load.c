/*
 * load: the microbatch and its labels, from the run's feed.
 *   out x (N, ...), labels (N) int32
 */
#include "cpu.h"

static char *sample_slot(const struct operand *o, int i)
{
    size_t bytes = operand_elements(o) / (size_t)o->dim[0]
                   * dtype_size(o->dtype);

    return (char *)o->data + (size_t)i * bytes;
}

void KERNEL(load)(const struct call *c)
{
    const struct operand *x = &c->operand[LOAD_X];
    const struct operand *labels = &c->operand[LOAD_LABELS];
    const struct feed *feed = c->run->feed;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int i = 0; i < x->dim[0]; i++) {
        void *const slot[] = {
            [LOAD_X] = sample_slot(x, i),
            [LOAD_LABELS] = sample_slot(labels, i)
        };

        feed->sample(feed->arg, c->run->first + i, slot);
    }
}
