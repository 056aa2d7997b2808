/*
 * The settings of a run, and the table that is the only truth about them: name,
 * section, type, range, choices, default and help, when one has no effect, the
 * steps of its dial, and how it saves memory. The preset reader, --set,
 * `memdial settings`, the completions, the man page, the dials and their
 * explanations, the baseline and the proposals when memory is short are all
 * derived from the table; struct settings only keeps the values.
 */
#ifndef MEMDIAL_SETTINGS_H
#define MEMDIAL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { SETTINGS_TEXT_SIZE = 512 };

enum model_choice { MODEL_WRN, MODEL_DYNAMICCONV };
enum data_choice { DATA_SHAPES, DATA_CIFAR10, DATA_NUMBERS, DATA_PARALLEL };
enum precision { PRECISION_FP32, PRECISION_BF16, PRECISION_FP16 };
enum master_weights { MASTER_WEIGHTS_NONE, MASTER_WEIGHTS_FP32 };
enum gradients { GRADIENTS_BUFFER, GRADIENTS_ACCUMULATE };
enum optimizer_state { OPTIMIZER_STATE_FULL, OPTIMIZER_STATE_8BIT };
enum recompute { RECOMPUTE_NONE, RECOMPUTE_NORMS, RECOMPUTE_COUNT };
enum saved { SAVED_NONE, SAVED_8BIT, SAVED_4BIT };
enum checkpoint { CHECKPOINT_NONE, CHECKPOINT_BLOCK, CHECKPOINT_SQRT,
                  CHECKPOINT_RECURSIVE, CHECKPOINT_OPTIMAL };
enum sparse_method { SPARSE_DSR, SPARSE_SET, SPARSE_STATIC };
enum lr_schedule { LR_CONSTANT, LR_STEP, LR_COSINE, LR_INVERSE_SQRT };
enum optimizer_choice { OPTIMIZER_SGD, OPTIMIZER_ADAM };

