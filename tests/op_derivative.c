#include "tests/op_derivative.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double objective_of(const struct problem *p, double *const v[],
                    enum op_code op, const int from[], int out)
{
    const struct operand *y = &p->call.operand[from[out]];
    size_t n = operand_elements(y);
    struct exact t[CALL_MAX_OPERANDS] = { 0 };
    struct call c = { .attr = p->call.attr, .batch = &p->batch,
                      .part = &p->part };
    double sum = 0;

    for (int s = 0; s <= out; s++)
        if (from[s] >= 0) {
            t[s].value = v[from[s]];
            c.operand[s] = p->call.operand[from[s]];
        }
    t[out].value = calloc(n, sizeof(double));
    t[out].magnitude = calloc(n, sizeof(double));
    op_reference(op, &c, t);
    for (size_t i = 0; i < n; i++)
        sum += t[out].value[i] * v[from[out]][i];
    free(t[out].value);
    free(t[out].magnitude);
    return sum;
}

/* Compares an element of the reference's gradient with the slope of the
 * objective. */
static void check_slope(const struct problem *p, double *const v[],
                        const struct exact *gradient, int at, size_t i)
{
    double (*objective)(const struct problem *, double *const v[])
        = p->subject->gradients->objective;
    double here = v[at][i], step = 1e-5, slope;

    v[at][i] = here + step;
    slope = objective(p, v);
    v[at][i] = here - step;
    slope = (slope - objective(p, v)) / (2 * step);
    v[at][i] = here;
    cr_expect(fabs(slope - gradient->value[i])
                  <= 1e-5 * (1 + gradient->magnitude[i]),
              "%s: derivative by slot %d, element %zu: %.9g, but finite "
              "difference %.9g", problem_text(p), at, i, gradient->value[i],
              slope);
}

/* Compares the reference of a gradient with finite differences at about 24
 * elements. Gradients are taken at the values before the call. Operands that
 * only the forward operation reads are zero there. */
void check_derivatives(const struct problem *p)
{
    const struct gradients *made = p->subject->gradients;
    struct exact t[CALL_MAX_OPERANDS] = { 0 };
    double *v[CALL_MAX_OPERANDS] = { 0 };

    cr_assert(made || !strstr(problem_text(p), "grad"),
              "%s: no finite differences in the table", problem_text(p));
    if (!made)
        return;
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        size_t n = operand_elements(&p->call.operand[s]);

        if (n == 0)
            continue;
        t[s] = exact_copy(&p->before[s], n);
        if (is_output(p->op, s))
            memset(t[s].value, 0, n * sizeof(double));
        v[s] = calloc(n, sizeof(double));
        memcpy(v[s], t[s].value, n * sizeof(double));
    }
    op_reference(p->op, &p->call, t);
    for (int d = 0; d < made->derivatives; d++) {
        const struct derivative *by = &made->derivative[d];
        size_t n = operand_elements(&p->call.operand[by->at]);

        for (size_t i = 0; i < n; i += n / 24 + 1)
            check_slope(p, v, &t[by->gradient], by->at, i);
    }
    for (int s = 0; s < CALL_MAX_OPERANDS; s++) {
        exact_free(&t[s]);
        free(v[s]);
    }
}
