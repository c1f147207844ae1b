/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls, by seccomp(2). What is not listed fails with ENOSYS, as it does on a kernel that lacks it, so that
 * libraries fall back; the kernel's audit log says so. What no library of ours ever wants, and whoever breaks in
 * wants first, ends the process.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/slice.h"
#include "sandbox/internal.h"

/* By name, for a name that this architecture or this libseccomp does not know is passed over. */
static const char *const allowed[] = {
    /* open files */
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "preadv2",
    "pwritev2",
    "lseek",
    "_llseek",
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "pipe",
    "pipe2",
    "fcntl",
    "fcntl64",
    "flock",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "ftruncate",
    "ftruncate64",
    "fallocate",
    "fadvise64",
    "fadvise64_64",
    "readahead",
    "sendfile",
    "sendfile64",
    "copy_file_range",
    "fstat",
    "fstat64",
    "fstatfs",
    "fstatfs64",
    "fchmod",
    "fchown",
    "getdents",
    "getdents64",
    /* names of files: landlock says which */
    "open",
    "openat",
    "openat2",
    "creat",
    "access",
    "faccessat",
    "faccessat2",
    "stat",
    "stat64",
    "lstat",
    "lstat64",
    "newfstatat",
    "fstatat64",
    "statx",
    "statfs",
    "statfs64",
    "readlink",
    "readlinkat",
    "getcwd",
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "truncate",
    "truncate64",
    "umask",
    "utime",
    "utimes",
    "utimensat",
    "chmod",
    "fchmodat",
    "fchmodat2",
    "getxattr",
    "lgetxattr",
    "fgetxattr",
    "listxattr",
    "setxattr",
    /* sockets: socket and socketpair below */
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "getsockname",
    "getpeername",
    "getsockopt",
    "setsockopt",
    "sendto",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "sendmmsg",
    "recvmmsg",
    "shutdown",
    "send",
    "recv",
    "socketcall",
    /* waiting */
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "poll",
    "ppoll",
    "select",
    "_newselect",
    "pselect6",
    "eventfd",
    "eventfd2",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "nanosleep",
    "clock_nanosleep",
    "pause",
    "alarm",
    "setitimer",
    "getitimer",
    "restart_syscall",
    /* memory: mmap and mprotect below */
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "msync",
    "mincore",
    "mlock",
    "mlock2",
    "munlock",
    "membarrier",
    /* threads and signals: clone, kill and tgkill below */
    "futex",
    "futex_waitv",
    "set_robust_list",
    "get_robust_list",
    "set_tid_address",
    "rseq",
    "exit",
    "exit_group",
    "sched_yield",
    "sched_getaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "getpriority",
    "setpriority",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigsuspend",
    "sigaltstack",
    "sigreturn",
    /* what the time is, and who one is */
    "clock_gettime",
    "clock_getres",
    "gettimeofday",
    "time",
    "times",
    "getrandom",
    "uname",
    "sysinfo",
    "getrusage",
    "getrlimit",
    "ugetrlimit",
    "getpid",
    "getppid",
    "gettid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getresuid",
    "getresgid",
    "getgroups",
    "getpgrp",
    "getpgid",
    "getsid",
    "getcpu",
    "capget",
#if SANDBOX_INSTRUMENTED
    "clone",
    "ptrace",
    "wait4",
    "process_vm_readv",
    "personality",
    "arch_prctl",
    "mmap",
    "mprotect",
    "prctl",
    "kill",
    "tgkill",
#endif
};

static const char *const deadly[] = {
    /* another program instead of this one */
    "execve",
    "execveat",
    /* into other processes, and into the kernel */
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "iopl",
    "ioperm",
    "open_by_handle_at",
    /* out of its surroundings */
    "mount",
    "umount",
    "umount2",
    "move_mount",
    "open_tree",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "pivot_root",
    "chroot",
    "unshare",
    "setns",
    "swapon",
    "swapoff",
    "reboot",
};

/* A call with those arguments alone. All conditions of a row hold together, each row is a way in of its own. */
#define IS(argument, value)                                                                                            \
    {                                                                                                                  \
        argument, SCMP_CMP_EQ, value, 0                                                                                \
    }
#define HAS(argument, mask, value)                                                                                     \
    {                                                                                                                  \
        argument, SCMP_CMP_MASKED_EQ, mask, value                                                                      \
    }
enum { CONDITIONS = 2, TYPE_MASK = 0xf /* SOCK_NONBLOCK and SOCK_CLOEXEC are above it */ };

