/*
 * The page Presets: its list, the effects of loading and saving, and that bad
 * files have none.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "settings/preset.h"
#include "tests/sample.h"
#include "ui/pages/control.h"
#include "ui/pages/frame.h"
#include "ui/pages/new_run.h"
#include "ui/session/complete.h"
#include "ui/session/inquiry.h"

static struct session session;
static struct screen screen;
static char folder[] = "/tmp/memdial-page-XXXXXX";

/* Makes the files of CIFAR-10, with one image each. */
static const char *make_images(void)
{
    static char images[128];
    char record[3073] = { 0 }, path[256];

    snprintf(images, sizeof(images), "%s/images", folder);
    mkdir(images, 0700);
    for (int i = 1; i <= 6; i++) {
        FILE *file;
        snprintf(path, sizeof(path), i < 6 ? "%s/data_batch_%d.bin"
                                           : "%s/test_batch.bin", images, i);
        file = fopen(path, "w");
        cr_assert(file);
        cr_assert_eq(fwrite(record, 1, sizeof(record), file), sizeof(record));
        fclose(file);
    }
    return images;
}

static void make_page(void)
{
    char path[256];

    sample_init(&session);
    cr_assert(mkdtemp(folder));
    setenv("XDG_CONFIG_HOME", folder, 1);
    snprintf(path, sizeof(path), "%s/memdial", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/memdial/presets", folder);
    cr_assert_eq(mkdir(path, 0700), 0);
    screen_init(&screen, &session, 40, 120, GLYPHS_ASCII);
    control_act(&screen, ACTION_PAGE, PAGE_PRESETS);
}

static void remove_page(void)
{
    char command[128];

    screen_done(&screen);
    session_done(&session);
    snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s",
             folder, folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(page_presets, .init = make_page, .fini = remove_page);

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/memdial/presets/%s.yaml", folder, name);
    return path;
}

static void write_preset(const char *name, const char *text, size_t length)
{
    FILE *file = fopen(path_of(name), "w");

    cr_assert(file);
    cr_assert_eq(fwrite(text, 1, length, file), length);
    fclose(file);
}

/* Writes the present settings, with one changed, as a preset. */
static void write_like_present(const char *name, const char *assignment)
{
    struct preset p = { .description = "like the present ones",
                        .settings = session.wanted };
    char path[PRESET_PATH_SIZE];
    struct error e;

    cr_assert(settings_assign(&p.settings, "test", assignment, &e));
    cr_assert(preset_save(&p, name, false, path, &e), "%s", e.text);
}

/* Draws frames until all questions are answered. */
static void look(void)
{
    do {
        frame_draw(&screen);
        if (session.asks & SESSION_ASK_QUESTIONS)
            sample_plan(&session);
    } while (session.asks & SESSION_ASK_QUESTIONS);
    frame_draw(&screen);
}

static void press(int key)
{
    struct input input = { .type = INPUT_KEY, .key = key };

    control_input(&screen, &input);
    look();
}

static void type(const char *text)
{
    while (*text)
        press(*text++);
}

static bool shows(const char *text)
{
    char *frame = cells_dump(&screen.cells);
    bool found = strstr(frame, text);

    free(frame);
    return found;
}

static void choose(const char *name)
{
    char text[80];

    look();
    snprintf(text, sizeof(text), "|> %s ", name);
    press('<');
    for (int i = 0; i < 60 && !shows(text); i++)
        press(KEY_ARROW_DOWN);
    cr_assert(shows(text), "%s is not in the list", name);
}

Test(page_presets, peaks_are_those_of_plans)
{
    struct preset_entry *list;
    int count;

    /* There are more presets than are planned at once. */
    for (int i = 1; i <= 40; i++) {
        char name[32], assignment[32];
        snprintf(name, sizeof(name), "mine-%02d", i);
        snprintf(assignment, sizeof(assignment), "batch=%d", 2 * i);
        write_like_present(name, assignment);
    }
    look();
    count = preset_list(&list);
    cr_assert_eq(count, 40 + preset_file_count);
    for (int i = 0; i < count; i++) {
        struct settings s = list[i].preset.settings;
        char peak[BYTES_TEXT_SIZE], text[64];
        struct forecast *f;
        f = forecast_new(&s, &sample_machine, NULL, false, false);
        choose(list[i].name);
        snprintf(text, sizeof(text), "%s |",
                 bytes_format(peak, sizeof(peak), f->peak_bytes));
        cr_expect(shows(text), "%s: %s", list[i].name, text);
        forecast_release(f);
    }
    free(list);
}

/* An answer may come to a question about a list that was replaced. */
Test(page_presets, late_answers)
{
    struct settings one = session.wanted, other = session.wanted;
    struct question *q = calloc((size_t)inquiry_most(), sizeof(*q));
    int n;

    cr_assert(settings_assign(&other, "test", "precision=fp16", NULL));
    session_consider(&session, NULL, &one, 1);
    n = inquiry_list(&session, 0, q);
    cr_assert_gt(n, 0);
    session_consider(&session, NULL, &other, 1);
    inquiry_answer(&session, q[n - 1].tag,
                   forecast_new(&one, &sample_machine, NULL, false,
                                false));
    cr_expect_null(session.candidates[0].forecast);
    inquiry_answer(&session, q[n - 1].tag,
                   forecast_new(&other, &sample_machine, NULL, false,
                                false));
    cr_expect_not_null(session.candidates[0].forecast);
    free(q);
}

Test(page_presets, differences)
{
    write_like_present("mine", "precision=fp16");
    choose("mine");
    cr_expect(shows("  precision       fp32                   > fp16"));
    cr_expect_not(shows("encoder_layers"));
    cr_expect(shows("Enter loads it, and the run goes on with it."));
    press('D');
    cr_expect(shows("encoder_layers"));
    press('D');
    choose("wrn-28-2");
    cr_expect(shows("! depth           10                     > 28"));
}

Test(page_presets, loaded_in_the_run)
{
    write_like_present("mine", "precision=fp16");
    choose("mine");
    session.asks = 0;
    press(KEY_RETURN);
    cr_expect_eq(session.wanted.precision, PRECISION_FP16);
    cr_expect_eq(session.in_force.precision, PRECISION_FP32, "pending");
    cr_expect(session.asks & SESSION_ASK_APPLY);
    cr_expect_not(session.asks & SESSION_ASK_BEGIN);
    cr_expect(shows("These are the current settings."));
    press('u');
    cr_expect_eq(session.wanted.precision, PRECISION_FP32);
    session_lock(&session, true);
    session.asks = 0;
    press(KEY_RETURN);
    cr_expect_not(session.asks & SESSION_ASK_APPLY, "locked");
    cr_expect(shows("took mine; Enter applies"));
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_APPLY);
}

