/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a daemon by sandbox_test.py: code of somebody who has taken it over. SIGUSR2 makes whatever thread it
 * is sent to try what it must not reach, and write a line of each attempt; SIGURG starts a shell. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

static int told = -1;
static _Alignas(PAGE) char page[PAGE];

static void tell(const char *what, long result)
{
    char line[128];
    int len = snprintf(line, sizeof line, "%s %d\n", what, result < 0 ? errno : 0);
    (void)!write(told, line, (size_t)len);
}

static void try_it(int number)
{
    (void)number;
    tell("shadow", open("/etc/shadow", O_RDONLY));
    tell("home", open("/root", O_RDONLY | O_DIRECTORY));
    tell("elsewhere", open(getenv("INTRUDER_FILE"), O_RDONLY));
    tell("program", open("/usr/local/bin/intruder", O_WRONLY | O_CREAT, 0755));
    tell("packet", socket(AF_PACKET, SOCK_RAW, 0));
    tell("raw", socket(AF_INET, SOCK_RAW, 255));
    tell("fork", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    tell("parent", kill(getppid(), 0));
    tell("code", (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    tell("later", mprotect((void *)page, sizeof page, PROT_READ | PROT_EXEC));
    tell("file", memfd_create("code", 0)); /* it could be mapped as code */
    tell("root", syscall(SYS_setuid, 0));
    tell("done", 0);
}

static void start_shell(int number)
{
    (void)number;
    tell("shell", execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL));
}

__attribute__((constructor)) static void come_in(void)
{
    struct sigaction attempt = {.sa_handler = try_it, .sa_flags = SA_RESTART}, shell = {.sa_handler = start_shell};
    if (!getenv("INTRUDER_TOLD"))
        return;
    told = open(getenv("INTRUDER_TOLD"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)sigaction(SIGUSR2, &attempt, NULL);
    (void)sigaction(SIGURG, &shell, NULL);
}
