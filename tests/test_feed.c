/*
 * The worker's stream: every event comes back as it was said. A line that is no
 * event is refused with a reason and changes nothing. Lines are whole, or told
 * to be too long, however the bytes arrive.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/text.h"
#include "tests/event_lines.h"
#include "tests/fuzz_feed.h"

static struct settings changed_settings(void)
{
    struct settings s;

    settings_init(&s);
    s.depth = 28;
    s.lr = 0.1 + 1e-17 * 3;
    s.weight_decay = 1.0 / 3;
    s.seed = UINT64_MAX;
    s.precision = PRECISION_FP16;
    s.memory_budget = 8 << 20;
    s.nesterov = !s.nesterov;
    strcpy(s.data_path, "/data/\xc3\xa9t\xc3\xa9 \"1\"");
    return s;
}

/* Of a relu of `rows` rows. */
static struct timing some_timing(int rows)
{
    struct operand x = { .dtype = DTYPE_BF16, .rank = 2, .dim = { rows, 64 } };
    struct call call = { .operand = { [RELU_X] = x, [RELU_Y] = x },
                         .threads = 7 };

    return (struct timing){ timed_call_of(OP_relu, &call), 1.0 / 3, 1e-7, 8 };
}

/* Reads the event's line; the event that comes of it must print the same. */
static void expect_same(struct feed *f, struct event event)
{
    char *said = line_of(&event), *read;
    struct error e;

    cr_assert_eq(read_line(f, said, &e), FEED_EVENT, "%s: %s", said, e.text);
    cr_expect_eq(f->event.type, event.type);
    read = line_of(&f->event);
    cr_expect_str_eq(read, said);
    free(said);
    free(read);
}

Test(feed, gives_back_every_event)
{
    struct settings changed = changed_settings(), initial;
    struct timing timings[2] = { some_timing(3), some_timing(INT32_MAX) };
    struct feed f;
    struct event events[] = {
        { .type = EVENT_LEARNING, .learning = { 70, 8000 } },
        { .type = EVENT_START, .start = { "quick", &initial,
                                          { "cuda", 16 }, 3, 900,
                                          "token", "bleu", 12,
                                          "/a/b", "host", "boot", 123, 4567,
                                          1795947082, "0.1.0" } },
        { .type = EVENT_TIMINGS,
          .timings = { "cuda", { timings, 2 }, 300, 1.0 / 3, "none" } },
        { .type = EVENT_MEMORY, .memory = { 1, 2, 3, 4,
                                            (uint64_t)1 << 62 } },
        { .type = EVENT_STEP,
          .step = { 5, 900, 1, 2.3000000000000003, 0.1, 1e300, 5e-324 } },
        { .type = EVENT_EPOCH, .epoch = { 2, 1, 0.5, 2, 1.0 / 3, 12.5, 0.7, 0.8,
                                           37.95 } },
        { .type = EVENT_TEST, .test = { 1.0 / 7, 0.5, 0.379, 37.9, 3.5 } },
        { .type = EVENT_APPLIED,
          .applied = { 7, &initial, &changed, 10, 11, 4 } },
        { .type = EVENT_REFUSED,
          .refused = { "set", "no \"such\"", 5, REASON_DATA } },
        { .type = EVENT_PAUSED, .stopped_at = 8 },
        { .type = EVENT_RESUMED, .stopped_at = 9 },
        { .type = EVENT_SAVED, .saved = { 9, "/tmp/x" } },
        { .type = EVENT_LABEL, .label = { "a name", "one", "two" } },
        { .type = EVENT_WARNING, .message = "\xc3\xa9" },
        { .type = EVENT_ERROR, .message = "" },
        { .type = EVENT_DONE },
    };

    settings_init(&initial);
    feed_init(&f);
    cr_assert_eq(sizeof(events) / sizeof(*events), EVENT_COUNT);
    for (int i = 0; i < EVENT_COUNT; i++) {
        cr_assert_eq(events[i].type, i, "one of each type");
        expect_same(&f, events[i]);
    }
    cr_expect_eq(memcmp(&f.settings, &changed, sizeof(changed)), 0);
    cr_expect_eq(memcmp(&f.before, &initial, sizeof(initial)), 0);
}