/* Sets a folder of images, as if it had been named before. */
static void have_images(void)
{
    strcpy(session.data_path, make_images());
}

/* The question names the changes and the run that ends. */
Test(page_presets, loaded_in_a_new_run)
{
    have_images();
    sample_train(&session, 3);
    choose("wrn-28-2");
    session.asks = 0;
    press(KEY_RETURN);
    cr_expect(shows("- A new run of wrn-28-2 -"));
    cr_expect(shows("  depth            10 > 28"));
    cr_expect(shows("  data             shapes > cifar10"));
    cr_expect(shows("The run of quick ends: epoch 3 of 20, accuracy 40.6%."));
    cr_expect(shows("Enter begin it   Esc leave all as it is"));
    press('q');
    cr_expect_not(screen.quit, "the question has the keys");
    press(KEY_ESCAPE);
    cr_expect_not(shows("A new run of"));
    cr_expect_eq(session.wanted.depth, 10);
    cr_expect_eq(session.asks, 0);
    press(KEY_RETURN);
    press(KEY_RETURN);
    cr_expect_eq(session.wanted.depth, 28);
    cr_expect(session.asks & SESSION_ASK_BEGIN);
    cr_expect_str_eq(session.preset, "wrn-28-2");
}

/* Drawn data stand in for files, in epochs of their own units. */
Test(page_presets, drawn_data_have_their_units)
{
    static const struct {
        const char *preset, *offer;
        int data, epoch, valid;
    } cases[] = {
        { "wrn-28-2", "in epochs of 5,000", DATA_SHAPES, 5000, 1000 },
        { "dynamicconv-small", "25,000 tokens", DATA_NUMBERS, 25000, 0 }
    };

    for (int i = 0; i < 2; i++) {
        choose(cases[i].preset);
        press(KEY_RETURN);
        cr_expect(shows(cases[i].offer));
        press('d');
        press(KEY_RETURN);
        cr_expect_eq(session.wanted.data, cases[i].data);
        cr_expect_eq(session.wanted.epoch_samples, cases[i].epoch);
        cr_expect_eq(session.wanted.valid_samples, cases[i].valid);
    }
}

