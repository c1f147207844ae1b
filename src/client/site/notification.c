/* SPDX-License-Identifier: Apache-2.0 */
/* Waits for notifications, believes them, and hands messages over. */
#include "client/site/notification.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "client/apart.h"
#include "client/session/refused.h"
#include "client/session/send.h"
#include "client/state/floor.h"
#include "client/state/state.h"

enum { HANDLER_LIMIT_S = 60 };

static struct client_reader reader(struct client_session *s)
{
    return client_session_reader(s, s->choice.method, client_session_registration(s)->guid);
}

/* A management point or a gateway of before notifications. */
static bool tells_nothing(const struct web_outcome *o)
{
    return o->ending == WEB_REFUSED && (o->status == 404 || o->status == 405 || o->status == 501);
}

enum client_waited client_notification_wait(struct client_session *s, const char *bearer, uint64_t wait_s,
                                            struct web_answer *ret)
{
    char target[96];
    int64_t taken;
    struct error err;
    const struct client_reader who = reader(s);
    *ret = (struct web_answer){0};
    if (client_floor(&who, DOCUMENT_NOTIFICATION, &taken, &err) != OK) {
        (void)client_session_fail_state(s, &err);
        return CLIENT_WAITED_FAILED;
    }
    (void)snprintf(target, sizeof target, "/CCM_Notification?after=%" PRId64 "&wait=%" PRIu64, taken, wait_s);
    const struct client_call call = {.method = s->choice.method,
                                     .role = s->choice.role.id,
                                     .verb = "GET",
                                     .target = target,
                                     .bearer = bearer,
                                     .wait_s = wait_s};
    if (!client_session_send(s, &call, ret))
        return tells_nothing(&s->outcome) ? CLIENT_WAITED_NOWHERE : CLIENT_WAITED_FAILED;
    return ret->status == 200 ? CLIENT_WAITED_TOLD : CLIENT_WAITED_IN_VAIN;
}

/* --- what was told --- */

static enum result run_handler(const struct client *c, const char *message, struct error *err)
{
    const char *handler = client_setting(&c->settings, SETTING_NOTIFICATION_HANDLER);
    char *path = file_join(c->dir, "message.txt"), *nothing;
    enum result r = file_write(path, slice_of(message), 0600, err);
    if (r == OK && handler)
        r = client_apart_command(&(struct program){.path = handler, .argument = path, .limit_s = HANDLER_LIMIT_S},
                                 &nothing, err);
    free(path);
    return r;
}

/* It is not handed over twice: what a handler does with it may be what ends this process. */
static void hand_over(struct client_session *s, const char *message)
{
    const struct client *c = s->c;
    struct error err;
    client_logf(&c->logs, CLIENT_LOG_MESSAGING, LOG_INFO, "The site says: %s", message);
    if (run_handler(c, message, &err) != OK)
        client_logf(&c->logs, CLIENT_LOG_MESSAGING, LOG_ERROR, "The message was not handled: %s", err.text);
}

/* A kind that this version does not know yet is taken for a reason to look. */
static void obey(struct client_session *s, const json_t *list, bool *ret_run)
{
    const json_t *one;
    struct error err;
    size_t i;
    json_array_foreach(list, i, one) {
        const char *what = json_opt_str(one, "what", "");
        client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_INFO, "The site asks for: %.32s (notification %lld)", what,
                    (long long)json_opt_int(one, "id", 0));
        if (strcmp(what, "message") == 0)
            hand_over(s, json_opt_str(one, "message", ""));
        else
            *ret_run = true;
        if (strcmp(what, "inventory") == 0 && client_state_want_report(s->c->dir, true, &err) != OK)
            client_logf(&s->c->logs, CLIENT_LOG_MESSAGING, LOG_WARN, "The inventory is not reported: %s", err.text);
    }
}

bool client_notification_take(struct client_session *s, struct slice text, bool *ret_run)
{
    const struct client_reader who = reader(s);
    struct document d = {0};
    struct error err;
    *ret_run = false;
    enum result r = client_document_take(&who, text, DOCUMENT_NOTIFICATION, clock_wall_s() + s->times.offset, &d, &err);
    if (r == R_IO)
        return client_session_fail_state(s, &err);
    if (r != OK) {
        client_logf(&s->c->logs, CLIENT_LOG_POLICY, LOG_ERROR, "A notification is refused: %s", err.text);
        return client_session_fail(s, "notification_untrusted", &err, CLIENT_ANSWER_REMEDY);
    }
    obey(s, json_object_get(d.content, "notifications"), ret_run);
    document_done(&d);
    return true;
}