Test(feed, a_reason_that_is_not_known_is_another)
{
    static const struct {
        const char *member;
        enum error_reason reason;
    } cases[] = {
        { ",\"reason\":\"data\"", REASON_DATA },
        { ",\"reason\":\"other\"", REASON_OTHER },
        { ",\"reason\":\"weather\"", REASON_OTHER },
        { "", REASON_OTHER },
    };
    struct feed f;
    struct error e;
    char line[128];

    feed_init(&f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        snprintf(line, sizeof(line), "{\"type\":\"refused\",\"command\":\"\","
                 "\"message\":\"\",\"sets\":0%s}", cases[i].member);
        cr_assert_eq(read_line(&f, line, &e), FEED_EVENT, "%s", e.text);
        cr_expect_eq(f.event.refused.reason, cases[i].reason, "%s", line);
    }
}

Test(feed, figures_that_cannot_be_are_missing)
{
    struct feed f;
    struct error e;

    feed_init(&f);
    cr_assert_eq(read_line(&f, "{\"type\":\"epoch\",\"epoch\":1,"
                           "\"train_loss\":1e308,\"train_accuracy\":1.5,"
                           "\"valid_loss\":-1e300,\"valid_accuracy\":-0.1,"
                           "\"train_score\":1,\"score\":1e308,"
                           "\"bleu\":100.5,\"seconds\":1}", &e),
                 FEED_EVENT, "%s", e.text);
    cr_expect(isnan(f.event.epoch.train_loss));
    cr_expect(isnan(f.event.epoch.train_accuracy));
    cr_expect(isnan(f.event.epoch.valid_loss));
    cr_expect(isnan(f.event.epoch.valid_accuracy));
    cr_expect_eq(f.event.epoch.train_score, 1);
    cr_expect(isnan(f.event.epoch.score));
    cr_expect(isnan(f.event.epoch.bleu));
    cr_assert_eq(read_line(&f, "{\"type\":\"test\",\"loss\":1e308,"
                           "\"accuracy\":2,\"score\":37,\"bleu\":-1,"
                           "\"seconds\":1}", &e), FEED_EVENT, "%s", e.text);
    cr_expect(isnan(f.event.test.loss) && isnan(f.event.test.accuracy));
    cr_expect(isnan(f.event.test.score) && isnan(f.event.test.bleu));
}

Test(feed, reads_what_is_not_finite)
{
    struct feed f;

    feed_init(&f);
    expect_same(&f, (struct event){ .type = EVENT_STEP,
                                    .step = { .loss = NAN } });
    cr_expect(isnan(f.event.step.loss));
    cr_expect_eq(f.event.step.accuracy, 0);
    expect_same(&f, (struct event){ .type = EVENT_EPOCH,
                                    .epoch = { .valid_loss = INFINITY } });
    cr_expect(isnan(f.event.epoch.valid_loss));
}

/* Workers of before have no figure for the most that there was. */
Test(feed, a_peak_that_is_not_known)
{
    struct feed f;
    struct error e;
    static const char line[] = "{\"type\":\"memory\",\"planned\":1,"
                               "\"arena\":2,\"touched\":3,\"os\":4}";
    static const char bad[] = "{\"type\":\"memory\",\"planned\":1,\"arena\":2,"
                              "\"touched\":3,\"os\":4,\"os_peak\":null}";
    char *again;

    feed_init(&f);
    cr_assert_eq(read_line(&f, line, &e), FEED_EVENT, "%s", e.text);
    cr_expect_eq(f.event.memory.os_peak, 0);
    again = line_of(&f.event);
    cr_expect_str_eq(again, line);
    free(again);
    cr_expect_eq(read_line(&f, bad, &e), FEED_BAD);
}

