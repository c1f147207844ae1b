/* SPDX-License-Identifier: Apache-2.0 */
/* mmap(2) and munmap(2). It does not copy and does not lock: the promise that files are only replaced is the callers'.
 * */
#include "base/host/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum result map_fd(int fd, const char *path, size_t max, struct slice *ret, struct error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return error_set(err, R_IO, "%s: it is no regular file", path);
    if (st.st_size == 0)
        return error_set(err, R_INVALID, "%s: it is empty", path);
    if ((uint64_t)st.st_size > max)
        return error_set(err, R_LIMIT, "%s: larger than the %zu bytes allowed here", path, max);
    void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return error_set(err, R_IO, "%s: can't map it: %s", path, strerror(errno));
    *ret = slice_make(at, (size_t)st.st_size);
    return OK;
}

enum result map_open(const char *path, size_t max, struct slice *ret, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_set(err, errno == ENOENT ? R_NOTFOUND : R_IO, "%s: can't open it: %s", path, strerror(errno));
    enum result r = map_fd(fd, path, max, ret, err);
    (void)close(fd);
    return r;
}

void map_close(struct slice map)
{
    if (map.ptr)
        (void)munmap((void *)(uintptr_t)map.ptr, map.len);
}

void map_release_pages(struct slice map)
{
    if (map.ptr)
        (void)madvise((void *)(uintptr_t)map.ptr, map.len, MADV_DONTNEED);
}

void *map_memory(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        fatal("out of memory (%zu bytes)", size);
    (void)madvise(at, size, MADV_HUGEPAGE); /* where the kernel has them, all over it is read and written faster */
    return at;
}

void map_memory_free(void *at, size_t size)
{
    if (at)
        (void)munmap(at, size);
}
