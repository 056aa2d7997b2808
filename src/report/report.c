#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/quote.h"
#include "plan/job.h"
#include "settings/preset.h"

bool report_has(const struct record *r)
{
    return run_trial(&r->run) != NULL;
}

const char *entry_words(const struct entry *e)
{
    return *e->what ? e->what : "as the preset";
}

uint64_t entry_peak(const struct entry *e)
{
    return e->trial->planned;
}

bool entry_is_on_front(const struct entry *e)
{
    return e->competes && e->beaten_by < 0;
}

/* Whether two trials may be compared. */
static bool are_of_a_kind(const struct trial *a, const struct trial *b)
{
    struct contest one = contest_by(a), other = contest_by(b);

    return contest_alike(&one, &other);
}

/* The kinds of a run whose plan this version makes otherwise are not known. */
static void take_kinds(struct entry *e)
{
    size_t sum = 0;

    e->knows_kinds = job_kinds(&e->trial->settings, &e->record->run.machine,
                               e->bytes);
    for (int k = 0; k < KIND_COUNT; k++)
        sum += e->knows_kinds ? e->bytes[k] : 0;
    e->knows_kinds &= sum == entry_peak(e);
}

static void add_entry(struct report *r, const struct record *record,
                      const struct trial *t)
{
    struct entry *e;

    r->entries = xgrow(r->entries, r->entry_count, sizeof(*r->entries));
    e = &r->entries[r->entry_count++];
    *e = (struct entry){ .record = record, .trial = t, .score = NAN,
                         .beaten_by = -1 };
    take_kinds(e);
}

/* Adds the entries that are of a kind with a trial. */
static void add_group(struct report *r, const struct trial *like)
{
    struct group *g;

    r->groups = xgrow(r->groups, r->group_count, sizeof(*r->groups));
    g = &r->groups[r->group_count++];
    *g = (struct group){ .first = r->entry_count };
    for (int i = 0; i < r->record_count; i++) {
        const struct record *record = &r->records[i];
        for (int k = 0; k < record->run.trial_count; k++)
            if (are_of_a_kind(&record->run.trials[k], like))
                add_entry(r, record, &record->run.trials[k]);
    }
    g->count = r->entry_count - g->first;
}

static bool has_group(const struct report *r, const struct trial *t)
{
    for (int g = 0; g < r->group_count; g++)
        if (are_of_a_kind(r->entries[r->groups[g].first].trial, t))
            return true;
    return false;
}

static void make_groups(struct report *r)
{
    for (int i = 0; i < r->record_count; i++) {
        const struct run *run = &r->records[i].run;
        for (int k = 0; k < run->trial_count; k++)
            if (!has_group(r, &run->trials[k]))
                add_group(r, &run->trials[k]);
    }
}

static void name_entries(struct report *r)
{
    for (int i = 0; i < r->entry_count; i++) {
        struct entry *e = &r->entries[i];
        text_letters(e->label, i);
        e->origin = i;
        for (int k = i; k-- > 0;)
            if (r->entries[k].record == e->record)
                e->origin = k;
    }
}

/* How many entries of a group could compete after some epochs. */
static int count_scored(const struct report *r, const struct group *g,
                        int epochs)
{
    int count = 0;

    for (int i = g->first; i < g->first + g->count; i++)
        count += !trial_continues(r->entries[i].trial) &&
                 r->entries[i].trial->scored == epochs;
    return count;
}

/* The terms that most entries have in common; of several, the longest. */
static void set_terms(const struct report *r, struct group *g)
{
    int most = 0;

    g->contest = contest_by(r->entries[g->first].trial);
    g->contest.epochs = 0;
    for (int i = g->first; i < g->first + g->count; i++) {
        int epochs = r->entries[i].trial->scored;
        int count = epochs > 0 ? count_scored(r, g, epochs) : 0;
        if (count > most || (count == most && epochs > g->contest.epochs &&
                             count > 0)) {
            most = count;
            g->contest.epochs = epochs;
        }
    }
}

static struct entrant entrant_of_entry(const struct entry *e)
{
    return (struct entrant){ e->trial, entry_peak(e) };
}

static void let_compete(struct report *r, struct group *g)
{
    for (int i = g->first; i < g->first + g->count; i++) {
        struct entrant own = entrant_of_entry(&r->entries[i]);
        struct entry *e = &r->entries[i];
        e->competes = contest_admits(&g->contest, &own);
        e->score = e->competes ? contest_score(&g->contest, e->trial) : NAN;
    }
    for (int i = g->first; i < g->first + g->count; i++)
        for (int k = g->first; k < g->first + g->count; k++) {
            struct entrant own = entrant_of_entry(&r->entries[i]);
            struct entrant other = entrant_of_entry(&r->entries[k]);
            struct entry *e = &r->entries[i];
            if (e->competes && r->entries[k].competes && e->beaten_by < 0 &&
                contest_beats(&g->contest, &other, &own))
                e->beaten_by = k;
        }
}