/* A message may name two paths, each as long as they get. */
Test(feed, messages_are_whole)
{
    char message[1800], *line;
    struct feed f;
    struct error e;

    memset(message, 'x', sizeof(message));
    message[sizeof(message) - 1] = '\0';
    feed_init(&f);
    line = line_of(&(struct event){ .type = EVENT_ERROR,
                                    .message = message });
    cr_assert_eq(read_line(&f, line, &e), FEED_EVENT, "%s", e.text);
    cr_expect_str_eq(f.event.message, message);
    error_set(&e, EXIT_RUN, "%s", message);
    cr_expect_str_eq(e.text, message);
    free(line);
}

/* Texts that a person may give as a path, or the system as a message. */
Test(feed, loses_no_event_over_text)
{
    struct settings s = changed_settings();
    struct feed f;
    struct error e;
    char *line;

    strcpy(s.data_path, "\xff\xfe");
    feed_init(&f);
    line = line_of(&(struct event){ .type = EVENT_START,
                                    .start = { "a\xe9", &s,
                                               { "cpu", 1, 7 }, 0, 1, NULL,
                                               NULL } });
    cr_assert_eq(read_line(&f, line, &e), FEED_EVENT, "%s: %s", line, e.text);
    cr_expect_str_eq(f.event.start.preset, "a?");
    cr_expect_eq(f.event.start.machine.images_left, 7);
    cr_expect_str_eq(f.settings.data_path, "\xff\xfe");
    free(line);
}

Test(feed, text_is_safe_to_show)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        { "plain", "plain" },
        { "\033[2J\r\n\t\x7f", "?[2J????" },
        { "\xc2\x9b" "31m", "?31m" },           /* CSI as one character */
        { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac"
                                                  "\xf0\x9f\x98\x80" },
        { "\xc3", "?" },
        { "\xe2\x82x", "?x" },
        { "\xf8\x88\x80\x80\x80", "?????" },
        { "", "" },
    };
    char text[64];

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        text_clean(text, sizeof(text), cases[i].from, strlen(cases[i].from));
        cr_expect_str_eq(text, cases[i].to, "case %zu: %s", i, text);
    }
    /* Cut by whole characters. */
    text_clean(text, 4, "ab\xc3\xa9", 4);
    cr_expect_str_eq(text, "ab");
    text_clean(text, 5, "ab\xc3\xa9", 4);
    cr_expect_str_eq(text, "ab\xc3\xa9");
}

#define START_ON(machine, rest) \
    "{\"type\":\"start\",\"preset\":\"p\",\"step\":0,\"steps\":9," machine \
    rest "}"
#define START(rest) \
    START_ON("\"backend\":\"cpu\",\"processors\":2,", rest)
#define SETTLED "\"schema\":1,\"settings\":{}"
#define STEP(rest) "{\"type\":\"step\",\"step\":1,\"steps\":9,\"loss\":1," \
                   "\"accuracy\":0,\"samples_per_second\":1," rest "}"

