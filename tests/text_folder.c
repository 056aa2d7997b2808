#include "tests/text_folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

struct text_folder text_folder_make(void)
{
    struct text_folder f = { "/tmp/memdial-test-XXXXXX" };

    cr_assert(mkdtemp(f.path));
    return f;
}

void text_folder_remove(const struct text_folder *f)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", f->path);
    cr_expect_eq(system(command), 0);
}

const char *text_folder_path(const struct text_folder *f, const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", f->path, name);
    return path;
}

void text_folder_put_bytes(const struct text_folder *f, const char *name,
                           const void *data, size_t bytes)
{
    FILE *out = fopen(text_folder_path(f, name), "wb");

    cr_assert(out);
    cr_assert_eq(fwrite(data, 1, bytes, out), bytes);
    cr_assert_eq(fclose(out), 0);
}

void text_folder_put(const struct text_folder *f, const char *name,
                     const char *text)
{
    text_folder_put_bytes(f, name, text, strlen(text));
}

char *text_folder_read(const struct text_folder *f, const char *name)
{
    struct error e;
    size_t bytes;
    char *text = file_read(text_folder_path(f, name), 1 << 24, &bytes, &e);

    cr_assert(text, "%s", e.text);
    return text;
}