static const struct row {
    const char *name;
    unsigned count;
    struct scmp_arg_cmp conditions[CONDITIONS];
} rows[] = {
    {"socket", 2, {IS(0, AF_UNIX), HAS(1, TYPE_MASK, SOCK_STREAM)}},
    {"socket", 2, {IS(0, AF_UNIX), HAS(1, TYPE_MASK, SOCK_DGRAM)}},
    {"socket", 2, {IS(0, AF_INET), HAS(1, TYPE_MASK, SOCK_STREAM)}},
    {"socket", 2, {IS(0, AF_INET), HAS(1, TYPE_MASK, SOCK_DGRAM)}},
    {"socket", 2, {IS(0, AF_INET6), HAS(1, TYPE_MASK, SOCK_STREAM)}},
    {"socket", 2, {IS(0, AF_INET6), HAS(1, TYPE_MASK, SOCK_DGRAM)}},
    {"socket", 2, {IS(0, AF_NETLINK), IS(2, 0)}}, /* routes: which families and addresses this machine has */
    {"socketpair", 1, {IS(0, AF_UNIX)}},
    {"clone", 1, {HAS(0, CLONE_THREAD, CLONE_THREAD)}}, /* threads, no children */
    /* memory is written or executed; what is executed comes from a file (modules of libraries) */
    {"mmap", 1, {HAS(2, PROT_EXEC, 0)}},
    {"mmap", 2, {HAS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), HAS(3, MAP_ANONYMOUS, 0)}},
    {"mmap2", 1, {HAS(2, PROT_EXEC, 0)}},
    {"mmap2", 2, {HAS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), HAS(3, MAP_ANONYMOUS, 0)}},
    {"mprotect", 1, {HAS(2, PROT_EXEC, 0)}},
    {"ioctl", 1, {IS(1, FIONBIO)}},
    {"ioctl", 1, {IS(1, FIONREAD)}},
    {"ioctl", 1, {IS(1, FIOCLEX)}},
    {"ioctl", 1, {IS(1, TCGETS)}},
    {"ioctl", 1, {IS(1, TIOCGWINSZ)}},
    {"ioctl", 1, {IS(1, SIOCGIFINDEX)}},
    {"ioctl", 1, {IS(1, SIOCGIFNAME)}},
    {"prctl", 1, {IS(0, PR_SET_NAME)}},
    {"prctl", 1, {IS(0, PR_GET_NAME)}},
    {"prctl", 1, {IS(0, PR_GET_DUMPABLE)}},
    {"prlimit64", 1, {IS(0, 0)}}, /* its own, for getrlimit(3) */
};

struct filter {
    scmp_filter_ctx ctx;
    int fault; /* the first; 0: none */
};

static void add(struct filter *f, uint32_t action, const char *name, unsigned count, const struct scmp_arg_cmp *args)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || f->fault)
        return;
    int fault = seccomp_rule_add_array(f->ctx, action, number, count, args);
    if (fault && fault != -EEXIST && fault != -EDOM) /* EDOM: another architecture's */
        f->fault = fault;
}

static void add_rules(struct filter *f)
{
    const struct scmp_arg_cmp self = IS(0, (scmp_datum_t)getpid());
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        add(f, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
    for (size_t i = 0; i < ARRAY_LEN(deadly) && !SANDBOX_INSTRUMENTED; i++)
        add(f, SCMP_ACT_KILL_PROCESS, deadly[i], 0, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        add(f, SCMP_ACT_ALLOW, rows[i].name, rows[i].count, rows[i].conditions);
    add(f, SCMP_ACT_ALLOW, "kill", 1, &self);
    add(f, SCMP_ACT_ALLOW, "tgkill", 1, &self);
}

/* Attributes that this libseccomp or this kernel lacks are done without: each is for speed or for the log. */
static void set_attributes(scmp_filter_ctx ctx)
{
    (void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    (void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
    (void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_SSB, 1);
    (void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

enum result sandbox_calls_enter(struct error *err)
{
    struct filter f = {.ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS))};
    if (!f.ctx)
        return error_set(err, R_IO, "libseccomp does not start");
    set_attributes(f.ctx);
    add_rules(&f);
    if (!f.fault)
        f.fault = seccomp_load(f.ctx);
    seccomp_release(f.ctx);
    return f.fault ? error_set(err, R_IO, "seccomp: %s", strerror(-f.fault)) : OK;
}
