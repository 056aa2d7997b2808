/*
 * Presets: the valid contents of a file, the places where it is looked for, and
 * the messages about all other contents.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "models/model.h"
#include "base/text.h"
#include "settings/preset.h"

static bool parse(struct preset *preset, const char *text, struct error *e)
{
    memset(e, 0, sizeof(*e));
    return preset_parse(preset, "x.yaml", text, strlen(text), e);
}

Test(preset, sections_and_leaves)
{
    struct preset p;
    struct error e;

    cr_expect(parse(&p,
                    "%YAML 1.1\n"
                    "---\n"
                    "# a comment\n"
                    "description: 'all sorts: of'\n"
                    "seed: 7\n"
                    "model: wrn\n"
                    "train: { lr: 0.5, \"nesterov\": no }\n"
                    "memory:\n"
                    "  depth: 16   # known by its name, in any section\n"
                    "data:\n"
                    "  data: cifar10\n"
                    "  data_path:\n"
                    "...\n", &e), "%s", e.text);
    cr_expect_str_eq(p.description, "all sorts: of");
    cr_expect_eq(p.settings.seed, 7);
    cr_expect_eq(p.settings.lr, 0.5);
    cr_expect(!p.settings.nesterov);
    cr_expect_eq(p.settings.depth, 16);
    cr_expect_eq(p.settings.data, DATA_CIFAR10);
    cr_expect_str_eq(p.settings.data_path, "");
    cr_expect_eq(p.settings.batch, 100, "the default");
}

/* A description's limit counts characters, not bytes. */
Test(preset, length_of_a_description)
{
    static const char *const characters[] = { "a", "\u00e9", "\u65e5",
                                              "\U0001f600" };

    for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++)
        for (int count = 127; count <= 128; count++) {
            char text[1024] = "description: ";
            struct preset p;
            struct error e;

            for (int k = 0; k < count; k++)
                strcat(text, characters[i]);
            strcat(text, "\nbatch: 1\n");
            cr_expect_eq(parse(&p, text, &e), count == 127,
                         "%d of %s", count, characters[i]);
            if (count == 127)
                cr_expect_eq(strlen(p.description),
                             127 * strlen(characters[i]));
        }
}

static const struct {
    const char *text, *message;
} refused[] = {
    { "", "x.yaml: no settings in it; see memdial-presets(5)" },
    { "# nothing\n", "x.yaml: no settings in it; see memdial-presets(5)" },
    { "depth", "x.yaml:1:1: expected lines of the form name: value" },
    { "- depth\n", "x.yaml:1:1: a list is not a value here" },
    { "train:\n  batch: [1, 2]\n",
      "x.yaml:2:10: a list is not a value here" },
    { "memory:\n  recompute: bn\n",
      "x.yaml:2:14: recompute: 'bn' is not one of none, norms" },
    { "batch: 0\n",
      "x.yaml:1:8: batch: '0' is not a whole number from 1 to 65536" },
    { "batch:\n",
      "x.yaml:1:7: batch: '' is not a whole number from 1 to 65536" },
    { "train:\n  bacth: 1\n",
      "x.yaml:2:3: unknown setting 'bacth'; did you mean 'batch'?" },
    { "trian:\n  batch: 1\n",
      "x.yaml:1:1: unknown section 'trian'; did you mean 'train'?" },
    { "seed:\n  batch: 1\n", "x.yaml:1:1: seed: needs a single value" },
    { "train:\n  batch:\n    lr: 1\n",
      "x.yaml:3:5: batch: needs a single value" },
    { "train: 1\n", "x.yaml:1:1: train: is a section, with settings of its "
      "own below it" },
    { "batch: 1\nseed: 2\nbatch: 3\n",
      "x.yaml:3:1: batch: given twice, first in line 1" },
    { "batch: 1\ntrain:\n  batch: 1\n",
      "x.yaml:3:3: batch: given twice, first in line 1" },
    { "train:\n  batch: 1\ntrain:\n  lr: 1\n",
      "x.yaml:3:1: train: given twice, first in line 1" },
    { "description: a\ndescription: b\n",
      "x.yaml:2:1: description: given twice, first in line 1" },
    { "description:\n  lr: 1\n",
      "x.yaml:2:3: description: needs a line of text" },
    { "description: |\n  a\n  b\n",
      "x.yaml:1:14: description: one line, at most 127 characters" },
    { "batch: &a 1\nseed: *a\n",
      "x.yaml:1:8: anchors, aliases and tags are not used in presets" },
    { "train: &t\n  lr: 1\n",
      "x.yaml:1:8: anchors, aliases and tags are not used in presets" },
    { "<<: *t\n",
      "x.yaml:1:5: anchors, aliases and tags are not used in presets" },
    { "batch: !!int 1\n",
      "x.yaml:1:8: anchors, aliases and tags are not used in presets" },
    { "{lr: 1}: 2\n", "x.yaml:1:1: the name of a setting must be text" },
    { "batch: 1\n---\nbatch: 1\n",
      "x.yaml:2:1: a second document in one file" },
    { "batch: 1\n\tseed: 2\n",
      "x.yaml:2:1: found a tab character that violates indentation" },
    { "train: {batch: 1\n",
      "x.yaml:2:1: did not find expected ',' or '}'" },
    { "backend: \"c\\0pu\"\n", "x.yaml:1:10: a zero byte in text" },
    { "backend: \"c\\npu\"\n",
      "x.yaml:1:10: backend: 'c\npu' is not one line of plain text" },
    { "\x01\x02\x03",
      "x.yaml: not a YAML file: control characters are not allowed at byte "
      "0" },
    { "batch: \xff\xfe\n",
      "x.yaml: not a YAML file: invalid leading UTF-8 octet at byte 7" },
};

