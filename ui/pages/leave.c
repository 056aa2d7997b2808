#include "ui/pages/leave.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/number.h"
#include "base/print.h"
#include "base/text.h"
#include "settings/preset.h"
#include "ui/pages/screen.h"
#include "ui/session/diff.h"

static void on_answer(struct screen *s, int key)
{
    s->export = key == 'e';
    s->quit = true;
}

/* The best point of the validation accuracy, or NULL. */
static const struct point *find_best(const struct session *s)
{
    const struct history *run = session_run(s);
    const struct series *c = run ? &run->curve[CURVE_VALID_ACCURACY] : NULL;
    const struct point *best = NULL;

    for (int i = 0; c && i < c->count; i++)
        if (!best || c->points[i].value > best->value)
            best = &c->points[i];
    return best;
}

bool leave_ask(struct screen *s)
{
    const struct session *session = s->session;
    struct text_block *text = &s->popup_text;
    const struct point *best = find_best(session);
    char percent[NUMBER_SIZE];

    if (!session_has_work(session))
        return false;
    screen_popup(s, "Leave?");
    text_block_add(text, ROLE_WARNING, "The run of %s ends in epoch %d of %d, "
                   "after step %lld of %lld.", session->preset,
                   session->epoch, session->in_force.epochs,
                   (long long)session->step, (long long)session->steps);
    if (best)
        text_block_add(text, ROLE_TEXT, "Best validation accuracy so far: %s.",
                       number_percent(percent, best->value, 2));
    text_block_add(text, ROLE_TEXT, "Its weights are lost, and its curves if "
                   "they are not written to a file.");
    screen_offer(s, KEY_RETURN, "y", "leave");
    screen_offer(s, 'e', "e", "write the curves and leave");
    screen_offer(s, KEY_ESCAPE, "Esc", "go on");
    s->answered = on_answer;
    s->leaving = true;
    return true;
}

/* What the run began from; false if that is not there any more. */
static bool find_preset(const struct session *s, struct settings *settings)
{
    struct preset preset;
    struct error e;
    bool ok = strlen(s->preset) + 1 < sizeof(s->preset) &&
              preset_load(&preset, s->preset, &e);

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
    print("%s: %s", s->preset, *changes ? changes : "as the preset has it");
    if (s->run_count > 1)
        print(" (the last of %d runs)", s->run_count);
    print("\n");
}

static void print_memory(const struct session *s)
{
    char bytes[BYTES_TEXT_SIZE];

    print("peak %s planned", bytes_format(bytes, sizeof(bytes),
                                          s->planned_bytes));
    print(", arena %s", bytes_format(bytes, sizeof(bytes), s->arena_bytes));
    if (s->has_run)
        print(", touched %s", bytes_format(bytes, sizeof(bytes),
                                           s->touched_bytes));
    if (s->os_peak_bytes)
        print("; the process at most %s",
              bytes_format(bytes, sizeof(bytes), s->os_peak_bytes));
    print("\n");
}

static void print_best(const struct session *s)
{
    const struct point *best = find_best(s);
    char percent[NUMBER_SIZE];

    if (best)
        print("best validation accuracy %s, in epoch %.0f\n",
              number_percent(percent, best->value, 2), best->at[UNIT_EPOCHS]);
    else
        print("no epoch came to its end\n");
}

static void print_progress(const struct session *s)
{
    char took[TEXT_DURATION_SIZE];

    print("%lld of %lld steps in %s\n", (long long)s->step,
          (long long)s->steps,
          text_duration(took, session_run(s)->at[UNIT_SECONDS]));
}

/* For a shell. */
static void print_argument(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-./=:+,@%";

    if (*text && text[strspn(text, plain)] == '\0') {
        print("%s", text);
        return;
    }
    print("'");
    for (size_t n; *text; text += n + (text[n] != '\0')) {
        n = strcspn(text, "'");
        print("%.*s%s", (int)n, text, text[n] ? "'\\''" : "");
    }
    print("'");
}

/* A command that does the same and saves it. */
static void print_command(const struct session *s,
                          const struct settings *preset)
{
    print("memdial train ");
    print_argument(s->preset);
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

static void print_kept(const struct session *s, const char *exported,
                       const struct settings *preset, bool known)
{
    if (*exported)
        print("wrote %s; ", exported);
    if (session_run(s)->end == RUN_DIVERGED) {
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
    struct settings preset;
    bool known = find_preset(s, &preset);

    if (s->run_count > 0 && s->step > 0) {
        print_settings(s, &preset);
        print_memory(s);
        print_best(s);
        print_progress(s);
        print_kept(s, exported, &preset, known);
    }
    if (s->sentence[0])
        print("%s\n", s->sentence);
    print_flush();
}
