/*
 * The settings table, and the reading of values from text. Most cases are rows
 * of a table: the assignment, and the message or the value that comes back.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "settings/settings.h"
#include "settings/settings_json.h"

static struct settings defaults(void)
{
    struct settings s;

    settings_init(&s);
    return s;
}

Test(settings, defaults_are_valid)
{
    struct settings s = defaults(), again = defaults();
    struct error e = { 0 };

    for (int i = 0; i < settings_count; i++)
        cr_expect(settings_set(&again, "", settings_table[i].name,
                               settings_table[i].initial, &e), "%s", e.text);
    cr_expect_eq(memcmp(&s, &again, sizeof(s)), 0);
    cr_expect(settings_check(&s, "defaults", &e), "%s", e.text);
    cr_expect_eq(s.batch, 100);
    cr_expect_eq(s.lr, 0.1);
    cr_expect(s.nesterov);
    cr_expect_str_eq(s.backend, "auto");
}

/* Rows must be complete, and in the order of struct settings without a gap, so
 * that none is missing. */
Test(settings, table_covers_the_struct)
{
    size_t end = 0;

    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];

        cr_expect_eq(settings_find(row->name), row, "%s: not unique",
                     row->name);
        cr_expect(row->offset >= end && row->offset < end + 8,
                  "%s: out of order, or a field before it has no row",
                  row->name);
        cr_expect_eq(row->type == SETTING_CHOICE, row->choices != NULL, "%s",
                     row->name);
        cr_expect(row->help && *row->help, "%s: no help", row->name);
        end = row->offset + row->size;
    }
    cr_expect(sizeof(struct settings) - end < 8, "fields without a row");
}

Test(settings, values_survive_as_text)
{
    static const char *const assignments[] = {
        "depth=1000", "data=cifar10", "data_path=/a b/c=d", "augment=no",
        "lr=0.30000000000000004", "momentum=0", "weight_decay=5e-05",
        "seed=18446744073709551615", "recompute=norms", "backend=cpu"
    };
    struct settings s = defaults(), copy = defaults();
    char text[SETTINGS_TEXT_SIZE];
    struct error e;

    for (size_t i = 0; i < sizeof(assignments) / sizeof(assignments[0]); i++)
        cr_expect(settings_assign(&s, "--set", assignments[i], &e), "%s",
                  e.text);
    for (int i = 0; i < settings_count; i++) {
        settings_format(&s, &settings_table[i], text, sizeof(text));
        cr_expect(settings_set(&copy, "", settings_table[i].name, text, &e),
                  "%s", e.text);
    }
    cr_expect_eq(memcmp(&s, &copy, sizeof(s)), 0);
    cr_expect_eq(s.depth, 1000);
    cr_expect_eq(s.data, DATA_CIFAR10);
    cr_expect_str_eq(s.data_path, "/a b/c=d");
    cr_expect(!s.augment);
    cr_expect_eq(s.lr, 0.1 + 0.2);
    cr_expect_eq(s.seed, UINT64_MAX);
    cr_expect_eq(s.recompute, RECOMPUTE_NORMS);
}

Test(settings, reals_are_written_short)
{
    struct settings s = defaults();
    char text[64];

    settings_format(&s, settings_find("lr"), text, sizeof(text));
    cr_expect_str_eq(text, "0.1");
    settings_format(&s, settings_find("weight_decay"), text, sizeof(text));
    cr_expect_str_eq(text, "0.0005");
}

Test(settings, booleans_have_three_spellings)
{
    static const char *const words[] = { "yes", "no", "true", "false", "on",
                                         "off" };
    struct settings s = defaults();

    for (int i = 0; i < 6; i++) {
        s.nesterov = i % 2;
        cr_expect(settings_set(&s, "", "nesterov", words[i], NULL));
        cr_expect_eq(s.nesterov, i % 2 == 0, "%s", words[i]);
    }
}