Test(preset, refusals_say_where)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct preset p;
        struct error e;

        cr_expect(!parse(&p, refused[i].text, &e), "%s was taken",
                  refused[i].text);
        cr_expect_str_eq(e.text, refused[i].message);
        cr_expect_eq(e.code, EXIT_INPUT);
    }
}

/* Deep nesting and long keys must not cost more than a message. */
Test(preset, hostile_text)
{
    static char text[PRESET_FILE_MAX];
    struct preset p;
    struct error e;

    memset(text, '[', sizeof(text) - 1);
    cr_expect(!parse(&p, text, &e));
    memset(text, '{', sizeof(text) - 1);
    cr_expect(!parse(&p, text, &e));
    memset(text, 'k', sizeof(text) - 1);
    cr_expect(!parse(&p, text, &e));
    memcpy(text, "? ", 2);
    cr_expect(!parse(&p, text, &e));
}

Test(preset, embedded)
{
    struct error e = { 0 };
    struct preset p;

    cr_expect(preset_load(&p, PRESET_DEFAULT, &e), "%s", e.text);
    for (int i = 0; i < preset_file_count; i++) {
        cr_expect(preset_load(&p, preset_files[i].name, &e), "%s", e.text);
        cr_expect(model_check(&p.settings, preset_files[i].name, &e), "%s",
                  e.text);
        cr_expect(p.description[0] != '\0');
    }
    cr_assert(preset_load(&p, "wrn-28-2", &e));
    cr_expect_eq(p.settings.depth, 28);
    cr_expect_eq(p.settings.width, 2);
    cr_expect_eq(p.settings.batch, 100);
    cr_expect_eq(p.settings.epochs, 200);
    cr_expect_eq(p.settings.weight_decay, 5e-4);
}

Test(preset, unknown_names)
{
    struct error e;
    struct preset p;

    cr_expect(!preset_load(&p, "quik", &e));
    cr_expect_str_eq(e.text, "no preset 'quik'; did you mean 'quick'?");
    cr_expect_eq(e.code, EXIT_INPUT);
    cr_expect(!preset_load(&p, "something", &e));
    cr_expect_str_eq(e.text, "no preset 'something'; see `memdial presets`, "
                     "or name a file, as in ./something.yaml");
    cr_expect(!preset_load(&p, "", &e));
}