/* Settings with what the machine of the run has chosen: a run that left that to
 * the machine does not differ from one that asked for it. */
static struct settings settled_of_entry(const struct entry *e)
{
    return machine_settle(&e->record->run.machine, &e->trial->settings);
}

static bool varies(const struct report *r, const struct group *g,
                   const struct setting *row)
{
    struct settings first = settled_of_entry(&r->entries[g->first]);

    for (int i = g->first + 1; i < g->first + g->count; i++) {
        struct settings other = settled_of_entry(&r->entries[i]);
        if (settings_differ(&other, &first, row))
            return true;
    }
    return false;
}

/* Adds "name=value". */
static void tell_assignment(struct buffer *b, const struct settings *s,
                           const struct setting *row)
{
    char value[SETTINGS_TEXT_SIZE];

    settings_format(s, row, value, sizeof(value));
    buffer_print(b, "%s%s=%s", b->count ? " " : "", row->name, value);
}

/* The settings of a preset, or those without any. */
static struct settings base_settings(const char *name)
{
    struct preset preset;

    if (!preset_load(&preset, name, NULL))
        settings_init(&preset.settings);
    return preset.settings;
}

static char *take_text(struct buffer *b)
{
    char *text = xstrdup(b->bytes ? b->bytes : "");

    buffer_done(b);
    return text;
}

/* Tells the settings, other than the preset's, that all entries share. */
static void tell_common(const struct report *r, struct group *g,
                        const struct settings *base, const bool *varying)
{
    struct buffer common = { NULL, 0, 0 };
    const struct settings *own = &r->entries[g->first].trial->settings;

    for (int s = 0; s < settings_count; s++)
        if (!varying[s] && settings_differ(own, base, &settings_table[s]))
            tell_assignment(&common, own, &settings_table[s]);
    g->common = take_text(&common);
}

static void describe_entry(struct entry *e, const struct group *g,
                           const struct settings *base, const bool *varying)
{
    struct buffer what = { NULL, 0, 0 };
    struct settings own = g->mixed ? e->trial->settings : settled_of_entry(e);

    if (g->mixed)
        buffer_text(&what, e->record->run.preset);
    for (int s = 0; s < settings_count; s++)
        if (varying[s] && settings_differ(&own, base, &settings_table[s]))
            tell_assignment(&what, &own, &settings_table[s]);
    e->what = take_text(&what);
}

static bool has_several_presets(const struct report *r, const struct group *g)
{
    const struct entry *first = &r->entries[g->first];

    for (int i = 1; i < g->count; i++)
        if (strcmp(first[i].record->run.preset,
                   first->record->run.preset) != 0)
            return true;
    return false;
}

/* Tells how the entries of a group differ: by settings that are not those of
 * their preset, and by that if they have several. */
static void tell_apart(struct report *r, struct group *g)
{
    struct entry *first = &r->entries[g->first];
    struct settings base = base_settings(first->record->run.preset);
    bool *varying = xcalloc((unsigned long)settings_count, sizeof(*varying));

    g->mixed = has_several_presets(r, g);
    for (int s = 0; s < settings_count; s++)
        varying[s] = g->mixed || varies(r, g, &settings_table[s]);
    tell_common(r, g, &base, varying);
    for (int i = 0; i < g->count; i++) {
        if (g->mixed)
            base = base_settings(first[i].record->run.preset);
        describe_entry(&first[i], g, &base, varying);
    }
    free(varying);
}

/* Names the presets of a report's runs, each once. */
static void name_presets(const struct report *r, struct buffer *b)
{
    int named = 0;

    for (int i = 0; i < r->record_count; i++) {
        const char *preset = r->records[i].run.preset;
        bool before = !*preset;
        for (int k = 0; k < i && !before; k++)
            before = strcmp(r->records[k].run.preset, preset) == 0;
        if (!before)
            buffer_print(b, "%s%s", named++ ? ", " : "", preset);
    }
}

static void set_title(struct report *r, const char *title)
{
    struct buffer b = { NULL, 0, 0 };

    if (title) {
        buffer_text(&b, title);
    } else {
        name_presets(r, &b);
        buffer_text(&b, b.count ? "" : "runs of memdial");
    }
    snprintf(r->title, sizeof(r->title), "%s", b.bytes);
    buffer_done(&b);
}

