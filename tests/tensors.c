#include "tests/tensors.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/philox.h"

float *noise(size_t n, uint32_t stream)
{
    float *x = malloc((n + 1) * sizeof(*x));

    for (size_t i = 0; i < n; i++)
        x[i] = 2 * philox_unit(philox(3, i, PHILOX_DRAW, stream).x[0]) - 1;
    return x;
}

void *encoded(const struct pool *pool, const uint64_t *bits)
{
    void *index = malloc(pool_index_bytes(pool));

    pool_encode(pool, bits, index);
    return index;
}

uint64_t *bitmap_of(const struct tensors *t)
{
    const struct pool *p = &t->pool;
    uint64_t *bits = calloc(p->words, sizeof(*bits));
    const uint64_t *code = t->index;
    size_t unary = p->nonzeros + (p->words * 64 >> p->low_bits), n = 0;
    const uint64_t *low = code + (unary + 63) / 64;

    if (p->low_bits == 0) {
        memcpy(bits, code, p->words * sizeof(*bits));
        return bits;
    }
    for (size_t i = 0, high = 0; i < unary; i++) {
        size_t place = high << p->low_bits;
        if (!(code[i / 64] >> i % 64 & 1)) {
            high++;
            continue;
        }
        for (int k = 0; k < p->low_bits; k++) {
            size_t at = n * (size_t)p->low_bits + (size_t)k;
            place |= (size_t)(low[at / 64] >> at % 64 & 1) << k;
        }
        bits[place / 64] |= (uint64_t)1 << place % 64;
        n++;
    }
    cr_assert_eq(n, p->nonzeros);
    return bits;
}

struct tensors *tensors_empty(const size_t elements[3])
{
    struct tensors *t = calloc(1, sizeof(*t));

    t->pool = (struct pool){ .members = 3, .member = t->member };
    for (int i = 0; i < 3; i++) {
        t->member[i] = (struct pool_member){ t->pool.words, elements[i] };
        t->pool.words += (elements[i] + 63) / 64;
        t->pool.elements += elements[i];
    }
    return t;
}

struct tensors *tensors_fill(struct tensors *t, uint64_t *bits)
{
    t->pool.nonzeros = pool_count(bits, t->pool.words);
    t->pool.low_bits = pool_smallest_index(&t->pool);
    t->index = encoded(&t->pool, bits);
    t->values = noise(t->pool.nonzeros, 99);
    free(bits);
    return t;
}

struct tensors *tensors_new(const size_t elements[3], double density)
{
    struct tensors *t = tensors_empty(elements);
    uint64_t *bits = calloc(t->pool.words, sizeof(*bits));

    for (int i = 0; i < 3; i++)
        pool_choose(&t->pool, i, (struct pool_stream){ 5, PHILOX_PLACE, 0 },
                    bits, pool_bitmap(bits),
                    (size_t)ceil(density * (double)elements[i]), elements[i]);
    return tensors_fill(t, bits);
}

void tensors_free(struct tensors *t)
{
    free(t->index);
    free(t->values);
    free(t);
}

void run_call(const struct backend *backend, struct device *device,
              enum op_code code, struct call *c)
{
    size_t bytes = backend->scratch(code, c), alignment = backend->alignment;
    static const struct batch batch = { .terms = 1 };

    if (!c->batch)
        c->batch = &batch;
    c->scratch = aligned_alloc(alignment,
                               (bytes + alignment) / alignment * alignment);
    c->scratch_bytes = bytes;
    memset(c->scratch, 0xFF, bytes);
    backend->run(device, code, c);
    free(c->scratch);
    c->scratch = NULL;
}
