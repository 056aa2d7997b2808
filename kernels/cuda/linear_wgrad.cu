/*
 * linear_wgrad: dw (Ci, Co) += the transpose of x (N, Ci) times dy (N, Co), and
 * db (Co) float, or nothing, += the sum of the rows of dy. x may be loaded
 * through a stat.
 *
 * scratch: conv_wgrad's for dw, which then holds the sum of each part of the
 * rows, (parts, Co) floats, for db.
 */
#include "kernels/cuda/linear.h"
#include "kernels/cuda/parts.h"

enum { ACROSS = WARP_LANES, HIGH = BLOCK_THREADS / ACROSS };

struct row_sums {
    float sum[HIGH][ACROSS];
};

/* A block sums the rows of one part, for as many columns as a warp has lanes.
 */
template <typename T>
static __global__ void sum_rows(int rows, int columns, int part,
                                const T *from, float *sums)
{
    wait_for_earlier();

    row_sums &s = shared<row_sums>();
    int across = (int)threadIdx.x % ACROSS, high = (int)threadIdx.x / ACROSS;
    int column = (int)blockIdx.x * ACROSS + across;
    int first = (int)blockIdx.y * part;
    int last = rows - first < part ? rows : first + part;
    float sum = 0;

    if (column < columns)
        for (int i = first + high; i < last; i += HIGH)
            sum += widen(from[(size_t)i * (size_t)columns + (size_t)column]);
    s.sum[high][across] = sum;
    __syncthreads();
    if (high > 0 || column >= columns)
        return;
    for (int i = 1; i < HIGH; i++)
        sum += s.sum[i][across];
    sums[(size_t)blockIdx.y * (size_t)columns + (size_t)column] = sum;
}

static __global__ void add_sums(int columns, int parts, const float *sums,
                                float *to)
{
    wait_for_earlier();

    size_t i = thread_index();
    float sum = 0;

    if (i >= (size_t)columns)
        return;
    for (int k = 0; k < parts; k++)
        sum += sums[(size_t)k * (size_t)columns + i];
    to[i] += sum;
}

static void add_bias_gradient(struct queue *q, const struct call *c)
{
    const struct operand *dy = &c->operand[LINEAR_WGRAD_DY];
    int rows = dy->dim[0], columns = dy->dim[1];
    int parts = wgrad_parts(&c->operand[LINEAR_WGRAD_DW], (size_t)rows);
    int part = wgrad_part((size_t)rows, parts);
    int used = (rows + part - 1) / part;
    float *sums = static_cast<float *>(c->scratch);
    unsigned across = (unsigned)((columns + ACROSS - 1) / ACROSS);

    with_number(dy->dtype, [&](auto number) {
        using T = decltype(number);

        launch(q, dim3(across, (unsigned)used), BLOCK_THREADS,
               sizeof(row_sums), sum_rows<T>, rows, columns, part,
               static_cast<const T *>(dy->data), sums);
    });
    launch(q, blocks_for((size_t)columns), BLOCK_THREADS, 0, add_sums,
           columns, used, static_cast<const float *>(sums),
           data_of<float>(&c->operand[LINEAR_WGRAD_DB]));
}

void cuda_linear_wgrad(struct queue *q, const struct call *c)
{
    const struct operand *o = c->operand;
    struct call conv = linear_call(c);

    conv.operand[CONV_WGRAD_X] = linear_images(o[LINEAR_WGRAD_X]);
    conv.operand[CONV_WGRAD_DY] = linear_images(o[LINEAR_WGRAD_DY]);
    conv.operand[CONV_WGRAD_DW] = linear_filter(o[LINEAR_WGRAD_DW]);
    cuda_conv_wgrad(q, &conv);
    if (operand_given(&o[LINEAR_WGRAD_DB]))
        add_bias_gradient(q, c);
}
