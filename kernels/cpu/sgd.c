/*
 * sgd: one step of stochastic gradient descent with momentum, Nesterov's or
 * the classical one, and weight decay, in the form that PyTorch gives it:
 * the learning rate is not part of what momentum keeps.
 *   update w, momentum, any shape
 *   in gradient, of the same shape
 */
#include "cpu.h"

void KERNEL(sgd)(const struct call *c)
{
    size_t n = operand_elements(&c->operand[SGD_W]);
    float *w = c->operand[SGD_W].data;
    float *momentum = c->operand[SGD_MOMENTUM].data;
    const float *gradient = c->operand[SGD_GRADIENT].data;
    float keep = c->run->momentum, decay = c->run->weight_decay;
    float rate = c->run->learning_rate;
    /* step = a * g + b * m */
    float a = c->run->nesterov ? 1 : 0;
    float b = c->run->nesterov ? keep : 1;

#pragma omp parallel for simd num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < n; i++) {
        float g = gradient[i] + decay * w[i];
        float m = keep * momentum[i] + g;

        momentum[i] = m;
        w[i] -= rate * (a * g + b * m);
    }
}
