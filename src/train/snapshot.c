#include "train/snapshot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/json_print.h"
#include "base/print.h"
#include "data/dataset.h"
#include "settings/facts.h"
#include "settings/idle.h"
#include "train/average.h"
#include "train/safetensors.h"
#include "train/state.h"

enum { VERSION_SIZE = 16, IDENTITY_SIZE = 256 };

/* The most bytes of a header: without tensors, and for each tensor. */
enum { HEADER_BYTES = 4096, ENTRY_BYTES = 384,
       STRANGE_HEADER_BYTES = 1 << 24 /* of a run that is not known */ };

/* A tensor of a file: an instance of state, or the average of a weight. */
struct tensor {
    int instance;        /* -1: before the first */
    bool average;
};

static const struct tensor before_first = { -1, false };

/* Goes to the next tensor in the order of a file, averages last; false at the
 * end. */
static bool next_tensor(const struct plan *plan, bool averages,
                        struct tensor *x)
{
    for (;;) {
        if (++x->instance == plan->schedule->instance_count) {
            if (x->average || !averages)
                return false;
            *x = (struct tensor){ -1, true };
        } else if (x->average ? average_is_of(plan, x->instance)
                              : state_is(plan, x->instance)) {
            return true;
        }
    }
}

static size_t tensor_bytes(const struct plan *plan, struct tensor x)
{
    return x.average ? average_bytes(plan, x.instance)
                     : plan->instances[x.instance].bytes;
}

/* The number of tensors of a file, and their bytes. */
static size_t count_tensors(const struct plan *plan, bool averages,
                            uint64_t *bytes)
{
    size_t n = 0;

    *bytes = 0;
    for (struct tensor x = before_first; next_tensor(plan, averages, &x); n++)
        *bytes += tensor_bytes(plan, x);
    return n;
}

/* The values that must be equal for a run to go on as if it never stopped. */
static json_t *identity_json(const struct trainer *t)
{
    char text[IDENTITY_SIZE];
    size_t used;

    settings_identity(&t->job->settings, text, sizeof(text));
    used = strlen(text);
    snprintf(text + used, sizeof(text) - used, " steps_per_epoch=%" PRId64,
             t->steps_per_epoch);
    return json_text(text);
}

static json_t *data_json(const struct trainer *t)
{
    char text[DATASET_IDENTITY_SIZE];

    dataset_identity(t->data, text);
    return json_text(text);
}

/* The progress of a run. */
struct reached {
    int64_t step;
    struct tally epoch;
    struct average_state average;
};

/* Safetensors wants metadata to be strings. */
static json_t *metadata_json(const struct trainer *t,
                             const struct reached *p, const char *checksum)
{
    char version[VERSION_SIZE], step[24], loss[32], correct[32], terms[24];
    char averaged[24], last[24];

    snprintf(version, sizeof(version), "%d", SNAPSHOT_VERSION);
    snprintf(step, sizeof(step), "%" PRId64, p->step);
    snprintf(loss, sizeof(loss), "%.17g", p->epoch.loss);
    snprintf(correct, sizeof(correct), "%.17g", p->epoch.hits);
    snprintf(terms, sizeof(terms), "%" PRId64, p->epoch.terms);
    snprintf(averaged, sizeof(averaged), "%d", p->average.epochs);
    snprintf(last, sizeof(last), "%" PRId64, p->average.step);
    return json_pack("{ss ss ss so so ss ss ss ss ss ss}", "format", "memdial",
                     "version", version, "checksum", checksum, "data",
                     data_json(t), "run", identity_json(t), "step", step,
                     "epoch_loss", loss, "epoch_hits", correct, "epoch_terms",
                     terms, "averaged", averaged, "average_step", last);
}

/* The entry of one tensor, whose data begin at `offset`. */
static json_t *entry_json(const struct plan *plan, struct tensor x,
                          size_t offset)
{
    struct value average = average_value(plan, x.instance);

    return safetensors_entry(x.average ? &average
                                       : schedule_value(plan->schedule,
                                                        x.instance),
                             offset, tensor_bytes(plan, x));
}