Test(preset, assignments_come_last_and_in_order)
{
    char batch7[] = "batch=7", depth22[] = "depth=22", batch8[] = "batch=8";
    char microbatch9[] = "microbatch=9";
    char epochs0[] = "epochs=0";
    const struct assignment good[] = { { "--set", batch7 },
                                       { "--set", depth22 },
                                       { "--set", batch8 } };
    const struct assignment bad[] = { { "--set", batch8 },
                                      { "--set", microbatch9 } };
    const struct assignment none[] = { { "--set", batch8 },
                                       { "--epochs", epochs0 } };
    struct settings s = { .seed = 42 };
    struct error e = { 0 };

    cr_expect(preset_open("quick", good, 3, &s, &e), "%s", e.text);
    cr_expect_eq(s.batch, 8);
    cr_expect_eq(s.depth, 22);
    s.seed = 42;
    cr_expect(!preset_open("quick", bad, 2, &s, &e));
    cr_expect_str_eq(e.text, "quick: microbatch: 9 is larger than batch, 8; "
                     "lower it, or 0 for the whole batch");
    cr_expect(!preset_open("quick", none, 2, &s, &e));
    cr_expect_str_eq(e.text, "--epochs: '0' is not a whole number from 1 to "
                     "1000000", "not the option that was given");
    cr_expect_eq(s.seed, 42, "settings changed by a failure");
}

/* A folder for files, removed again. */
static char folder[] = "/tmp/memdial-preset-XXXXXX";

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

static const char *write_file(const char *name, const char *text,
                              size_t length)
{
    static char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    cr_assert(file);
    cr_assert_eq(fwrite(text, 1, length, file), length);
    fclose(file);
    return path;
}

static void check_load_refused(const char *path, const char *what)
{
    char expected[512];
    struct error e = { 0 };
    struct preset p;

    snprintf(expected, sizeof(expected), "%s%s", path, what);
    cr_expect(!preset_load(&p, path, &e), "%s", path);
    cr_expect_str_eq(e.text, expected);
    cr_expect_eq(e.code, EXIT_INPUT);
}

Test(preset, files, .init = make_folder, .fini = remove_folder)
{
    static char large[PRESET_FILE_MAX + 1];
    const char *path = write_file("mine.yaml", "batch: 3\n", 9);
    struct error e = { 0 };
    struct preset p;

    cr_expect(preset_load(&p, path, &e), "%s", e.text);
    cr_expect_eq(p.settings.batch, 3);

    check_load_refused("./nowhere.yaml", ": No such file or directory");
    check_load_refused("nowhere.yml", ": No such file or directory");
    check_load_refused(folder, ": not a file but a folder");
    check_load_refused(write_file("bad.yaml", "batch: 3\nlr: 0", 14),
                       ":2:5: lr: '0' is not a number from 1e-12 to 1000");
    memset(large, ' ', sizeof(large));
    check_load_refused(write_file("large.yaml", large, sizeof(large)),
                       ": 1048577 bytes are more than the 1.00 MiB that such a "
                       "file can have");
}

Test(preset, unreadable_file, .init = make_folder, .fini = remove_folder)
{
    const char *path = write_file("mine.yaml", "batch: 3\n", 9);

    cr_assert_eq(chmod(path, 0), 0);
    if (access(path, R_OK) == 0)
        cr_skip_test("root reads everything");
    check_load_refused(path, ": Permission denied");
}

static const struct preset_entry *find_entry(const struct preset_entry *list,
                                             int count, const char *name)
{
    const struct preset_entry *found = NULL;

    for (int i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0) {
            cr_expect(!found, "%s is listed twice", name);
            found = &list[i];
        }
    cr_assert(found, "%s is not listed", name);
    return found;
}

