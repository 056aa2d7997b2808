#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "kernels/half.h"

enum { CHECKSUM_DIGITS = 16, HEADER_MAX = 1 << 26, NAME_SIZE = 96,
       PATH_SIZE = 4096 };

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

static bool is_state(const struct schedule *s, int instance)
{
    return kind_persists(schedule_value(s, instance)->kind);
}

static json_t *shape_json(const struct value *v)
{
    json_t *shape = json_array();

    for (int i = 0; i < v->rank; i++)
        json_array_append_new(shape, json_integer(v->dim[i]));
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
    return json_string(text);
}

/* Safetensors wants metadata to be strings. */
static json_t *metadata_json(const struct trainer *t)
{
    char version[16], step[24], loss[32], correct[32], samples[24];

    snprintf(version, sizeof(version), "%d", SNAPSHOT_VERSION);
    snprintf(step, sizeof(step), "%" PRId64, t->step);
    snprintf(loss, sizeof(loss), "%.17g", t->epoch.loss);
    snprintf(correct, sizeof(correct), "%.17g", t->epoch.correct);
    snprintf(samples, sizeof(samples), "%" PRId64, t->epoch.samples);
    return json_pack("{ss ss ss so ss ss ss ss}", "format", "memdial",
                     "version", version, "checksum", no_checksum, "run",
                     identity_json(t), "step", step, "epoch_loss", loss,
                     "epoch_correct", correct, "epoch_samples", samples);
}

static char *header_text(const struct trainer *t)
{
    const struct plan *plan = t->job->plan;
    const struct schedule *s = plan->schedule;
    json_t *header = json_pack("{so}", "__metadata__", metadata_json(t));
    size_t offset = 0;
    char *text;

    for (int i = 0; i < s->instance_count; i++) {
        char name[NAME_SIZE];
        if (!is_state(s, i))
            continue;
        graph_value_name(s->graph, s->instances[i], name, sizeof(name));
        json_object_set_new(header, name, tensor_json(plan, i, offset));
        offset += plan->instances[i].bytes;
    }
    text = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    return text;
}

static bool is_finite(const void *data, size_t elements, enum dtype dtype)
{
    bool finite = true;

    if (dtype != DTYPE_F32 && dtype != DTYPE_BF16 && dtype != DTYPE_F16)
        return true;
    for (size_t i = 0; i < elements; i++)
        finite &= isfinite(float_load(data, i, dtype)) != 0;
    return finite;
}

/* Copies the state of an instance to the host; the caller frees. */
static void *read_state(const struct trainer *t, int instance)
{
    void *host = xcalloc(1, t->job->plan->instances[instance].bytes);

    executor_read(t->executor, instance, host);
    return host;
}

/* Whether all state is finite. */
static bool check_state(const struct trainer *t, const char *path,
                        struct error *e)
{
    const struct plan *plan = t->job->plan;
    const struct schedule *s = plan->schedule;
    bool ok = true;

    for (int i = 0; ok && i < s->instance_count; i++) {
        enum dtype dtype = schedule_value(s, i)->dtype;
        char name[NAME_SIZE];
        void *host;
        if (!is_state(s, i))
            continue;
        host = read_state(t, i);
        ok = is_finite(host, plan->instances[i].bytes / dtype_size(dtype),
                       dtype);
        free(host);
        graph_value_name(s->graph, s->instances[i], name, sizeof(name));
        if (!ok)
            error_set(e, EXIT_RUN,
                      "%.300s: no snapshot written: %s is not finite: "
                      "training diverged; lower lr", path, name);
    }
    return ok;
}

static bool write_all(FILE *f, uint64_t *sum, const void *data, size_t bytes)
{
    *sum = checksum(*sum, data, bytes);
    return fwrite(data, 1, bytes, f) == bytes;
}

