/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets that the service manager opened and keeps while the program is restarted, as sd_listen_fds(3)
 * describes them for programs that go without libsystemd. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/internal.h"

enum { FIRST = 3, MANY = 64 };

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

static bool listens_at(int fd, const struct net_address *at)
{
    struct net_address held = {.len = sizeof held.storage};
    int listens = 0, type = 0;
    socklen_t len = sizeof listens, type_len = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM &&
           getsockname(fd, (struct sockaddr *)&held.storage, &held.len) == 0 &&
           (held.storage.ss_family == AF_INET || held.storage.ss_family == AF_INET6) && is_at(&held, at);
}

int net_handed(const struct net_address *at)
{
    uint64_t pid, count;
    if (!number_of("LISTEN_PID", &pid) || pid != (uint64_t)getpid() || !number_of("LISTEN_FDS", &count))
        return -1;
    for (int fd = FIRST; fd < FIRST + (int)(count < MANY ? count : MANY); fd++) {
        int own = listens_at(fd, at) ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
        int flags = own >= 0 ? fcntl(own, F_GETFL) : -1;
        if (flags >= 0 && fcntl(own, F_SETFL, flags | O_NONBLOCK) == 0) {
            net_socket_options(own);
            return own;
        }
        if (own >= 0)
            (void)close(own);
    }
    return -1;
}
