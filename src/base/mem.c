/* SPDX-License-Identifier: Apache-2.0 */
/* malloc and its kin with the end of the process for a failure, and what a program does about memory when it starts. No
 * pool: base/stock.h keeps blocks. */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"

void mem_tune(char **argv)
{
    static const char done[] = "OPENCMG_TUNED"; /* glibc hides its own variable from programs with capabilities */
    char self[4096];                            /* its own path, not that of the link: the process is named by it */
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0 || getenv(done) || getenv("GLIBC_TUNABLES"))
        return;
    self[n] = '\0';
    if (setenv(done, "1", 1) == 0 && setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=200", 1) == 0)
        (void)execv(self, argv);
}

void mem_keep_private(void)
{
    if (getenv("OPENCMG_CORES"))
        return;
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        fatal("this process can't be kept from writing core files");
}

/* glibc's calloc does not look into its thread's quick lists, which hold what is as small as this. */
enum { QUICK_MAX = 1024 };

void *mem_zalloc(size_t size)
{
    void *p = size <= QUICK_MAX ? malloc(size ? size : 1) : calloc(1, size);
    if (p && size <= QUICK_MAX)
        memset(p, 0, size);
    if (!p)
        fatal("out of memory (%zu bytes)", size);
    return p;
}

void *mem_array(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        fatal("out of memory (%zu × %zu bytes)", count, size);
    return p;
}

void *mem_resize(void *old, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        fatal("allocation of %zu × %zu bytes overflows", count, size);
    size_t bytes = count * size;
    void *p = realloc(old, bytes ? bytes : 1);
    if (!p)
        fatal("out of memory (%zu bytes)", bytes);
    return p;
}

char *mem_strdup(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        fatal("out of memory");
    return copy;
}

void mem_free_secret(void *secret, size_t size)
{
    if (secret)
        explicit_bzero(secret, size);
    free(secret);
}
