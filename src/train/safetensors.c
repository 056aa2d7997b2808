#include "train/safetensors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/file.h"
#include "base/json_print.h"

enum { SIZE_BYTES = 8 };

/* Little-endian, whatever the machine. */
static void put_size(unsigned char to[SIZE_BYTES], uint64_t size)
{
    for (int i = 0; i < SIZE_BYTES; i++)
        to[i] = (unsigned char)(size >> 8 * i);
}

static uint64_t get_size(const unsigned char from[SIZE_BYTES])
{
    uint64_t size = 0;

    for (int i = 0; i < SIZE_BYTES; i++)
        size |= (uint64_t)from[i] << 8 * i;
    return size;
}

static const char *format_name(enum dtype dtype)
{
    static const char *const names[DTYPE_COUNT] = {
        [DTYPE_F32] = "F32", [DTYPE_F64] = "F64", [DTYPE_I32] = "I32",
        [DTYPE_BF16] = "BF16", [DTYPE_F16] = "F16", [DTYPE_I8] = "U8",
        [DTYPE_U8] = "U8"
    };

    return names[dtype];
}

/* Codes with their scales are a row of bytes to others. */
static json_t *shape_json(const struct value *v, size_t bytes)
{
    int row = (int)bytes;

    return dtype_is_scaled(v->dtype) ? json_integers(&row, 1)
                                     : json_integers(v->dim, v->rank);
}

json_t *safetensors_entry(const struct value *v, size_t offset, size_t bytes)
{
    return json_pack("{ss so s[I,I]}", "dtype", format_name(v->dtype),
                     "shape", shape_json(v, bytes), "data_offsets",
                     (json_int_t)offset, (json_int_t)(offset + bytes));
}

bool safetensors_put(struct safetensors_writer *w, const void *data,
                     size_t bytes, struct error *e)
{
    w->sum = checksum_add(w->sum, data, bytes);
    return draft_write(w->draft, data, bytes, e);
}

bool safetensors_begin(struct safetensors_writer *w, struct draft *draft,
                       json_t *header, struct error *e)
{
    char *text = json_line(header);
    size_t length = strlen(text);
    unsigned char size[SIZE_BYTES];
    bool ok;

    w->draft = draft;
    w->sum = CHECKSUM_START;
    w->checksum_at = sizeof(size) +
                     (size_t)(strstr(text, SAFETENSORS_NO_CHECKSUM) - text);
    put_size(size, length);
    ok = safetensors_put(w, size, sizeof(size), e) &&
         safetensors_put(w, text, length, e);
    free(text);
    return ok;
}

bool safetensors_end(struct safetensors_writer *w, struct error *e)
{
    char digits[CHECKSUM_DIGITS + 1];

    checksum_write(w->sum, digits);
    return draft_write_at(w->draft, digits, CHECKSUM_DIGITS, w->checksum_at,
                         e);
}

bool safetensors_refuse(const struct safetensors *s, struct error *e,
                        const char *format, ...)
{
    char why[600];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    return error_set(e, EXIT_INPUT, "%s: %s", s->path, why);
}

static bool read_at(const struct safetensors *s, void *to, size_t bytes,
                    uint64_t at, struct error *e)
{
    if (file_read_at(s->fd, to, bytes, at))
        return true;
    return safetensors_refuse(s, e, errno ? "cannot be read: %s"
                                          : "was truncated while it was read%s",
                              errno ? strerror(errno) : "");
}