/* Undo goes back to the run before, anew, if the person agrees. */
Test(page_presets, a_new_run_can_be_undone)
{
    struct settings before = session.wanted;

    have_images();
    choose("wrn-28-2");
    press(KEY_RETURN);
    press(KEY_RETURN);
    sample_start(&session, "wrn-28-2", &session.wanted, 0);
    session.asks = 0;
    press('u');
    cr_expect(shows("- A new run of quick -"));
    cr_expect(shows("  depth            28 > 10"));
    press(KEY_ESCAPE);
    cr_expect_eq(session.asks, 0);
    cr_expect_eq(session.wanted.depth, 28);
    press('u');
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_BEGIN);
    cr_expect(settings_same(&session.wanted, &before));
    cr_expect_str_eq(session.preset, "quick");
    press('u');
    cr_expect(shows("nothing to undo"));
}

/* A run that the worker cannot begin leaves things as they were. */
Test(page_presets, a_new_run_that_is_refused)
{
    struct settings before = session.wanted, turned = before;

    cr_assert(settings_assign(&turned, "test", "precision=fp16", NULL));
    session_want(&session, &turned);
    session_want(&session, &before);
    have_images();
    choose("wrn-28-2");
    press(KEY_RETURN);
    press(KEY_RETURN);
    session_stay(&session);
    cr_expect(settings_same(&session.wanted, &before));
    cr_expect_str_eq(session.preset, "quick");
    cr_expect_not(session.asks & SESSION_ASK_APPLY);
    press('u');
    cr_expect_eq(session.wanted.precision, PRECISION_FP16,
                 "what can be undone is what could be before");
    session_stay(&session);
    cr_expect_eq(session.wanted.precision, PRECISION_FP16, "no run is asked");
}

/* Undo also works before the worker has said that the new run began. */
Test(page_presets, a_new_run_can_be_undone_at_once)
{
    have_images();
    choose("wrn-28-2");
    press(KEY_RETURN);
    press(KEY_RETURN);
    session.asks = 0;
    press('u');
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_BEGIN);
    cr_expect_not(session.asks & SESSION_ASK_APPLY);
    cr_expect_eq(session.wanted.depth, 10);
}

static void nothing_has_changed(void)
{
    cr_expect_eq(session.asks & ~(unsigned)SESSION_ASK_QUESTIONS, 0);
    cr_expect_eq(session.wanted.depth, 10);
    cr_expect_eq(session.wanted.data, DATA_SHAPES);
    cr_expect_str_eq(session.preset, "quick");
}

/* A preset whose data are missing ends no run: the page says which data are
 * missing, and where they come from. */
Test(page_presets, images_that_are_not_there)
{
    session.asks = 0;
    choose("wrn-16-1");
    cr_expect(shows("It trains on images from files, which are not here"));
    press(KEY_RETURN);
    cr_expect(shows("- wrn-16-1 trains on images from files -"));
    cr_expect(shows("No folder is set (data_path)."));
    cr_expect(shows("CIFAR-10 binary version (suitable for C programs)"));
    cr_expect(shows("www.cs.toronto.edu/~kriz/cifar.html"));
    cr_expect(shows("cifar-10-binary.tar.gz"));
    cr_expect(shows("cifar-10-batches-bin"));
    cr_expect(shows("the run of quick goes on"));
    press(KEY_ESCAPE);
    nothing_has_changed();
    press(KEY_RETURN);
    press('f');
    cr_expect(shows("folder of the images:"));
    type(folder);
    press(KEY_RETURN);
    cr_expect(shows("no data_batch_1.bin, data_batch_2.bin"));
    nothing_has_changed();
    press('f');
    cr_expect_str_eq(screen.question.answer, folder,
                     "what was typed can be mended");
    press(KEY_ESCAPE);
    nothing_has_changed();
}

