/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the access log. */
#include "mp/server/access.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/gather.h"
#include "mp/server/listener.h"
#include "mp/server/request.h"

enum { LINE_MAX_BYTES = 8 * 1024 };

enum result mp_access_open(const char *path, int *ret_fd, struct error *err)
{
    if (file_make_parent(path, 0750, err) != OK)
        return error_prefix(err, "access_log");
    *ret_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    return *ret_fd >= 0 ? OK : error_set(err, R_IO, "access_log: %s: %s", path, strerror(errno));
}

static void write_line(int fd, const struct log_field *fields, size_t count)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    log_format_line(&line, LOG_TEXT, LOG_INFO, "access", "request", fields, count, clock_wall_ms());
    /* one write a line; a log that can't be written is lost */
    (void)!write(fd, buf_data(&line).ptr, buf_len(&line));
    buf_free(&line);
}

/* Those of strangers are gathered, address by address; who was let in, and connectors, have one for each request. */
static bool held_back(const struct mp_connection *c)
{
    return c->stranger.holder &&
           !log_gather(LOG_INFO, "access", "request", c->peer.group, "of nobody known", clock_mono_ms());
}

void mp_access_log(const struct mp_request *r, int status)
{
    const struct mp_connection *c = r->connection;
    if (!c || r->site->access_fd < 0 || held_back(c))
        return;
    const struct http_request *q = &r->exchange->request;
    const struct log_field fields[] = {
        LOG_T("mp", c->point->config->id),
        LOG_T("peer", c->peer.address),
        LOG_T("connector", r->sender.identity.connector),
        LOG_S("method", log_cut(q->method)),
        LOG_S("target", log_cut(q->target)),
        LOG_N("status", status),
        LOG_T("auth", mp_auth_name(r->sender.identity.auth)),
        LOG_S("client", log_cut(mp_request_field(r, "cmg-client-id"))),
        LOG_T("request_id", r->id),
    };
    write_line(r->site->access_fd, fields, ARRAY_LEN(fields));
}

void mp_access_log_bad(const struct mp_connection *c, int status, const char *what)
{
    if (c->peer.site->access_fd < 0 || held_back(c))
        return;
    const struct log_field fields[] = {LOG_T("mp", c->point->config->id), LOG_T("peer", c->peer.address),
                                       LOG_T("connector", c->peer.connector), LOG_N("status", status),
                                       LOG_T("broken", what)};
    write_line(c->peer.site->access_fd, fields, ARRAY_LEN(fields));
}
