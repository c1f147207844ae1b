/* SPDX-License-Identifier: Apache-2.0 */
/* What is forbidden is refused, and what libraries do goes on: each attempt in a child that locks itself in first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/slice.h"
#include "sandbox/sandbox.h"

static char root[] = "/tmp/sandbox-test-XXXXXX", state[64], configuration[64], certificate[96], elsewhere[64];

/* --- attempts: 0, or errno --- */

static int fault_of(long rc)
{
    return rc < 0 ? errno : 0;
}

static int open_at(const char *folder, const char *name, int flags)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return fault_of(open(path, flags | O_CLOEXEC, 0600));
}

static int reads_shadow(void)
{
    return fault_of(open("/etc/shadow", O_RDONLY));
}

static int reads_home_of_root(void)
{
    return fault_of(open("/root", O_RDONLY | O_DIRECTORY));
}

static int reads_elsewhere(void)
{
    return open_at(elsewhere, "secret", O_RDONLY);
}

static int writes_elsewhere(void)
{
    return open_at(elsewhere, "new", O_WRONLY | O_CREAT);
}

static int writes_a_program(void)
{
    return fault_of(open("/usr/local/bin/sandbox-test", O_WRONLY | O_CREAT, 0755));
}

static int writes_beside_the_certificate(void)
{
    return open_at(configuration, "new", O_WRONLY | O_CREAT);
}

static int runs_a_shell(void)
{
    return fault_of(execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL));
}