/* A folder that is named counts for all presets of the session. */
Test(page_presets, images_that_are_named)
{
    const char *images = make_images();

    choose("wrn-16-1");
    press(KEY_RETURN);
    press('f');
    type(folder);
    type("/im");
    press(KEY_TAB);
    type("./"); /* Tab has made a slash */
    press(KEY_RETURN);
    cr_expect(shows("- A new run of wrn-16-1 -"));
    nothing_has_changed();
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_BEGIN);
    cr_expect_str_eq(session.wanted.data_path, images, "without a detour");
    cr_expect_eq(session.wanted.depth, 16);
    sample_start(&session, "wrn-16-1", &session.wanted, 0);
    look();
    choose("wrn-10-1");
    cr_expect_not(shows("data_path "), "which does not differ");
    press(KEY_RETURN);
    cr_expect(shows("- A new run of wrn-10-1 -"));
    press(KEY_RETURN);
    cr_expect_str_eq(session.wanted.data_path, images);
}

static void make_folder(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    cr_assert_eq(mkdir(path, 0700), 0);
}

/* Completes a text, typed and expected below the folder of the test. */
static void check_completion(const char *typed, const char *expected,
                             const char *offered)
{
    char text[128], whole[128], offers[128];

    snprintf(text, sizeof(text), "%s/%s", folder, typed);
    snprintf(whole, sizeof(whole), "%s/%s", folder, expected);
    complete_folder(text, sizeof(text), offers, sizeof(offers));
    cr_expect_str_eq(text, whole);
    cr_expect_str_eq(offers, offered);
}

Test(page_presets, folders_are_completed)
{
    char path[256], small[32], text[64] = "~", offers[64];

    make_images();
    make_folder("inner-one");
    make_folder("inner-two");
    make_folder("inner-two/deep");
    make_folder(".hidden");
    make_folder("caf\xc3\xa8");
    make_folder("caf\xc3\xa9");
    make_folder("bad\033[2J\xff");
    snprintf(path, sizeof(path), "%s/inner-file", folder);
    fclose(fopen(path, "w"));
    check_completion("im", "images/", "");
    check_completion("images/", "images/", "no such folder");
    check_completion("inn", "inner-", "inner-one/  inner-two/");
    check_completion("inner-t", "inner-two/", "");
    check_completion("inner-two/", "inner-two/deep/", "");
    check_completion("nothing", "nothing", "no such folder");
    check_completion("no/where/", "no/where/", "no such folder");
    check_completion("h", "h", "no such folder");
    check_completion(".h", ".hidden/", "");
    check_completion("c", "caf", "caf\xc3\xa8/  caf\xc3\xa9/");
    check_completion("b", "bad\033[2J\xff/", "");
    complete_folder(text, sizeof(text), offers, sizeof(offers));
    cr_expect_str_eq(text, "~/");
    setenv("HOME", folder, 1);
    strcpy(text, "~/ima");
    complete_folder(text, sizeof(text), offers, sizeof(offers));
    cr_expect_str_eq(text, "~/images/");
    snprintf(small, sizeof(small), "%s/im", folder);
    complete_folder(small, strlen(small) + 3, offers, sizeof(offers));
    cr_expect_eq(strlen(small), strlen(folder) + 3, "what does not fit");
}

/* Images can be drawn without a download. */
Test(page_presets, drawn_images_instead)
{
    choose("wrn-16-1");
    press(KEY_RETURN);
    press('d');
    cr_expect(shows("- A new run of wrn-16-1 -"));
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_BEGIN);
    cr_expect_eq(session.wanted.data, DATA_SHAPES);
    cr_expect_eq(session.wanted.depth, 16);
    cr_expect_eq(session.wanted.epoch_samples, 1000 * 5);
    cr_expect_eq(session.wanted.valid_samples, 1000);
    cr_expect_str_eq(session.preset, "wrn-16-1");
}

/* Undo may go back to data that are gone. */
Test(page_presets, images_that_are_gone)
{
    char path[256];

    have_images();
    choose("wrn-16-1");
    press(KEY_RETURN);
    press(KEY_RETURN);
    sample_start(&session, "wrn-16-1", &session.wanted, 0);
    choose("quick");
    press(KEY_RETURN);
    press(KEY_RETURN);
    sample_start(&session, "quick", &session.wanted, 0);
    session.asks = 0;
    snprintf(path, sizeof(path), "%s/images/test_batch.bin", folder);
    unlink(path);
    press('u');
    cr_expect(shows("no test_batch.bin"));
    press(KEY_ESCAPE);
    cr_expect_eq(session.asks, 0);
    make_images();
    press('u');
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_BEGIN);
    cr_expect_eq(session.wanted.depth, 16);
}

/* For files on another machine the worker says which are missing; this machine
 * is not searched. */
