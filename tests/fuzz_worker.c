/*
 * Commands to a worker, one a line. Whatever they are, each answer is an event
 * that the feed can read, in order and without a gap. An empty line lets the
 * worker work before the next. Commands are kept to small runs, and to files in
 * the fuzzer's own folder.
 */
#define _GNU_SOURCE

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json_print.h"
#include "base/lines.h"
#include "events/feed.h"
#include "settings/settings_json.h"
#include "train/worker.h"

enum { PAUSE_MILLISECONDS = 2, BATCH_MAX = 4 };

struct sender {
    const char *text;
    size_t size;
    int to;
};

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

/* A descriptor in place of standard output, to which events go. */
static int said(void)
{
    static const char folder[] = "tests/fuzz_corpus/worker.files";
    static int file = -1;

    if (file >= 0)
        return file;
    mkdir(folder, 0777);
    require(chdir(folder) == 0, "there is a folder");
    file = memfd_create("said", 0);
    require(file >= 0 && dup2(file, STDOUT_FILENO) == STDOUT_FILENO,
            "there is a place for events");
    return file;
}

/* Whether a string somewhere in a command could name a file elsewhere. */
static bool leaves_folder(json_t *value)
{
    const char *text = json_string_value(value), *name;
    bool leaves = text && strchr(text, '/');
    json_t *member;
    size_t i;

    json_object_foreach(value, name, member)
        leaves |= leaves_folder(member);
    json_array_foreach(value, i, member)
        leaves |= leaves_folder(member);
    return leaves;
}

/* Whether a command begins a run whose steps take long. */
static bool is_large(const json_t *command)
{
    const char *word = json_string_value(json_object_get(command, "command"));
    json_t *changes = json_object_get(command, "settings");
    struct settings s;
    struct error e;

    settings_init(&s);
    if (!word || strcmp(word, "start") != 0)
        return changes && settings_json_read(changes, &s, "", &e) &&
               (s.depth > 10 || s.width > 1 || s.threads > 2);
    return json_object_get(command, "preset") ||
           (changes && !settings_json_read(changes, &s, "", &e)) ||
           s.batch > BATCH_MAX || s.depth > 10 || s.width > 1 ||
           s.threads != 1 || s.epoch_samples == 0 || s.valid_samples == 0 ||
           s.valid_samples > 2 * BATCH_MAX;
}

static bool is_wanted(const char *line, size_t length)
{
    json_error_t why;
    json_t *command = json_read(line, length, &why);
    bool wanted = !leaves_folder(command) && !is_large(command);

    json_decref(command);
    return wanted;
}

static void *send_lines(void *arg)
{
    struct sender *s = arg;

    while (s->size > 0) {
        const char *end = memchr(s->text, '\n', s->size);
        size_t length = end ? (size_t)(end - s->text) : s->size;
        size_t whole = length + (end != NULL);

        if (length == 0)
            nanosleep(&(struct timespec){
                          .tv_nsec = PAUSE_MILLISECONDS * 1000000 }, NULL);
        else if (is_wanted(s->text, length) &&
                 write(s->to, s->text, whole) < 0)
            break;
        s->text += whole;
        s->size -= whole;
    }
    close(s->to);
    return NULL;
}

static void check_answers(int file)
{
    static struct lines lines;
    struct feed feed;
    struct line line;
    struct error e;

    lines_init(&lines);
    feed_init(&feed);
    lseek(file, 0, SEEK_SET);
    do
        while (lines_next(&lines, &line))
            require(feed_read(&feed, line.text, line.length, &e) ==
                        FEED_EVENT,
                    "an answer is an event");
    while (lines_fill(&lines, file) > 0);
    require(!lines_end(&lines), "the last answer has an end");
    require(ftruncate(file, 0) == 0 && lseek(file, 0, SEEK_SET) == 0,
            "answers are forgotten");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sender sender = { (const char *)data, size, -1 };
    int file = said(), ends[2];
    pthread_t thread;

    signal(SIGPIPE, SIG_IGN);
    require(pipe(ends) == 0, "there is a pipe");
    sender.to = ends[1];
    require(pthread_create(&thread, NULL, send_lines, &sender) == 0,
            "there is a thread");
    worker_run(ends[0]);
    close(ends[0]);
    pthread_join(thread, NULL);
    check_answers(file);
    return 0;
}
