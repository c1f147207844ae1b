/* SPDX-License-Identifier: Apache-2.0 */
/* messages.json in and out, whole each time, under the lock of the state folder. */
#include "client/state/messages.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text/encode.h"
#include "base/utf8.h"
#include "client/state/kept.h"

enum { FILE_MAX_BYTES = 8 * 1024 * 1024 };

#define NAME "messages.json"

json_t *client_messages_load(const char *dir)
{
    json_t *list = client_kept_load(dir, NAME, FILE_MAX_BYTES, JSON_ARRAY);
    return list ? list : json_array();
}

/* The end of it, as text: what is none is told as a question mark. */
static json_t *detail_text(struct slice detail)
{
    char text[CLIENT_MESSAGE_DETAIL_MAX + 1];
    size_t used = 0;
    if (detail.len > CLIENT_MESSAGE_DETAIL_MAX)
        detail = slice_skip(detail, detail.len - CLIENT_MESSAGE_DETAIL_MAX);
    while (detail.len) {
        size_t n = utf8_character(detail);
        bool good = n && *detail.ptr;
        n = n ? n : 1;
        memcpy(text + used, good ? detail.ptr : "?", good ? n : 1);
        used += good ? n : 1;
        detail = slice_skip(detail, n);
    }
    return json_stringn(text, used);
}

static json_t *message_json(const struct client_message *m)
{
    char id[GUID_SIZE];
    guid_new(id);
    json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:s, s:o, s:I}", "id", id, "kind", m->kind, "subject", m->subject,
                          "version", (json_int_t)m->version, "state", m->state, "detail", detail_text(m->detail), "at",
                          (json_int_t)clock_wall_s());
    if (!o)
        fatal("a message can't be made");
    return o;
}

enum result client_messages_add(const char *dir, const struct client_message *list, size_t count, struct error *err)
{
    json_t *all = client_messages_load(dir);
    for (size_t i = 0; i < count; i++) {
        if (json_array_append_new(all, message_json(&list[i])) != 0)
            fatal("a message can't be kept");
        if (json_array_size(all) > CLIENT_MESSAGES_MAX)
            (void)json_array_remove(all, 0);
    }
    enum result r = client_kept_save(dir, NAME, all, err);
    json_decref(all);
    return r;
}

enum result client_messages_drop(const char *dir, size_t count, struct error *err)
{
    json_t *all = client_messages_load(dir);
    for (size_t i = 0; i < count && json_array_size(all); i++)
        (void)json_array_remove(all, 0);
    enum result r = client_kept_save(dir, NAME, all, err);
    json_decref(all);
    return r;
}