/* The name of a tensor in a file. */
static void name_tensor(const struct plan *plan, struct tensor x,
                        char name[GRAPH_NAME_SIZE])
{
    const struct graph *g = plan->schedule->graph;
    int value = plan->schedule->instances[x.instance];

    if (x.average)
        average_name(g, value, name);
    else
        graph_value_name(g, value, name, GRAPH_NAME_SIZE);
}

static json_t *header_json(const struct trainer *t)
{
    const struct plan *plan = t->job->plan;
    struct reached now = { t->step, t->epoch, average_next(t) };
    json_t *header = json_object();
    size_t offset = 0;

    json_put(header, "__metadata__",
             metadata_json(t, &now, SAFETENSORS_NO_CHECKSUM));
    for (struct tensor x = before_first;
         next_tensor(plan, now.average.epochs > 0, &x);) {
        char name[GRAPH_NAME_SIZE];
        name_tensor(plan, x, name);
        json_put(header, name, entry_json(plan, x, offset));
        offset += tensor_bytes(plan, x);
    }
    return header;
}

static bool refuse_state(const char *path, const char *tensor,
                         const char *fault, struct error *e)
{
    return error_set(e, EXIT_RUN, "%s: no snapshot written: %s %s: %s",
                     path, tensor, fault,
                     strcmp(fault, STATE_NOT_FINITE) == 0
                         ? EVENT_DIVERGED "; lower lr"
                         : "this is a fault of memdial; please report it");
}

/* Writes a tensor of state; refuses contents that state_fault() finds fault
 * with. */
static bool write_saved(const struct trainer *t, const char *path,
                        struct tensor x, struct safetensors_writer *w,
                        struct error *e)
{
    const struct plan *plan = t->job->plan;
    void *host = xcalloc(1, tensor_bytes(plan, x));
    const char *fault;
    char name[GRAPH_NAME_SIZE];
    bool ok;

    executor_read(t->executor, x.instance, host);
    fault = state_fault(plan, x.instance, host);
    name_tensor(plan, x, name);
    ok = fault ? refuse_state(path, name, fault, e)
               : safetensors_put(w, host, tensor_bytes(plan, x), e);
    free(host);
    return ok;
}

static bool write_average(const struct trainer *t, struct tensor x,
                          struct average_source *before,
                          struct safetensors_writer *w, struct error *e)
{
    size_t bytes = tensor_bytes(t->job->plan, x);
    float *host = xcalloc(1, bytes);
    bool ok;

    executor_read_floats(t->executor, x.instance, host);
    ok = average_fold(before, t, x.instance, host, e) &&
         safetensors_put(w, host, bytes, e);
    free(host);
    return ok;
}

static bool write_tensors(const struct trainer *t, const char *path,
                          struct average_source *before,
                          struct safetensors_writer *w, struct error *e)
{
    bool averages = average_next(t).epochs > 0, ok = true;

    for (struct tensor x = before_first;
         ok && next_tensor(t->job->plan, averages, &x);)
        ok = x.average ? write_average(t, x, before, w, e)
                       : write_saved(t, path, x, w, e);
    return ok;
}

static bool write_file(const struct trainer *t, const char *path,
                       struct draft *draft, struct error *e)
{
    struct safetensors_writer w;
    struct average_source before;
    bool ok;

    if (!average_open(&before, t, e))
        return false;
    ok = safetensors_begin(&w, draft, header_json(t), e) &&
         write_tensors(t, path, &before, &w, e) && safetensors_end(&w, e);
    average_close(&before);
    return ok;
}

/* A file that is being read. */
struct contents {
    struct safetensors file;
    const char *fault;   /* of the first faulty tensor, or NULL */
    struct tensor faulty; /* which one it is */
    struct reached reached;
    bool state_alone;    /* not to go on with the run that saved it */
    bool average;        /* weights become their average, if there is one */
};

