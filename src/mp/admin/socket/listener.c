/* SPDX-License-Identifier: Apache-2.0 */
/* The admin socket: its connections, and who may ask what. Which requests there are: api.h. */
#include "mp/admin/socket/listener.h"

#include <bsd/sys/queue.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/gather.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "http/server.h"
#include "mp/admin/admin.h"
#include "mp/admin/socket/access.h"
#include "mp/admin/socket/routes.h"
#include "net/tcp.h"

enum { SOCKET_MODE = 0660, LIMITED_MAX = 64 };

struct admin_connection {
    struct mp_admin *admin;
    LIST_ENTRY(admin_connection) others;
    struct http_server_conn *http;
    unsigned uid;
    enum mp_role role;
    size_t bodies; /* bytes, of who is no administrator */
};

struct mp_admin {
    struct mp_site *site;
    struct net_listener *listener;
    LIST_HEAD(, admin_connection) connections;
    struct mp_admin_groups groups;
    size_t limited; /* connections of who is no administrator */
};

/* --- roles --- */

static void refuse_role(struct mp_request *r, enum mp_role wanted, enum mp_role has)
{
    const char *group = r->site->config->groups[wanted];
    char remedy[384];
    struct error err;
    (void)error_set(&err, R_DENIED, "this wants the role %s; %s has %s%s", mp_role_name(wanted), r->caller,
                    has == MP_NO_ROLE ? "" : "the role ", mp_role_name(has));
    (void)snprintf(remedy, sizeof remedy,
                   "have it done by who has that role, or join the group %s on the machine of cmg-mp (usermod -aG %s "
                   "USER as root, then log in anew; groups made since cmg-mp started want its restart)",
                   group, group);
    mp_admin_fail(r, &err, remedy);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct admin_connection *c = owner;
    struct mp_request *r = mp_request_new(c->admin->site, NULL, x);
    const char *allow;
    (void)snprintf(r->caller, sizeof r->caller, "uid:%u", c->uid);
    r->role = c->role;
    (void)snprintf(r->body_share.whose, sizeof r->body_share.whose, "%s", r->caller);
    if (c->role < MP_ADMINISTRATOR)
        r->body_share.connection = &c->bodies;
    const struct mp_admin_route *route = mp_admin_route_find(r->arena, x->request.method, r->path, r->params, &allow);
    if (c->role == MP_NO_ROLE || (route && c->role < route->wants))
        refuse_role(r, route ? route->wants : MP_READER, c->role);
    else if (route && route->streams)
        route->handle(r);
    else if (route)
        mp_request_collect(r, route->handle, MP_ADMIN_BODY_MAX);
    else if (*allow)
        mp_refuse_method(r, allow);
    else
        mp_refuse(r, MP_REFUSAL_UNKNOWN_PATH, NULL);
}

static void on_close(void *owner)
{
    struct admin_connection *c = owner;
    LIST_REMOVE(c, others);
    c->admin->limited -= c->role < MP_ADMINISTRATOR;
    free(c);
}

static const struct http_server_events events = {.on_request = on_request, .on_close = on_close};

static void on_accept(void *ctx, struct net_stream *stream, const struct net_address *peer)
{
    struct mp_admin *a = ctx;
    unsigned uid;
    enum mp_role role;
    (void)peer;
    if (!mp_admin_role_of_peer(&a->groups, stream, &uid, &role)) {
        log_msg(LOG_WARN, "mp", "the admin socket's caller can't be told; it was hung up on");
        net_stream_close(stream);
        return;
    }
    if (role < MP_ADMINISTRATOR && a->limited >= LIMITED_MAX) { /* administrators always get through */
        LOG_GATHERED(LOG_WARN, "mp", "admin", "limited", "the admin socket is full of who is no administrator",
                     LOG_N("uid", uid));
        net_stream_close(stream);
        return;
    }
    struct admin_connection *c = mem_zalloc(sizeof *c);
    c->admin = a;
    c->uid = uid;
    c->role = role;
    a->limited += role < MP_ADMINISTRATOR;
    LIST_INSERT_HEAD(&a->connections, c, others);
    c->http = http_server_conn_new(a->site->loop, stream, false, &http_server_defaults, &events, c);
}

enum result mp_admin_open(struct mp_site *site, struct mp_admin **ret, struct error *err)
{
    struct mp_admin *a = mem_zalloc(sizeof *a);
    struct error refused;
    a->site = site;
    enum result r = mp_admin_groups_find(site->config, &a->groups, err);
    if (r == OK)
        r = file_make_parent(site->config->admin_socket, 0755, err);
    if (r == OK)
        r = net_listen_unix(site->loop, site->config->admin_socket, SOCKET_MODE, on_accept, a, &a->listener, err);
    if (r != OK) {
        free(a);
        return error_prefix(err, "admin_socket");
    }
    net_listener_keep(a->listener);
    if (mp_admin_groups_admit(&a->groups, site->config->admin_socket, &refused) != OK)
        log_msg(LOG_WARN, "mp",
                "%s; root and the user of cmg-mp alone can use it: put it on a file system that has them",
                refused.text);
    *ret = a;
    return OK;
}

static void close_listener(struct mp_admin *a)
{
    net_listener_close(a->listener);
    a->listener = NULL;
}

void mp_admin_drain(struct mp_admin *a)
{
    if (!a)
        return;
    close_listener(a);
    struct admin_connection *c, *next;
    LIST_FOREACH_SAFE(c, &a->connections, others, next)
        http_server_conn_drain(c->http);
}

bool mp_admin_idle(const struct mp_admin *a)
{
    return !a || LIST_EMPTY(&a->connections);
}

void mp_admin_hang_up(struct mp_admin *a)
{
    if (!a)
        return;
    close_listener(a);
    struct admin_connection *c;
    LIST_FOREACH(c, &a->connections, others)
        http_server_conn_close(c->http); /* on_close frees it, later */
}

void mp_admin_free(struct mp_admin *a)
{
    free(a);
}
