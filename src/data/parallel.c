/*
 * The training text is read first. Merges and dictionaries are made from it,
 * unless they stand beside the data. Then the words of all files become numbers
 * of tokens, and the texts are given up.
 */
#include "data/parallel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/parallel_files.h"
#include "data/text_file.h"

enum { ADVICE_SIZE = 48 };

/* Is told of merges as they are learned; NULL: nobody is. */
static void (*watcher)(int merges, int wanted);

struct opening {
    const struct settings *settings;
    struct parallel_files files;
    struct corpus *corpus;
    struct cutter cutter[SIDES];
    bool read[SIDES];    /* dictionaries are of files */
};

/* Both languages of a split. */
struct texts {
    struct text_file file[SIDES];
};

static void texts_free(struct texts *t)
{
    for (int k = 0; k < SIDES; k++)
        text_file_free(&t->file[k]);
}

/* Says which setting an error is about. */
static bool blame_path(const struct error *why, struct error *e)
{
    return error_set(e, EXIT_INPUT, "data_path: %s", why->text);
}

static bool check_lines(const struct texts *t, struct error *e)
{
    const struct text_file *a = &t->file[SIDE_SOURCE];
    const struct text_file *b = &t->file[SIDE_TARGET];

    return a->lines == b->lines ||
           error_set(e, EXIT_INPUT, "data_path: %s has %d lines, but %s has "
                     "%d; each line of one must be the translation of the same "
                     "line of the other", a->path, a->lines, b->path,
                     b->lines);
}

static bool read_texts(struct texts *t, const struct opening *o,
                       enum split split, struct error *e)
{
    struct error why;

    *t = (struct texts){ 0 };
    for (int k = 0; k < SIDES; k++)
        if (!text_file_read(&t->file[k], o->files.path[split][k], GAPS_REFUSED,
                            &why)) {
            texts_free(t);
            return blame_path(&why, e);
        }
    if (check_lines(t, e))
        return true;
    texts_free(t);
    return false;
}

/* "--set longest=30, or ", where that setting can be; "" where not. */
static const char *advice_of(const struct settings *s, const char *name,
                             int number, char text[ADVICE_SIZE])
{
    *text = '\0';
    if (settings_can_be(s, name, number))
        snprintf(text, ADVICE_SIZE, "--set %s=%d, or ", name, number);
    return text;
}

/* Words stay whole with subwords=0, which is no advice where there are no
 * merges. */
static const char *advise_merges(const struct opening *o, int merges,
                                 char text[ADVICE_SIZE])
{
    *text = '\0';
    return merges > 0 ? advice_of(o->settings, "subwords", merges, text) : text;
}

static bool read_merges(struct opening *o, struct error *e)
{
    const char *path = o->files.merges;
    int wanted = o->settings->subwords, merges;
    char advice[ADVICE_SIZE];
    struct text_file file;
    struct error why;
    bool done;

    if (!text_file_read(&file, path, GAPS_ALLOWED, &why))
        return blame_path(&why, e);
    done = bpe_parse(&o->corpus->bpe, path,
                     (struct bpe_text){ file.data, file.bytes }, &why);
    text_file_free(&file);
    if (!done)
        return error_set(e, EXIT_INPUT, "data_path: %s; write it anew, as "
                         "subword-nmt does, or remove it", why.text);
    merges = bpe_merges(o->corpus->bpe);
    return merges == wanted ||
           error_set(e, EXIT_INPUT, "subwords: %d, but %s has %d merges; "
                     "%sremove the file to learn others", wanted, path, merges,
                     advise_merges(o, merges, advice));
}

/* Fewer merges than are wanted are refused, as those of a file are: written
 * beside the text, they would be. */
static bool learn_merges(struct opening *o, const struct texts *train,
                         struct error *e)
{
    int wanted = o->settings->subwords, merges;
    char advice[ADVICE_SIZE];
    struct bpe_text text[SIDES];

    for (int k = 0; k < SIDES; k++)
        text[k] = (struct bpe_text){ train->file[k].data,
                                     train->file[k].bytes };
    o->corpus->bpe = bpe_learn(text, SIDES, wanted, watcher);
    merges = bpe_merges(o->corpus->bpe);
    return merges == wanted ||
           error_set(e, EXIT_INPUT, "subwords: %d, but %s and %s have only %d "
                     "merges; %sadd sentences to them", wanted,
                     train->file[SIDE_SOURCE].path,
                     train->file[SIDE_TARGET].path, merges,
                     advise_merges(o, merges, advice));
}