Test(feed, refuses_with_a_reason)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        { "", "not an event" },
        { "Killed", "not an event: 'Killed'" },
        { "\033[31m", "'?[31m'" },
        { "{", "not an event" },
        { "[]", "no member type" },
        { "42", "not an event" },
        { "{\"type\":7}", "no member type" },
        { "{\"type\":\"done\"} {}", "not an event" },
        { START("\"settings\":{}"), "schema is missing" },
        { START("\"settings\":{},\"schema\":\"1\""), "schema is not a whole" },
        { START("\"schema\":1"), "settings is missing" },
        { START("\"schema\":1,\"settings\":[]"), "settings is not an object" },
        { START("\"schema\":1,\"settings\":{\"precision\":\"fp61\"}"),
          "'fp61' is not one of" },
        { START("\"schema\":1,\"settings\":{\"depth\":{}}"), "depth" },
        { START("\"schema\":1,\"settings\":{\"depth\":1e99}"), "depth" },
        { START_ON("\"processors\":2,", SETTLED), "backend is missing" },
        { START_ON("\"backend\":\"cpu\",", SETTLED), "processors is missing" },
        { START_ON("\"backend\":\"a name without end\",\"processors\":2,",
                   SETTLED), "backend is too long" },
        { START_ON("\"backend\":\"cpu\",\"processors\":0,", SETTLED),
          "processors is 0" },
        { START_ON("\"backend\":\"cpu\",\"processors\":1025,", SETTLED),
          "processors is too large" },
        { STEP("\"epoch\":1"), "seconds is missing" },
        { STEP("\"epoch\":-1,\"seconds\":1"), "epoch is not a whole number" },
        { STEP("\"epoch\":1.5,\"seconds\":1"), "epoch is not a whole number" },
        { STEP("\"epoch\":3000000000,\"seconds\":1"), "epoch is too large" },
        { STEP("\"epoch\":1,\"seconds\":\"1\""), "seconds is not a number" },
        { "{\"type\":\"memory\",\"planned\":1,\"arena\":1,\"touched\":1,"
          "\"os\":99999999999999999999}", "not an event" },
        { "{\"type\":\"error\"}", "message is missing" },
        { "{\"type\":\"saved\",\"step\":1,\"path\":null}", "path is not text" },
        { "{\"type\":\"refused\",\"command\":\"set\",\"message\":\"m\"}",
          "sets is missing" },
        { "{\"type\":\"applied\",\"step\":1,\"settings\":{\"lr\":2},"
          "\"planned\":1,\"arena\":1}", "sets is missing" },
    };
    struct settings before = changed_settings();
    struct feed f;
    struct error e;

    feed_init(&f);
    f.settings = before;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cr_expect_eq(read_line(&f, cases[i].line, &e), FEED_BAD, "%s",
                     cases[i].line);
        cr_expect(strstr(e.text, cases[i].why), "%s: not for '%s' but: %s",
                  cases[i].line, cases[i].why, e.text);
        cr_expect_eq(memcmp(&f.settings, &before, sizeof(before)), 0, "%s",
                     cases[i].line);
    }
}

Test(feed, passes_over_what_is_newer)
{
    struct feed f;
    struct error e;

    feed_init(&f);
    cr_expect_eq(read_line(&f, "{\"type\":\"dance\",\"step\":1}", &e),
                 FEED_UNKNOWN);
    cr_expect_eq(read_line(&f, START("\"schema\":1,\"settings\":{\"epochs\":7,"
                                     "\"colour\":\"red\"},\"x\":[1]"), &e),
                 FEED_EVENT, "%s", e.text);
    cr_expect_eq(f.settings.epochs, 7);
}

Test(feed, names_both_schemas)
{
    struct feed f;
    struct error e;

    feed_init(&f);
    cr_expect_eq(read_line(&f, START("\"schema\":12"), &e),
                 FEED_OTHER_SCHEMA);
    cr_expect(strstr(e.text, "schema 12"), "%s", e.text);
    cr_expect(strstr(e.text, "schema 1:"), "%s", e.text);
}

/* Lines of many lengths, cut into pieces of `piece` bytes. */
static void expect_lines(size_t piece)
{
    static const char stream[] = "a\n\nbcd\n\0\0\nlonger than the others\nrest";
    static const size_t lengths[] = { 1, 0, 3, 2, 22 };
    static struct lines lines;
    size_t at = 0, seen = 0;
    struct line line;

    lines_init(&lines);
    while (at < sizeof(stream) - 1) {
        size_t left = sizeof(stream) - 1 - at;

        at += lines_put(&lines, stream + at, left < piece ? left : piece);
        while (lines_next(&lines, &line)) {
            cr_assert_lt(seen, 5);
            cr_expect_eq(line.length, lengths[seen], "line %zu", seen);
            cr_expect_not(line.too_long);
            seen++;
        }
    }
    cr_expect_eq(seen, 5, "pieces of %zu: %zu lines", piece, seen);
}

