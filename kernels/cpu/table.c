/*
 * The kernels of one instruction set as a table, from the operation list.
 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/stage.h"

#define CPU_ENTRY_NONE(name) \
    .run[OP_##name] = BASE_KERNEL(name),
#define CPU_ENTRY_SCRATCH(name) \
    CPU_ENTRY_NONE(name) \
    .scratch[OP_##name] = BASE_KERNEL(name##_scratch),
#define CPU_ENTRY_PRODUCT(name) \
    .run[OP_##name] = KERNEL(name), \
    .scratch[OP_##name] = KERNEL(name##_scratch),

const struct cpu_kernels KERNEL(kernels) = {
#define OP(name, cpu, cuda, access, ...) CPU_ENTRY_##cpu(name)
#include "kernels/op_list.h"
#undef OP
    .widen = KERNEL(stage_widen),
    .narrow = KERNEL(stage_narrow),
    .peak = KERNEL(peak),
    .peak_flops = KERNEL(peak_flops)
};