static bool get_merges(struct opening *o, const struct texts *train,
                       struct error *e)
{
    if (o->settings->subwords == 0)
        return true;
    if (access(o->files.merges, F_OK) == 0)
        return read_merges(o, e);
    return learn_merges(o, train, e);
}

static bool get_dictionary(struct opening *o, const struct texts *train,
                           int side, struct error *e)
{
    const struct text_file *file = &train->file[side];
    struct dictionary **d = &o->corpus->dictionary[side];
    struct error why;

    o->read[side] = access(o->files.dictionary[side], F_OK) == 0;
    if (o->read[side])
        return dictionary_read(d, o->files.dictionary[side], &why) ||
               blame_path(&why, e);
    *d = dictionary_new();
    pieces_count(*d, o->corpus->bpe, (struct word){ file->data, file->bytes });
    dictionary_sort(*d);
    return true;
}

static bool get_dictionaries(struct opening *o, const struct texts *train,
                             struct error *e)
{
    struct corpus *c = o->corpus;

    for (int k = 0; k < SIDES; k++) {
        if (!get_dictionary(o, train, k, e))
            return false;
        cutter_init(&o->cutter[k], c->bpe, c->dictionary[k]);
    }
    c->marks = pieces_marks(c->dictionary[SIDE_TARGET]);
    return true;
}

static void put_line(struct opening *o, enum split split, int side,
                     struct word line)
{
    const int32_t *token;
    struct word word;

    while (word_next(&line, &word)) {
        int count = cutter_word(&o->cutter[side], word, &token);

        pairs_put(&o->corpus->split[split], (enum side)side, token, count);
    }
}

/* Of validation and test no line is left out: a score would be of another set.
 */
static bool check_length(const struct opening *o, const struct texts *t,
                         enum split split, int line, struct error *e)
{
    const struct pairs *p = &o->corpus->split[split];
    char advice[ADVICE_SIZE];

    for (int k = 0; k < SIDES; k++) {
        int tokens = pairs_written(p, (enum side)k);

        if (tokens > o->settings->longest)
            return error_set(e, EXIT_INPUT, "data_path: %s: line %d: %d tokens "
                             "with the end mark are more than longest, %d; "
                             "%smake the sentence shorter", t->file[k].path,
                             line, tokens, o->settings->longest,
                             advice_of(o->settings, "longest", tokens,
                                       advice));
    }
    return true;
}

/* Adds a pair of lines, if it is not too long. */
static bool add_pair(struct opening *o, const struct texts *t,
                     enum split split, int line, const struct word text[SIDES],
                     struct error *e)
{
    struct pairs *p = &o->corpus->split[split];

    for (int k = 0; k < SIDES; k++)
        put_line(o, split, k, text[k]);
    if (check_length(o, t, split, line, split == SPLIT_TRAIN ? NULL : e))
        pairs_keep(p);
    else if (split == SPLIT_TRAIN)
        pairs_leave_out(p);
    else
        return false;
    if (split != SPLIT_TRAIN)
        pairs_refer(p, text[SIDE_TARGET], o->corpus->marks);
    return true;
}

static bool add_pairs(struct opening *o, const struct texts *t,
                      enum split split, struct error *e)
{
    struct word text[SIDES];
    size_t at[SIDES] = { 0, 0 };

    for (int line = 1; line <= t->file[0].lines; line++) {
        for (int k = 0; k < SIDES; k++)
            text_file_next(&t->file[k], &at[k], &text[k]);
        if (!add_pair(o, t, split, line, text, e))
            return false;
    }
    return true;
}

static bool check_pairs(const struct opening *o, struct error *e)
{
    const struct pairs *p = &o->corpus->split[SPLIT_TRAIN];

    return p->count > 0 ||
           error_set(e, EXIT_INPUT, "data_path: %s: all %d sentences, or their "
                     "translations, are longer than longest, %d tokens; raise "
                     "it", o->files.path[SPLIT_TRAIN][SIDE_SOURCE],
                     p->left_out, o->settings->longest);
}

/* A dictionary of another text, or of words in place of pieces, has few of the
 * tokens. */
static bool check_dictionary(const struct opening *o, int side,
                             struct error *e)
{
    const struct pairs *p = &o->corpus->split[SPLIT_TRAIN];
    const struct sentences *s = &p->side[side];
    int unknown = 0, tokens = s->tokens - p->count;

    for (int i = 0; i < s->tokens; i++)
        unknown += s->token[i] == TOKEN_UNKNOWN;
    return !o->read[side] || unknown <= tokens / 2 ||
           error_set(e, EXIT_INPUT, "data_path: %s: %d of %d tokens of %s are "
                     "not in it; remove it, or put there the dictionary of "
                     "this text", o->files.dictionary[side], unknown,
                     tokens, o->files.path[SPLIT_TRAIN][side]);
}

