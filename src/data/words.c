#include "data/words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/error.h"

enum { SLOTS_MIN = 64 };

/* Slots are at most half full. A slot has the number of its word plus 1; 0: it
 * is free. */
struct words {
    int *slot;           /* [slots], a power of two */
    int slots;
    uint32_t *hash;      /* of each word */
    size_t *end;         /* of each word in text[] */
    int count;
    char *text;          /* the words one after the other */
    size_t room;
};

bool word_next(struct word *line, struct word *word)
{
    const char *at = line->at, *end = line->at + line->bytes;

    while (at < end && *at == ' ')
        at++;
    word->at = at;
    while (at < end && *at != ' ')
        at++;
    word->bytes = (size_t)(at - word->at);
    *line = (struct word){ at, (size_t)(end - at) };
    return word->bytes > 0;
}

int word_compare(struct word a, struct word b)
{
    size_t both = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = both > 0 ? memcmp(a.at, b.at, both) : 0;

    return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

bool word_is(struct word a, struct word b)
{
    return a.bytes == b.bytes && memcmp(a.at, b.at, a.bytes) == 0;
}

struct word word_of(const char *text)
{
    return (struct word){ text, strlen(text) };
}

struct words *words_new(void)
{
    struct words *w = xcalloc(1, sizeof(*w));

    w->slots = SLOTS_MIN;
    w->slot = xcalloc((unsigned long)w->slots, sizeof(*w->slot));
    return w;
}

void words_free(struct words *w)
{
    if (!w)
        return;
    free(w->slot);
    free(w->hash);
    free(w->end);
    free(w->text);
    free(w);
}

int words_count(const struct words *w)
{
    return w->count;
}

struct word words_at(const struct words *w, int number)
{
    size_t begin = number > 0 ? w->end[number - 1] : 0;

    return (struct word){ w->text + begin, w->end[number] - begin };
}

/* The upper half of the sum is mixed into the lower. */
static uint32_t hash_of(struct word word)
{
    uint64_t sum = checksum_add(CHECKSUM_START, word.at, word.bytes);

    return (uint32_t)(sum ^ sum >> 32);
}

/* The slot of a word, or the free one where it belongs. */
static int *slot_of(const struct words *w, struct word word, uint32_t hash)
{
    uint32_t mask = (uint32_t)w->slots - 1;

    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        int number = w->slot[i] - 1;

        if (number < 0 || (w->hash[number] == hash &&
                           word_is(words_at(w, number), word)))
            return &w->slot[i];
    }
}

int words_find(const struct words *w, struct word word)
{
    return *slot_of(w, word, hash_of(word)) - 1;
}

static void double_slots(struct words *w)
{
    free(w->slot);
    w->slots *= 2;
    w->slot = xcalloc((unsigned long)w->slots, sizeof(*w->slot));
    for (int i = 0; i < w->count; i++)
        *slot_of(w, words_at(w, i), w->hash[i]) = i + 1;
}

/* Copies the bytes behind those of the other words; returns their end. */
static size_t keep_bytes(struct words *w, struct word word)
{
    size_t begin = w->count > 0 ? w->end[w->count - 1] : 0;

    if (begin + word.bytes > w->room) {
        w->room = 2 * (begin + word.bytes);
        w->text = xrealloc(w->text, w->room, 1);
    }
    memcpy(w->text + begin, word.at, word.bytes);
    return begin + word.bytes;
}

int words_add(struct words *w, struct word word)
{
    uint32_t hash = hash_of(word);
    int *slot = slot_of(w, word, hash);

    if (*slot > 0)
        return *slot - 1;
    w->hash = xgrow(w->hash, w->count, sizeof(*w->hash));
    w->end = xgrow(w->end, w->count, sizeof(*w->end));
    w->hash[w->count] = hash;
    w->end[w->count] = keep_bytes(w, word);
    *slot = ++w->count;
    if (2 * w->count > w->slots)
        double_slots(w);
    return w->count - 1;
}