static bool has_averages(const struct safetensors *f)
{
    return atoi(safetensors_metadata(f, "averaged")) > 0;
}

static bool verify_version(const struct safetensors *f, struct error *e)
{
    const char *has = safetensors_metadata(f, "version");
    char version[VERSION_SIZE];

    snprintf(version, sizeof(version), "%d", SNAPSHOT_VERSION);
    if (strcmp(safetensors_metadata(f, "format"), "memdial") != 0)
        return safetensors_refuse(f, e, "a foreign safetensors file; only "
                                  "snapshots that --save wrote can be loaded");
    return strcmp(has, version) == 0 ||
           safetensors_refuse(f, e, "snapshot version %.20s, but this memdial "
                              "reads version %s; use the one that wrote it",
                              has, version);
}

/* Whether some value of a setting that has an effect makes the saved tensors
 * smaller. */
static bool sizes_state(const struct setting *row, const void *arg)
{
    const struct job *job = arg;
    char why[IDLE_WHY_SIZE];

    if (idle_now(row, &job->settings, &job->machine, why))
        return false;
    for (int k = 0; k < KIND_COUNT; k++)
        if (row->shrinks & 1u << k && kind_persists((enum kind)k))
            return true;
    return false;
}

static bool refuse_tensor(const struct trainer *t,
                          const struct safetensors *f, const char *name,
                          struct error *e)
{
    char names[256];

    settings_names(names, sizeof(names), sizes_state, t->job, " and ");
    return safetensors_refuse(f, e, "tensor %s is missing or has another "
                              "shape or type: the snapshot is of another "
                              "model; set %s alike", name, names);
}

/* Verifies that the file has exactly the tensors of the run. */
static bool verify_entries(const struct trainer *t,
                           const struct safetensors *f, struct error *e)
{
    const struct plan *plan = t->job->plan;
    size_t offset = 0, entries = 1; /* one is metadata */
    bool ok = true;

    for (struct tensor x = before_first;
         ok && next_tensor(plan, has_averages(f), &x);) {
        char name[GRAPH_NAME_SIZE];
        json_t *expected;
        name_tensor(plan, x, name);
        expected = entry_json(plan, x, offset);
        offset += tensor_bytes(plan, x);
        entries++;
        ok = json_equal(expected, json_object_get(f->header, name)) ||
             refuse_tensor(t, f, name, e);
        json_decref(expected);
    }
    return ok && (json_object_size(f->header) == entries ||
                  safetensors_refuse(f, e, "has tensors that this run has "
                                     "not: the snapshot is of another "
                                     "model"));
}

/* Verifies the file's size before any tensor is read. */
static bool verify_size(const struct trainer *t, const struct safetensors *f,
                        struct error *e)
{
    uint64_t has = f->bytes - f->tensors, wanted;

    count_tensors(t->job->plan, has_averages(f), &wanted);
    return has == wanted ||
           (verify_entries(t, f, e) &&
            safetensors_refuse(f, e, "%s: %" PRIu64 " bytes of tensors, "
                               "expected %" PRIu64 "; use an older snapshot",
                               has < wanted ? "truncated" : "damaged", has,
                               wanted));
}

static const char *tensor_fault(const struct plan *plan, struct tensor x,
                                const void *host)
{
    return x.average ? state_fault_of_floats(host, tensor_bytes(plan, x) /
                                                       sizeof(float))
                     : state_fault(plan, x.instance, host);
}

/* Puts a tensor into the run; an average in place of its weight, if wanted. */
static void take_tensor(const struct trainer *t, const struct contents *c,
                        struct tensor x, const void *host)
{
    if (!x.average)
        executor_write(t->executor, x.instance, host);
    else if (c->average)
        executor_write_floats(t->executor, x.instance, host);
}

/* Reads one tensor, whatever the file holds; for a run that is loaded, into its
 * executor. */
