#define _GNU_SOURCE

#include "plan/timings_file.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/draft.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/json_print.h"
#include "base/quote.h"
#include "config.h"

/* Of the file's form. */
enum { TIMINGS_SCHEMA = 1, FILE_MOST = 64 << 20, BUILD_SIZE = 128 };

/* Appends the build's number that the linker gave a program, in hexadecimal. */
static void add_build_id(const ElfW(Nhdr) *note, char build[BUILD_SIZE])
{
    const unsigned char *id = (const unsigned char *)(note + 1) +
                              round_up(note->n_namesz, 4);
    size_t used = strlen(build);

    build[used++] = ' ';
    for (unsigned i = 0; i < note->n_descsz && used + 3 < BUILD_SIZE; i++)
        used += (size_t)snprintf(build + used, BUILD_SIZE - used, "%02x",
                                 id[i]);
}

/* Looks for it in the first object of the process, which is the program. */
static int find_build_id(struct dl_phdr_info *info, size_t size, void *build)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        const char *at = (const char *)(info->dlpi_addr + part->p_vaddr);
        const char *end = at + part->p_memsz;

        while (part->p_type == PT_NOTE && at + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *note = (const void *)at;
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
                memcmp(note + 1, "GNU", 4) == 0) {
                add_build_id(note, build);
                return 1;
            }
            at += sizeof(*note) + round_up(note->n_namesz, 4) +
                  round_up(note->n_descsz, 4);
        }
    }
    return 1;
}

/* Names this build. Where the linker numbers none, the version must do. */
static const char *build_name(void)
{
    static char build[BUILD_SIZE];

    if (!*build) {
        snprintf(build, sizeof(build), "%s", PACKAGE_STRING);
        dl_iterate_phdr(find_build_id, build);
    }
    return build;
}

static bool find_file(char path[PATH_MAX], const struct backend *backend,
                      struct error *e)
{
    char name[64];

    snprintf(name, sizeof(name), "timings-%s.json", backend->name);
    return folder_cache(path, PATH_MAX, name) ||
           error_set(e, EXIT_RUN, "there is no folder for timings: set HOME "
                     "or XDG_CACHE_HOME");
}

json_t *timing_json(const struct timing *k)
{
    json_t *call = timed_call_json(&k->call);

    json_put(call, "guess", json_number(k->guess));
    json_put(call, "seconds", json_number(k->seconds));
    json_put(call, "count", json_integer(k->count));
    return call;
}

json_t *timings_json(const struct timings *t)
{
    char hardware[WHY_SIZE];
    json_t *calls = json_array();

    t->backend->hardware(hardware);
    for (int op = 0; op < OP_COUNT; op++)
        for (int i = 0; i < t->of[op].count; i++)
            json_push(calls, timing_json(&t->of[op].list[i]));
    return json_pack("{si so ss so s{so si} so}", "schema", TIMINGS_SCHEMA,
                     "build", json_text(build_name()), "backend",
                     t->backend->name, "hardware", json_text(hardware),
                     "overhead", "seconds", json_number(t->overhead), "count",
                     t->overhead_count, "calls", calls);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static double number_of(const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);

    return json_is_number(number) ? json_number_value(number) : NAN;
}

/* Seconds that a call may take. A year is no measurement; and a guess of next
 * to nothing would make its factor, and all sums, infinite. */
static bool is_time(double seconds)
{
    return seconds > 1e-15 && seconds < 3e7;
}

static bool read_count(const json_t *object, int *count)
{
    json_int_t n = json_integer_value(json_object_get(object, "count"));

    if (n <= 0 || n >= INT_MAX)
        return false;
    *count = (int)n;
    return true;
}

bool timing_read(struct timing *k, const json_t *json)
{
    k->guess = number_of(json, "guess");
    k->seconds = number_of(json, "seconds");
    return timed_call_read(&k->call, json) && is_time(k->guess) &&
           is_time(k->seconds) && read_count(json, &k->count);
}

/* Timings may have none: a count of 0. */
static bool read_overhead(struct timings *t, const json_t *json)
{
    double seconds = number_of(json, "seconds");
    const json_t *count = json_object_get(json, "count");

    if (json_is_integer(count) && json_integer_value(count) == 0)
        return true;
    if (!read_count(json, &t->overhead_count))
        return false;
    t->overhead = seconds;
    return seconds >= 0 && is_time(seconds + 1);
}

