#include "tests/small_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "data/sequences.h"
#include "tests/settings_of.h"

static const char *const sizes[] = { "data=parallel", "source_vocabulary=10",
                                     "target_vocabulary=9", "longest=20",
                                     "sentence=4", NULL };

struct text_folder make_small(void)
{
    struct text_folder f = text_folder_make();

    text_folder_put(&f, "train.de",
                    "ein haus\nein kleines haus\ndas haus ist klein\n");
    text_folder_put(&f, "train.en",
                    "a house\na small house\nthe house is small\n");
    text_folder_put(&f, "valid.de", "das kleine haus\n");
    text_folder_put(&f, "valid.en", "the small house\n");
    return f;
}

struct settings settings_for(const struct text_folder *f,
                             const char *const more[])
{
    struct settings s = settings_of(sizes);

    snprintf(s.data_path, sizeof(s.data_path), "%s", f->path);
    settings_add(&s, more);
    return s;
}

struct dataset *open_with(const struct settings *s)
{
    struct dataset *set = NULL;
    struct error e;

    cr_assert(dataset_check(s, &e), "%s", e.text);
    cr_assert(dataset_open(&set, s, &e), "%s", e.text);
    return set;
}

int load_labels(const struct dataset *set, const struct settings *s,
                enum split split, int32_t *labels)
{
    struct reading r = dataset_read(set, s, split, 0);
    struct loader loader = dataset_loader(set, &r);
    static int32_t other[4096];
    struct part part = { 0 };
    struct stream stream[LOAD_STREAMS];

    for (int i = 0; i < LOAD_STREAMS; i++)
        stream[i] = (struct stream){ i == SEQUENCES_LABELS ? labels : other,
                                     0 };
    cr_assert(loader.next(loader.arg, &part));
    loader.fill(loader.arg, &part, 0, part.count.of[EXTENT_SAMPLES], stream);
    return part.count.of[EXTENT_TARGET];
}

const char *reference_of(const struct dataset *set, enum split split,
                         int pair)
{
    return sequences_reference(dataset_sequences(set), split, pair);
}

const char *message_of(const struct text_folder *f, const struct error *e)
{
    static char text[ERROR_TEXT_SIZE];
    size_t length = strlen(f->path);
    char *to = text;

    for (const char *at = e->text; *at;)
        if (strncmp(at, f->path, length) == 0) {
            *to++ = '@';
            at += length;
        } else {
            *to++ = *at++;
        }
    *to = '\0';
    return text;
}

void expect_refused(const struct text_folder *f, const struct settings *s,
                    const char *said)
{
    struct dataset *set = NULL;
    struct error e = { 0 };

    cr_expect_not(dataset_open(&set, s, &e), "opened: %s", said);
    cr_expect_eq(strncmp(message_of(f, &e), said, strlen(said)), 0, "%s",
                 e.text);
    cr_expect(strstr(e.text, "; "), "no remedy: %s", e.text);
    cr_expect_eq(e.code, EXIT_INPUT);
    cr_expect_eq(e.reason, REASON_DATA);
    dataset_close(set);
}