Test(page_presets, images_of_another_machine)
{
    struct refused_run refused = {
        .preset = "wrn-16-1", .reason = REASON_DATA,
        .message = "data_path: /far/away: no test_batch.bin; unpack it"
    };

    session.remote = true;
    choose("wrn-16-1");
    cr_expect_not(shows("It trains on images from files"));
    press(KEY_RETURN);
    cr_expect(shows("- A new run of wrn-16-1 -"));
    press(KEY_RETURN);
    refused.settings = session.wanted;
    session_stay(&session);
    session.asks = 0;
    new_run_refused(&screen, &refused);
    look();
    cr_expect(shows("/far/away: no test_batch.bin."));
    cr_expect(shows("To do: unpack it."));
    press('f');
    cr_expect_not(shows("Tab completes"));
    type("~/images");
    press(KEY_RETURN);
    press(KEY_RETURN);
    cr_expect(session.asks & SESSION_ASK_BEGIN);
    cr_expect_str_eq(session.wanted.data_path, "~/images");
}

static void refuse(const char *preset, const char *assignment)
{
    struct refused_run refused = {
        .settings = session.wanted, .reason = REASON_DATA,
        .message = "data_path: not set; set it"
    };

    snprintf(refused.preset, sizeof(refused.preset), "%s", preset);
    cr_assert(settings_assign(&refused.settings, "test", assignment, NULL));
    cr_assert(settings_assign(&refused.settings, "test", "data=cifar10",
                              NULL));
    new_run_refused(&screen, &refused);
}

/* A popup that opens by itself takes no key of an open question: it waits. */
Test(page_presets, refused_while_a_question_is_open)
{
    static const int keys[] = { 'f', 'a' };

    session.remote = true;
    for (int i = 0; i < 2; i++) {
        look();
        press(keys[i]);
        refuse("wrn-16-1", "depth=16");
        cr_expect(screen.question.open && !screen.popup.open);
        press(KEY_ESCAPE);
        look();
        cr_expect(shows("- wrn-16-1 trains on images from files -"));
        session.asks = 0;
        press(KEY_RETURN);
        cr_expect_eq(session.asks, 0, "Enter is no answer");
        press(KEY_ESCAPE);
    }
    /* Nor does it change the run that a question is about. */
    refuse("wrn-28-2", "depth=28");
    press('f');
    type("/a");
    refuse("wrn-16-1", "depth=16");
    press(KEY_RETURN);
    cr_expect(shows("- A new run of wrn-28-2 -"), "a choice waits too");
    press(KEY_RETURN);
    cr_expect_eq(session.wanted.depth, 28);
    cr_expect_str_eq(session.wanted.data_path, "/a");
    cr_expect_not(shows("- wrn-16-1 trains on images from files -"),
                  "a run is asked for, and that is over");
}

/* What waits may be over when there is room for it. */
Test(page_presets, trouble_that_is_over)
{
    look();
    for (int over = 0; over < 2; over++) {
        press('a');
        session.state = LINK_DEAD;
        strcpy(session.sentence, "the worker ended");
        screen_when_free(&screen, screen_trouble);
        cr_expect_not(screen.popup.open);
        if (over)
            session.sentence[0] = '\0';
        press(KEY_ESCAPE);
        cr_expect_eq(screen.popup.open, !over);
        press(KEY_ESCAPE);
    }
}

static struct settings with_depth(const char *assignment)
{
    struct settings settings = session.in_force;

    cr_assert(settings_assign(&settings, "test", assignment, NULL));
    return settings;
}

/* Settings of a run that is asked for come with it: they are not pending, and
 * a `set` after its `start` is not asked for. */
Test(page_presets, a_new_run_is_not_pending)
{
    struct settings next = with_depth("depth=16"), turned;

    session_begin(&session, "a", &next);
    cr_expect_not(session_pending(&session));
    session.asks = 0;
    session_discard(&session);
    session_lock(&session, false);
    cr_expect_eq(session.asks, 0);
    cr_expect_eq(session.wanted.depth, 16);
    turned = next;
    turned.precision = PRECISION_FP16;
    session_want(&session, &turned);
    cr_expect(session_pending(&session), "this was asked for after it");
    session_discard(&session);
    cr_expect(settings_same(&session.wanted, &next));
    session_event(&session, &(struct event){
                                .type = EVENT_REFUSED,
                                .refused = { .command = "set",
                                             .message = "no" } });
    cr_expect(settings_same(&session.wanted, &next),
              "the answer was the former run's");
    sample_start(&session, "a", &next, 0);
    cr_expect_not(session_pending(&session));
}

