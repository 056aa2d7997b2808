#include "cli/profile_table.h"

#include <stdio.h>

#include "base/json_print.h"
#include "base/print.h"

/* Operations with less than this share of the time are summed up in one row. */
static const double least_share = 0.001;

enum { SHARE_SIZE = 16 };

/* "82%"; "" where the most is not known or the rate is 0. */
static const char *share_text(char text[SHARE_SIZE], double rate, double most)
{
    if (rate > 0 && most > 0)
        snprintf(text, SHARE_SIZE, "%.0f%%", 100 * rate / most);
    else
        text[0] = '\0';
    return text;
}

/* A rate in billions; "" if it is 0. */
static const char *rate_text(char text[SHARE_SIZE], double rate)
{
    if (rate > 0)
        snprintf(text, SHARE_SIZE, "%.1f", rate / 1e9);
    else
        text[0] = '\0';
    return text;
}

static void print_operation(const struct profile_row *r,
                            const struct ceilings *most, bool tf32, double all)
{
    double flops = r->all_flops / r->seconds;
    double bytes = r->all_bytes / r->seconds;
    char count[SHARE_SIZE], counted[SHARE_SIZE], moved[SHARE_SIZE];
    char moving[SHARE_SIZE];

    print("%-16s %-5s %8lld %9.3f %5.1f%% %9s %5s %7s %5s  %s\n",
          op_name(r->op), dtype_name(r->dtype), (long long)r->calls,
          r->seconds, 100 * r->seconds / all, rate_text(count, flops),
          share_text(counted, flops, ceilings_product(most, r->dtype, tf32)),
          rate_text(moved, bytes), share_text(moving, bytes, most->copy),
          r->shapes);
}

static void print_operations(const struct profile *p,
                             const struct ceilings *most, bool tf32, double all)
{
    double rest = 0;
    int64_t calls = 0;

    print("%-16s %-5s %8s %9s %6s %9s %5s %7s %5s  %s\n", "operation", "type",
          "calls", "seconds", "share", "GFLOP/s", "most", "GB/s", "most",
          "shapes");
    for (int i = 0; i < p->count; i++) {
        const struct profile_row *r = &p->rows[i];
        if (r->seconds >= least_share * all && r->seconds > 0) {
            print_operation(r, most, tf32, all);
        } else {
            rest += r->seconds;
            calls += r->calls;
        }
    }
    if (calls > 0)
        print("%-16s %-5s %8lld %9.3f %5.1f%%\n", "others", "",
              (long long)calls, rest, 100 * rest / all);
}

static json_t *rows_json(const struct profile *p)
{
    json_t *rows = json_array();

    for (int i = 0; i < p->count; i++) {
        const struct profile_row *r = &p->rows[i];
        json_t *row = json_object();
        json_put(row, "op", json_text(op_name(r->op)));
        json_put(row, "dtype", json_text(dtype_name(r->dtype)));
        json_put(row, "shapes", json_text(r->shapes));
        json_put(row, "calls", json_integer(r->calls));
        json_put(row, "seconds", json_number(r->seconds));
        json_put(row, "bytes", json_count(r->all_bytes));
        json_put(row, "flops", json_count(r->all_flops));
        json_push(rows, row);
    }
    return rows;
}

static void print_profile_json(const struct profile *p,
                               const struct ceilings *most, double all,
                               double seconds)
{
    json_t *event = json_object();

    json_put(event, "type", json_text("profile"));
    json_put(event, "seconds", json_number(seconds));
    json_put(event, "operations_seconds", json_number(all));
    json_put(event, "copy_bytes_per_second", json_number(most->copy));
    json_put(event, "flops_per_second", json_number(most->product));
    json_put(event, "operations", rows_json(p));
    json_print_line(event);
}

void profile_table_print(struct profile *p, bool tf32, double seconds,
                         bool json)
{
    const struct backend *backend = p->executor->plan->backend;
    double all = profile_finish(p);
    struct ceilings most = { 0 };
    char why[WHY_SIZE];
    bool known = backend->ceilings(p->executor->device, &most, why);

    if (json) {
        print_profile_json(p, &most, all, seconds);
        return;
    }
    print("\nprofile: %.3f s of operations in %.3f s of the run; ", all,
          seconds);
    if (known)
        print("the device does %.1f GFLOP/s and copies %.1f GB/s at most\n",
              most.product / 1e9, most.copy / 1e9);
    else
        print("the device could not be measured: %s\n", why);
    print_operations(p, &most, tf32, all);
}