static bool read_tensor(const struct trainer *t, struct contents *c,
                        struct tensor x, bool load, struct error *e)
{
    const struct plan *plan = t->job->plan;
    size_t bytes = tensor_bytes(plan, x);
    void *host = xcalloc(1, bytes);
    bool ok = safetensors_read(&c->file, host, bytes, e);

    if (ok) {
        const char *fault = tensor_fault(plan, x, host);

        if (fault && !c->fault) {
            c->fault = fault;
            c->faulty = x;
        }
        if (load && !fault)
            take_tensor(t, c, x, host);
    }
    free(host);
    return ok;
}

/* Reads all tensors, one at a time, so that a file takes no memory of the run.
 */
static bool read_tensors(const struct trainer *t, struct contents *c,
                         bool load, struct error *e)
{
    const struct plan *plan = t->job->plan;
    bool ok = true;

    safetensors_rewind(&c->file);
    c->fault = NULL;
    for (struct tensor x = before_first;
         ok && next_tensor(plan, has_averages(&c->file), &x);)
        ok = read_tensor(t, c, x, load, e);
    return ok;
}

/* Verifies a member of the metadata, and releases what it must be. */
static bool verify_alike(const struct safetensors *f, const char *name,
                         json_t *expected, const char *remedy,
                         struct error *e)
{
    const char *has = safetensors_metadata(f, name);
    const char *own = json_string_value(expected);
    bool ok = strcmp(own, has) == 0 ||
              safetensors_refuse(f, e, "saved by a run with %.127s, but this "
                                 "one has %s; %s",
                                 *has ? has : "other data",
                                 *own ? own : "other data", remedy);

    json_decref(expected);
    return ok;
}

/* Verifies that the state is of the same data, and of the same run if it is to
 * go on. */
static bool verify_identity(const struct trainer *t, const struct contents *c,
                            struct error *e)
{
    return verify_alike(&c->file, "data", data_json(t), "set data_path, "
                        "source, target and subwords alike, and keep the "
                        "dictionaries and merges", e) &&
           (c->state_alone || verify_alike(&c->file, "run", identity_json(t),
                                           "set them alike", e));
}

/* Whether sums over the terms of losses are possible: no loss is negative, and
 * every prediction is correct or not. */
static bool is_tally(const struct tally *t)
{
    return isfinite(t->loss) && !signbit(t->loss) && !signbit(t->hits) &&
           t->hits <= (double)t->terms &&
           t->hits == trunc(t->hits) && (t->terms > 0 || t->loss == 0);
}

/* Whether `steps` steps of an epoch can have `terms` terms. */
static bool are_terms(const struct settings *s, int64_t steps, int64_t terms)
{
    const struct data_family *family = dataset_family(s->data);
    int64_t most = steps * dataset_cut(s).whole.of[family->terms];

    return family->repeats ? terms == most
                           : terms <= most && (terms > 0) == (steps > 0);
}

static struct average_state read_average_state(const struct safetensors *f)
{
    return (struct average_state){
        atoi(safetensors_metadata(f, "averaged")),
        strtoll(safetensors_metadata(f, "average_step"), NULL, 10), -1
    };
}

static bool average_is_possible(const struct average_state *a, int64_t step)
{
    return a->epochs >= 0 && a->epochs <= step && a->step >= 0 &&
           a->step <= step && (a->epochs > 0) == (a->step > 0);
}

/* Whether a run with these settings, and any number of epochs, can have come
 * this far. The sums of an epoch are those of the steps since it began. */
static bool is_possible(const struct trainer *t, const struct reached *p)
{
    int64_t steps = t->steps_per_epoch;
    int64_t most = steps * (int64_t)settings_find("epochs")->max;

    return p->step >= 0 && p->step <= most &&
           average_is_possible(&p->average, p->step) &&
           are_terms(&t->job->settings, p->step % steps, p->epoch.terms) &&
           is_tally(&p->epoch);
}

