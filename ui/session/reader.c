/*
 * The thread knows each folder by its name and the stamp that it had when it
 * was read. News wait in a list until the screens take them.
 */
#include "ui/session/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "events/archive_within.h"
#include "ui/session/background.h"

/* How often the thread tells of its progress, at most; the time from one look
 * to the next, at least, and in times that a look took. */
static const double tell_seconds = 0.05;
static const double rest_seconds = 1;
static const double rest_times = 9;

/* A folder of the archive. */
struct known {
    char *name;                  /* owned */
    int number;
    struct record_stamp stamp;   /* as it was read */
    bool was_read;
    enum record_state state;
};

struct news_item {
    int number;
    struct past *past;           /* owned; NULL: ... */
    bool gone;                   /* ... it is gone, or ... */
    struct whole *whole;         /* ... this is its whole, owned, or NULL */
};

struct reader {
    struct background thread;
    char root[RECORD_PATH_SIZE];
    /* The thread's own: */
    struct known *known;         /* owned, [known_count], by name */
    int known_count, numbers;
    double rests_until, told;
    char said[ERROR_TEXT_SIZE];  /* the last error */
    /* Shared, with the lock: */
    bool look;
    int *wanted;                 /* owned, [wanted_count] */
    int wanted_count;
    struct news_item *news;      /* owned, [news_count] */
    int news_count;
    int looked_at, folders, others;
    struct error error;          /* with the archive; EXIT_OK: none, or told */
};

/* Both are called with the lock. */
static void tell_news(struct reader *r, struct news_item item)
{
    r->news = xgrow(r->news, r->news_count, sizeof(*r->news));
    r->news[r->news_count++] = item;
}

static void tell_of_news(struct reader *r, bool at_once)
{
    double now = clock_seconds();

    if (!at_once && now - r->told < tell_seconds)
        return;
    r->told = now;
    background_tell(&r->thread);
}

static const char *folder_of(const struct reader *r, const struct known *k,
                             char folder[RECORD_PATH_SIZE])
{
    return record_path(r->root, k->name, folder);
}

/* Reads a run if there is reason to; NULL: there is nothing new. The stamp is
 * taken first, so that the next look finds lines that are added meanwhile. */
static struct past *read_past(const struct reader *r, struct known *k)
{
    char folder[RECORD_PATH_SIZE];
    struct record_stamp stamp = record_stamp(folder_of(r, k, folder));
    bool same = k->was_read && record_stamp_same(&stamp, &k->stamp);
    bool open = k->state == RECORD_RUNNING || k->state == RECORD_PAUSED;
    enum record_state before = k->state;
    struct past *past = NULL;
    struct record record;

    if (same && !open)
        return NULL;
    k->stamp = stamp;
    k->was_read = true;
    k->state = RECORD_EMPTY;
    if (!stamp.is_record)
        return NULL;
    if (record_read(&record, folder, RECORD_ENDS, NULL)) {
        k->state = record.state;
        snprintf(record.name, sizeof(record.name), "%s", k->name);
        if (!same || k->state != before)
            past = past_new(&record, k->number);
    }
    record_done(&record);
    return past;
}

static const struct known *find_known(const struct reader *r, int number)
{
    for (int i = 0; i < r->known_count; i++)
        if (r->known[i].number == number)
            return &r->known[i];
    return NULL;
}

/* Reads the wholes that are wanted; called with the lock. */
static void serve_wanted(struct reader *r)
{
    while (r->wanted_count > 0 && !r->thread.quit) {
        struct news_item item = { .number = r->wanted[0] };
        const struct known *k = find_known(r, item.number);
        char folder[RECORD_PATH_SIZE];

        memmove(r->wanted, r->wanted + 1,
                (size_t)--r->wanted_count * sizeof(r->wanted[0]));
        background_unlock(&r->thread);
        item.whole = k ? whole_read(folder_of(r, k, folder)) : NULL;
        background_lock(&r->thread);
        tell_news(r, item);
        tell_of_news(r, true);
    }
}

/* Puts the folders of now in the place of those that were known, which keep
 * their numbers. Both lists are in the order of names. */
static void merge_names(struct reader *r, struct archive_names *names)
{
    struct known *next = xcalloc((unsigned long)names->count, sizeof(*next));
    int old = 0;

    for (int i = 0; i < names->count; i++) {
        int order = -1;
        while (old < r->known_count &&
               (order = strcmp(r->known[old].name, names->list[i])) < 0) {
            tell_news(r, (struct news_item){ .number = r->known[old].number,
                                             .gone = true });
            free(r->known[old++].name);
        }
        if (old < r->known_count && order == 0) {
            next[i] = r->known[old++];
            continue;
        }
        next[i].name = names->list[i];
        names->list[i] = NULL;
        next[i].number = PAST_FIRST + ++r->numbers;
    }
    for (; old < r->known_count; old++) {
        tell_news(r, (struct news_item){ .number = r->known[old].number,
                                         .gone = true });
        free(r->known[old].name);
    }
    free(r->known);
    r->known = next;
    r->known_count = names->count;
}

