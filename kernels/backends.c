/*
 * The backends of this build.
 */
#include "kernels.h"

const struct backend *const backends[] = { &cpu_backend, NULL };
