#include "data/dataset.h"

#include <stdlib.h>

#include "data/cifar10.h"
#include "data/images.h"
#include "data/number_pairs.h"
#include "data/parallel.h"
#include "data/sequences.h"
#include "data/shapes.h"
#include "settings/facts.h"

struct dataset {
    const struct data_family *family;
    void *state;
};

static const struct {
    const struct data_family *family;
    const void *source;      /* as the family has it */
} sets[] = {
    [DATA_SHAPES] = { &images_family, &shapes_source },
    [DATA_CIFAR10] = { &images_family, &cifar10_source },
    [DATA_NUMBERS] = { &sequences_family, &number_pairs_source },
    [DATA_PARALLEL] = { &sequences_family, &parallel_source },
};

const struct data_family *dataset_family(int data)
{
    return sets[data].family;
}

struct cut dataset_cut(const struct settings *s)
{
    return sets[s->data].family->cut(s);
}

bool dataset_check(const struct settings *s, struct error *e)
{
    return sets[s->data].family->check(sets[s->data].source, s, e) ||
           error_because(e, REASON_DATA);
}

void dataset_watch(void (*told)(int merges, int wanted))
{
    parallel_watch(told);
}

bool dataset_open(struct dataset **out, const struct settings *s,
                  struct error *e)
{
    const struct data_family *family = sets[s->data].family;
    void *state;

    if (!family->open(&state, sets[s->data].source, s, e))
        return error_because(e, REASON_DATA);
    *out = xcalloc(1, sizeof(**out));
    **out = (struct dataset){ family, state };
    return true;
}

void dataset_close(struct dataset *set)
{
    if (set)
        set->family->close(set->state);
    free(set);
}

static bool refuse_epoch(const struct settings *s, int64_t units,
                         struct error *e)
{
    return error_set(e, EXIT_INPUT,
                     "batch: %d %s are more than an epoch of %lld; lower "
                     "batch or raise epoch_samples", s->batch,
                     facts_of(s).units, (long long)units);
}

bool dataset_epoch_check(const struct settings *s, struct error *e)
{
    const struct data_family *family = sets[s->data].family;
    int64_t units = family->planned_units
                        ? family->planned_units(sets[s->data].source, s) : 0;

    return units == 0 || units >= s->batch || refuse_epoch(s, units, e);
}

bool dataset_batches(const struct dataset *set, const struct settings *s,
                     int64_t *batches, struct error *e)
{
    *batches = set->family->epoch_batches(set->state, s);
    return *batches > 0 ||
           refuse_epoch(s, set->family->epoch_units(set->state, s), e);
}

struct reading dataset_read(const struct dataset *set,
                            const struct settings *s, enum split split,
                            int64_t step)
{
    struct reading r = { .state = set->state, .settings = s,
                         .split = split, .step = step };

    set->family->begin(&r);
    return r;
}

bool dataset_has(const struct dataset *set, const struct settings *s,
                 enum split split)
{
    return dataset_read(set, s, split, 0).whole.of[set->family->terms] > 0;
}

/* Only training goes on from one batch to the next. */
struct loader dataset_loader(const struct dataset *set, struct reading *r)
{
    return (struct loader){ set->family->next, set->family->fill, r,
                            .repeats = set->family->repeats,
                            .goes_on = r->split == SPLIT_TRAIN };
}

void dataset_identity(const struct dataset *set,
                      char text[DATASET_IDENTITY_SIZE])
{
    if (set->family->identity)
        set->family->identity(set->state, text, DATASET_IDENTITY_SIZE);
    else
        *text = '\0';
}

bool dataset_intact(const struct dataset *set, struct error *e)
{
    return !set->family->intact || set->family->intact(set->state, e);
}

const struct images *dataset_images(const struct dataset *set)
{
    return set->family == &images_family ? set->state : NULL;
}

const struct sequences *dataset_sequences(const struct dataset *set)
{
    return set->family == &sequences_family ? set->state : NULL;
}
