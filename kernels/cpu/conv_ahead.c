#include "kernels/cpu/conv_ahead.h"

struct conv_ahead KERNEL(conv_ahead)(const struct operand *x, int image,
                                     struct range rows, int channel,
                                     int channels)
{
    size_t element = dtype_size(x->dtype), line = CPU_ALIGNMENT;
    size_t pixel = (size_t)x->dim[3] * element;
    size_t row = (size_t)x->dim[2] * pixel;
    const char *data = x->data;
    struct conv_ahead a = {
        .at = data + ((size_t)image * (size_t)x->dim[1] + rows.begin) * row
              + (size_t)channel * element,
        .step = pixel,
        .lines = ((size_t)channels * element + line - 1) / line,
        .left = (rows.end - rows.begin) * (size_t)x->dim[2]
    };

    if (dtype_in_blocks(x->dtype)) {
        a.left = 0;
    } else if (channels == x->dim[3]) {
        a.lines = (a.left * pixel + line - 1) / line;
        a.left = 1;
    }
    return a;
}

struct conv_ahead KERNEL(conv_ahead_taps)(const struct operand *filter,
                                          size_t tap_rows, struct range taps,
                                          struct range rows,
                                          struct range columns)
{
    size_t element = dtype_size(filter->dtype), line = CPU_ALIGNMENT;
    size_t step = (size_t)filter->dim[3] * element;
    size_t run = (columns.end - columns.begin) * element;
    size_t pieces = run > 0 ? rows.end - rows.begin : 0;
    const char *data = filter->data;

    if (filter->pool || taps.begin == taps.end)
        return (struct conv_ahead){ .left = 0 };
    return (struct conv_ahead){
        .at = data + (taps.begin * tap_rows + rows.begin) * step
              + columns.begin * element,
        .step = step, .lines = (run + line - 1) / line, .left = pieces,
        .groups = taps.end - taps.begin - 1, .pieces = pieces,
        .skip = (tap_rows - pieces) * step
    };
}

void KERNEL(conv_ahead_divide)(struct conv_ahead *a, size_t times)
{
    size_t pieces = 0;

    for (const struct conv_ahead *i = a; i; i = i->next)
        pieces += (i->left + i->groups * i->pieces) * i->lines;
    a->portion = (pieces + times - 1) / times;
}