static bool write_tensors(const struct trainer *t, FILE *f, uint64_t *sum)
{
    const struct plan *plan = t->job->plan;
    bool ok = true;

    for (int i = 0; ok && i < plan->schedule->instance_count; i++) {
        void *host;
        if (!is_state(plan->schedule, i))
            continue;
        host = read_state(t, i);
        ok = write_all(f, sum, host, plan->instances[i].bytes);
        free(host);
    }
    return ok;
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

static bool write_file(const struct trainer *t, FILE *f)
{
    char *header = header_text(t);
    uint64_t sum = checksum_start;
    unsigned char size[8];
    char digits[CHECKSUM_DIGITS + 1];
    size_t length = strlen(header);
    size_t at = sizeof(size) + (size_t)(strstr(header, no_checksum) - header);
    bool ok;

    put_size(size, length);
    ok = write_all(f, &sum, size, sizeof(size)) &&
         write_all(f, &sum, header, length) && write_tensors(t, f, &sum);
    snprintf(digits, sizeof(digits), "%016" PRIx64, sum);
    ok = ok && fseek(f, (long)at, SEEK_SET) == 0 &&
         fwrite(digits, 1, CHECKSUM_DIGITS, f) == CHECKSUM_DIGITS &&
         fflush(f) == 0 && fsync(fileno(f)) == 0;
    free(header);
    return ok;
}

/* A rename is durable once the folder is. Best effort: not every file system
 * can do it. */
static void sync_folder(const char *path)
{
    char folder[PATH_SIZE];
    char *slash;
    int fd;

    snprintf(folder, sizeof(folder), "%s", path);
    slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* Opens the file that will be renamed to `path`; its name goes to
 * temporary[PATH_SIZE]. */
static FILE *open_temporary(const char *path, char *temporary,
                            struct error *e)
{
    FILE *f = NULL;

    if (snprintf(temporary, PATH_SIZE, "%s.%ld.tmp", path, (long)getpid()) >=
        PATH_SIZE)
        errno = ENAMETOOLONG;
    else
        f = fopen(temporary, "wb");
    if (!f)
        error_set(e, EXIT_RUN, "%.300s: cannot write a snapshot here: %s",
                  path, strerror(errno));
    return f;
}

bool snapshot_check(const char *path, struct error *e)
{
    char temporary[PATH_SIZE];
    struct stat status;
    FILE *f;

    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return error_set(e, EXIT_INPUT,
                         "%.300s: not a file that a snapshot can replace",
                         path);
    f = open_temporary(path, temporary, e);
    if (!f)
        return false;
    fclose(f);
    unlink(temporary);
    return true;
}

bool snapshot_save(const struct trainer *t, const char *path, struct error *e)
{
    char temporary[PATH_SIZE];
    FILE *f;
    bool ok;
    int code;

    if (!check_state(t, path, e) ||
        !(f = open_temporary(path, temporary, e)))
        return false;
    ok = write_file(t, f);
    code = errno;
    if (!executor_check(t->executor, e)) {
        fclose(f);
        unlink(temporary);
        return false;
    }
    if (fclose(f) != 0 || !ok || rename(temporary, path) != 0) {
        code = ok ? errno : code;
        unlink(temporary);
        return error_set(e, EXIT_RUN,
                         "%.300s: cannot write the snapshot: %s; the one "
                         "before it, if any, is as it was",
                         path, strerror(code));
    }
    sync_folder(path);
    return true;
}

/* A file read whole, with its header parsed. */
struct contents {
    unsigned char *data;
    size_t bytes;
    json_t *header;
    const unsigned char *tensors;
    size_t tensor_bytes;
};

static bool read_file(const char *path, struct contents *c, struct error *e)
{
    FILE *f = fopen(path, "rb");
    struct stat status;

    if (!f || fstat(fileno(f), &status) != 0) {
        int code = errno;
        if (f)
            fclose(f);
        return error_set(e, EXIT_INPUT, "%s: cannot read the snapshot: %s",
                         path, strerror(code));
    }
    if (!S_ISREG(status.st_mode)) {
        fclose(f);
        return error_set(e, EXIT_INPUT,
                         "%s: not a file; name a snapshot that --save wrote",
                         path);
    }
    c->bytes = (size_t)status.st_size;
    c->data = xcalloc(1, c->bytes + 1);
    if (fread(c->data, 1, c->bytes, f) != c->bytes) {
        fclose(f);
        return error_set(e, EXIT_INPUT, "%s: cannot read all %zu bytes", path,
                         c->bytes);
    }
    fclose(f);
    return true;
}

static const char *metadata(const struct contents *c, const char *key)
{
    const char *text = json_string_value(
        json_object_get(json_object_get(c->header, "__metadata__"), key));

    return text ? text : "";
}

static bool parse_header(const char *path, struct contents *c,
                         struct error *e)
{
    uint64_t size = c->bytes >= 8 ? get_size(c->data) : 0;
    json_error_t where;

    if (size < 2 || size > HEADER_MAX || c->data[8] != '{')
        return error_set(e, EXIT_INPUT,
                         "%s: not a snapshot of memdial (no safetensors "
                         "header)", path);
    if (size > c->bytes - 8)
        return error_set(e, EXIT_INPUT,
                         "%s: truncated: the header alone takes %" PRIu64
                         " bytes, the file has %zu; use an older snapshot",
                         path, size + 8, c->bytes);
    c->header = json_loadb((const char *)c->data + 8, size, 0, &where);
    c->tensors = c->data + 8 + size;
    c->tensor_bytes = c->bytes - 8 - size;
    if (strcmp(metadata(c, "format"), "memdial") != 0)
        return error_set(e, EXIT_INPUT,
                         "%s: a foreign safetensors file; only snapshots that "
                         "--save wrote can be loaded", path);
    if (atoi(metadata(c, "version")) != SNAPSHOT_VERSION)
        return error_set(e, EXIT_INPUT,
                         "%s: snapshot version %.20s, but this memdial reads "
                         "version %d", path, metadata(c, "version"),
                         SNAPSHOT_VERSION);
    return true;
}

static bool verify_checksum(const char *path, struct contents *c,
                            struct error *e)
{
    char expected[CHECKSUM_DIGITS + 1], found[CHECKSUM_DIGITS + 1];
    unsigned char *digits;

    snprintf(expected, sizeof(expected), "%s", metadata(c, "checksum"));
    digits = (unsigned char *)strstr((char *)c->data + 8, expected);
    if (strlen(expected) == CHECKSUM_DIGITS && digits)
        memcpy(digits, no_checksum, CHECKSUM_DIGITS);
    snprintf(found, sizeof(found), "%016" PRIx64,
             checksum(checksum_start, c->data, c->bytes));
    if (strcmp(expected, found) != 0)
        return error_set(e, EXIT_INPUT,
                         "%s: damaged or truncated: checksum %s, expected %s; "
                         "use an older snapshot", path, found, expected);
    return true;
}

/* That the file has exactly the run's tensors; with the checksum right, equal
 * entries mean data of the right size. */
static bool verify_contents(const struct trainer *t, const char *path,
                            const struct contents *c, struct error *e)
{
    const struct plan *plan = t->job->plan;
    const struct schedule *s = plan->schedule;
    json_t *identity = identity_json(t);
    const char *run = metadata(c, "run");
    size_t offset = 0;
    bool ok = strcmp(json_string_value(identity), run) == 0;

    if (!ok)
        error_set(e, EXIT_INPUT,
                  "%s: saved by a run with %.120s, but this one has %s; set "
                  "them alike", path, run, json_string_value(identity));
    json_decref(identity);
    for (int i = 0; ok && i < s->instance_count; i++) {
        char name[NAME_SIZE];
        json_t *expected;
        if (!is_state(s, i))
            continue;
        graph_value_name(s->graph, s->instances[i], name, sizeof(name));
        expected = tensor_json(plan, i, offset);
        offset += plan->instances[i].bytes;
        ok = json_equal(expected, json_object_get(c->header, name)) == 1 &&
             offset <= c->tensor_bytes;
        json_decref(expected);
        if (!ok)
            error_set(e, EXIT_INPUT,
                      "%s: tensor %s is missing or has another shape or "
                      "type: the snapshot is of another model; set depth, "
                      "width, precision and master_weights alike", path,
                      name);
    }
    if (ok && offset != c->tensor_bytes)
        ok = error_set(e, EXIT_INPUT,
                       "%s: %zu bytes of tensors, %zu expected: the snapshot "
                       "is of another model", path, c->tensor_bytes, offset);
    return ok;
}

static void restore(struct trainer *t, const struct contents *c)
{
    const struct schedule *s = t->job->plan->schedule;
    const unsigned char *from = c->tensors;

    for (int i = 0; i < s->instance_count; i++)
        if (is_state(s, i)) {
            executor_write(t->executor, i, from);
            from += t->job->plan->instances[i].bytes;
        }
    t->step = strtoll(metadata(c, "step"), NULL, 10);
    t->epoch.loss = strtod(metadata(c, "epoch_loss"), NULL);
    t->epoch.correct = strtod(metadata(c, "epoch_correct"), NULL);
    t->epoch.samples = strtoll(metadata(c, "epoch_samples"), NULL, 10);
}

static bool read_snapshot(const struct trainer *t, const char *path,
                          struct contents *c, struct error *e)
{
    return read_file(path, c, e) && parse_header(path, c, e) &&
           verify_checksum(path, c, e) && verify_contents(t, path, c, e);
}

static void contents_done(struct contents *c)
{
    json_decref(c->header);
    free(c->data);
}

bool snapshot_matches(const struct trainer *t, const char *path,
                      struct error *e)
{
    struct contents c = { 0 };
    bool ok = read_snapshot(t, path, &c, e);

    contents_done(&c);
    return ok;
}

bool snapshot_load(struct trainer *t, const char *path, struct error *e)
{
    struct contents c = { 0 };
    bool ok = read_snapshot(t, path, &c, e);

    if (ok)
        restore(t, &c);
    contents_done(&c);
    return ok;
}
