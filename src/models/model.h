/*
 * The models that settings can name: a table with a row for each.
 */
#ifndef MEMDIAL_MODEL_H
#define MEMDIAL_MODEL_H

#include "graph/layer.h"
#include "settings/facts.h"

struct model {
    /* Writes the name for people with these settings: "wrn-28-2". */
    void (*title)(const struct settings *, char *text, size_t size);
    /* Whether its own settings go together; `where` begins the message. */
    bool (*check)(const struct settings *, const char *where, struct error *);
    /* Adds all operations of training and evaluation to an empty graph. */
    void (*build)(struct builder *, const struct settings *,
                  const struct facts *);
};

/* The model that settings->model names. */
const struct model *model_of(const struct settings *);

/* Whether settings go together, the model's and all others. */
bool model_check(const struct settings *, const char *where, struct error *);

/* The graph of the settings' model for the facts of their data. The caller owns
 * it. */
struct graph *model_build(const struct settings *);

/* The settings with those dials turned off that make no difference to their
 * graph: they run operations again, or cut a batch. Where parts do make a
 * difference, they become the largest that give this graph. */
struct settings model_graph_settings(const struct settings *);

/* Wide residual network: wrn.c. Its pool holds the 3x3 convolutions of the
 * blocks. */
extern const struct model wrn_model;

/* DynamicConv on sentence pairs: dynamicconv.c. Its pool holds all matrices of
 * its layers. */
extern const struct model dynamicconv_model;

#endif