static int forks(void)
{
    return fault_of(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int traces(void)
{
    return fault_of(ptrace(PTRACE_ATTACH, getppid(), 0, 0));
}

static int reads_other_memory(void)
{
    return fault_of(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}

static int kills_its_parent(void)
{
    return fault_of(kill(getppid(), SIGUSR1));
}

static int makes_a_packet_socket(void)
{
    return fault_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int makes_a_raw_socket(void)
{
    return fault_of(socket(AF_INET, SOCK_RAW, 255));
}

static int makes_a_crypto_socket(void)
{
    return fault_of(socket(AF_ALG, SOCK_SEQPACKET, 0));
}

static int mounts(void)
{
    return fault_of(mount("none", root, "tmpfs", 0, NULL));
}

static int loads_bpf(void)
{
    return fault_of(syscall(SYS_bpf, 0, NULL, 0));
}

static int makes_a_namespace(void)
{
    return fault_of(syscall(SYS_unshare, 0x10000000));
}

static int reads_keys_of_the_kernel(void)
{
    return fault_of(syscall(SYS_keyctl, 0, -3, 1));
}

static int opens_io_uring(void)
{
    char parameters[120] = {0};
    return fault_of(syscall(SYS_io_uring_setup, 4, parameters));
}

static int executes_what_it_wrote(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? errno
               : 0;
}

static int turns_data_into_code(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return fault_of(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static int becomes_somebody_else(void)
{
    return fault_of(syscall(SYS_setuid, 1));
}

static int injects_into_a_terminal(void)
{
    return fault_of(ioctl(0, 0x5412, "x"));
}

/* --- what must go on --- */

static int keeps_its_state(void)
{
    char from[128], to[128];
    (void)snprintf(from, sizeof from, "%s/kept.new", state);
    (void)snprintf(to, sizeof to, "%s/kept", state);
    int fault = open_at(state, "kept.new", O_RDWR | O_CREAT | O_TRUNC);
    fault = fault ? fault : fault_of(rename(from, to));
    fault = fault ? fault : fault_of(truncate(to, 0));
    return fault ? fault : fault_of(unlink(to));
}

/* Whoever renews it renames another file over it. */
static int reads_a_certificate_and_what_will_replace_it(void)
{
    int fault = fault_of(open(certificate, O_RDONLY));
    return fault ? fault : open_at(configuration, "renewed.pem", O_RDONLY);
}

static int resolves_names(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int rc = getaddrinfo("localhost", "443", &hints, &found);
    if (found)
        freeaddrinfo(found);
    return rc ? EIO : fault_of(open("/etc/resolv.conf", O_RDONLY));
}

static void *in_a_thread(void *arg)
{
    *(int *)arg = reads_elsewhere();
    return NULL;
}

/* 0: threads start, and are as locked in as the first. */
static int starts_threads(void)
{
    pthread_t thread;
    int inside = 0;
    int fault = pthread_create(&thread, NULL, in_a_thread, &inside);
    if (!fault)
        (void)pthread_join(thread, NULL);
    return fault ? fault : inside == EACCES ? 0 : EPERM;
}

static int opens_sockets(void)
{
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6};
    int fault = fault_of(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
    for (size_t i = 0; i < ARRAY_LEN(families) && !fault; i++)
        fault = fault_of(socket(families[i], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    return fault == EAFNOSUPPORT ? 0 : fault;
}

/* --- the child --- */

enum { KILLED = 1000 };

/* errno of the attempt, 0, or KILLED. */
static int locked_in(int (*attempt)(void))
{
    pid_t child = fork();
    if (child == 0) {
        struct sandbox *s = sandbox_new();
        sandbox_allow(s, SANDBOX_WRITE_FOLDER, state);
        sandbox_allow(s, SANDBOX_READ_FILE, certificate);
        (void)sandbox_enter(s);
        int fault = attempt();
        _exit(fault < 256 ? fault : 255);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGSYS ? KILLED : -1;
    return WEXITSTATUS(status);
}

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

#define EACH(table, a) for (const struct attempt *a = (table); a < (table) + ARRAY_LEN(table); a++)
struct attempt {
    const char *name;
    int (*of)(void);
};
#define A(function)                                                                                                    \
    {                                                                                                                  \
#function, function                                                                                            \
    }

static void files_that_nobody_named_are_not_reached(void **unused)
{
    static const struct attempt files[] = {A(reads_shadow),     A(reads_home_of_root),
                                           A(reads_elsewhere),  A(writes_elsewhere),
                                           A(writes_a_program), A(writes_beside_the_certificate)};
    (void)unused;
    if (!has_landlock())
        skip();
    EACH(files, a)
    {
        if (locked_in(a->of) != EACCES)
            fail_msg("%s: %d", a->name, locked_in(a->of));
    }
}

static void what_an_intruder_does_first_ends_the_process(void **unused)
{
    static const struct attempt deadly[] = {A(runs_a_shell), A(traces),    A(reads_other_memory),
                                            A(mounts),       A(loads_bpf), A(makes_a_namespace)};
    (void)unused;
    EACH(deadly, a)
    {
        if (locked_in(a->of) != KILLED)
            fail_msg("%s: %d", a->name, locked_in(a->of));
    }
}

static void calls_that_are_not_listed_fail_as_if_the_kernel_had_none(void **unused)
{
    static const struct attempt refused[] = {A(forks),
                                             A(kills_its_parent),
                                             A(makes_a_packet_socket),
                                             A(makes_a_raw_socket),
                                             A(makes_a_crypto_socket),
                                             A(reads_keys_of_the_kernel),
                                             A(opens_io_uring),
                                             A(executes_what_it_wrote),
                                             A(turns_data_into_code),
                                             A(becomes_somebody_else),
                                             A(injects_into_a_terminal)};
    (void)unused;
    EACH(refused, a)
    {
        if (locked_in(a->of) != ENOSYS)
            fail_msg("%s: %d", a->name, locked_in(a->of));
    }
}

static void what_a_daemon_does_goes_on(void **unused)
{
    static const struct attempt needed[] = {A(keeps_its_state), A(reads_a_certificate_and_what_will_replace_it),
                                            A(resolves_names), A(opens_sockets)};
    (void)unused;
    EACH(needed, a)
    {
        if (locked_in(a->of) != 0)
            fail_msg("%s: %s", a->name, strerror(locked_in(a->of)));
    }
}

static void threads_start_and_are_locked_in_too(void **unused)
{
    (void)unused;
    if (!has_landlock())
        skip();
    assert_int_equal(locked_in(starts_threads), 0);
}

static int make_places(void **unused)
{
    (void)unused;
    if (!mkdtemp(root))
        return -1;
    (void)snprintf(state, sizeof state, "%s/state", root);
    (void)snprintf(configuration, sizeof configuration, "%s/etc", root);
    (void)snprintf(certificate, sizeof certificate, "%s/server.pem", configuration);
    (void)snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", root);
    return mkdir(configuration, 0700) || mkdir(elsewhere, 0700) ||
           open_at(configuration, "server.pem", O_WRONLY | O_CREAT) ||
           open_at(configuration, "renewed.pem", O_WRONLY | O_CREAT) ||
           open_at(elsewhere, "secret", O_WRONLY | O_CREAT);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static int remove_places(void **unused)
{
    (void)unused;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_nobody_named_are_not_reached),
        cmocka_unit_test(what_an_intruder_does_first_ends_the_process),
        cmocka_unit_test(calls_that_are_not_listed_fail_as_if_the_kernel_had_none),
        cmocka_unit_test(what_a_daemon_does_goes_on),
        cmocka_unit_test(threads_start_and_are_locked_in_too),
    };
    return cmocka_run_group_tests(tests, make_places, remove_places);
}