static const struct {
    const char *assignment, *message;
} refused[] = {
    { "depth=ten",
      "--set: depth: 'ten' is not a whole number from 10 to 4000" },
    { "depth=9", "--set: depth: '9' is not a whole number from 10 to 4000" },
    { "depth=16.0",
      "--set: depth: '16.0' is not a whole number from 10 to 4000" },
    { "depth= 16",
      "--set: depth: ' 16' is not a whole number from 10 to 4000" },
    { "depth=", "--set: depth: '' is not a whole number from 10 to 4000" },
    { "depth=99999999999999999999", "--set: depth: '99999999999999999999' is "
      "not a whole number from 10 to 4000" },
    { "batch=0", "--set: batch: '0' is not a whole number from 1 to 65536" },
    { "batch=-5", "--set: batch: '-5' is not a whole number from 1 to 65536" },
    { "lr=0", "--set: lr: '0' is not a number from 1e-12 to 1000" },
    { "lr=nan", "--set: lr: 'nan' is not a number from 1e-12 to 1000" },
    { "lr=inf", "--set: lr: 'inf' is not a number from 1e-12 to 1000" },
    { "lr=0x1p-3", "--set: lr: '0x1p-3' is not a number from 1e-12 to 1000" },
    { "lr=0.1.2", "--set: lr: '0.1.2' is not a number from 1e-12 to 1000" },
    { "lr=1e999", "--set: lr: '1e999' is not a number from 1e-12 to 1000" },
    { "lr=0,1", "--set: lr: '0,1' is not a number from 1e-12 to 1000" },
    { "momentum=1",
      "--set: momentum: '1' is not a number from 0 to 0.999999" },
    { "seed=-1", "--set: seed: '-1' is not a whole number from 0 to "
      "18446744073709551615" },
    { "seed=18446744073709551616", "--set: seed: '18446744073709551616' is "
      "not a whole number from 0 to 18446744073709551615" },
    { "nesterov=maybe", "--set: nesterov: 'maybe' is not yes or no" },
    { "recompute=all", "--set: recompute: 'all' is not one of none, norms" },
    { "model=vgg", "--set: model: 'vgg' is not one of wrn, dynamicconv" },
    { "data_path=a\nb",
      "--set: data_path: 'a\nb' is not one line of plain text" },
    { "backend=a-name-of-17-char", "--set: backend: 17 bytes are too "
      "many, at most 15 fit" },
    { "microbach=10",
      "--set: unknown setting 'microbach'; did you mean 'microbatch'?" },
    { "Depth=10", "--set: unknown setting 'Depth'; did you mean 'depth'?" },
    { "learning_rate=1",
      "--set: unknown setting 'learning_rate'; see `memdial settings`" },
    { "depth", "--set: 'depth' is not of the form name=value" },
    { "=1", "--set: '=1' is not of the form name=value" },
    { "", "--set: '' is not of the form name=value" },
};

Test(settings, refusals_say_what_is_wanted)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct settings s = defaults(), before = defaults();
        struct error e = { 0 };

        cr_expect(!settings_assign(&s, "--set", refused[i].assignment, &e),
                  "%s was taken", refused[i].assignment);
        cr_expect_str_eq(e.text, refused[i].message);
        cr_expect_eq(e.code, EXIT_INPUT);
        cr_expect_eq(memcmp(&s, &before, sizeof(s)), 0,
                     "%s changed a value", refused[i].assignment);
    }
}

Test(settings, long_names_and_values_are_refused)
{
    char assignment[2048];
    struct settings s = defaults();
    struct error e;

    memset(assignment, 'a', sizeof(assignment) - 1);
    assignment[sizeof(assignment) - 1] = '\0';
    cr_expect(!settings_assign(&s, "--set", assignment, &e));
    assignment[1000] = '=';
    cr_expect(!settings_assign(&s, "--set", assignment, &e));
    memcpy(assignment, "data_path=", 10);
    cr_expect(!settings_assign(&s, "--set", assignment, &e));
    cr_expect_str_eq(e.text, "--set: data_path: 2037 bytes are too many, "
                     "at most 511 fit");
    memcpy(assignment, "depth=", 6);
    cr_expect(!settings_assign(&s, "--set", assignment, &e));
}

static void check_combination(const char *assignment, const char *message)
{
    struct settings s = defaults();
    struct error e = { 0 };

    cr_assert(settings_assign(&s, "", assignment, &e), "%s", e.text);
    cr_expect(!settings_check(&s, "quick", &e), "%s passed", assignment);
    cr_expect_str_eq(e.text, message);
}

Test(settings, impossible_combinations)
{
    struct settings s = defaults();

    check_combination("microbatch=101", "quick: microbatch: 101 is larger "
                      "than batch, 100; lower it, or 0 for the whole batch");
    s.microbatch = s.batch;
    cr_expect(settings_check(&s, "quick", NULL));
}

Test(settings, json_keeps_the_types)
{
    struct settings s = defaults();
    json_t *object;

    s.lr = 0.1 + 0.2;
    object = settings_json(&s);
    cr_expect_eq(json_object_size(object), (size_t)settings_count);
    cr_expect(json_is_integer(json_object_get(object, "batch")));
    cr_expect(json_is_true(json_object_get(object, "nesterov")));
    cr_expect_eq(json_real_value(json_object_get(object, "lr")), s.lr);
    cr_expect_str_eq(json_string_value(json_object_get(object, "recompute")),
                     "none");
    json_decref(object);
}