/* An error that goes on is told once. */
static void tell_error(struct reader *r, const struct error *e)
{
    if (strcmp(r->said, e->text) == 0)
        return;
    snprintf(r->said, sizeof(r->said), "%s", e->text);
    r->error = *e;
    tell_of_news(r, true);
}

/* Lists the folders; called with the lock. */
static bool list_folders(struct reader *r)
{
    struct archive_names names;
    struct error e;
    bool ok;

    background_unlock(&r->thread);
    ok = archive_list_all(&names, r->root, &e);
    background_lock(&r->thread);
    if (!ok) {
        tell_error(r, &e);
        return false;
    }
    if (names.count == 0 && r->known_count > 0) {
        error_set(&e, EXIT_RUN, "%s: the runs that were there are gone",
                  r->root);
        tell_error(r, &e);
    }
    if (names.count > 0)
        r->said[0] = '\0';
    merge_names(r, &names);
    archive_names_done(&names);
    return true;
}

/* Reads all news, the newest first; called with the lock, which it lets go of
 * for each. */
static void look_at_all(struct reader *r)
{
    int others = 0;

    r->folders = r->known_count;
    for (int i = r->known_count - 1; i >= 0 && !r->thread.quit; i--) {
        struct known *k = &r->known[i];
        bool was_record = k->stamp.is_record, gone;
        struct past *past;

        serve_wanted(r);
        background_unlock(&r->thread);
        past = read_past(r, k);
        background_lock(&r->thread);
        gone = was_record && !k->stamp.is_record;
        if (past || gone)
            tell_news(r, (struct news_item){ k->number, past, gone, NULL });
        others += !k->stamp.is_record;
        r->looked_at = r->known_count - i;
        tell_of_news(r, false);
    }
    r->looked_at = r->folders;
    r->others = others;
    tell_of_news(r, true);
}

static bool read_next(void *arg)
{
    struct reader *r = arg;
    double began = clock_seconds(), took;

    serve_wanted(r);
    if (!r->look || began < r->rests_until) {
        r->look = false;
        return false;
    }
    r->look = false;
    if (list_folders(r))
        look_at_all(r);
    took = clock_seconds() - began;
    r->rests_until = clock_seconds() +
                     (took * rest_times > rest_seconds ? took * rest_times
                                                       : rest_seconds);
    return true;
}

struct reader *reader_new(const char *root)
{
    struct reader *r = xcalloc(1, sizeof(*r));

    snprintf(r->root, sizeof(r->root), "%s", root);
    background_start(&r->thread, read_next, r);
    return r;
}

static void free_item(struct news_item *item)
{
    past_free(item->past);
    whole_free(item->whole);
}

void reader_free(struct reader *r)
{
    if (!r || !background_stop(&r->thread))
        return;
    for (int i = 0; i < r->news_count; i++)
        free_item(&r->news[i]);
    for (int i = 0; i < r->known_count; i++)
        free(r->known[i].name);
    free(r->news);
    free(r->wanted);
    free(r->known);
    free(r);
}

void reader_look(struct reader *r)
{
    background_lock(&r->thread);
    r->look = true;
    background_wake(&r->thread);
    background_unlock(&r->thread);
}

void reader_want(struct reader *r, int number)
{
    background_lock(&r->thread);
    r->wanted = xgrow(r->wanted, r->wanted_count, sizeof(*r->wanted));
    r->wanted[r->wanted_count++] = number;
    background_wake(&r->thread);
    background_unlock(&r->thread);
}

int reader_fd(const struct reader *r)
{
    return background_fd(&r->thread);
}

static void put_item(struct history *h, const struct news_item *item)
{
    if (item->past)
        history_put(h, item->past);
    else if (item->gone)
        history_remove(h, item->number);
    else
        history_put_whole(h, item->number, item->whole);
}

bool reader_take(struct reader *r, struct history *h, struct error *e)
{
    struct news_item *news;
    int count;
    bool any;

    background_hear(&r->thread);
    background_lock(&r->thread);
    background_clear(&r->thread);
    news = r->news;
    count = r->news_count;
    r->news = NULL;
    r->news_count = 0;
    any = count > 0 || h->reading != r->looked_at ||
          h->folders != r->folders || h->others != r->others;
    h->reading = r->looked_at;
    h->folders = r->folders;
    h->others = r->others;
    *e = r->error;
    r->error = (struct error){ .code = EXIT_OK };
    background_unlock(&r->thread);
    for (int i = 0; i < count; i++)
        put_item(h, &news[i]);
    free(news);
    return any || e->code != EXIT_OK;
}