/* Of two runs asked for the first begins and the second is refused. */
Test(page_presets, two_new_runs_at_once)
{
    struct settings first = with_depth("depth=16");
    struct settings second = with_depth("depth=22");

    session_begin(&session, "a", &first);
    session_begin(&session, "b", &second);
    session.starts = 1;
    sample_start(&session, "a", &first, 0);
    cr_expect_eq(session.wanted.depth, 22);
    cr_expect_not(session_pending(&session));
    session.starts = 0;
    session_stay(&session);
    cr_expect(settings_same(&session.wanted, &first));
    cr_expect_str_eq(session.preset, "a");
    cr_expect_not(session_pending(&session));
    press('u');
    cr_expect(shows("- A new run of quick -"));
}

/* The path of a preset is its name, however long; a title is cut between two
 * characters. */
Test(page_presets, long_names)
{
    static const char cut[] = "A new run of "
                              "/aaaaaaaaabbbbbbbbbbccccccccccddddddddd";
    struct settings next = with_depth("depth=16");
    char name[RUN_PRESET_SIZE];

    snprintf(name, sizeof(name), "%sé%0400d.yaml", strchr(cut, '/'), 7);
    new_run_afresh(&screen, name, &next);
    cr_expect_str_eq(screen.popup.title, cut);
    press(KEY_RETURN);
    cr_expect_str_eq(session.preset, name);
    sample_start(&session, name, &next, 0);
    cr_expect_str_eq(session.preset, name);
    cr_expect_str_eq(session_run(&session)->preset, name);
}

/* The error is shown with its line, and nothing has changed. */
static void check_refused(const char *name, const char *message)
{
    struct settings before = session.wanted;

    choose(name);
    cr_expect(shows("Nothing changes until the file is mended."));
    session.asks = 0;
    press(KEY_RETURN);
    cr_expect(strstr(session.message, message), "'%s' is not in '%s'",
              message, session.message);
    cr_expect_eq(session.notice, NOTICE_ERROR);
    cr_expect_eq(memcmp(&before, &session.wanted, sizeof(before)), 0);
    cr_expect_eq(session.asks & ~(unsigned)SESSION_ASK_QUESTIONS, 0);
    cr_expect_not(screen.question.open);
    press(' ');
}

Test(page_presets, bad_files)
{
    static char large[10 << 20], garbage[1 << 16];
    unsigned random = 1;

    write_preset("typo", "train:\n  bacth: 3\n", 18);
    write_preset("empty", "", 0);
    write_preset("secret", "batch: 3\n", 9);
    chmod(path_of("secret"), 0);
    cr_assert_eq(mkdir(path_of("folder"), 0700), 0);
    cr_assert_eq(mkfifo(path_of("pipe"), 0600), 0);
    cr_assert_eq(symlink("/nonexistent", path_of("nowhere")), 0);
    for (size_t i = 0; i < sizeof(garbage); i++) {
        random = random * 1103515245u + 12345u;
        garbage[i] = (char)(random >> 16);
    }
    write_preset("garbage", garbage, sizeof(garbage));
    memset(large, '#', sizeof(large));
    write_preset("large", large, sizeof(large));
    check_refused("typo", "typo.yaml:2:3: unknown setting 'bacth'; did you "
                  "mean 'batch'?");
    check_refused("empty", "empty.yaml: no settings in it");
    check_refused("folder", "folder.yaml: not a file but a folder");
    check_refused("pipe", "pipe.yaml: not a file but a pipe");
    check_refused("nowhere", "nowhere.yaml: No such file or directory");
    check_refused("garbage", "garbage.yaml");
    check_refused("large", "bytes are more than the 1.00 MiB");
    if (geteuid() != 0)
        check_refused("secret", "secret.yaml: Permission denied");
}

/* Each value is valid, but not all of them together. */
Test(page_presets, settings_that_do_not_go_together)
{
    write_like_present("mine", "microbatch=101");
    choose("mine");
    cr_expect(shows("cannot be"));
    session.asks = 0;
    press(KEY_RETURN);
    cr_expect(strstr(session.message, "mine.yaml: microbatch: 101 is larger "
                     "than batch"), "%s", session.message);
    cr_expect(shows("Not loaded"));
    cr_expect_eq(session.wanted.microbatch, 0);
}

