/*
 * The settings of a run, and the table that is the only truth about them:
 * name, section, type, range, choices, default and help. The preset reader,
 * --set, `memdial settings`, the completions, the man page and the dials are
 * all derived from the table; struct settings is only where values are kept.
 */
#ifndef MEMDIAL_SETTINGS_H
#define MEMDIAL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { SETTINGS_TEXT_SIZE = 512 };

enum model_choice { MODEL_WRN };
enum data_choice { DATA_SHAPES, DATA_CIFAR10 };
enum precision { PRECISION_FP32, PRECISION_BF16, PRECISION_FP16 };
enum master_weights { MASTER_WEIGHTS_NONE, MASTER_WEIGHTS_FP32 };
enum recompute { RECOMPUTE_NONE, RECOMPUTE_BN_RELU };
enum checkpoint { CHECKPOINT_NONE, CHECKPOINT_BLOCK, CHECKPOINT_SQRT,
                  CHECKPOINT_RECURSIVE, CHECKPOINT_OPTIMAL };
enum sparse_method { SPARSE_DSR, SPARSE_SET, SPARSE_STATIC };
enum lr_schedule { LR_CONSTANT, LR_STEP, LR_COSINE };

struct settings {
    /* model */
    int model;           /* enum model_choice */
    int depth;           /* WideResNet depth, 6n + 4 */
    int width;           /* its widening factor */
    /* data */
    int data;            /* enum data_choice */
    char data_path[SETTINGS_TEXT_SIZE];
    bool augment;        /* random crop and flip of training images */
    int epoch_samples;   /* in one short epoch; 0: the whole set */
    int valid_samples;   /* for one evaluation; 0: the whole set */
    /* train */
    int batch;
    int microbatch;      /* 0: the whole batch */
    int epochs;
    double lr;
    int lr_schedule;     /* enum lr_schedule */
    double momentum;
    bool nesterov;
    double weight_decay;
    uint64_t seed;
    /* memory */
    double sparsity;     /* zeros among the weights of the pool, a fraction */
    int sparse_method;   /* enum sparse_method */
    int precision;       /* enum precision */
    int master_weights;  /* enum master_weights */
    int checkpoint;      /* enum checkpoint */
    uint64_t memory_budget; /* bytes; 0: as little as can be */
    int recompute;       /* enum recompute */
    /* machine */
    int threads;         /* 0: all processors */
    char backend[16];    /* auto, cpu, ... */
    bool tf32;
};

enum setting_type {
    SETTING_INT,         /* int */
    SETTING_UINT64,      /* uint64_t */
    SETTING_REAL,        /* double */
    SETTING_BYTES,       /* uint64_t; a whole number, or with KiB, MiB, GiB */
    SETTING_BOOL,        /* bool; yes/no, true/false, on/off */
    SETTING_CHOICE,      /* int: the index in `choices` */
    SETTING_TEXT         /* char[size] */
};

struct setting {
    const char *name;    /* unique among all leaves */
    const char *section; /* of the YAML file */
    enum setting_type type;
    size_t offset, size; /* in struct settings */
    double min, max;     /* of numbers */
    const char *const *choices; /* NULL-terminated, or NULL */
    const char *initial; /* the default, as written */
    const char *unit;    /* "samples", "epochs", ... or NULL */
    bool live;           /* can change in a run, between two steps */
    const char *help;    /* one line */
};

extern const struct setting settings_table[];
extern const int settings_count;

void settings_init(struct settings *);

/* The table's row of that name, or NULL. */
const struct setting *settings_find(const char *name);

/* The known name nearest to `name` by edit distance, or NULL if none is
 * close enough to suggest. */
const char *settings_nearest(const char *name);

/* Sets one value from text. `where` begins the message ("--set", or
 * "file.yaml:7:12"). */
bool settings_set(struct settings *, const char *where, const char *name,
                  const char *text, struct error *);

/* "name=value", as --set takes it. */
bool settings_assign(struct settings *, const char *where,
                     const char *assignment, struct error *);

/* The value as text that settings_set reads back to the same value. */
void settings_format(const struct settings *, const struct setting *,
                     char *text, size_t size);

/* Whether a row of the table is the first of its section. */
bool settings_begins_section(const struct setting *);

/* Whether two settings have different values in a row; whether in none. */
bool settings_differ(const struct settings *, const struct settings *,
                     const struct setting *);
bool settings_same(const struct settings *, const struct settings *);

/* Lists the values of `after` that `before` has otherwise, as --set takes
 * them: "precision=fp16 microbatch=10", as much of it as fits. */
void settings_changes(const struct settings *before,
                      const struct settings *after, char *text, size_t size);

/* Whether all that cannot change in a run is equal; if not, says which. */
bool settings_can_follow(const struct settings *before,
                         const struct settings *after, struct error *);

/* Combinations no single row can see: microbatch above batch, a depth that is
 * not 6n + 4. */
bool settings_check(const struct settings *, const char *where,
                    struct error *);

#endif
