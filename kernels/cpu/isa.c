#include "kernels/cpu/isa.h"

#include <stdbool.h>
#include <string.h>

extern const struct cpu_kernels cpu_generic_kernels;
extern const struct cpu_kernels cpu_avx2_kernels;
extern const struct cpu_kernels cpu_avx512_kernels;
extern const struct cpu_kernels cpu_avx512_bf16_kernels;
extern const struct cpu_kernels cpu_avx512_bf16_emulated_kernels;

#ifdef __x86_64__
/* F16C came before AVX2, and not every compiler can ask for it. */
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f")
           && __builtin_cpu_supports("avx512bw")
           && __builtin_cpu_supports("avx512vl")
           && __builtin_cpu_supports("avx512dq")
           && has_avx2();
}

static bool has_avx512_bf16(void)
{
    return __builtin_cpu_supports("avx512bf16") && has_avx512();
}

/* Intel's processors make one dot product of bf16 in the time of four
 * multiply-adds, AMD's one in that of one: bench/results/linear.md. */
static bool has_fast_dots(void)
{
    return has_avx512_bf16() && !__builtin_cpu_is("intel");
}

static bool has_slow_dots(void)
{
    return has_avx512_bf16() && __builtin_cpu_is("intel");
}
#endif

static bool has_generic(void)
{
    return true;
}

/* The best first; the last one works everywhere. Tests alone have the one that
 * emulates an instruction. */
static const struct {
    struct isa isa;
    bool (*is_here)(void);
} built[] = {
#ifdef __x86_64__
    { { "avx512-bf16", &cpu_avx512_bf16_kernels }, has_fast_dots },
    { { "avx512", &cpu_avx512_kernels }, has_avx512 },
    { { "avx512-bf16", &cpu_avx512_bf16_kernels }, has_slow_dots },
    { { "avx2", &cpu_avx2_kernels }, has_avx2 },
#ifdef CPU_EMULATED_DOTS
    { { "avx512-bf16-emulated", &cpu_avx512_bf16_emulated_kernels },
      has_avx512 },
#endif
#endif
    { { "generic", &cpu_generic_kernels }, has_generic }
};

enum { BUILT_COUNT = sizeof(built) / sizeof(built[0]) };

const struct isa *isa_at(int index)
{
    for (int i = 0; i < BUILT_COUNT; i++)
        if (built[i].is_here() && index-- == 0)
            return &built[i].isa;
    return NULL;
}

const struct isa *isa_named(const char *name)
{
    const struct isa *isa;

    for (int i = 0; (isa = isa_at(i)); i++)
        if (strcmp(isa->name, name) == 0)
            return isa;
    return NULL;
}

const struct isa *isa_generic(void)
{
    return &built[BUILT_COUNT - 1].isa;
}
