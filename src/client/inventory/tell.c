/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of state messages, some at a time, the oldest first. */
#include "client/inventory/tell.h"

#include <stdlib.h>

#include "client/session/refused.h"
#include "client/site/token.h"
#include "client/state/messages.h"

enum { AT_ONCE = 64 };

/* The site's signed word on how many it has of those that were sent. */
static bool send_some(struct client_session *s, const json_t *some, size_t *ret_taken)
{
    json_t *body = json_pack("{s:O}", "messages", some), *said = NULL;
    char *text = json_text(body);
    struct web_answer answer;
    struct client_call call = {.method = s->choice.method,
                               .role = s->choice.role.id,
                               .verb = "POST",
                               .target = "/CCM_System/state",
                               .content_type = "application/json",
                               .body = slice_of(text)};
    bool ok = client_token_send(s, &call, &answer) &&
              client_session_signed_answer(s, &answer, client_session_registration(s)->guid, &said);
    *ret_taken = ok ? (size_t)json_opt_int(said, "taken", 0) : 0;
    json_decref(said);
    web_answer_free(&answer);
    free(text);
    json_decref(body);
    return ok;
}

/* What a management point takes for no message stands in the way of all others. */
static bool is_not_understood(const struct web_outcome *o)
{
    return o->ending == WEB_REFUSED && o->status == 400 && strncmp(o->code, "MP_", 3) == 0;
}

/* One of before state messages: they wait for another. */
static bool knows_none(const struct web_outcome *o)
{
    return o->ending == WEB_REFUSED && (o->status == 404 || o->status == 501);
}

bool client_tell(struct client_session *s)
{
    struct error err;
    json_t *all = client_messages_load(s->c->dir), *some = json_array();
    size_t taken = 0;
    bool ok = true;
    while (ok && json_array_size(all)) {
        (void)json_array_clear(some);
        for (size_t i = 0; i < AT_ONCE && i < json_array_size(all); i++)
            (void)json_array_append(some, json_array_get(all, i));
        ok = (send_some(s, some, &taken) && taken == json_array_size(some)) || is_not_understood(&s->outcome);
        if (!ok && knows_none(&s->outcome)) {
            ok = true;
            break;
        }
        if (ok && client_messages_drop(s->c->dir, json_array_size(some), &err) != OK)
            ok = client_session_fail_state(s, &err);
        for (size_t i = json_array_size(some); ok && i; i--)
            (void)json_array_remove(all, 0);
    }
    json_decref(some);
    json_decref(all);
    return ok;
}
