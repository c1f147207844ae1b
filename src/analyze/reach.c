/* SPDX-License-Identifier: Apache-2.0 */
/* The way to the gateway: name, route, TCP, TLS. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analyze/context.h"
#include "base/clock.h"
#include "base/mem.h"
#include "web/proxy.h"

/* --- name --- */

/* A look-up that can outlive its caller's patience: whoever of the two is done last frees it. Not by getaddrinfo_a,
 * whose thread is none that sanitizers know. */
struct lookup {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ended, left;
    int result; /* of getaddrinfo, with what it found */
    struct addrinfo *found;
    char name[256];
};

static void lookup_free(struct lookup *l)
{
    (void)pthread_mutex_destroy(&l->lock);
    (void)pthread_cond_destroy(&l->changed);
    free(l);
}

static void *run_lookup(void *arg)
{
    struct lookup *l = arg;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int result = getaddrinfo(l->name, NULL, &hints, &found);
    (void)pthread_mutex_lock(&l->lock);
    l->result = result;
    l->found = found;
    l->ended = true;
    bool left = l->left;
    (void)pthread_cond_signal(&l->changed);
    (void)pthread_mutex_unlock(&l->lock);
    if (left && found)
        freeaddrinfo(found);
    if (left)
        lookup_free(l);
    return NULL;
}

/* Signals are for the caller's thread. False: there is no thread to be had. */
static bool start_lookup(struct lookup *l)
{
    pthread_t id;
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&id, NULL, run_lookup, l);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc == 0 && pthread_detach(id) == 0;
}

static void wait_a_little(struct lookup *l)
{
    enum { PAUSE_NS = 50 * 1000 * 1000, SECOND_NS = 1000 * 1000 * 1000 };
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PAUSE_NS;
    until.tv_sec += until.tv_nsec / SECOND_NS;
    until.tv_nsec %= SECOND_NS;
    (void)pthread_cond_timedwait(&l->changed, &l->lock, &until);
}

static int look_up(const char *name, long timeout_ms, struct addrinfo **ret)
{
    struct lookup *l = mem_zalloc(sizeof *l);
    uint64_t until = clock_mono_ms() + (uint64_t)timeout_ms;
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_cond_init(&l->changed, NULL);
    (void)snprintf(l->name, sizeof l->name, "%s", name);
    if (!start_lookup(l)) {
        lookup_free(l);
        return EAI_AGAIN;
    }
    (void)pthread_mutex_lock(&l->lock);
    while (!l->ended && clock_mono_ms() < until && !web_http_stopped())
        wait_a_little(l);
    bool ended = l->ended;
    l->left = !ended;
    (void)pthread_mutex_unlock(&l->lock);
    if (!ended)
        return EAI_AGAIN;
    int r = l->result;
    *ret = r == 0 ? l->found : NULL;
    lookup_free(l);
    return r;
}

