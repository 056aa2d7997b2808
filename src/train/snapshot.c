#include "train/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_print.h"
#include "train/state.h"

enum { CHECKSUM_DIGITS = 16, NAME_SIZE = 96, VERSION_SIZE = 16 };

/* The most that a header takes: without tensors, and for each. */
enum { HEADER_BYTES = 4096, ENTRY_BYTES = 384 };

/* FNV-1a, 64 bits (Fowler, Noll and Vo): against accidents, not malice. */
static uint64_t checksum(uint64_t sum, const void *data, size_t bytes)
{
    const unsigned char *p = data;

    for (size_t i = 0; i < bytes; i++)
        sum = (sum ^ p[i]) * 0x100000001B3u;
    return sum;
}

static const uint64_t checksum_start = 0xCBF29CE484222325u;

/* As the checksum stands in the header while the sum is being taken. */
static const char no_checksum[] = "0000000000000000";

static const char *safetensors_dtype(enum dtype dtype)
{
    static const char *const names[DTYPE_COUNT] = {
        [DTYPE_F32] = "F32", [DTYPE_F64] = "F64", [DTYPE_I32] = "I32",
        [DTYPE_BF16] = "BF16", [DTYPE_F16] = "F16"
    };

    return names[dtype];
}

/* How many instances are state, and the bytes that they take in a file. */
static size_t count_state(const struct plan *plan, uint64_t *bytes)
{
    size_t n = 0;

    *bytes = 0;
    for (int i = 0; i < plan->schedule->instance_count; i++)
        if (state_is(plan, i)) {
            *bytes += plan->instances[i].bytes;
            n++;
        }
    return n;
}

static json_t *shape_json(const struct value *v)
{
    json_t *shape = json_array();

    for (int i = 0; i < v->rank; i++)
        json_push(shape, json_integer(v->dim[i]));
    return shape;
}

/* The entry of one tensor, whose data begin at `offset`. */
static json_t *tensor_json(const struct plan *plan, int instance,
                           size_t offset)
{
    const struct value *v = schedule_value(plan->schedule, instance);

    return json_pack("{ss so s[I,I]}", "dtype", safetensors_dtype(v->dtype),
                     "shape", shape_json(v), "data_offsets",
                     (json_int_t)offset,
                     (json_int_t)(offset + plan->instances[instance].bytes));
}

/* What must be equal for a run to go on as if it had never stopped. */
static json_t *identity_json(const struct trainer *t)
{
    const struct settings *s = &t->job->settings;
    char text[128];

    snprintf(text, sizeof(text), "batch=%d seed=%" PRIu64
             " steps_per_epoch=%" PRId64, s->batch, s->seed,
             t->steps_per_epoch);
    return json_text(text);
}

/* How far a run has come. */
struct reached {
    int64_t step;
    struct tally epoch;
};

/* Safetensors wants metadata to be strings. */
static json_t *metadata_json(const struct trainer *t,
                             const struct reached *p, const char *checksum)
{
    char version[VERSION_SIZE], step[24], loss[32], correct[32], samples[24];

    snprintf(version, sizeof(version), "%d", SNAPSHOT_VERSION);
    snprintf(step, sizeof(step), "%" PRId64, p->step);
    snprintf(loss, sizeof(loss), "%.17g", p->epoch.loss);
    snprintf(correct, sizeof(correct), "%.17g", p->epoch.correct);
    snprintf(samples, sizeof(samples), "%" PRId64, p->epoch.samples);
    return json_pack("{ss ss ss so ss ss ss ss}", "format", "memdial",
                     "version", version, "checksum", checksum, "run",
                     identity_json(t), "step", step, "epoch_loss", loss,
                     "epoch_correct", correct, "epoch_samples", samples);
}

/* The name of a tensor in a file. */
static void name_tensor(const struct plan *plan, int instance,
                        char name[NAME_SIZE])
{
    graph_value_name(plan->schedule->graph,
                     plan->schedule->instances[instance], name, NAME_SIZE);
}

