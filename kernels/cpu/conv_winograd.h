/*
 * The product of conv_product.h for 3x3 filters at stride 1, by fewer
 * multiplications: see winograd.h.
 */
#ifndef MEMDIAL_CONV_WINOGRAD_H
#define MEMDIAL_CONV_WINOGRAD_H

#include "kernels/cpu/conv_core.h"

/* The panels that are made of a strip if scratch may have room for them: as
 * many as have their filters in a second-level cache of 1 MiB, beside the rest.
 * On processors with less the third level serves. */
int KERNEL(conv_winograd_panels)(const struct conv_core *core);

/* The panels of a set, if each thread had better make one of its own: where
 * squares are few beside the filters, for filters that another core transformed
 * come slowly from its cache. Else 0. */
int KERNEL(conv_winograd_own_panels)(const struct conv_core *core);

/* Bytes of scratch, for any number of images: strips are highest where there is
 * one for every thread. */
size_t KERNEL(conv_winograd_bytes)(const struct conv_core *core);

void KERNEL(conv_winograd_run)(const struct conv_core *core);

#endif
