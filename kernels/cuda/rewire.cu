/*
 * rewire: when the run says so, drops the smallest nonzeros of a pool and
 * grows as many elsewhere (kernels/cpu/rewire.c).
 *   update threshold (1) float; of the pool's nonzeros master, float, or empty,
 *   moments, each or empty, and w; index
 *
 * A recorded rewire is done after all calls that are recorded with it: no later
 * call of a step reads or writes its operands.
 */
#include <cstdlib>

#include "kernels/cuda/rewire.h"

extern "C" {
size_t cpu_host_rewire_scratch(const struct call *);
void cpu_host_rewire(const struct call *);
}

/* Copies all operands between the device and the host's memory. */
static void copy(struct queue *q, const struct rewiring *r, bool to_host)
{
    char *host = r->memory;

    for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
        const struct operand *o = &r->call.operand[i];
        size_t bytes = operand_bytes(o);

        if (bytes == 0)
            continue;
        if (to_host)
            queue_put(q, cudaMemcpyAsync(host, o->data, bytes,
                                         cudaMemcpyDeviceToHost,
                                         q->stream));
        else
            queue_put(q, cudaMemcpyAsync(o->data, host, bytes,
                                         cudaMemcpyHostToDevice,
                                         q->stream));
        host += round_up(bytes, HOST_ALIGNMENT);
    }
    queue_check(q, cudaStreamSynchronize(q->stream));
}

/* Makes *c the call on the host's copies. Returns their bytes. */
static size_t on_host(const struct rewiring *r, struct call *c)
{
    size_t bytes = 0;

    *c = r->call;
    for (int i = 0; i < CALL_MAX_OPERANDS; i++) {
        c->operand[i].data = r->memory ? r->memory + bytes : NULL;
        bytes += round_up(operand_bytes(&c->operand[i]), HOST_ALIGNMENT);
    }
    c->scratch = r->memory ? r->memory + bytes : NULL;
    return bytes + cpu_host_rewire_scratch(c);
}

void rewiring_run(struct queue *q, const struct rewiring *r,
                  const struct batch *batch)
{
    struct call c;

    if (!r->given || !batch->rewire || q->error != cudaSuccess)
        return;
    on_host(r, &c);
    c.batch = batch;
    copy(q, r, true);
    if (q->error != cudaSuccess)
        return;
    cpu_host_rewire(&c);
    copy(q, r, false);
}

void rewiring_free(struct rewiring *r)
{
    free(r->memory);
    *r = {};
}

/* Keeps the memory of another call of the same size. */
static void give_rewiring(struct rewiring *r, const struct call *c)
{
    struct rewiring without = {};
    struct call ignored;
    size_t bytes;

    without.call = *c;
    bytes = on_host(&without, &ignored);
    if (r->bytes != bytes) {
        rewiring_free(r);
        r->memory = static_cast<char *>(malloc(bytes));
        r->bytes = r->memory ? bytes : 0;
    }
    r->call = *c;
    r->given = r->memory != NULL;
}

void cuda_rewire(struct queue *q, const struct call *c)
{
    struct rewiring *r = q->rewiring;

    give_rewiring(r, c);
    if (!r->given)
        queue_check(q, cudaErrorMemoryAllocation);
    else if (!q->recording)
        rewiring_run(q, r, c->batch);
}