static bool read_header(struct safetensors *s, size_t most, struct error *e)
{
    unsigned char start[SIZE_BYTES + 1] = { 0 };
    uint64_t size;

    if (s->bytes >= sizeof(start) &&
        !read_at(s, start, sizeof(start), 0, e))
        return false;
    size = get_size(start);
    if (size < 2 || start[SIZE_BYTES] != '{')
        return safetensors_refuse(s, e, "not a snapshot of memdial (no "
                                  "safetensors header)");
    if (size > s->bytes - SIZE_BYTES)
        return safetensors_refuse(s, e, "truncated: the header alone takes %"
                                  PRIu64 " bytes, the file has %" PRIu64
                                  "; use an older snapshot", size,
                                  s->bytes - SIZE_BYTES);
    if (size > most)
        return safetensors_refuse(s, e, "a header of %" PRIu64 " bytes, but "
                                  "that of this run has %zu at most: damaged, "
                                  "a foreign file, or a snapshot of another "
                                  "model", size, most);
    s->text_bytes = (size_t)size;
    s->text = xcalloc(s->text_bytes + 1, 1);
    s->tensors = SIZE_BYTES + size;
    return read_at(s, s->text, s->text_bytes, SIZE_BYTES, e);
}

static bool parse_header(struct safetensors *s, struct error *e)
{
    json_error_t where;

    if (strlen(s->text) != s->text_bytes) /* the parser would end there */
        return safetensors_refuse(s, e, "damaged: its header has a NUL; use "
                                  "an older snapshot");
    s->header = json_loadb(s->text, s->text_bytes, JSON_REJECT_DUPLICATES,
                           &where);
    return s->header ||
           safetensors_refuse(s, e, "damaged: its header is not JSON: %.100s; "
                              "use an older snapshot", where.text);
}

bool safetensors_open(struct safetensors *s, const char *path, int fd,
                      uint64_t bytes, size_t most, struct error *e)
{
    *s = (struct safetensors){ .path = path, .fd = fd, .bytes = bytes };
    return read_header(s, most, e) && parse_header(s, e);
}

void safetensors_done(struct safetensors *s)
{
    json_decref(s->header);
    free(s->text);
}

const char *safetensors_metadata(const struct safetensors *s,
                                 const char *name)
{
    const char *text = json_string_value(
        json_object_get(json_object_get(s->header, "__metadata__"), name));

    return text ? text : "";
}

/* The sum of the file before its tensors, with no checksum in the header. */
static uint64_t sum_header(const struct safetensors *s)
{
    const char *digits = safetensors_metadata(s, "checksum");
    char *text = xstrdup(s->text), *at = strstr(text, digits);
    unsigned char size[SIZE_BYTES];
    uint64_t sum;

    if (strlen(digits) == CHECKSUM_DIGITS && at)
        memcpy(at, SAFETENSORS_NO_CHECKSUM, CHECKSUM_DIGITS);
    put_size(size, s->text_bytes);
    sum = checksum_add(CHECKSUM_START, size, sizeof(size));
    sum = checksum_add(sum, text, s->text_bytes);
    free(text);
    return sum;
}

void safetensors_rewind(struct safetensors *s)
{
    s->at = s->tensors;
    s->sum = sum_header(s);
}

bool safetensors_read(struct safetensors *s, void *to, size_t bytes,
                      struct error *e)
{
    if (!read_at(s, to, bytes, s->at, e))
        return false;
    s->at += bytes;
    s->sum = checksum_add(s->sum, to, bytes);
    return true;
}

bool safetensors_check(const struct safetensors *s, struct error *e)
{
    const char *has = safetensors_metadata(s, "checksum");
    char found[CHECKSUM_DIGITS + 1];

    checksum_write(s->sum, found);
    return strcmp(has, found) == 0 ||
           safetensors_refuse(s, e, "damaged or truncated: checksum %s, "
                              "expected %.16s; use an older snapshot", found,
                              has);
}

bool safetensors_check_whole(struct safetensors *s, struct error *e)
{
    enum { PIECE = 1 << 16 };
    char *piece = xcalloc(PIECE, 1);
    bool ok = true;

    safetensors_rewind(s);
    while (ok && s->at < s->bytes) {
        uint64_t left = s->bytes - s->at;

        ok = safetensors_read(s, piece, left < PIECE ? (size_t)left : PIECE, e);
    }
    free(piece);
    return ok && safetensors_check(s, e);
}
