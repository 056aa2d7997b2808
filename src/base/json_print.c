#include "base/json_print.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "base/print.h"

static void *allocate_json(size_t bytes)
{
    return xrealloc(NULL, bytes, 1);
}

/* Runs before main(), so that no value comes from another allocator. */
__attribute__((constructor)) static void take_over(void)
{
    json_set_alloc_funcs(allocate_json, free);
}

json_t *json_text(const char *text)
{
    char *escaped = octets_escape(text);
    json_t *string = json_string(escaped);

    assert(string);
    free(escaped);
    return string;
}

/* Replaces strings by bytes that the library would not take from text. */
static void unescape(json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;

    if (json_is_string(value)) {
        char *bytes = xstrdup(json_string_value(value));

        octets_unescape(bytes);
        json_string_set_nocheck(value, bytes);
        free(bytes);
    }
    json_object_foreach(value, name, member)
        unescape(member);
    json_array_foreach(value, i, member)
        unescape(member);
}

json_t *json_read(const char *line, size_t length, json_error_t *why)
{
    json_t *value = json_loadb(line, length, JSON_REJECT_DUPLICATES, why);

    unescape(value);
    return value;
}

json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_count(double value)
{
    return fabs(value) < 0x1p63 ? json_integer((json_int_t)nearbyint(value))
                                : json_number(value);
}

void json_put(json_t *object, const char *name, json_t *value)
{
    int failed = json_object_set_new(object, name, value);

    assert(!failed);
    (void)failed;
}

void json_push(json_t *array, json_t *value)
{
    int failed = json_array_append_new(array, value);

    assert(!failed);
    (void)failed;
}

json_t *json_integers(const int *from, int count)
{
    json_t *array = json_array();

    for (int i = 0; i < count; i++)
        json_push(array, json_integer(from[i]));
    return array;
}

static const char delete_escaped[] = "\\u007f";

/* The library leaves one control character as it is: the delete character. Only
 * strings can contain it. */
static char *escape_deletes(char *text)
{
    size_t length = strlen(text), count = 0;
    char *escaped, *to;

    for (const char *c = text; *c; c++)
        count += *c == 0x7f;
    if (count == 0)
        return text;
    escaped = to = xrealloc(NULL, length + count * strlen(delete_escaped) + 1,
                            1);
    for (const char *c = text; *c; c++)
        if (*c == 0x7f)
            to = stpcpy(to, delete_escaped);
        else
            *to++ = *c;
    *to = '\0';
    free(text);
    return escaped;
}

/* Makes the whole text at once, so that a failure leaves no half of it. */
static char *dump(json_t *value, size_t flags)
{
    char *text = json_dumps(value, flags | JSON_ENSURE_ASCII |
                                       JSON_REAL_PRECISION(17));

    assert(text);
    json_decref(value);
    return escape_deletes(text);
}

char *json_line(json_t *value)
{
    return dump(value, JSON_COMPACT);
}

/* Prints and frees the text. */
static void print_and_free(char *text)
{
    print_bytes(text, strlen(text));
    print_bytes("\n", 1);
    free(text);
}

void json_print_line(json_t *value)
{
    print_and_free(json_line(value));
}

void json_print(json_t *value)
{
    print_and_free(dump(value, JSON_INDENT(2)));
}
