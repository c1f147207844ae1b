/* SPDX-License-Identifier: Apache-2.0 */
/* Files, by landlock(7). The C library has no functions for its three calls, and the header of an older system lacks
 * the newer rights: their numbers are the kernel's interface and never change. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/slice.h"
#include "sandbox/internal.h"

enum {
    /* By version of the interface: how many rights it knows, bit 0 first (linux/landlock.h). */
    RIGHTS_1 = 13,
    RIGHTS_2 = 14, /* REFER */
    RIGHTS_3 = 15, /* TRUNCATE */
    RIGHTS_5 = 16, /* IOCTL_DEV */
    SCOPED = 6,    /* the version that knows of scopes */
};
#define TRUNCATE (1ULL << 14)
#define SCOPE_SIGNAL (1ULL << 1)

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* All but executing and making devices. */
#define WRITE                                                                                                          \
    (READ | LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                                 \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                      \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)
/* Those that a rule for something else than a folder may name. */
#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE)

/* struct landlock_ruleset_attr as newer kernels have it; an older one is told a shorter length. */
struct attributes {
    uint64_t files, network, scoped;
};

static uint64_t rights_of(int version)
{
    int count = version >= 5 ? RIGHTS_5 : version >= 3 ? RIGHTS_3 : version == 2 ? RIGHTS_2 : RIGHTS_1;
    return (1ULL << count) - 1;
}

struct sandbox_files sandbox_files_open(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct sandbox_files f = {version > 0 ? (int)version : 0, -1};
    struct attributes a = {.files = rights_of(f.version), .scoped = SCOPE_SIGNAL};
    size_t size = f.version >= SCOPED ? sizeof a : sizeof a.files;
    if (f.version)
        f.set = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
    return f;
}

void sandbox_files_allow(const struct sandbox_files *f, const char *path, bool write)
{
    struct stat st;
    int fd = f->set >= 0 ? open(path, O_PATH | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    struct landlock_path_beneath_attr rule = {.allowed_access = (write ? WRITE : READ) & rights_of(f->version),
                                              .parent_fd = fd};
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access &= OF_FILES;
    /* What can't be ruled (a pipe, a socket) is not governed by landlock either. */
    (void)syscall(SYS_landlock_add_rule, f->set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    (void)close(fd);
}

enum result sandbox_files_enter(struct sandbox_files *f, struct error *err)
{
    if (f->set < 0)
        return error_set(err, R_NOTFOUND, "the kernel has no landlock");
    bool held = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_landlock_restrict_self, f->set, 0) == 0;
    int fault = errno;
    (void)close(f->set);
    f->set = -1;
    return held ? OK : error_set(err, R_IO, "landlock: %s", strerror(fault));
}