Test(preset, those_of_the_user, .init = make_folder, .fini = remove_folder)
{
    const struct preset_entry *entry;
    struct preset_entry *list;
    struct error e = { 0 };
    struct preset p;
    char path[256];
    int count;

    setenv("XDG_CONFIG_HOME", folder, 1);
    snprintf(path, sizeof(path), "%s/memdial", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    count = preset_list(&list);
    cr_expect_eq(count, preset_file_count);
    free(list);

    snprintf(path, sizeof(path), "%s/memdial/presets", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    write_file("memdial/presets/mine.yaml", "batch: 3\n", 9);
    write_file("memdial/presets/quick.yaml", "batch: 5\n", 9);
    write_file("memdial/presets/broken.yaml", "batch: x\n", 9);
    write_file("memdial/presets/notes.txt", "batch: x\n", 9);

    cr_expect(preset_load(&p, "mine", &e), "%s", e.text);
    cr_expect_eq(p.settings.batch, 3);
    cr_expect(preset_load(&p, "quick", &e), "%s", e.text);
    cr_expect_eq(p.settings.batch, 5, "the user's comes before the embedded");
    cr_expect(!preset_load(&p, "broken", &e));

    count = preset_list(&list);
    cr_expect_eq(count, preset_file_count + 2);
    entry = find_entry(list, count, "quick");
    cr_expect_eq(entry->preset.settings.batch, 5);
    cr_expect(strstr(entry->path, "/presets/quick.yaml"));
    cr_expect_eq(find_entry(list, count, "broken")->error.code, EXIT_INPUT);
    cr_expect_eq(find_entry(list, count, "wrn-28-2")->error.code, EXIT_OK);
    free(list);
}

/* Every setting differs from its default, with texts that YAML could take for
 * something else. */
static struct preset unlike_the_default(void)
{
    static const char *const assignments[] = {
        "depth=16", "width=3", "data=cifar10", "data_path=it's: #1 \"of\" é, ",
        "augment=no", "epoch_samples=17", "valid_samples=19", "batch=21",
        "microbatch=7", "epochs=23", "lr=0.1234567890123456789",
        "lr_schedule=step", "momentum=0.3", "nesterov=no",
        "weight_decay=1e-300", "seed=18446744073709551615", "precision=fp16",
        "master_weights=fp32", "checkpoint=optimal", "memory_budget=8MiB",
        "recompute=norms", "threads=3", "backend=cpu",
    };
    struct preset p = { .description = "what's in it: all" };
    struct error e;

    settings_init(&p.settings);
    for (size_t i = 0; i < sizeof(assignments) / sizeof(*assignments); i++)
        cr_assert(settings_assign(&p.settings, "test", assignments[i], &e),
                  "%s", e.text);
    return p;
}

static void expect_same(const struct settings *a, const struct settings *b)
{
    for (int i = 0; i < settings_count; i++) {
        char x[SETTINGS_TEXT_SIZE], y[SETTINGS_TEXT_SIZE];
        settings_format(a, &settings_table[i], x, sizeof(x));
        settings_format(b, &settings_table[i], y, sizeof(y));
        cr_expect_str_eq(x, y, "%s", settings_table[i].name);
    }
}

/* Files in the folder that are not presets: drafts that a save has left. */
static int count_files(const char *path)
{
    DIR *open = opendir(path);
    int count = 0;

    cr_assert(open);
    for (struct dirent *file; (file = readdir(open));)
        count += strcmp(file->d_name, ".") != 0 &&
                 strcmp(file->d_name, "..") != 0;
    closedir(open);
    return count;
}

Test(preset, saved, .init = make_folder, .fini = remove_folder)
{
    struct preset p = unlike_the_default(), read;
    struct error e = { 0 };
    char path[PRESET_PATH_SIZE], expected[PRESET_PATH_SIZE];

    setenv("XDG_CONFIG_HOME", folder, 1);
    cr_assert(preset_save(&p, "mine", false, path, &e), "%s", e.text);
    snprintf(expected, sizeof(expected), "%s/memdial/presets/mine.yaml",
             folder);
    cr_expect_str_eq(path, expected);
    cr_assert(preset_load(&read, "mine", &e), "%s", e.text);
    cr_expect_str_eq(read.description, p.description);
    expect_same(&read.settings, &p.settings);

    p.settings.epochs = 99;
    cr_expect(!preset_save(&p, "mine", false, path, &e));
    cr_expect(strstr(e.text, "mine.yaml: cannot write here: File exists"), "%s",
              e.text);
    cr_assert(preset_load(&read, "mine", &e));
    cr_expect_eq(read.settings.epochs, 23, "it is as it was");
    cr_expect(preset_save(&p, "mine", true, path, &e), "%s", e.text);
    cr_assert(preset_load(&read, "mine", &e));
    cr_expect_eq(read.settings.epochs, 99);
    path[strlen(path) - strlen("/mine.yaml")] = '\0';
    cr_expect_eq(count_files(path), 1);
}

Test(preset, saves_paths_that_are_not_text, .init = make_folder,
     .fini = remove_folder)
{
    static const char bytes[] = "/\xff/caf\xe9/\xee\xbe\x80/\xc3\xa9";
    struct preset p = unlike_the_default(), read;
    struct error e = { 0 };
    char path[PRESET_PATH_SIZE];

    setenv("XDG_CONFIG_HOME", folder, 1);
    strcpy(p.settings.data_path, bytes);
    cr_assert(preset_save(&p, "mine", false, path, &e), "%s", e.text);
    cr_assert(preset_load(&read, "mine", &e), "%s", e.text);
    cr_expect_str_eq(read.settings.data_path, bytes);
}

/* Names of presets have any characters, and those of data all but control
 * characters of ASCII. A description may be cut within a character. */
Test(preset, saves_what_yaml_cannot_have_as_it_is, .init = make_folder,
     .fini = remove_folder)
{
    static const char *const texts[] = {
        "a\xc2\x85" "b", "a\xe2\x80\xa8" "b", "\xef\xbb\xbf" "a",
        "a\nb", " a\t", "\"\\\x01\x7f'", "\xef\xbf\xbe\xf0\x9f\x98\x80",
    };
    struct preset p = unlike_the_default(), read;
    struct error e = { 0 };
    char path[PRESET_PATH_SIZE];

    setenv("XDG_CONFIG_HOME", folder, 1);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (!text_has_control(texts[i]))
            strcpy(p.settings.data_path, texts[i]);
        strcpy(p.of, texts[i]);
        cr_assert(preset_save(&p, "mine", true, path, &e), "%zu: %s", i,
                  e.text);
        cr_assert(preset_load(&read, "mine", &e), "%zu: %s", i, e.text);
        cr_expect_str_eq(read.settings.data_path, p.settings.data_path, "%zu",
                         i);
        cr_expect_str_eq(read.of, texts[i], "%zu", i);
    }
    strcpy(p.description, "a run\nof caf\xc3");
    cr_assert(preset_save(&p, "mine", true, path, &e), "%s", e.text);
    cr_assert(preset_load(&read, "mine", &e), "%s", e.text);
    cr_expect_str_eq(read.description, "a run?of caf?");
}

Test(preset, not_saved, .init = make_folder, .fini = remove_folder)
{
    static const char *const names[] = { "", ".", "..", ".x", "-x", "a/b",
                                         "../x", "a b", "x.yaml", "x\n",
                                         "é" };
    struct preset p = unlike_the_default();
    struct error e = { 0 };
    char path[PRESET_PATH_SIZE];

    setenv("XDG_CONFIG_HOME", folder, 1);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        cr_expect(!preset_save(&p, names[i], true, path, &e), "'%s'",
                  names[i]);
        cr_expect(strstr(e.text, "cannot be a preset's name"), "%s", e.text);
    }
    cr_expect_eq(count_files(folder), 0);
    write_file("memdial", "in the way", 10);
    cr_expect(!preset_save(&p, "mine", false, path, &e));
    cr_expect(strstr(e.text, "/memdial"), "%s", e.text);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("HOME");
    cr_expect(!preset_save(&p, "mine", false, path, &e));
    cr_expect(strstr(e.text, "set XDG_CONFIG_HOME"), "%s", e.text);
}

