#include "ui/session/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OWN_MOST = 4096 };

void history_init(struct history *h)
{
    *h = (struct history){ .count = 0 };
}

void history_done(struct history *h)
{
    for (int i = 0; i < h->count; i++)
        past_free(h->list[i]);
    for (int i = 0; i < h->own_count; i++)
        free(h->own[i]);
    free(h->list);
    free(h->own);
    history_init(h);
}

/* The first place whose number is not above this one: the newest is first. */
static int place_of_past(const struct history *h, int number)
{
    int low = 0, high = h->count;

    while (low < high) {
        int middle = (low + high) / 2;
        if (h->list[middle]->attempt.number > number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct past *history_find(const struct history *h, int number)
{
    int at = place_of_past(h, number);

    return at < h->count && h->list[at]->attempt.number == number
               ? h->list[at] : NULL;
}

struct past *history_drawn(const struct history *h, int index)
{
    return h->drawn[index] ? history_find(h, h->drawn[index]) : NULL;
}

static void undraw(struct history *h, struct past *p)
{
    if (p->letter)
        h->drawn[p->letter - 'a'] = 0;
    p->letter = '\0';
}

/* All that is shown of a run. */
static void sift_past(struct history *h, struct past *p)
{
    char words[1024 + RUN_PRESET_SIZE];
    const char *state = record_state_name(p->state);

    snprintf(words, sizeof(words), "%s %s %s %s %s %s", p->label, p->name,
             p->tags, p->attempt.preset, state, p->savings);
    p->passes = sift_passes(&h->sift, &p->attempt, p, state, words);
}

static void count_shown(struct history *h)
{
    h->shown = 0;
    for (int i = 0; i < h->count; i++)
        h->shown += h->list[i]->passes && !h->list[i]->own;
}

static bool is_own_folder(const struct history *h, const char *name)
{
    for (int i = 0; i < h->own_count; i++)
        if (strcmp(h->own[i], name) == 0)
            return true;
    return false;
}

static void insert_past(struct history *h, int at, struct past *p)
{
    h->list = xgrow(h->list, h->count, sizeof(struct past *));
    memmove(h->list + at + 1, h->list + at,
            (size_t)(h->count++ - at) * sizeof(struct past *));
    h->list[at] = p;
}

/* Curves that are drawn are read again as they grow. */
void history_put(struct history *h, struct past *p)
{
    int at = place_of_past(h, p->attempt.number);
    struct past *before = history_find(h, p->attempt.number);

    p->own = is_own_folder(h, p->name);
    if (before) {
        h->shown -= before->passes && !before->own;
        past_renew(before, p);
        past_free(before);
        h->list[at] = p;
    } else {
        insert_past(h, at, p);
    }
    if (p->letter)
        history_want(h, p);
    sift_past(h, p);
    h->shown += p->passes && !p->own;
}

void history_remove(struct history *h, int number)
{
    int at = place_of_past(h, number);

    if (!history_find(h, number))
        return;
    undraw(h, h->list[at]);
    past_free(h->list[at]);
    memmove(h->list + at, h->list + at + 1,
            (size_t)(--h->count - at) * sizeof(struct past *));
    count_shown(h);
}

/* The whole that is missed least, if there are too many. */
static void let_whole_go(struct history *h)
{
    struct past *least = NULL;
    int count = 0;

    for (int i = 0; i < h->count; i++) {
        struct past *p = h->list[i];
        count += p->whole != NULL;
        if (p->whole && !p->letter && (!least || p->used < least->used))
            least = p;
    }
    if (count > HISTORY_WHOLES && least)
        past_put_whole(least, NULL);
}

void history_put_whole(struct history *h, int number, struct whole *w)
{
    struct past *p = history_find(h, number);

    if (!p) {
        whole_free(w);
        return;
    }
    past_put_whole(p, w);
    sift_past(h, p);
    count_shown(h);
    let_whole_go(h);
}

void history_own(struct history *h, const char *name)
{
    if (!*name || is_own_folder(h, name) || h->own_count == OWN_MOST)
        return;
    h->own = xgrow(h->own, h->own_count, sizeof(char *));
    h->own[h->own_count++] = xstrdup(name);
    for (int i = 0; i < h->count; i++)
        if (strcmp(h->list[i]->name, name) == 0) {
            h->list[i]->own = true;
            undraw(h, h->list[i]);
        }
    count_shown(h);
}

void history_sift(struct history *h, const char *filter)
{
    sift_set(&h->sift, filter);
    for (int i = 0; i < h->count; i++)
        sift_past(h, h->list[i]);
    count_shown(h);
}

bool history_want(struct history *h, struct past *p)
{
    p->used = ++h->used;
    if (!p->wanted && (!p->whole || p->stale)) {
        p->wanted = true;
        h->wants = true;
    }
    return p->whole;
}

bool history_draw(struct history *h, struct past *p)
{
    int index = 0;

    if (p->letter) {
        undraw(h, p);
        return true;
    }
    while (index < HISTORY_DRAWN && h->drawn[index])
        index++;
    if (index == HISTORY_DRAWN)
        return false;
    h->drawn[index] = p->attempt.number;
    p->letter = (char)('a' + index);
    history_want(h, p);
    return true;
}