/* Written again, the progress must give the metadata that was read. */
static bool verify_progress(const struct trainer *t, struct contents *c,
                            struct error *e)
{
    const struct safetensors *f = &c->file;
    const char *step = safetensors_metadata(f, "step");
    const char *loss = safetensors_metadata(f, "epoch_loss");
    const char *correct = safetensors_metadata(f, "epoch_hits");
    const char *terms = safetensors_metadata(f, "epoch_terms");
    json_t *again;
    bool ok;

    c->reached = (struct reached){ strtoll(step, NULL, 10),
                                   { .loss = strtod(loss, NULL),
                                     .hits = strtod(correct, NULL),
                                     .terms = strtoll(terms, NULL, 10) },
                                   read_average_state(f) };
    again = metadata_json(t, &c->reached, safetensors_metadata(f, "checksum"));
    ok = is_possible(t, &c->reached) &&
         json_equal(again, json_object_get(f->header, "__metadata__"));
    json_decref(again);
    return ok ||
           safetensors_refuse(f, e, "no run comes to step %.30s with %.30s "
                              "%s of an epoch, their loss %.30s and "
                              "%.30s correct; use an older snapshot", step,
                              terms, facts_of(&t->job->settings).units, loss,
                              correct);
}

static bool verify_state(const struct trainer *t, const struct contents *c,
                         struct error *e)
{
    char name[GRAPH_NAME_SIZE];

    if (!c->fault)
        return true;
    name_tensor(t->job->plan, c->faulty, name);
    return safetensors_refuse(&c->file, e, "tensor %s %s; use an older "
                              "snapshot", name, c->fault);
}

/* A header that is not this run's may be damaged: then that is the error, in
 * place of the one so far. A much larger file is not read for it. */
static bool blame_damage(const struct trainer *t, struct safetensors *f,
                         struct error *e)
{
    uint64_t bytes;

    count_tensors(t->job->plan, true, &bytes);
    if (*safetensors_metadata(f, "checksum") &&
        f->bytes <= 2 * (bytes + HEADER_BYTES))
        safetensors_check_whole(f, e);
    return false;
}

static bool verify_header(const struct trainer *t, struct safetensors *f,
                          struct error *e)
{
    return (verify_version(f, e) && verify_size(t, f, e)) ||
           blame_damage(t, f, e);
}

/* Verifies that this run can load the file. The contents must be released even
 * if it fails. */
static bool verify(const struct trainer *t, struct contents *c,
                   const char *path, int fd, uint64_t bytes, struct error *e)
{
    struct safetensors *f = &c->file;
    uint64_t bytes_all;
    size_t most = HEADER_BYTES +
                  ENTRY_BYTES * count_tensors(t->job->plan, true, &bytes_all);

    return safetensors_open(f, path, fd, bytes, most, e) &&
           verify_header(t, f, e) && read_tensors(t, c, false, e) &&
           safetensors_check(f, e) && verify_entries(t, f, e) &&
           verify_identity(t, c, e) &&
           (c->state_alone || verify_progress(t, c, e)) &&
           verify_state(t, c, e);
}

static void close_contents(struct contents *c)
{
    safetensors_done(&c->file);
}

/* Verifies that the draft can be loaded before it replaces a snapshot. */
static bool verify_draft(const struct trainer *t, const char *path,
                         const struct draft *draft, struct error *e)
{
    struct contents c = { 0 };
    struct error why;
    uint64_t bytes;
    int fd = draft_written(draft, &bytes);
    bool ok = verify(t, &c, path, fd, bytes, &why);

    close_contents(&c);
    return ok || error_set(e, EXIT_RUN, "no snapshot written, for it would not "
                           "load: %s", why.text);
}

/* Whether a file begins as header_json() does. */
static bool is_snapshot(int fd)
{
    static const char begin[] = "{\"__metadata__\":{\"format\":\"memdial\"";
    char found[sizeof(begin) - 1];

    return file_read_at(fd, found, sizeof(found), 8) &&
           memcmp(found, begin, sizeof(found)) == 0;
}

