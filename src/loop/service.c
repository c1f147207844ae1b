/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness, reloading, stopping, the watchdog and what outlives this process: lines in a datagram, as sd_notify(3)
 * describes them for programs that go without libsystemd, which would bring compression and cryptography of its own
 * into a gateway's process. A manager that can't be told does without. */
#include "loop/service.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/slice.h"

enum { LINES = 512 };

/* The socket's address; 0: there is no manager. A name that begins with @ is an abstract one. */
static socklen_t manager(struct sockaddr_un *ret)
{
    const char *name = getenv("NOTIFY_SOCKET");
    size_t len = name ? strlen(name) : 0;
    if (len < 2 || len >= sizeof ret->sun_path || !strchr("/@", *name))
        return 0;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, name, len);
    if (*name == '@')
        ret->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* With a copy of the descriptor `passed`; -1: none. */
static bool tell_with(const char *lines, int passed)
{
    struct sockaddr_un at;
    socklen_t len = manager(&at);
    int fd = len ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return false;
    struct iovec text = {(void *)(uintptr_t)lines, strlen(lines)};
    struct msghdr m = {.msg_name = &at, .msg_namelen = len, .msg_iov = &text, .msg_iovlen = 1};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof passed)];
    } control = {0};
    if (passed >= 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        control.head = (struct cmsghdr){CMSG_LEN(sizeof passed), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &passed, sizeof passed);
    }
    bool told = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
    (void)close(fd);
    return told;
}

static void tell(const char *lines)
{
    (void)tell_with(lines, -1);
}

static void feed(void *arg)
{
    (void)arg;
    tell("WATCHDOG=1");
}

static bool number_of(const char *variable, uint64_t *ret)
{
    const char *text = getenv(variable);
    return text && slice_to_u64(slice_of(text), ret);
}

/* Twice within the time that is given, as sd_watchdog_enabled(3) wants it; 0: this process is not watched. */
static uint64_t watchdog_every_ms(void)
{
    uint64_t within_us, pid;
    bool is_another = getenv("WATCHDOG_PID") && (!number_of("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid());
    if (is_another || !number_of("WATCHDOG_USEC", &within_us) || within_us == 0)
        return 0;
    return within_us < 2000 ? 1 : within_us / 2000;
}

struct loop_timer *loop_service_ready(struct loop *loop, const char *status)
{
    char lines[LINES];
    (void)snprintf(lines, sizeof lines, "READY=1\nSTATUS=%s", status);
    tell(lines);
    uint64_t every_ms = watchdog_every_ms();
    struct loop_timer *t = every_ms ? loop_timer_new(loop, feed, NULL) : NULL;
    if (t)
        loop_timer_start(t, every_ms, every_ms);
    return t;
}

void loop_service_reloading(void)
{
    char lines[LINES];
    (void)snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_mono_ms() * 1000);
    tell(lines);
}

void loop_service_reloaded(void)
{
    tell("READY=1");
}

void loop_service_stopping(const char *status)
{
    char lines[LINES];
    (void)snprintf(lines, sizeof lines, "STOPPING=1\nSTATUS=%s", status);
    tell(lines);
}

/* FDPOLL=0: a listener that nobody serves for a moment is not to be let go for it. */
bool loop_service_keep(int fd, const char *name)
{
    char lines[LINES];
    (void)snprintf(lines, sizeof lines, "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
    return tell_with(lines, fd);
}

void loop_service_let_go(const char *name)
{
    char lines[LINES];
    (void)snprintf(lines, sizeof lines, "FDSTOREREMOVE=1\nFDNAME=%s", name);
    tell(lines);
}