static char *header_text(const struct trainer *t)
{
    const struct plan *plan = t->job->plan;
    struct reached now = { t->step, t->epoch };
    json_t *header = json_object();
    size_t offset = 0;

    json_put(header, "__metadata__", metadata_json(t, &now, no_checksum));
    for (int i = 0; i < plan->schedule->instance_count; i++) {
        char name[NAME_SIZE];
        if (!state_is(plan, i))
            continue;
        name_tensor(plan, i, name);
        json_put(header, name, tensor_json(plan, i, offset));
        offset += plan->instances[i].bytes;
    }
    return json_line(header);
}

/* Little-endian, whatever the machine. */
static void put_size(unsigned char to[8], uint64_t size)
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(size >> 8 * i);
}

static uint64_t get_size(const unsigned char from[8])
{
    uint64_t size = 0;

    for (int i = 0; i < 8; i++)
        size |= (uint64_t)from[i] << 8 * i;
    return size;
}

/* A file that is being written, and the sum of what it has so far. */
struct writing {
    struct file_draft *draft;
    uint64_t sum;
};

static bool put(struct writing *w, const void *data, size_t bytes,
                struct error *e)
{
    w->sum = checksum(w->sum, data, bytes);
    return file_write(w->draft, data, bytes, e);
}

static bool refuse_state(const char *path, const char *tensor,
                         const char *fault, struct error *e)
{
    return error_set(e, EXIT_RUN, "%s: no snapshot written: %s %s: %s",
                     path, tensor, fault,
                     strcmp(fault, STATE_NOT_FINITE) == 0
                         ? TRAINER_DIVERGED "; lower lr"
                         : "this is a fault of memdial; please report it");
}

/* Writes one tensor, if it is worth to be kept. */
static bool write_tensor(const struct trainer *t, const char *path,
                         int instance, struct writing *w, struct error *e)
{
    const struct plan *plan = t->job->plan;
    size_t bytes = plan->instances[instance].bytes;
    void *host = xcalloc(1, bytes);
    const char *fault;
    char name[NAME_SIZE];
    bool ok;

    executor_read(t->executor, instance, host);
    fault = state_fault(plan, instance, host);
    name_tensor(plan, instance, name);
    ok = fault ? refuse_state(path, name, fault, e) : put(w, host, bytes, e);
    free(host);
    return ok;
}

static bool write_tensors(const struct trainer *t, const char *path,
                          struct writing *w, struct error *e)
{
    const struct plan *plan = t->job->plan;
    bool ok = true;

    for (int i = 0; ok && i < plan->schedule->instance_count; i++)
        if (state_is(plan, i))
            ok = write_tensor(t, path, i, w, e);
    return ok;
}

/* The checksum is of a file without one, and takes its place in the end. */
static bool write_file(const struct trainer *t, const char *path,
                       struct file_draft *draft, struct error *e)
{
    struct writing w = { draft, checksum_start };
    char *header = header_text(t);
    unsigned char size[8];
    char digits[CHECKSUM_DIGITS + 1];
    size_t length = strlen(header);
    size_t at = sizeof(size) + (size_t)(strstr(header, no_checksum) - header);
    bool ok;

    put_size(size, length);
    ok = put(&w, size, sizeof(size), e) && put(&w, header, length, e) &&
         write_tensors(t, path, &w, e);
    snprintf(digits, sizeof(digits), "%016" PRIx64, w.sum);
    ok = ok && file_write_at(draft, digits, CHECKSUM_DIGITS, at, e);
    free(header);
    return ok;
}

/* A file that is being read. */
struct contents {
    const char *path;    /* borrowed */
    int fd;
    uint64_t bytes;
    char *text;          /* owned; of the header */
    size_t text_bytes;
    json_t *header;      /* owned */
    uint64_t tensors;    /* where they begin */
    uint64_t sum;        /* of the file */
    const char *fault;   /* of the first tensor at fault; NULL if none is */
    int faulty;          /* which */
    struct reached reached;
};

