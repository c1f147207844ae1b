/* SPDX-License-Identifier: Apache-2.0 */
/* A whole answer from memory, the same for every server. */
#include "http/exchange.h"

/* Over the maximum the rest is left out: our own answers have few fields. */
static void add_all(struct http_fields *to, struct arena *a, const struct http_fields *from)
{
    for (size_t i = 0; i < from->count; i++) {
        if (http_fields_add(to, a, from->list[i].name, from->list[i].value) != OK)
            return;
    }
}

void http_exchange_reply(struct http_exchange *x, int status, const char *content_type, struct slice body,
                         const struct http_fields *extra)
{
    struct http_response head = {.status = status, .content_length = (int64_t)body.len};
    struct http_field type = {SLICE("content-type"), slice_of(content_type)};
    if (content_type)
        add_all(&head.fields, x->arena, &(struct http_fields){&type, 1, 1});
    if (extra)
        add_all(&head.fields, x->arena, extra);
    if (!body.len || slice_eq(x->request.method, SLICE("HEAD"))) {
        http_exchange_respond(x, &head, true);
        return;
    }
    http_exchange_respond(x, &head, false);
    http_exchange_write(x, body);
    http_exchange_finish(x, NULL);
}
