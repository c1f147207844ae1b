/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1: one request at a time on a connection, the same bytes each time; llhttp reads the answers. */
#include <llhttp.h>
#include <stdlib.h>

#include "base/mem.h"
#include "load.h"

struct load_protocol {
    struct load_connection *connection;
    llhttp_t parser;
    llhttp_settings_t settings;
    uint64_t asked_at, body;
    bool asked, again;
};

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    (void)at;
    struct load_protocol *p = parser->data;
    p->body += len;
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    struct load_protocol *p = parser->data;
    p->asked = false;
    p->again = load_answered(p->connection, p->asked_at, llhttp_get_status_code(parser), p->body);
    if (!llhttp_should_keep_alive(parser)) {
        p->again = false;
        p->connection->renew = true;
    }
    return 0;
}

struct load_protocol *h1_new(struct load_connection *c)
{
    struct load_protocol *p = mem_zalloc(sizeof *p);
    p->connection = c;
    llhttp_settings_init(&p->settings);
    p->settings.on_body = on_body;
    p->settings.on_message_complete = on_complete;
    llhttp_init(&p->parser, HTTP_RESPONSE, &p->settings);
    p->parser.data = p;
    return p;
}

void h1_free(struct load_protocol *p)
{
    free(p);
}

void h1_ask(struct load_protocol *p)
{
    p->asked_at = load_due(p->connection->load);
    p->asked = true;
    p->body = 0;
    connection_write(p->connection, p->connection->load->request);
}

void h1_feed(struct load_protocol *p, struct slice data)
{
    if (!p->asked) {
        connection_fail(p->connection, "bytes that nobody asked for");
        return;
    }
    p->again = false;
    if (llhttp_execute(&p->parser, data.ptr, data.len) != HPE_OK)
        connection_fail(p->connection, "not HTTP: %s", llhttp_get_error_reason(&p->parser));
    else if (p->again)
        h1_ask(p);
}
