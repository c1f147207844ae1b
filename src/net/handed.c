/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets that the service manager keeps while the program is restarted, as sd_listen_fds(3) describes them
 * for programs that go without libsystemd: those that a socket unit opened, and those that the program gave it itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host/log.h"
#include "loop/service.h"
#include "net/internal.h"

#define KEPT_PREFIX "listener-"
enum { FIRST = 3, KEPT_NAME = 40 };

static bool number_of(const char *variable, uint64_t *ret)
{
    const char *text = getenv(variable);
    return text && slice_to_u64(slice_of(text), ret);
}

static bool is_any(const struct net_address *a)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    memcpy(&four, &a->storage, sizeof four);
    memcpy(&six, &a->storage, sizeof six);
    return a->storage.ss_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr)
                                            : four.sin_addr.s_addr == htonl(INADDR_ANY);
}

/* All addresses of a machine without IPv6 are those of IPv4. */
static bool is_at(const struct net_address *held, const struct net_address *wanted)
{
    char a[NET_ADDRESS_TEXT], b[NET_ADDRESS_TEXT];
    if (net_address_port(held) != net_address_port(wanted))
        return false;
    if (is_any(held) && is_any(wanted))
        return held->storage.ss_family == AF_INET || wanted->storage.ss_family == AF_INET6;
    net_address_format_host(held, a);
    net_address_format_host(wanted, b);
    return strcmp(a, b) == 0;
}

static bool is_listener(int fd)
{
    int listens = 0, type = 0;
    socklen_t len = sizeof listens, type_len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM;
}

static bool at_address(const struct net_address *held, const void *wanted)
{
    return (held->storage.ss_family == AF_INET || held->storage.ss_family == AF_INET6) && is_at(held, wanted);
}

static bool at_path(const struct net_address *held, const void *wanted)
{
    const struct sockaddr_un *path = wanted;
    struct sockaddr_un own = {0};
    if (held->storage.ss_family != AF_UNIX || held->len > sizeof own)
        return false;
    memcpy(&own, &held->storage, held->len);
    return strcmp(own.sun_path, path->sun_path) == 0;
}

typedef bool is_at_fn(const struct net_address *held, const void *wanted);

static bool fits(int fd, is_at_fn *matches, const void *wanted)
{
    struct net_address held = {.len = sizeof held.storage};
    return is_listener(fd) && getsockname(fd, (struct sockaddr *)&held.storage, &held.len) == 0 &&
           matches(&held, wanted);
}

/* How often each was asked for; of the main thread, before there are others. */
static unsigned uses[NET_HANDED_MAX];

static int count_handed(void)
{
    uint64_t pid, count;
    if (!number_of("LISTEN_PID", &pid) || pid != (uint64_t)getpid() || !number_of("LISTEN_FDS", &count))
        return 0;
    return (int)(count < NET_HANDED_MAX ? count : NET_HANDED_MAX);
}

/* The one that was asked for least, so that each of several at one address is. */
static int find(is_at_fn *matches, const void *wanted)
{
    int best = -1, count = count_handed();
    for (int i = 0; i < count; i++) {
        if ((best < 0 || uses[i] < uses[best]) && fits(FIRST + i, matches, wanted))
            best = i;
    }
    return best;
}

static int take(is_at_fn *matches, const void *wanted)
{
    int i = find(matches, wanted), own = i >= 0 ? fcntl(FIRST + i, F_DUPFD_CLOEXEC, 0) : -1;
    if (own < 0)
        return -1;
    uses[i]++;
    int flags = fcntl(own, F_GETFL);
    if (flags >= 0 && fcntl(own, F_SETFL, flags | O_NONBLOCK) == 0)
        return own;
    (void)close(own);
    return -1;
}

int net_handed(const struct net_address *at)
{
    int own = take(at_address, at);
    if (own >= 0)
        net_socket_options(own);
    return own;
}

int net_handed_unix(const struct sockaddr_un *at)
{
    return take(at_path, at);
}

size_t net_handed_count(const struct net_address *at)
{
    size_t n = 0;
    int count = count_handed();
    for (int i = 0; i < count; i++)
        n += fits(FIRST + i, at_address, at);
    return n;
}

/* --- those that this program gave to the manager itself --- */

/* A socket's number tells it from all others of the machine, and stays the same when it is handed on. */
static bool name_of(int fd, char ret[KEPT_NAME])
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return false;
    (void)snprintf(ret, KEPT_NAME, KEPT_PREFIX "%llu", (unsigned long long)st.st_ino);
    return true;
}

bool net_handed_keep(int fd)
{
    char name[KEPT_NAME];
    return name_of(fd, name) && loop_service_keep(fd, name);
}

static bool was_kept(int i, const char *name)
{
    const char *at = getenv("LISTEN_FDNAMES");
    for (; at && i > 0; i--) {
        at = strchr(at, ':');
        at = at ? at + 1 : NULL;
    }
    size_t len = strlen(name);
    return at && strncmp(at, name, len) == 0 && (at[len] == ':' || !at[len]);
}

void net_handed_settle(void)
{
    char name[KEPT_NAME];
    int count = count_handed();
    for (int i = 0; i < count; i++) {
        if (uses[i] || !is_listener(FIRST + i) || !name_of(FIRST + i, name))
            continue;
        if (was_kept(i, name))
            loop_service_let_go(name);
        else
            log_msg(LOG_WARN, "net",
                    "the service manager handed over a socket that the configuration does not name: nobody answers "
                    "there. Stop its socket unit, or correct `listen`");
        (void)close(FIRST + i);
    }
}
