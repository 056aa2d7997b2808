/*
 * The part of a command line that commands on a job share: a preset and
 * assignments to its settings.
 */
#ifndef MEMDIAL_REQUEST_H
#define MEMDIAL_REQUEST_H

#include <getopt.h>

#include "base/error.h"
#include "settings/preset.h"

struct request {
    const char *preset;
    bool named;                  /* the preset was given, not the default */
    struct assignment *assignments; /* owned, [count], each text owned */
    int count;
};

/* Adds "name=value", which `option` asked for. */
void request_set(struct request *, const char *option,
                 const char *name_value);
void request_done(struct request *);

/*
 * Reads options with getopt_long: `set` and `help` are handled here, any other
 * goes to `option` with its argument. Then takes one operand, the preset, or
 * the default preset. On false *code is the exit code.
 */
bool request_parse(struct request *, int argc, char **argv,
                   const struct option *known, const char *usage,
                   void (*option)(void *arg, int which, const char *value),
                   void *arg, int *code);

/* Prints a usage, "train [PRESET] ...", in lines as wide as the terminal,
 * broken between its parts. */
void request_print_usage(const char *usage);

/* The option that getopt_long() refuses: a letter, or a word that may have a
 * value that it should not have. */
const char *request_unknown(char **argv, const struct option *known);

/* The settings asked for. */
bool request_settings(const struct request *, struct settings *,
                      struct error *);

/* Makes the assignments to settings that are not a preset's. `where` begins the
 * messages on them as a whole. */
bool request_change(const struct request *, const char *where,
                    struct settings *, struct error *);

/* Prints "memdial: " and the error, returns its exit code. */
int report_error(const struct error *);

#endif
