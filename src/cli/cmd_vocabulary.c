/*
 * `memdial vocabulary`: writes the dictionaries of a set of sentences, and the
 * merges of its byte pair encoding, which are otherwise made from the training
 * text each time. In the folder of the data they are read in place of that: a
 * net that has learned them stays of use when the text changes.
 */
#include "cli/cmd_vocabulary.h"

#include "base/file.h"
#include "base/print.h"
#include "cli/lesson.h"
#include "cli/request.h"
#include "data/dataset.h"
#include "data/sequences.h"

struct order {
    struct request *request;
    const char *folder;
};

static const char vocabulary_usage[] =
    "vocabulary [PRESET] --write FOLDER [--set NAME=VALUE]...";

static const struct option vocabulary_options[] = {
    { "set", required_argument, NULL, 's' },
    { "write", required_argument, NULL, 'w' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void cmd_vocabulary_choose(void *arg, int which, const char *value)
{
    struct order *o = arg;

    if (which == 'w')
        o->folder = value;
}

static bool write_vocabulary(const struct dataset *set, const char *folder,
                             struct error *e)
{
    char name[DATASET_IDENTITY_SIZE];

    if (!sequences_write(dataset_sequences(set), folder, e))
        return false;
    dataset_identity(set, name);
    print("wrote %s into %s\n", name, folder);
    return true;
}

/* Merges take long to learn, so the folder is looked at first. */
static bool keep_vocabulary(const struct order *o, struct error *e)
{
    struct dataset *set;
    struct settings s;
    bool ok;

    if (!o->folder)
        return error_set(e, EXIT_INPUT, "vocabulary: --write FOLDER is "
                         "missing: where the dictionaries are put");
    if (!file_check_path("--write", o->folder, e) ||
        !request_settings(o->request, &s, e) ||
        !sequences_check_write(&s, o->folder, e) || !dataset_open(&set, &s, e))
        return false;
    ok = write_vocabulary(set, o->folder, e);
    dataset_close(set);
    return ok;
}

int cmd_vocabulary(int argc, char **argv)
{
    struct request request;
    struct order order = { .request = &request };
    struct error e;
    int code;

    lesson_show();
    if (request_parse(&request, argc, argv, vocabulary_options,
                      vocabulary_usage, cmd_vocabulary_choose, &order, &code) &&
        !keep_vocabulary(&order, &e))
        code = report_error(&e);
    request_done(&request);
    return code;
}