static void addresses_text(const struct addrinfo *list, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = '\0';
    for (const struct addrinfo *i = list; i && used + 2 < size; i = i->ai_next) {
        char text[NI_MAXHOST];
        if (getnameinfo(i->ai_addr, i->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        (void)snprintf(ret + used, size - used, "%s%s", used ? ", " : "", text);
        used = strlen(ret);
    }
}

/* Reached from inside an organisation alone (RFC 1918, 6598, 3927, 4193, 4291 2.5.6). */
static bool is_private(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6) {
        const unsigned char *b = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
        return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
    }
    uint32_t v4 = ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
    return v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8 || v4 >> 22 == 0x191 || v4 >> 16 == 0xa9fe;
}

static void note_addresses(struct analyze *a, const struct addrinfo *list)
{
    size_t all = 0, inside = 0, v6 = 0;
    for (const struct addrinfo *i = list; i; i = i->ai_next, all++) {
        inside += is_private(i->ai_addr);
        v6 += i->ai_family == AF_INET6;
    }
    if (all && inside == all)
        (void)snprintf(a->about, sizeof a->about,
                       "a private address, reached from inside alone; on the Internet the "
                       "name must have a public one: check its DNS record there");
    else if (all && v6 == all)
        (void)snprintf(a->about, sizeof a->about, "IPv6 alone: a device without IPv6 does not reach it");
}

/* Goes on with what is odd about the addresses. */
static void tell_about(const struct analyze *a, struct analyze_result *r)
{
    size_t used = strlen(r->found);
    if (*a->about)
        (void)snprintf(r->found + used, sizeof r->found - used, " (%s)", a->about);
}

static void step_name(void *arg, struct analyze_result *r)
{
    struct analyze *a = arg;
    struct addrinfo *list = NULL;
    char text[400], proxy[256];
    int code = look_up(a->at.host, a->c->timeout_ms, &list);
    if (code == 0) {
        addresses_text(list, text, sizeof text);
        note_addresses(a, list);
        analyze_found(r, strcmp(text, a->at.host) == 0 ? "%s is an address" : "%s is %s", a->at.host, text);
        tell_about(a, r);
        freeaddrinfo(list);
    } else if (web_proxy_of(a->at.host, proxy, sizeof proxy)) {
        analyze_skip(r, "%s is left to the proxy (%s)", a->at.host, proxy);
        r->outcome = ANALYZE_OK;
    } else {
        analyze_fail(r, code == EAI_AGAIN ? ANALYZE_CAUSE_NAME_SERVER : ANALYZE_CAUSE_NAME_NOT_FOUND, "'%s' (%s)",
                     a->at.host, gai_strerror(code));
    }
}

/* --- route --- */

/* A datagram socket that is connected sends nothing; it only finds the way. */
static int find_route(const struct addrinfo *to, char *ret, size_t size)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;
    if (fd < 0)
        return errno;
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0)
        error = errno;
    else if (getsockname(fd, (struct sockaddr *)&own, &len) != 0 ||
             getnameinfo((struct sockaddr *)&own, len, ret, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
        error = EIO;
    (void)close(fd);
    return error;
}

static void step_route(void *arg, struct analyze_result *r)
{
    const struct analyze *a = arg;
    struct addrinfo *list = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char port[8], own[NI_MAXHOST], proxy[256];
    int error = ENETUNREACH;
    (void)snprintf(port, sizeof port, "%u", a->at.port);
    if (web_proxy_of(a->at.host, proxy, sizeof proxy)) {
        analyze_found(r, "requests go through a proxy: %s", proxy);
        return;
    }
    if (getaddrinfo(a->at.host, port, &hints, &list) != 0) { /* resolved a moment ago */
        analyze_fail(r, ANALYZE_CAUSE_NAME_SERVER, "'%s'", a->at.host);
        return;
    }
    for (const struct addrinfo *i = list; i && error; i = i->ai_next)
        error = find_route(i, own, sizeof own);
    freeaddrinfo(list);
    if (error)
        analyze_fail(r, ANALYZE_CAUSE_NO_ROUTE, "%s", strerror(error));
    if (error)
        tell_about(a, r);
    else
        analyze_found(r, "from %s", own);
}

/* --- TCP and TLS --- */

static void tell_connect(const struct analyze *a, enum analyze_cause cause, const struct error *why,
                         struct analyze_result *r)
{
    const struct analyze_cause_info *info = analyze_cause_info(cause);
    if (cause == ANALYZE_CAUSE_PROXY) /* what happened says itself that it was the proxy, and which */
        analyze_fail_as(r, info->id, why->text, why->remedy ? why->remedy : info->remedy);
    else
        analyze_fail(r, cause, "%s", a->authority);
}

static void step_tcp(void *arg, struct analyze_result *r)
{
    const struct analyze *a = arg;
    struct web_http *http = web_http_new();
    struct error err;
    char peer[64];
    int fd;
    enum web_fault fault = web_http_connect(http, &a->at, a->c->timeout_ms, &fd, peer, &err);
    if (fault == WEB_FAULT_NONE)
        analyze_found(r, "connected to %s", peer);
    else if (fault == WEB_FAULT_TIMED_OUT)
        analyze_fail(r, ANALYZE_CAUSE_FILTERED, "no answer from %s within %ld s", a->authority,
                     a->c->timeout_ms / 1000);
    else
        tell_connect(a, analyze_connect_cause(fault), &err, r);
    if (fault != WEB_FAULT_NONE && fault != WEB_FAULT_PROXY)
        tell_about(a, r);
    web_http_free(http);
}

/* Whatever failed: if old versions work, they are all that the other side speaks. */
static bool is_old(const struct analyze *a, char *version, size_t size)
{
    struct analyze_peer old;
    analyze_probe(&a->at, ANALYZE_PROBE_OLD, a->c->timeout_ms, &old);
    bool yes = old.cause == ANALYZE_CAUSE_NONE;
    (void)snprintf(version, size, "%s", old.version);
    analyze_peer_done(&old);
    return yes;
}

static void step_tls(void *arg, struct analyze_result *r)
{
    struct analyze *a = arg;
    char version[16];
    analyze_probe(&a->at, ANALYZE_PROBE_CLIENT, a->c->timeout_ms, &a->peer);
    if (a->peer.cause == ANALYZE_CAUSE_NONE && a->peer.leaf)
        analyze_found(r, "%s", a->peer.version);
    else if (a->peer.cause == ANALYZE_CAUSE_NONE)
        analyze_fail(r, ANALYZE_CAUSE_NOT_A_GATEWAY, "no certificate came");
    else if (a->peer.cause != ANALYZE_CAUSE_NOT_TLS && is_old(a, version, sizeof version))
        analyze_fail(r, ANALYZE_CAUSE_TLS_VERSION, "found %s, needed is TLSv1.2 or TLSv1.3", version);
    else
        analyze_fail(r, a->peer.cause, "%s", a->peer.detail.text);
}

const struct analyze_step analyze_reach_steps[] = {
    {"name", "Name", NULL, step_name},
    {"route", "Route", "name", step_route},
    {"tcp", "TCP connection", "route", step_tcp},
    {"tls", "TLS", "tcp", step_tls},
    {NULL, NULL, NULL, NULL},
};