void report_init(struct report *r, const char *title, struct record *records,
                 int count)
{
    *r = (struct report){ .records = records, .record_count = count };
    make_groups(r);
    name_entries(r);
    for (int g = 0; g < r->group_count; g++) {
        set_terms(r, &r->groups[g]);
        let_compete(r, &r->groups[g]);
        tell_apart(r, &r->groups[g]);
    }
    set_title(r, title);
}

void report_done(struct report *r)
{
    for (int i = 0; i < r->entry_count; i++)
        free(r->entries[i].what);
    for (int g = 0; g < r->group_count; g++)
        free(r->groups[g].common);
    for (int i = 0; i < r->record_count; i++)
        record_done(&r->records[i]);
    free(r->entries);
    free(r->groups);
    free(r->records);
}

void report_summary(const struct report *r, struct buffer *b)
{
    int told = 0;

    buffer_print(b, "%d run%s of ", r->record_count,
                 r->record_count == 1 ? "" : "s");
    name_presets(r, b);
    for (int s = 0; s < RECORD_STATES; s++) {
        int count = 0;
        for (int i = 0; i < r->record_count; i++)
            count += r->records[i].state == (enum record_state)s;
        if (count)
            buffer_print(b, "%s%d %s", told++ ? ", " : ": ", count,
                         record_state_name((enum record_state)s));
    }
}

void group_title(const struct report *r, const struct group *g,
                 struct buffer *b)
{
    const struct settings *s = &r->entries[g->first].trial->settings;
    char data[SETTINGS_TEXT_SIZE];

    settings_format(s, settings_find("data"), data, sizeof(data));
    buffer_print(b, "%s of %s, by %s", facts_of(s).items, data,
                 g->contest.score.name);
}

/* Why an entry does not compete. */
static void tell_no_place(const struct report *r, const struct group *g,
                          const struct entry *e, struct buffer *b)
{
    int epochs = e->trial->epochs;

    if (trial_continues(e->trial) && r->entries[e->origin].trial != e->trial)
        buffer_print(b, "goes on with the weights of %s, from epoch %.3g",
                     r->entries[e->origin].label,
                     e->trial->begin[AXIS_EPOCHS]);
    else if (trial_continues(e->trial))
        buffer_print(b, "goes on with others' weights, from epoch %.3g",
                     e->trial->begin[AXIS_EPOCHS]);
    else if (epochs < g->contest.epochs)
        buffer_print(b, "had %d epoch%s, fewer than %d", epochs,
                     epochs == 1 ? "" : "s", g->contest.epochs);
    else
        buffer_print(b, "has no %s", g->contest.score.name);
}

void entry_standing(const struct report *r, const struct group *g,
                    const struct entry *e, struct buffer *b)
{
    if (!e->competes)
        tell_no_place(r, g, e, b);
    else if (e->beaten_by < 0)
        buffer_text(b, "on the front");
    else
        buffer_print(b, "%s is better", r->entries[e->beaten_by].label);
}

static const char *label_of_trial(const struct report *r,
                                  const struct trial *t)
{
    for (int i = 0; i < r->entry_count; i++)
        if (r->entries[i].trial == t)
            return r->entries[i].label;
    return "?";
}

/* A continuation is made by the trial before it, and by a person. */
static void tell_changes(const struct report *r, const struct entry *e,
                         struct buffer *b)
{
    const struct run *run = &e->record->run;
    char changes[SETTINGS_TEXT_SIZE];

    buffer_print(b, "# from epoch %.3g on", e->trial->begin[AXIS_EPOCHS]);
    if (e->trial == run->trials)
        return;
    settings_changes(&(e->trial - 1)->settings, &e->trial->settings, changes,
                     sizeof(changes));
    buffer_print(b, " in %s: %s", label_of_trial(r, e->trial - 1), changes);
}

void entry_command(const struct report *r, const struct entry *e,
                   struct buffer *b)
{
    const struct record *record = e->record;
    struct preset preset;

    if (trial_continues(e->trial)) {
        tell_changes(r, e, b);
        return;
    }
    buffer_text(b, "memdial train ");
    if (!preset_load(&preset, record->run.preset, NULL)) {
        char path[RECORD_PATH_SIZE];
        quote_shell(b, record_path(record->folder, RECORD_SETTINGS, path));
        return;
    }
    quote_shell(b, record->run.preset);
    for (int s = 0; s < settings_count; s++) {
        struct buffer text = { NULL, 0, 0 };
        if (!settings_differ(&e->trial->settings, &preset.settings,
                             &settings_table[s]))
            continue;
        tell_assignment(&text, &e->trial->settings, &settings_table[s]);
        buffer_text(b, " --set ");
        quote_shell(b, text.bytes);
        buffer_done(&text);
    }
}
