#include "ui/pages/leave.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/print.h"
#include "base/quote.h"
#include "base/text.h"
#include "events/archive.h"
#include "settings/preset.h"
#include "ui/pages/screen.h"
#include "ui/session/diff.h"

static void leave_on_key(struct screen *s, int key)
{
    s->export = key == 'e';
    s->quit = true;
}

void leave_tell_kept(struct text_block *text, const struct session *s)
{
    struct buffer resume = { NULL, 0, 0 };

    archive_add_resume(&resume, s->folder, s->usual_root);
    text_block_add(text, ROLE_TEXT, s->remote ?
                   "It is kept on the worker's machine, and %s goes on with it "
                   "there." : "It is kept, and %s goes on with it.",
                   resume.bytes);
    buffer_done(&resume);
}

static void tell_run_under_way(struct text_block *text,
                               const struct session *s)
{
    const struct run *run = session_run(s);
    const struct point *best = run_best(run);
    struct score score = run_score(run);
    char figure[NUMBER_SIZE];

    text_block_add(text, ROLE_WARNING, "The run of %s ends in epoch %d of %d, "
                   "after step %lld of %lld.", s->begun, run->epoch,
                   s->in_force.epochs, (long long)run->step,
                   (long long)run->steps);
    if (*s->folder)
        leave_tell_kept(text, s);
    else
        text_block_add(text, ROLE_TEXT, "Its weights are lost, and its curves "
                       "if they are not written to a file.");
    if (best)
        text_block_add(text, ROLE_TEXT, "Best validation %s so far: %s.",
                       score.name,
                       score_format(&score, best->value, 2, figure));
}

bool leave_ask(struct screen *s)
{
    const struct session *session = s->session;
    struct text_block *text = &s->popup.text;

    if (!session_has_work(session) && session->queue.count == 0)
        return false;
    screen_popup(s, "Leave?");
    if (session_has_work(session))
        tell_run_under_way(text, session);
    if (session->queue.count > 0)
        text_block_add(text, ROLE_WARNING, "The queue is lost: %d run%s that "
                       "%s not begun.", session->queue.count,
                       session->queue.count == 1 ? "" : "s",
                       session->queue.count == 1 ? "has" : "have");
    screen_offer(s, KEY_RETURN, "y", "leave");
    screen_offer(s, 'e', "e", "write the curves and leave");
    screen_offer(s, KEY_ESCAPE, "Esc", "go on");
    s->popup.choose = leave_on_key;
    s->popup.leaving = true;
    return true;
}

/* The preset that the run began from; false if it is not there any more. */
static bool find_preset(const struct session *s, struct settings *settings)
{
    struct preset preset;
    struct error e;
    bool ok = strlen(s->begun) + 1 < sizeof(s->begun) &&
              preset_load(&preset, s->begun, &e);

    settings_init(settings);
    if (ok)
        *settings = preset.settings;
    return ok;
}

static void print_settings(const struct session *s,
                           const struct settings *preset)
{
    char changes[1024];

    diff_list(changes, sizeof(changes), &s->in_force, preset);
    print("%s: %s\n", s->begun, *changes ? changes : "as the preset has it");
}

static void print_run_memory(const struct run *r)
{
    char bytes[BYTES_TEXT_SIZE];

    print("peak %s", bytes_format(bytes, sizeof(bytes), r->planned));
    print(", arena %s", bytes_format(bytes, sizeof(bytes), r->arena));
    if (r->has_stepped)
        print(", touched %s", bytes_format(bytes, sizeof(bytes), r->touched));
    if (r->os_peak)
        print(", process at most %s",
              bytes_format(bytes, sizeof(bytes), r->os_peak));
    print("\n");
}

static void print_best(const struct run *r)
{
    const struct point *best = run_best(r);
    struct score score = run_score(r);
    char figure[NUMBER_SIZE];

    if (best)
        print("best validation %s %s, in epoch %.0f\n", score.name,
              score_format(&score, best->value, 2, figure),
              best->at[AXIS_EPOCHS]);
    else
        print("no epoch came to its end\n");
}

static void print_progress(const struct run *r)
{
    char took[TEXT_DURATION_SIZE];

    print("%lld of %lld steps in %s\n", (long long)r->step,
          (long long)r->steps, text_duration(took, r->at[AXIS_SECONDS]));
}

/* Prints an argument as a shell reads it. */
static void print_argument(const char *text)
{
    struct buffer b = { NULL, 0, 0 };

    quote_shell(&b, text);
    print("%s", b.bytes);
    buffer_done(&b);
}

/* Prints a command that makes the same run and saves it. */
static void print_command(const struct session *s,
                          const struct settings *preset)
{
    print("memdial train ");
    print_argument(s->begun);
    for (int i = 0; i < settings_count; i++) {
        const struct setting *row = &settings_table[i];
        char argument[2 * SETTINGS_TEXT_SIZE], value[SETTINGS_TEXT_SIZE];
        if (!settings_differ(&s->in_force, preset, row))
            continue;
        settings_format(&s->in_force, row, value, sizeof(value));
        snprintf(argument, sizeof(argument), "%s=%s", row->name, value);
        print(" --set ");
        print_argument(argument);
    }
    print(" --save FILE\n");
}

/* Says where the run is kept, how it goes on, and what lists the session's
 * runs before it. */
static void print_folder(const struct session *s)
{
    enum run_end end = session_run(s)->end;
    struct buffer resume = { NULL, 0, 0 }, root = { NULL, 0, 0 };
    const char *there = s->remote ? " there" : "";

    print("kept %s%s\n", s->folder,
          s->remote ? " on the worker's machine" : "");
    archive_add_resume(&resume, s->folder, s->usual_root);
    if (end != RUN_DIVERGED && end != RUN_DONE)
        print("this goes on with it%s:\n    %s\n", there, resume.bytes);
    buffer_text(&root, "");
    if (!s->remote)
        archive_add_root(&root, s->root, s->usual_root);
    if (s->runs.count > 1)
        print("it is the last of %d runs; this lists all%s:\n    memdial runs "
              "list%s\n", s->runs.count, there, root.bytes);
    buffer_done(&resume);
    buffer_done(&root);
}

static void print_kept(const struct session *s, const char *exported,
                       const struct settings *preset, bool known)
{
    if (*exported)
        print("wrote %s\n", exported);
    if (*s->folder) {
        print_folder(s);
    } else if (session_run(s)->end == RUN_DIVERGED) {
        print("the run diverged, and no weights were saved\n");
    } else if (known) {
        print("the weights were not saved; this does the same and saves them:"
              "\n    ");
        print_command(s, preset);
    } else {
        print("the weights were not saved; memdial train with --save does\n");
    }
}

void leave_print(const struct session *s, const char *exported)
{
    const struct run *run = session_run(s);
    struct settings preset;
    bool known = find_preset(s, &preset);

    if (run->step > 0) {
        print_settings(s, &preset);
        print_run_memory(run);
        print_best(run);
        print_progress(run);
        print_kept(s, exported, &preset, known);
    }
    if (s->sentence[0])
        print("%s\n", s->sentence);
    print_flush();
}
