#include "train/translator.h"

#include <stdlib.h>
#include <string.h>

#include "data/dictionary.h"
#include "train/bleu.h"

/* Sentences by their lengths: those that are translated together then take
 * about as many steps. */
struct by_length {
    int length, place;
};

/* The sentences of a part: places of the order from `begin` on. */
struct together {
    const struct source *sources;
    const struct by_length *order;
    int begin;
    struct extents extents;
};

bool translator_is_planned(const struct plan *plan)
{
    const struct program_steps *p = &plan->schedule->program[PROGRAM_TRANSLATE];

    return p->begin < p->end;
}

int translator_source(const struct plan *plan)
{
    return plan->schedule->translated.first.of[EXTENT_SOURCE];
}

int translator_steps(const struct plan *plan)
{
    const struct program_steps *p = &plan->schedule->program[PROGRAM_TRANSLATE];
    int report = p->end - 1;

    return schedule_operand(plan->schedule, report, REPORT_TRANSLATIONS,
                            &plan->most[PROGRAM_TRANSLATE]).dim[1];
}

static int longer_first(const void *a, const void *b)
{
    const struct by_length *x = a, *y = b;

    return x->length != y->length ? y->length - x->length
                                  : x->place - y->place;
}

static struct by_length *order_of(const struct source *sources, int count)
{
    struct by_length *order = xcalloc((unsigned long)count + 1,
                                      sizeof(*order));

    for (int i = 0; i < count; i++)
        order[i] = (struct by_length){ sources[i].count, i };
    qsort(order, (size_t)count, sizeof(*order), longer_first);
    return order;
}

/* The one part of a batch. */
static bool next_together(void *arg, struct part *part)
{
    const struct together *t = arg;
    bool first = part->count.of[EXTENT_SAMPLES] == 0;

    if (first)
        part->count = t->extents;
    return first;
}

/* Source rows before sentence number `sample` of the part. */
static int rows_before(const struct together *t, int sample)
{
    int rows = 0;

    for (int i = 0; i < sample; i++)
        rows += t->order[t->begin + i].length;
    return rows;
}

static void fill_together(void *arg, const struct part *part, int begin,
                          int end, const struct stream stream[])
{
    const struct together *t = arg;
    const struct stream *to = &stream[SEQUENCES_SOURCE];
    const struct stream *ends = &stream[SEQUENCES_SOURCE_ENDS];
    int row = rows_before(t, begin), first = rows_before(t, to->sample);

    (void)part;
    for (int i = begin; i < end; i++) {
        const struct source *s = &t->sources[t->order[t->begin + i].place];

        memcpy((int32_t *)to->data + row - first, s->tokens,
               (size_t)s->count * sizeof(*s->tokens));
        row += s->count;
        ((int32_t *)ends->data)[i - ends->sample] = row;
    }
}

/* Adds to the part as many of the rest as there is room for. */
static void take_together(struct together *t, const struct plan *plan,
                          int count)
{
    const struct extents *most = &plan->most[PROGRAM_TRANSLATE];
    const struct extents *each = &plan->schedule->translated.each;
    struct extents *e = &t->extents;

    *e = (struct extents){ 0 };
    for (int i = t->begin; i < count; i++) {
        int source = e->of[EXTENT_SOURCE] + t->order[i].length;

        if (e->of[EXTENT_SAMPLES] == most->of[EXTENT_SAMPLES] ||
            source > most->of[EXTENT_SOURCE])
            break;
        e->of[EXTENT_SAMPLES]++;
        e->of[EXTENT_SOURCE] = source;
        e->of[EXTENT_HYPOTHESES] += each->of[EXTENT_HYPOTHESES];
    }
}

static void run_together(struct executor *ex, struct together *t,
                         int32_t *translations)
{
    struct loader loader = { .next = next_together, .fill = fill_together,
                             .arg = t };
    struct batch batch = { .whole = t->extents, .loader = &loader,
                           .translations = translations };

    executor_run(ex, PROGRAM_TRANSLATE, &batch);
}

/* Tokens before the end mark, if there is one. */
static int tokens_before_end(const int32_t *tokens, int steps)
{
    int count = 0;

    while (count < steps && tokens[count] != TOKEN_END)
        count++;
    return count;
}

void translator_run(struct executor *ex, const struct source *sources,
                    int count, struct translation_sink to)
{
    const struct plan *plan = ex->plan;
    int steps = translator_steps(plan);
    int most = plan->most[PROGRAM_TRANSLATE].of[EXTENT_SAMPLES];
    int32_t *part = xcalloc((size_t)most * (size_t)steps, sizeof(*part));
    struct by_length *order = order_of(sources, count);
    struct together t = { sources, order, 0, { { 0 } } };

    for (; t.begin < count; t.begin += t.extents.of[EXTENT_SAMPLES]) {
        take_together(&t, plan, count);
        run_together(ex, &t, part);
        for (int i = 0; i < t.extents.of[EXTENT_SAMPLES]; i++) {
            const int32_t *tokens = part + (size_t)i * (size_t)steps;

            to.take(to.arg, order[t.begin + i].place, tokens,
                    tokens_before_end(tokens, steps));
        }
    }
    free(order);
    free(part);
}

/* A split whose translations are compared with its references. */
struct compared {
    const struct sequences *set;
    enum split split;
    struct bleu bleu;
};

/* Sums of counts do not depend on the order of sentences. */
static void add_to_bleu(void *arg, int pair, const int32_t *tokens, int count)
{
    struct compared *c = arg;
    const char *reference = sequences_reference(c->set, c->split, pair);
    char *text;

    if (!reference)
        return;
    text = sequences_text(c->set, tokens, count);
    bleu_add(&c->bleu, text, reference);
    free(text);
}

double translator_bleu(struct executor *ex, const struct sequences *set,
                       enum split split, int pairs)
{
    struct source *sources = xcalloc((unsigned long)pairs + 1,
                                     sizeof(*sources));
    struct compared c = { .set = set, .split = split };

    for (int i = 0; i < pairs; i++)
        sources[i].tokens = sequences_source(set, split, i, &sources[i].count);
    translator_run(ex, sources, pairs,
                   (struct translation_sink){ add_to_bleu, &c });
    free(sources);
    return bleu_score(&c.bleu);
}