/* An entry that is no file, or no preset, is listed with its error. */
Test(preset, anything_in_the_folder, .init = make_folder,
     .fini = remove_folder)
{
    static char large[10 << 20], garbage[1 << 16];
    struct preset_entry *list;
    char path[256];
    unsigned random = 1;
    int count;

    setenv("XDG_CONFIG_HOME", folder, 1);
    snprintf(path, sizeof(path), "%s/memdial", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/memdial/presets", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/memdial/presets/folder.yaml", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/memdial/presets/pipe.yaml", folder);
    cr_assert_eq(mkfifo(path, 0600), 0);
    snprintf(path, sizeof(path), "%s/memdial/presets/nowhere.yaml", folder);
    cr_assert_eq(symlink("/nonexistent", path), 0);
    for (size_t i = 0; i < sizeof(garbage); i++) {
        random = random * 1103515245u + 12345u;
        garbage[i] = (char)(random >> 16);
    }
    write_file("memdial/presets/garbage.yaml", garbage, sizeof(garbage));
    memset(large, '#', sizeof(large));
    write_file("memdial/presets/large.yaml", large, sizeof(large));
    count = preset_list(&list);
    cr_expect_eq(find_entry(list, count, "folder")->error.code, EXIT_INPUT);
    cr_expect_eq(find_entry(list, count, "pipe")->error.code, EXIT_INPUT);
    cr_expect_eq(find_entry(list, count, "garbage")->error.code, EXIT_INPUT);
    cr_expect_eq(find_entry(list, count, "large")->error.code, EXIT_INPUT);
    cr_expect_eq(find_entry(list, count, "nowhere")->error.code, EXIT_INPUT);
    cr_expect_eq(count, preset_file_count + 5);
    free(list);
}
