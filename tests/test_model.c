/*
 * The tables of models and of facts about data: settings name no other rows,
 * and graphs have the shapes of the facts.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "data/dataset.h"
#include "models/model.h"

static struct settings defaults(void)
{
    struct settings s;

    settings_init(&s);
    return s;
}

static int datas(void)
{
    int n = 0;

    while (settings_find("data")->choices[n])
        n++;
    return n;
}

/* Every choice of a setting has a row in the table, and data to learn from. */
Test(model, every_choice_has_a_row)
{
    const char *const *choices = settings_find("model")->choices;

    for (int i = 0; choices[i]; i++) {
        struct settings s = defaults();
        char title[64] = "";
        struct error e;

        s.model = i;
        model_of(&s)->title(&s, title, sizeof(title));
        cr_expect_eq(strncmp(title, choices[i], strlen(choices[i])), 0, "%s",
                     title);
        while (!model_check(&s, "defaults", &e) && s.data + 1 < datas())
            s.data++;
        cr_expect(model_check(&s, "defaults", &e), "%s", e.text);
    }
}

/* The facts hold of every set that opens without files. */
Test(model, data_have_facts)
{
    const char *const *choices = settings_find("data")->choices;

    for (int i = 0; choices[i]; i++) {
        struct settings s = defaults();
        struct dataset *set;

        s.data = i;
        cr_expect(facts_of(&s).unit && facts_of(&s).score.name, "%s",
                  choices[i]);
        if (facts_of(&s).where)
            continue;
        cr_assert(dataset_open(&set, &s, NULL));
        dataset_close(set);
    }
}

static int find_op(const struct graph *g, enum op_code code)
{
    for (int i = 0; i < g->op_count; i++)
        if (g->ops[i].code == code)
            return i;
    cr_assert(false, "no %s", op_name(code));
    return -1;
}

/* The samples that the loader writes have the shape in the facts, and there are
 * as many logits as classes. */
Test(model, graphs_are_made_for_the_facts)
{
    struct settings s = defaults();
    struct image_facts image = facts_of(&s).image;
    struct graph *g = model_build(&s);
    const struct op *load = &g->ops[find_op(g, OP_load)];
    const struct op *loss = &g->ops[find_op(g, OP_softmax_xent)];
    const struct value *x = &g->values[load->operand[LOAD_STREAM_0]];
    const struct value *logits =
        &g->values[loss->operand[SOFTMAX_XENT_LOGITS]];

    cr_assert_eq(x->rank, 4);
    cr_expect_eq(x->dim[1], image.height);
    cr_expect_eq(x->dim[2], image.width);
    cr_expect_eq(x->dim[3], image.channels);
    cr_expect_eq(logits->dim[1], image.classes);
    graph_free(g);
}

/* Every matrix product of a graph, forward and backward, has the value of the
 * setting tf32, also after a change of it during a run. */
Test(model, products_know_of_tf32)
{
    for (int tf32 = 0; tf32 < 2; tf32++) {
        struct settings s = defaults();
        struct graph *g;
        int convs = 0, linears = 0;

        s.tf32 = tf32;
        g = model_build(&s);
        for (int i = 0; i < g->op_count; i++) {
            const struct op *op = &g->ops[i];
            bool conv = op->code == OP_conv || op->code == OP_conv_dgrad ||
                        op->code == OP_conv_wgrad;
            bool linear = op->code == OP_linear ||
                          op->code == OP_linear_dgrad ||
                          op->code == OP_linear_wgrad;
            convs += conv;
            linears += linear;
            cr_expect(!conv || op->attr.conv.tf32 == tf32, "%s",
                      op_name(op->code));
            cr_expect(!linear || op->attr.linear.tf32 == tf32, "%s",
                      op_name(op->code));
        }
        cr_expect_gt(convs, 3);
        cr_expect_eq(linears, 3);
        graph_free(g);
    }
}

static void expect_refused(const char *assignment, const char *message)
{
    struct settings s = defaults();
    struct error e = { 0 };

    cr_assert(settings_assign(&s, "", assignment, &e), "%s", e.text);
    cr_expect_not(model_check(&s, "quick", &e), "%s passed", assignment);
    cr_expect_str_eq(e.text, message);
}

Test(model, impossible_combinations)
{
    expect_refused("depth=12", "quick: depth: 12 is not 6n + 4; the nearest "
                   "are 10 and 16");
    expect_refused("depth=15", "quick: depth: 15 is not 6n + 4; the nearest "
                   "are 10 and 16");
    expect_refused("data=numbers", "quick: model: wrn takes images, but "
                   "data=numbers are sentences; use data=shapes, or another "
                   "model");
    expect_refused("microbatch=101", "quick: microbatch: 101 is larger than "
                   "batch, 100; lower it, or 0 for the whole batch");
}