Test(lines, come_whole_however_they_arrive)
{
    for (size_t piece = 1; piece < 40; piece++)
        expect_lines(piece);
}

static void put(struct lines *l, char c, size_t count)
{
    while (count--)
        cr_assert_eq(lines_put(l, &c, 1), 1);
}

Test(lines, has_a_bound)
{
    static struct lines l;
    struct line line;

    lines_init(&l);
    put(&l, 'x', LINES_MAX - 1);
    cr_expect_not(lines_next(&l, &line));
    put(&l, '\n', 1);
    cr_assert(lines_next(&l, &line), "the longest line");
    cr_expect_eq(line.length, LINES_MAX - 1);
    cr_expect_not(line.too_long);

    put(&l, 'y', LINES_MAX);
    cr_expect_eq(lines_put(&l, "y", 1), 0, "there is no room");
    cr_assert(lines_next(&l, &line), "one byte more is told of at once");
    cr_expect(line.too_long);
    cr_expect_eq(line.text[0], 'y');
    for (int i = 0; i < 3; i++) { /* and once */
        put(&l, 'y', LINES_MAX);
        cr_expect_not(lines_next(&l, &line));
    }
    cr_assert_eq(lines_put(&l, "y\nz\n", 4), 4);
    cr_assert(lines_next(&l, &line), "the line after it");
    cr_expect_eq(line.length, 1);
    cr_expect_eq(line.text[0], 'z');
    cr_expect_not(line.too_long);
    cr_expect_not(lines_next(&l, &line));
}

/* Files of tests/data/feed: streams, and one that is broken. The fuzzer begins
 * with them too. */
static const char *const seeds[] = {
    "run.jsonl", "commands.jsonl", "broken.jsonl"
};

static uint8_t *read_seed(const char *name, size_t *size)
{
    const char *folder = getenv("srcdir");
    char path[512];
    uint8_t *data = malloc(1 << 16);
    FILE *file;

    snprintf(path, sizeof(path), "%s/tests/data/feed/%s",
             folder ? folder : ".", name);
    file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    *size = fread(data, 1, 1 << 15, file);
    fclose(file);
    return data;
}

/* xorshift64* (Vigna 2016): the same mutations in every run. */
static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1Du % below;
}

/* Changes, takes out or doubles a few bytes. */
static size_t mutate(uint8_t *data, size_t size, uint64_t *random)
{
    static const char telling[] = "\n\"\\{}[]:,-e.0\x00\x1b\xff";

    for (uint64_t n = 1 + draw(random, 8); n && size > 64; n--) {
        size_t at = draw(random, size - 32), length = 1 + draw(random, 32);

        switch (draw(random, 4)) {
        case 0:
            data[at] = (uint8_t)draw(random, 256);
            break;
        case 1:
            data[at] = (uint8_t)telling[draw(random, sizeof(telling))];
            break;
        case 2:
            memmove(data + at, data + at + length, size - at - length);
            size -= length;
            break;
        case 3:
            if (size + length > 1 << 16)
                break;
            memmove(data + at + length, data + at, size - at);
            size += length;
            break;
        }
    }
    return size;
}

Test(feed, survives_mutations)
{
    uint64_t random = 0x9E3779B97F4A7C15u;

    for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++) {
        size_t size;
        uint8_t *seed = read_seed(seeds[i], &size);
        uint8_t *data = malloc(1 << 16);

        LLVMFuzzerTestOneInput(seed, size);
        for (int n = 0; n < 2000; n++) {
            memcpy(data, seed, size);
            LLVMFuzzerTestOneInput(data, mutate(data, size, &random));
        }
        free(data);
        free(seed);
    }
}
