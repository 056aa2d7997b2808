#include "kernels/cpu/conv_axis.h"

static struct conv_axis axis_direct(int in, int out, int taps, int stride,
                                    int pad)
{
    return (struct conv_axis){
        .taps = taps, .pad = pad, .in = in, .out = out,
        .step = stride, .planes = int_min(stride, taps), .origin = -pad,
        .classes = 1, .length = out, .halo = (taps - 1) / stride
    };
}

static struct conv_axis axis_transposed(int in, int out, int taps, int stride,
                                        int pad)
{
    int nearest = -conv_floor(taps - 1 - pad, stride);
    int farthest = -conv_floor(-pad, stride);

    return (struct conv_axis){
        .transposed = true, .taps = taps, .pad = pad, .in = in, .out = out,
        .step = 1, .planes = 1, .origin = nearest,
        .classes = stride, .length = (out + stride - 1) / stride,
        .halo = farthest - nearest
    };
}

struct conv_axis KERNEL(conv_axis)(bool transposed, int in, int out, int taps,
                                   int stride, int pad)
{
    return transposed ? axis_transposed(in, out, taps, stride, pad)
                      : axis_direct(in, out, taps, stride, pad);
}

bool KERNEL(conv_axis_tap)(const struct conv_axis *a, int class, int tap,
                           int *plane, int *offset)
{
    int distance = class + a->pad - tap;

    if (a->transposed) {
        *plane = 0;
        *offset = distance / a->classes - a->origin;
        return distance % a->classes == 0;
    }
    *plane = tap % a->step;
    *offset = tap / a->step;
    return true;
}

int KERNEL(conv_axis_length)(const struct conv_axis *a, int class)
{
    return (a->out - class + a->classes - 1) / a->classes;
}
