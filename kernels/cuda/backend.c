/*
 * The CUDA backend as the program sees it. The scratch that operations need is
 * known here (scratch.c), so that any machine can plan for a device. All else
 * is in a module that is loaded on first use, so that a program built with CUDA
 * works where there is no driver. The module is looked for beside the program,
 * in the library directory that the program was installed with, and at
 * MEMDIAL_CUDA_MODULE.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/cuda/build_id.h"
#include "kernels/cuda/module.h"
#include "kernels/cuda/parts.h"

/* The module, or why there is none. */
struct loaded {
    bool tried;
    const struct cuda_module *module; /* NULL: none */
    char why[WHY_SIZE];
};

static void say_why(struct loaded *l, const char *path, const char *what)
{
    snprintf(l->why, WHY_SIZE, "%.120s: %.120s", path, what);
}

/* CUDA loads a kernel when it is first launched, unless told otherwise. That is
 * after the arena is allocated, so a run that just fits would fail in its first
 * step, and within a capture. */
static void load_kernels_first(void)
{
    setenv("CUDA_MODULE_LOADING", "EAGER", 0);
}

static void load_from(struct loaded *l, const char *path)
{
    const struct cuda_module *module;
    void *library;

    load_kernels_first();
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        say_why(l, path, dlerror());
        return;
    }
    module = dlsym(library, CUDA_MODULE_SYMBOL);
    if (!module) {
        say_why(l, path, "not a module of memdial");
    } else if (strcmp(module->build_id, BUILD_ID) != 0) {
        say_why(l, path, "of another build of memdial; install both anew");
    } else {
        l->module = module;
        return;
    }
    dlclose(library);
}

/* The directory that the program is in, with a slash at the end. */
static void program_directory(char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    path[slash ? slash + 1 - path : 0] = '\0';
}

/* Loads the module from the first place that has it. */
static void load_installed(struct loaded *l)
{
    static const char *const beside[] = {
        CUDA_MODULE_NAME, "../lib/memdial/" CUDA_MODULE_NAME
    };
    static const char installed[] =
        CUDA_MODULE_DIRECTORY "/" CUDA_MODULE_NAME;
    char directory[PATH_MAX], path[PATH_MAX + 64];

    program_directory(directory);
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", directory, beside[i]);
        if (access(path, F_OK) == 0) {
            load_from(l, path);
            return;
        }
    }
    if (access(installed, F_OK) == 0)
        load_from(l, installed);
    else
        snprintf(l->why, WHY_SIZE,
                 "not built or not installed: no " CUDA_MODULE_NAME
                 " beside the program or in its library directory");
}

static const struct loaded *loaded(void)
{
    static struct loaded l;
    const char *path = getenv("MEMDIAL_CUDA_MODULE");

    if (!l.tried) {
        l.tried = true;
        if (path)
            load_from(&l, path);
        else
            load_installed(&l);
    }
    return &l;
}

const struct cuda_module *cuda_module(void)
{
    return loaded()->module;
}

/* Devices do not come and go, and asking the driver takes time. */
struct devices {
    struct device_info info[BACKEND_DEVICES_MAX];
    int count;
};

static const struct devices *devices(void)
{
    static struct devices found;
    const struct loaded *l = loaded();

    if (found.count == 0 && l->module) {
        found.count = l->module->backend->list(found.info,
                                                BACKEND_DEVICES_MAX);
    } else if (found.count == 0) {
        memcpy(found.info[0].line, l->why, WHY_SIZE);
        found.count = 1;
    }
    return &found;
}

static int cuda_list(struct device_info info[], int max)
{
    const struct devices *d = devices();
    int count = d->count < max ? d->count : max;

    memcpy(info, d->info, (size_t)count * sizeof(*info));
    return count;
}

static bool cuda_open(struct device **d, int number, int threads,
                      char why[WHY_SIZE])
{
    const struct loaded *l = loaded();

    if (l->module)
        return l->module->backend->open(d, number, threads, why);
    memcpy(why, l->why, WHY_SIZE);
    return false;
}

/* Without a module the reason for that. */
static void cuda_hardware(char name[WHY_SIZE])
{
    const struct loaded *l = loaded();

    if (l->module)
        l->module->backend->hardware(name);
    else
        memcpy(name, l->why, WHY_SIZE);
}

/* The functions below get a device, so there is a module. */

static void cuda_close(struct device *d)
{
    cuda_module()->backend->close(d);
}

static void *cuda_alloc(struct device *d, size_t bytes, char why[WHY_SIZE])
{
    return cuda_module()->backend->alloc(d, bytes, why);
}

static void cuda_free(struct device *d, void *arena, size_t bytes)
{
    cuda_module()->backend->free(d, arena, bytes);
}

static void cuda_run(struct device *d, enum op_code op, const struct call *c)
{
    cuda_module()->backend->run(d, op, c);
}

static bool cuda_begin(struct device *d, int program, const struct batch *batch)
{
    return cuda_module()->backend->begin(d, program, batch);
}

static void cuda_end(struct device *d, int program, const struct batch *batch)
{
    cuda_module()->backend->end(d, program, batch);
}

static bool cuda_healthy(struct device *d, char why[WHY_SIZE])
{
    return cuda_module()->backend->healthy(d, why);
}

static void cuda_read(struct device *d, void *host, const void *from,
                      size_t bytes)
{
    cuda_module()->backend->read(d, host, from, bytes);
}

static void cuda_write(struct device *d, void *to, const void *host,
                       size_t bytes)
{
    cuda_module()->backend->write(d, to, host, bytes);
}

static void cuda_memory(struct device *d, const void *arena, size_t bytes,
                        struct device_memory *m)
{
    cuda_module()->backend->memory(d, arena, bytes, m);
}

static double cuda_seconds(struct device *d)
{
    return cuda_module()->backend->seconds(d);
}

static bool cuda_measure(struct device *d, struct ceilings *ceilings,
                         char why[WHY_SIZE])
{
    return cuda_module()->backend->ceilings(d, ceilings, why);
}

const struct backend cuda_backend = {
    .name = "cuda",
    .alignment = CUDA_ALIGNMENT,
    .tile_rows = TILE_ROWS,
    .list = cuda_list,
    .open = cuda_open,
    .close = cuda_close,
    .scratch = cuda_scratch,
    .alloc = cuda_alloc,
    .free = cuda_free,
    .run = cuda_run,
    .begin = cuda_begin,
    .end = cuda_end,
    .healthy = cuda_healthy,
    .read = cuda_read,
    .write = cuda_write,
    .memory = cuda_memory,
    .seconds = cuda_seconds,
    .ceilings = cuda_measure,
    .hardware = cuda_hardware
};