struct settings {
    /* model */
    int model;           /* enum model_choice */
    int depth;           /* WideResNet depth, 6n + 4 */
    int width;           /* its widening factor */
    int features, hidden, heads; /* of DynamicConv: a token's vector, the
                            feed-forward layers, attention and kernels */
    int encoder_layers, decoder_layers;
    char encoder_kernels[64], decoder_kernels[64]; /* taps: "3,7,15,31" */
    double dropout, attention_dropout, weight_dropout;
    double smoothing;    /* of labels */
    int bleu_every;      /* epochs; 0: nothing is translated */
    int beam;            /* hypotheses of a translation */
    double length_penalty;
    /* data */
    int data;            /* enum data_choice */
    char data_path[SETTINGS_TEXT_SIZE];
    char source[16], target[16]; /* languages */
    int source_vocabulary, target_vocabulary; /* tokens, special ones too */
    int subwords;        /* merges of byte pair encoding; 0: cut already */
    int longest;         /* sentence, tokens with the end mark */
    int sentence;        /* mean tokens of one in the source language */
    bool augment;        /* random crop and flip of training images */
    bool keep_images;    /* all of training, in the arena */
    int epoch_samples;   /* in one short epoch; 0: the whole set */
    int valid_samples;   /* for one evaluation; 0: the whole set */
    /* train */
    int batch;
    int microbatch;      /* 0: the whole batch */
    int epochs;
    int average;         /* epochs at the end of a run; 0: none */
    double lr;
    int lr_schedule;     /* enum lr_schedule */
    int warmup;          /* optimizer steps */
    int optimizer;       /* enum optimizer_choice */
    double momentum;     /* Adam's beta1 */
    bool nesterov;
    double beta2;        /* Adam's */
    double weight_decay;
    uint64_t seed;
    /* memory */
    double sparsity;     /* zeros among the weights of the pool, a fraction */
    int sparse_method;   /* enum sparse_method */
    int rewire_period;   /* optimizer steps, at first */
    int precision;       /* enum precision */
    int master_weights;  /* enum master_weights */
    int gradients;       /* enum gradients */
    int optimizer_state; /* enum optimizer_state */
    int checkpoint;      /* enum checkpoint */
    uint64_t memory_budget; /* bytes; 0: the smallest arena */
    int recompute;       /* enum recompute */
    int saved;           /* enum saved */
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

/* The values that a dial steps through and a search tries, in order. */
enum ladder {
    LADDER_NONE,
    LADDER_LIST,         /* the rungs; else the choices, or no and yes */
    LADDER_ROUND,        /* 1, 2, 5, 10, ...; whole numbers by ones to ten */
    LADDER_PARTS,        /* of the batch: divisors of it, or where samples have
                            lengths of their own 1, 2, 3, ... parts; 0 in place
                            of the batch */
    LADDER_BUDGETS       /* 0, then 1, 1.5, 2, 3, 4, 6, ... MiB */
};

/* The most that a way of saving memory costs, the cheapest first. */
enum price {
    PRICE_NONE,          /* no way of saving memory */
    PRICE_FREE,          /* more arithmetic, the same results */
    PRICE_ROUNDING,      /* sums round in another order */
    PRICE_STATISTICS,    /* batch norms, where there are any, see fewer
                            samples, or moments the squares of parts of
                            gradients; else PRICE_ROUNDING */
    PRICE_STORAGE,       /* numbers have fewer bits */
    PRICE_CAPACITY,      /* the model has fewer weights */
    PRICE_COUNT
};

/* A setting has no effect while another has a value, or any other value. */
struct idle_rule {
    enum { IDLE_WITH, IDLE_WITHOUT } company;
    const char *other, *value;
};

enum { IDLE_RULES_MAX = 2 };

/* The unit of a setting that counts the units of its data; facts_units() gives
 * their name for a set. */
#define UNITS_OF_DATA "samples or tokens"

struct setting {
    const char *name;    /* unique among all leaves */
    const char *section; /* of the YAML file */
    enum setting_type type;
    size_t offset, size; /* in struct settings */
    double min, max;     /* of numbers */
    const char *const *choices; /* NULL-terminated, or NULL */
    const char *initial; /* the default, as written */
    const char *unit;    /* UNITS_OF_DATA, "epochs", ... or NULL */
    bool live;           /* can change in a run, between two steps */
    bool stepwise;       /* read anew in each step: no plan depends on it */
    const char *help;    /* one line */
    const char *about;   /* of a dial: the technique, and when it pays; a
                            paragraph */
    struct idle_rule idle[IDLE_RULES_MAX]; /* other is NULL after the last */
    bool identity;       /* a snapshot only fits runs with the same value */
    /* The dial, where the setting is live and has a ladder. */
    int place;           /* on the first page, from 1; 0: on the second, in
                            the order of the table */
    enum ladder ladder;
    const char *const *rungs; /* NULL-terminated, or NULL */
    const char *zero;    /* a word that a dial shows for 0, or NULL */
    /* Memory. */
    const char *saves;   /* the value that saves nothing; NULL: none saves */
    enum price price;
    unsigned shrinks;    /* the kinds of memory that some value makes smaller;
                            1 << enum kind */
    const char *shrunk;  /* these kinds in words, for a dial */
};

extern const struct setting settings_table[];
extern const int settings_count;

/* "free", "rounding", ... */
const char *settings_price_name(enum price);

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

/* Whether a setting can have a whole number beside the others, as a message may
 * advise. */
bool settings_can_be(const struct settings *, const char *name, int number);

/* The value of a number, the index of a choice, or a switch as 0 or 1. */
double settings_number(const struct settings *, const struct setting *);

/* Gives one setting the value that it has in `from`. */
void settings_copy(struct settings *, const struct settings *from,
                   const struct setting *);

/* Turns off every way of saving memory. */
void settings_save_nothing(struct settings *);

/* The value as text that settings_set reads back to the same value. */
void settings_format(const struct settings *, const struct setting *,
                     char *text, size_t size);

/* Whether a row of the table is the first of its section. */
bool settings_begins_section(const struct setting *);

/* Lists the rows that `which` accepts: "depth, width or batch", `last` being
 * " or ". */
void settings_names(char *text, size_t size,
                    bool (*which)(const struct setting *, const void *arg),
                    const void *arg, const char *last);

/* Whether two settings differ in a row; whether they are equal in all rows. */
bool settings_differ(const struct settings *, const struct settings *,
                     const struct setting *);
bool settings_same(const struct settings *, const struct settings *);

/* Lists the values of `after` that differ from `before`, as --set takes them:
 * "precision=fp16 microbatch=10"; cut where they do not fit. */
void settings_changes(const struct settings *before,
                      const struct settings *after, char *text, size_t size);

/* Lists the identity of a run: "batch=100 seed=1"; cut if it does not fit. */
void settings_identity(const struct settings *, char *text, size_t size);

/* Whether all settings that cannot change in a run are equal; if not, names
 * those that differ. */
bool settings_can_follow(const struct settings *before,
                         const struct settings *after, struct error *);

/* Checks combinations that no single row can see, whatever the model, such as a
 * microbatch above the batch: settings_check.c. model_check() knows those of
 * models too. */
bool settings_check(const struct settings *, const char *where,
                    struct error *);

#endif