static bool refuse_other(const struct backend *backend, const json_t *json,
                         const char *where, struct error *e)
{
    const char *build = text_of(json, "build");
    char hardware[WHY_SIZE];

    if (json_integer_value(json_object_get(json, "schema")) != TIMINGS_SCHEMA ||
        strcmp(text_of(json, "backend"), backend->name) != 0 || !*build)
        return error_set(e, EXIT_INPUT, "%s: not timings of backend %s",
                         where, backend->name);
    backend->hardware(hardware);
    if (strcmp(build, build_name()) != 0)
        return error_set(e, EXIT_INPUT, "%s: the timings are of another build "
                         "of memdial", where);
    return strcmp(text_of(json, "hardware"), hardware) == 0 ||
           error_set(e, EXIT_INPUT, "%s: the timings are of another machine, "
                     "%s, and this is %s", where, text_of(json, "hardware"),
                     hardware);
}

/* Reads the members that hold on any machine. */
static struct timings *read_members(const json_t *json,
                                    const struct backend *backend,
                                    const char *where, struct error *e)
{
    struct timings *t = timings_new(backend);
    const json_t *calls = json_object_get(json, "calls");
    bool ok = json_array_size(calls) > 0 &&
              read_overhead(t, json_object_get(json, "overhead"));
    struct timing timing;

    for (size_t i = 0; ok && i < json_array_size(calls); i++) {
        ok = timing_read(&timing, json_array_get(calls, i));
        if (ok)
            timings_put(t, &timing);
    }
    if (ok)
        return t;
    timings_free(t);
    error_set(e, EXIT_INPUT, "%s: damaged timings", where);
    return NULL;
}

struct timings *timings_read(const json_t *json, const struct backend *backend,
                             const char *where, struct error *e)
{
    return refuse_other(backend, json, where, e)
               ? read_members(json, backend, where, e) : NULL;
}

bool timings_load(struct timings **t, const struct backend *backend,
                  struct error *e)
{
    char path[PATH_MAX];
    char *text;
    size_t bytes;
    json_t *json;

    *t = NULL;
    if (!find_file(path, backend, e))
        return false;
    if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return error_set(e, EXIT_RUN, "%s: there are no timings yet", path);
    text = file_read(path, FILE_MOST, &bytes, e);
    if (!text)
        return false;
    json = json_read(text, bytes, NULL);
    free(text);
    if (json)
        *t = timings_read(json, backend, path, e);
    else
        error_set(e, EXIT_INPUT, "%s: damaged timings", path);
    json_decref(json);
    return *t;
}

/* The path of the file, and the folder for it. */
static bool make_place(char path[PATH_MAX], const struct backend *backend,
                       struct error *e)
{
    return find_file(path, backend, e) && folder_make_for(path, e);
}

bool timings_check_place(const struct backend *backend, struct error *e)
{
    char path[PATH_MAX];

    return make_place(path, backend, e) && draft_check(path, e);
}

bool timings_save(const struct timings *t, struct error *e)
{
    char path[PATH_MAX], *line;
    bool ok;

    if (!make_place(path, t->backend, e))
        return false;
    line = json_line(timings_json(t));
    ok = draft_put(path, line, DRAFT_REPLACE, e);
    free(line);
    return ok;
}

void timings_refresh(const struct timings *t)
{
    struct timings *all;

    if (!timings_load(&all, t->backend, NULL))
        all = timings_new(t->backend);
    timings_merge(all, t);
    timings_save(all, NULL);
    timings_free(all);
}

void timings_command(struct buffer *to, const char *preset,
                     const struct settings *s)
{
    char assignment[sizeof("backend=") + sizeof(s->backend)];

    buffer_text(to, "memdial calibrate ");
    quote_shell(to, preset);
    if (strcmp(s->backend, "auto") == 0)
        return;
    snprintf(assignment, sizeof(assignment), "backend=%s", s->backend);
    buffer_text(to, " --set ");
    quote_shell(to, assignment);
}