static bool open_train(struct opening *o, struct error *e)
{
    struct texts train;
    bool done;

    if (!read_texts(&train, o, SPLIT_TRAIN, e))
        return false;
    done = get_merges(o, &train, e) && get_dictionaries(o, &train, e) &&
           add_pairs(o, &train, SPLIT_TRAIN, e) && check_pairs(o, e) &&
           check_dictionary(o, SIDE_SOURCE, e) &&
           check_dictionary(o, SIDE_TARGET, e);
    texts_free(&train);
    return done;
}

static bool open_other(struct opening *o, enum split split, struct error *e)
{
    struct texts texts;
    bool done;

    if (!o->files.path[split][SIDE_SOURCE][0])
        return true;
    if (!read_texts(&texts, o, split, e))
        return false;
    done = add_pairs(o, &texts, split, e);
    texts_free(&texts);
    return done;
}

static bool check_files(const struct settings *s, struct error *e)
{
    struct parallel_files files;

    return parallel_files_find(&files, s, e);
}

static bool open_files(struct corpus *c, const struct settings *s,
                       struct error *e)
{
    struct opening o = { .settings = s, .corpus = c };
    bool done;

    if (!parallel_files_find(&o.files, s, e))
        return false;
    done = open_train(&o, e) && open_other(&o, SPLIT_VALID, e) &&
           open_other(&o, SPLIT_TEST, e);
    for (int k = 0; k < SIDES; k++)
        cutter_done(&o.cutter[k]);
    return done;
}

/* Files that are written: the dictionaries, then the merges. */
enum { KEPT_MOST = SIDES + 1 };

struct kept_file {
    const char *path;
    const struct dictionary *dictionary; /* NULL: its merges */
    struct draft *draft;
    struct stat status;  /* of the file that the draft becomes */
};

static bool check_absent(const char *path, struct error *e)
{
    return access(path, F_OK) != 0 ||
           error_set(e, EXIT_INPUT, "%s: a file is there already; remove it, "
                     "or name another folder", path);
}

static bool check_kept(const char *path, struct error *e)
{
    return check_absent(path, e) && draft_check(path, e);
}

bool parallel_check_write(const char *source, const char *target, bool merges,
                          const char *folder, struct error *e)
{
    struct parallel_files name;

    parallel_files_name(&name, source, target, folder);
    return check_kept(name.dictionary[SIDE_SOURCE], e) &&
           check_kept(name.dictionary[SIDE_TARGET], e) &&
           (!merges || check_kept(name.merges, e));
}

static bool draft_kept(struct kept_file *f, const struct corpus *c,
                       struct error *e)
{
    return check_absent(f->path, e) && draft_begin(&f->draft, f->path, e) &&
           (f->dictionary ? dictionary_write(f->dictionary, f->draft, e)
                          : bpe_write(c->bpe, f->draft, e)) &&
           draft_sync(f->draft, &f->status, e);
}

/* Gives all drafts their names, or none. */
static bool finish_kept(struct kept_file file[], int files, struct error *e)
{
    for (int i = 0; i < files; i++) {
        struct draft *draft = file[i].draft;

        file[i].draft = NULL;
        if (draft_finish(draft, DRAFT_NEW, e))
            continue;
        while (i-- > 0)
            draft_remove(file[i].path, &file[i].status);
        return false;
    }
    return true;
}

bool parallel_write(const struct corpus *c, const char *folder,
                    struct error *e)
{
    struct kept_file file[KEPT_MOST] = { { 0 } };
    struct parallel_files name;
    int files = c->bpe ? KEPT_MOST : SIDES;
    bool ok = true;

    parallel_files_name(&name, c->language[SIDE_SOURCE],
                        c->language[SIDE_TARGET], folder);
    for (int k = 0; k < SIDES; k++) {
        file[k].path = name.dictionary[k];
        file[k].dictionary = c->dictionary[k];
    }
    file[SIDES].path = name.merges;
    for (int i = 0; ok && i < files; i++)
        ok = draft_kept(&file[i], c, e);
    ok = ok && finish_kept(file, files, e);
    for (int i = 0; i < files; i++)
        draft_drop(file[i].draft);
    return ok;
}

void parallel_watch(void (*told)(int merges, int wanted))
{
    watcher = told;
}

const struct corpus_source parallel_source = {
    .check = check_files, .open = open_files
};