static bool refuse(const struct contents *c, struct error *e,
                   const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(const struct contents *c, struct error *e,
                   const char *format, ...)
{
    char why[400];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    return error_set(e, EXIT_INPUT, "%s: %s", c->path, why);
}

static bool read_at(const struct contents *c, void *to, size_t bytes,
                    uint64_t at, struct error *e)
{
    if (file_read_at(c->fd, to, bytes, at))
        return true;
    return refuse(c, e, errno ? "cannot be read: %s" : "was truncated while "
                  "it was read%s", errno ? strerror(errno) : "");
}

static const char *metadata(const struct contents *c, const char *key)
{
    const char *text = json_string_value(
        json_object_get(json_object_get(c->header, "__metadata__"), key));

    return text ? text : "";
}

/* Reads the header, if it is one and not larger than that of this run could
 * be. */
static bool read_header(const struct trainer *t, struct contents *c,
                        struct error *e)
{
    unsigned char start[9] = { 0 };
    uint64_t size, state_bytes;
    size_t most = HEADER_BYTES +
                  ENTRY_BYTES * count_state(t->job->plan, &state_bytes);

    if (c->bytes >= sizeof(start) &&
        !read_at(c, start, sizeof(start), 0, e))
        return false;
    size = get_size(start);
    if (size < 2 || start[8] != '{')
        return refuse(c, e, "not a snapshot of memdial (no safetensors "
                      "header)");
    if (size > c->bytes - 8)
        return refuse(c, e, "truncated: the header alone takes %" PRIu64
                      " bytes, the file has %" PRIu64 "; use an older "
                      "snapshot", size, c->bytes - 8);
    if (size > most)
        return refuse(c, e, "a header of %" PRIu64 " bytes, but that of this "
                      "run has %zu at most: a foreign file, or a snapshot of "
                      "another model", size, most);
    c->text_bytes = (size_t)size;
    c->text = xcalloc(c->text_bytes + 1, 1);
    c->tensors = 8 + size;
    return read_at(c, c->text, c->text_bytes, 8, e);
}

static bool parse_header(struct contents *c, struct error *e)
{
    char version[VERSION_SIZE];
    json_error_t where;

    snprintf(version, sizeof(version), "%d", SNAPSHOT_VERSION);
    if (strlen(c->text) != c->text_bytes) /* for the parser it ends there */
        return refuse(c, e, "damaged: its header has a NUL; use an older "
                      "snapshot");
    c->header = json_loadb(c->text, c->text_bytes, JSON_REJECT_DUPLICATES,
                           &where);
    if (!c->header)
        return refuse(c, e, "damaged: its header is not JSON: %.100s; use an "
                      "older snapshot", where.text);
    if (strcmp(metadata(c, "format"), "memdial") != 0)
        return refuse(c, e, "a foreign safetensors file; only snapshots that "
                      "--save wrote can be loaded");
    if (strcmp(metadata(c, "version"), version) != 0)
        return refuse(c, e, "snapshot version %.20s, but this memdial reads "
                      "version %s", metadata(c, "version"), version);
    return true;
}

/* That the file has exactly the tensors of the run. */
static bool verify_entries(const struct trainer *t, const struct contents *c,
                           struct error *e)
{
    const struct plan *plan = t->job->plan;
    size_t offset = 0, entries = 1; /* one is metadata */
    bool ok = true;

    for (int i = 0; ok && i < plan->schedule->instance_count; i++) {
        char name[NAME_SIZE];
        json_t *expected;
        if (!state_is(plan, i))
            continue;
        name_tensor(plan, i, name);
        expected = tensor_json(plan, i, offset);
        offset += plan->instances[i].bytes;
        entries++;
        ok = json_equal(expected, json_object_get(c->header, name)) ||
             refuse(c, e, "tensor %s is missing or has another shape or type: "
                    "the snapshot is of another model; set depth, width, "
                    "precision and master_weights alike", name);
        json_decref(expected);
    }
    return ok && (json_object_size(c->header) == entries ||
                  refuse(c, e, "has tensors that this run has not: the "
                         "snapshot is of another model"));
}

/* Known before any of the tensors is read. */
static bool verify_size(const struct trainer *t, const struct contents *c,
                        struct error *e)
{
    uint64_t has = c->bytes - c->tensors, wanted;

    count_state(t->job->plan, &wanted);
    return has == wanted ||
           (verify_entries(t, c, e) &&
            refuse(c, e, "%s: %" PRIu64 " bytes of tensors, expected %" PRIu64
                   "; use an older snapshot",
                   has < wanted ? "truncated" : "damaged", has, wanted));
}

/* The checksum of the file up to its tensors, as it was before it had one. */
static uint64_t sum_header(const struct contents *c)
{
    const char *digits = metadata(c, "checksum");
    char *text = xstrdup(c->text), *at = strstr(text, digits);
    unsigned char size[8];
    uint64_t sum;

    if (strlen(digits) == CHECKSUM_DIGITS && at)
        memcpy(at, no_checksum, CHECKSUM_DIGITS);
    put_size(size, c->text_bytes);
    sum = checksum(checksum_start, size, sizeof(size));
    sum = checksum(sum, text, c->text_bytes);
    free(text);
    return sum;
}

/* One tensor, of whatever is in the file; those of a run that is loaded go to
 * its executor. */
static bool read_tensor(const struct trainer *t, struct contents *c,
                        int instance, uint64_t at, bool load,
                        struct error *e)
{
    const struct plan *plan = t->job->plan;
    size_t bytes = plan->instances[instance].bytes;
    void *host = xcalloc(1, bytes);
    bool ok = read_at(c, host, bytes, at, e);

    if (ok) {
        const char *fault = state_fault(plan, instance, host);

        c->sum = checksum(c->sum, host, bytes);
        if (fault && !c->fault) {
            c->fault = fault;
            c->faulty = instance;
        }
        if (load && !fault)
            executor_write(t->executor, instance, host);
    }
    free(host);
    return ok;
}

/* Reads all tensors, one at a time: a file takes no memory of the run. */
static bool read_tensors(const struct trainer *t, struct contents *c,
                         bool load, struct error *e)
{
    const struct plan *plan = t->job->plan;
    uint64_t at = c->tensors;
    bool ok = true;

    c->sum = sum_header(c);
    c->fault = NULL;
    for (int i = 0; ok && i < plan->schedule->instance_count; i++)
        if (state_is(plan, i)) {
            ok = read_tensor(t, c, i, at, load, e);
            at += plan->instances[i].bytes;
        }
    return ok;
}

static bool verify_checksum(const struct contents *c, struct error *e)
{
    char found[CHECKSUM_DIGITS + 1];

    snprintf(found, sizeof(found), "%016" PRIx64, c->sum);
    return strcmp(metadata(c, "checksum"), found) == 0 ||
           refuse(c, e, "damaged or truncated: checksum %s, expected %.16s; "
                  "use an older snapshot", found, metadata(c, "checksum"));
}

static bool verify_identity(const struct trainer *t, const struct contents *c,
                            struct error *e)
{
    json_t *identity = identity_json(t);
    const char *run = metadata(c, "run"), *own = json_string_value(identity);
    bool ok = strcmp(own, run) == 0 ||
              refuse(c, e, "saved by a run with %.120s, but this one has %s; "
                     "set them alike", run, own);

    json_decref(identity);
    return ok;
}

/* Whether sums over samples can be theirs: every loss is positive, and every
 * sample correct or not. */
static bool is_tally(const struct tally *t)
{
    return isfinite(t->loss) && !signbit(t->loss) && !signbit(t->correct) &&
           t->correct <= (double)t->samples &&
           t->correct == trunc(t->correct) && (t->samples > 0 || t->loss == 0);
}

/* Whether a run of these settings, and any number of epochs, can have come so
 * far. The sums of an epoch are those of the steps since it began. */
static bool is_possible(const struct trainer *t, const struct reached *p)
{
    int64_t steps = t->steps_per_epoch;
    int64_t most = steps * (int64_t)settings_find("epochs")->max;

    return p->step >= 0 && p->step <= most &&
           p->epoch.samples == p->step % steps * t->job->settings.batch &&
           is_tally(&p->epoch);
}

/* What was read must be written in the same way again. */
static bool verify_progress(const struct trainer *t, struct contents *c,
                            struct error *e)
{
    struct reached *p = &c->reached;
    json_t *again;
    bool ok;

    *p = (struct reached){
        strtoll(metadata(c, "step"), NULL, 10),
        { .loss = strtod(metadata(c, "epoch_loss"), NULL),
          .correct = strtod(metadata(c, "epoch_correct"), NULL),
          .samples = strtoll(metadata(c, "epoch_samples"), NULL, 10) }
    };
    again = metadata_json(t, p, metadata(c, "checksum"));
    ok = is_possible(t, p) &&
         json_equal(again, json_object_get(c->header, "__metadata__"));
    json_decref(again);
    return ok || refuse(c, e, "no run comes to step %.30s with %.30s samples "
                        "of an epoch, their loss %.30s and %.30s correct; use "
                        "an older snapshot", metadata(c, "step"),
                        metadata(c, "epoch_samples"),
                        metadata(c, "epoch_loss"),
                        metadata(c, "epoch_correct"));
}

static bool verify_state(const struct trainer *t, const struct contents *c,
                         struct error *e)
{
    char name[NAME_SIZE];

    if (!c->fault)
        return true;
    name_tensor(t->job->plan, c->faulty, name);
    return refuse(c, e, "tensor %s %s; use an older snapshot", name,
                  c->fault);
}

/* That the file is one that this run can be loaded from. */
static bool verify(const struct trainer *t, struct contents *c,
                   struct error *e)
{
    return read_header(t, c, e) && parse_header(c, e) &&
           verify_size(t, c, e) && read_tensors(t, c, false, e) &&
           verify_checksum(c, e) && verify_entries(t, c, e) &&
           verify_identity(t, c, e) && verify_progress(t, c, e) &&
           verify_state(t, c, e);
}

static void release(struct contents *c)
{
    json_decref(c->header);
    free(c->text);
}

/* What takes the place of a snapshot can be loaded as well as that could. */
static bool verify_draft(const struct trainer *t, const char *path,
                         const struct file_draft *draft, struct error *e)
{
    struct contents c = { .path = path };
    struct error why;
    bool ok;

    c.fd = file_written(draft, &c.bytes);
    ok = verify(t, &c, &why);
    release(&c);
    return ok || error_set(e, EXIT_RUN, "no snapshot written, for it would not "
                           "load: %s", why.text);
}

/* Whether a file begins as header_text() does. */
static bool is_snapshot(int fd)
{
    static const char begin[] = "{\"__metadata__\":{\"format\":\"memdial\"";
    char found[sizeof(begin) - 1];

    return file_read_at(fd, found, sizeof(found), 8) &&
           memcmp(found, begin, sizeof(found)) == 0;
}

/* A path that was mistyped must not cost a file. */
static bool check_old(const char *path, struct error *e)
{
    uint64_t bytes;
    bool good;
    int fd;

    if (access(path, F_OK) != 0)
        return true;
    fd = file_open(path, UINT64_MAX, &bytes, e);
    if (fd < 0)
        return false;
    good = bytes == 0 || is_snapshot(fd);
    close(fd);
    return good || error_set(e, EXIT_INPUT, "%s: a file is there that is no "
                             "snapshot of memdial; name another", path);
}

bool snapshot_check(const char *path, struct error *e)
{
    return file_check(path, e) && check_old(path, e);
}

bool snapshot_save(const struct trainer *t, const char *path, struct error *e)
{
    struct file_draft *draft;

    if (!file_begin(&draft, path, e))
        return false;
    if (write_file(t, path, draft, e) && executor_check(t->executor, e) &&
        verify_draft(t, path, draft, e))
        return file_finish(draft, FILE_REPLACE, e);
    file_drop(draft);
    return false;
}

/* Reads the file again, and loads what this second reading finds. */
static bool restore(struct trainer *t, struct contents *c, struct error *e)
{
    if (!read_tensors(t, c, true, e) || !verify_checksum(c, e) ||
        !verify_state(t, c, e))
        return false;
    t->step = c->reached.step;
    t->epoch = c->reached.epoch;
    return true;
}

static bool open_contents(struct contents *c, const char *path,
                          struct error *e)
{
    *c = (struct contents){ .path = path };
    c->fd = file_open(path, UINT64_MAX, &c->bytes, e);
    return c->fd >= 0;
}

static void close_contents(struct contents *c)
{
    close(c->fd);
    release(c);
}

bool snapshot_matches(const struct trainer *t, const char *path,
                      struct error *e)
{
    struct contents c;
    bool ok;

    if (!open_contents(&c, path, e))
        return false;
    ok = verify(t, &c, e);
    close_contents(&c);
    return ok;
}

bool snapshot_load(struct trainer *t, const char *path, struct error *e)
{
    struct contents c;
    bool ok;

    if (!open_contents(&c, path, e))
        return false;
    ok = verify(t, &c, e) && restore(t, &c, e);
    close_contents(&c);
    return ok;
}