/* A mistyped path must not cost a file. */
static bool check_overwritten(const char *path, struct error *e)
{
    uint64_t bytes;
    bool good, output;
    int fd;

    if (access(path, F_OK) != 0)
        return true;
    fd = file_open(path, UINT64_MAX, &bytes, e);
    if (fd < 0)
        return false;
    good = bytes == 0 || is_snapshot(fd);
    output = print_goes_to(fd);
    close(fd);
    if (output)
        return error_set(e, EXIT_INPUT, "%s: output goes to this file; name "
                         "another", path);
    return good || error_set(e, EXIT_INPUT, "%s: a file is there that is no "
                             "snapshot of memdial; name another", path);
}

bool snapshot_check(const char *path, struct error *e)
{
    return draft_check(path, e) && check_overwritten(path, e);
}

/* Writes and verifies the draft, and holds it open if it has an average. */
static bool fill_draft(const struct trainer *t, const char *path,
                       struct draft *draft, struct average_state *next,
                       struct error *e)
{
    uint64_t bytes;

    return write_file(t, path, draft, e) && executor_check(t->executor, e) &&
           verify_draft(t, path, draft, e) &&
           average_hold(next, draft_written(draft, &bytes), e);
}

bool snapshot_save(struct trainer *t, const char *path, struct error *e)
{
    struct average_state next = average_next(t);
    struct draft *draft;

    if (!draft_begin(&draft, path, e))
        return false;
    if (!fill_draft(t, path, draft, &next, e)) {
        draft_drop(draft);
        return false;
    }
    if (!draft_finish(draft, DRAFT_REPLACE, e)) {
        average_forget(&next);
        return false;
    }
    average_keep(t, next);
    return true;
}

/* Reads the file again, and loads the contents of this second reading. */
static bool restore(struct trainer *t, struct contents *c, struct error *e)
{
    if (!read_tensors(t, c, true, e) || !safetensors_check(&c->file, e) ||
        !verify_state(t, c, e))
        return false;
    if (c->state_alone)
        return true;
    if (!average_hold(&c->reached.average, c->file.fd, e))
        return false;
    average_keep(t, c->reached.average);
    t->step = c->reached.step;
    t->epoch = c->reached.epoch;
    return true;
}

/* Verifies the file and loads it into `into`, which may be NULL. */
static bool read_file(const struct trainer *t, struct trainer *into,
                      struct contents c, const char *path, struct error *e)
{
    uint64_t bytes;
    int fd = file_open(path, UINT64_MAX, &bytes, e);
    bool ok;

    if (fd < 0)
        return false;
    ok = verify(t, &c, path, fd, bytes, e) && (!into || restore(into, &c, e));
    close_contents(&c);
    close(fd);
    return ok;
}

bool snapshot_matches(const struct trainer *t, const char *path,
                      struct error *e)
{
    return read_file(t, NULL, (struct contents){ .fault = NULL }, path, e);
}

bool snapshot_load(struct trainer *t, const char *path, struct error *e)
{
    return read_file(t, t, (struct contents){ .fault = NULL }, path, e);
}

bool snapshot_load_state(struct trainer *t, const char *path, bool average,
                         struct error *e)
{
    return read_file(t, t,
                     (struct contents){ .state_alone = true,
                                        .average = average }, path, e);
}

bool snapshot_step(const char *path, int64_t *step, struct error *e)
{
    struct safetensors f = { 0 };
    uint64_t bytes;
    int fd = file_open(path, UINT64_MAX, &bytes, e);
    bool ok;

    if (fd < 0)
        return false;
    ok = safetensors_open(&f, path, fd, bytes, STRANGE_HEADER_BYTES, e);
    if (ok)
        *step = strtoll(safetensors_metadata(&f, "step"), NULL, 10);
    safetensors_done(&f);
    close(fd);
    return ok;
}
