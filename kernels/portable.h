/*
 * Functions of headers that kernels use on every backend: on one that has a
 * compiler of its own, they exist on the host and on the device.
 */
#ifndef MEMDIAL_PORTABLE_H
#define MEMDIAL_PORTABLE_H

#ifdef __CUDACC__
#define PORTABLE static inline __host__ __device__
#else
#define PORTABLE static inline
#endif

#endif
