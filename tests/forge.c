#include "tests/forge.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 16 };

static const char key[] = "\"checksum\":\"";

static void *require(void *found)
{
    if (!found)
        abort();
    return found;
}

static void read_all(FILE *f, void *to, size_t bytes)
{
    if (fread(to, 1, bytes, f) != bytes)
        abort();
}

void forge_open(struct forge *forge, const char *path)
{
    FILE *f = require(fopen(path, "rb"));
    unsigned char start[8];
    size_t size = 0;
    long end;
    char *text;

    read_all(f, start, sizeof(start));
    for (int i = 0; i < 8; i++)
        size |= (size_t)start[i] << 8 * i;
    text = require(malloc(size));
    read_all(f, text, size);
    forge->header = require(json_loadb(text, size, 0, NULL));
    fseek(f, 0, SEEK_END);
    end = ftell(f);
    forge->tensor_bytes = (size_t)end - 8 - size;
    forge->tensors = require(malloc(forge->tensor_bytes));
    fseek(f, end - (long)forge->tensor_bytes, SEEK_SET);
    read_all(f, forge->tensors, forge->tensor_bytes);
    free(text);
    fclose(f);
}

void forge_done(struct forge *forge)
{
    json_decref(forge->header);
    free(forge->tensors);
}

void *forge_tensor(struct forge *forge, const char *name, size_t *bytes)
{
    json_t *entry = json_object_get(forge->header, name);
    json_int_t begin, end;

    if (!entry || json_unpack(entry, "{s[I,I]}", "data_offsets", &begin,
                              &end) != 0)
        return NULL;
    *bytes = (size_t)(end - begin);
    return forge->tensors + begin;
}

void forge_metadata(struct forge *forge, const char *name, const char *text)
{
    json_t *metadata = json_object_get(forge->header, "__metadata__");

    if (text)
        json_object_set_new(metadata, name, json_string(text));
    else
        json_object_del(metadata, name);
}

/* FNV-1a. */
static uint64_t sum(const unsigned char *data, size_t bytes)
{
    uint64_t sum = 0xCBF29CE484222325u;

    for (size_t i = 0; i < bytes; i++)
        sum = (sum ^ data[i]) * 0x100000001B3u;
    return sum;
}

void forge_repair(unsigned char *file, size_t bytes)
{
    size_t length = strlen(key);
    char digits[DIGITS + 1];

    for (size_t i = 8; i + length + DIGITS <= bytes; i++)
        if (memcmp(file + i, key, length) == 0) {
            memset(file + i + length, '0', DIGITS);
            snprintf(digits, sizeof(digits), "%016" PRIx64, sum(file, bytes));
            memcpy(file + i + length, digits, DIGITS);
            return;
        }
}

unsigned char *forge_seal(const struct forge *forge, size_t *bytes)
{
    char *header = require(json_dumps(forge->header, JSON_COMPACT));
    size_t size = strlen(header);
    unsigned char *file;

    *bytes = 8 + size + forge->tensor_bytes;
    file = require(malloc(*bytes));
    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)(size >> 8 * i);
    memcpy(file + 8, header, size);
    memcpy(file + 8 + size, forge->tensors, forge->tensor_bytes);
    forge_repair(file, *bytes);
    free(header);
    return file;
}