/* A preset is read again, for it may have changed since it was listed. */
Test(page_presets, changed_since)
{
    write_like_present("mine", "precision=fp16");
    choose("mine");
    write_preset("mine", "precision: fp61\n", 16);
    press(KEY_RETURN);
    cr_expect(strstr(session.message, "mine.yaml:1:12: precision: 'fp61'"));
    cr_expect_eq(session.wanted.precision, PRECISION_FP32);
    unlink(path_of("mine"));
    look();
    cr_expect_not(shows("> mine"));
}

static void save_as(const char *name)
{
    press(KEY_ESCAPE);
    press('a');
    for (int i = 0; i < ANSWER_SIZE; i++)
        press(KEY_RUBOUT);
    type(name);
    press(KEY_RETURN);
}

Test(page_presets, saved)
{
    struct settings wanted = session.wanted;
    struct preset read;
    struct error e;

    cr_assert(settings_assign(&wanted, "test", "checkpoint=sqrt", NULL));
    session_want(&session, &wanted);
    look();
    save_as("first.yaml");
    cr_assert(preset_load(&read, "first", &e), "%s", e.text);
    cr_expect_eq(read.settings.checkpoint, CHECKPOINT_SQRT);
    cr_expect(strstr(read.description, "sqrt; from quick"), "%s",
              read.description);
    cr_expect(shows("> first "), "it is chosen");
    cr_expect(shows("These are the current settings."));

    cr_assert(settings_assign(&wanted, "test", "checkpoint=block", NULL));
    session_want(&session, &wanted);
    save_as("first");
    cr_expect(shows("replace your first? y: yes, Esc: no"));
    press(KEY_RETURN);
    cr_assert(preset_load(&read, "first", &e));
    cr_expect_eq(read.settings.checkpoint, CHECKPOINT_SQRT, "not asked for");
    save_as("first");
    press(KEY_ESCAPE);
    cr_assert(preset_load(&read, "first", &e));
    cr_expect_eq(read.settings.checkpoint, CHECKPOINT_SQRT);
    save_as("first");
    type("y");
    press(KEY_RETURN);
    cr_assert(preset_load(&read, "first", &e));
    cr_expect_eq(read.settings.checkpoint, CHECKPOINT_BLOCK);

    save_as("wrn-28-2");
    cr_expect(shows("hide memdial's wrn-28-2? y: yes, Esc: no"));
    press(KEY_ESCAPE);
    cr_expect_neq(access(path_of("wrn-28-2"), F_OK), 0);
}

/* A popup that opens while a name is typed, as when a run fails, does not take
 * the answer. */
Test(page_presets, saved_under_a_popup)
{
    look();
    press('a');
    screen_popup(&screen, "The run cannot go on");
    press(KEY_RETURN);
    cr_expect_eq(access(path_of("my-quick"), F_OK), 0);
}

Test(page_presets, not_saved)
{
    char path[256];

    look();
    save_as("../outside");
    cr_expect(strstr(session.message, "cannot be a preset's name"), "%s",
              session.message);
    save_as("");
    cr_expect(strstr(session.message, "cannot be a preset's name"));
    snprintf(path, sizeof(path), "%s/memdial/presets", folder);
    cr_assert_eq(rmdir(path), 0);
    snprintf(path, sizeof(path), "%s/memdial", folder);
    cr_assert_eq(rmdir(path), 0);
    cr_assert_eq(symlink("/dev/null", path), 0);
    save_as("mine");
    cr_expect_eq(session.notice, NOTICE_ERROR);
    cr_expect(strstr(session.message, "Not a directory"), "%s",
              session.message);
}

Test(page_presets, any_size)
{
    write_preset("broken", "batch: x\n", 9);
    write_like_present("mine", "precision=fp16");
    for (int rows = 1; rows <= 60; rows++)
        for (int cols = 1; cols <= 120; cols += rows > 20 ? 7 : 1) {
            struct input size = { .type = INPUT_RESIZE, .row = rows,
                                  .col = cols };
            screen.pane[PAGE_PRESETS] = cols % 2;
            screen.cells.glyphs = (enum glyphs)(cols % 3);
            control_input(&screen, &size);
            frame_draw(&screen);
            control_act(&screen, cols % 5 ? ACTION_DOWN : ACTION_END, 0);
            control_act(&screen, rows % 3 ? ACTION_DIFF : ACTION_START, 0);
            frame_draw(&screen);
        }
}
