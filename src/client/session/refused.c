/* SPDX-License-Identifier: Apache-2.0 */
/* How a session ends badly by what the device itself finds: each fills the outcome and returns false. What looks like a
 * bad document or certificate may be this device's clock, or its disk. */
#include "client/session/refused.h"

#include <stdio.h>

#include "base/clock.h"
#include "web/http.h"

bool client_session_fail(struct client_session *s, const char *reason, const struct error *err, const char *remedy)
{
    web_outcome_local(&s->outcome, reason, err->text, remedy);
    return false;
}

bool client_session_fail_state(struct client_session *s, const struct error *err)
{
    return client_session_fail(s, "state", err, "check space and rights of the state folder");
}

bool client_session_fail_unasked(struct client_session *s)
{
    struct error err;
    (void)error_set(&err, R_DENIED, "304 was answered to a request that named no version");
    return client_session_fail(s, "bad_answer", &err, "check what answers at this management point");
}

bool client_session_fail_cloned(struct client_session *s)
{
    struct error err;
    const struct client_identity *id = &s->c->identity;
    if (!*id->cloned_from || *client_session_registration(s)->guid)
        return false;
    (void)error_set(
        &err, R_DENIED,
        "the state folder was copied from another machine, where it is device %s; this machine has a key of "
        "its own now and is not registered",
        id->cloned_from);
    (void)client_session_fail(
        s, "cloned", &err,
        "cmg-client register --token-file F with a token of `cmg token new`; in images, leave out "
        "the state folder");
    return true;
}

bool client_clock_is_wrong(const struct client_session *s, char *ret, size_t size)
{
    enum { ASK_MS = 5000 };
    char authority[CLIENT_AUTHORITY_SIZE];
    bool time =
        s->held.pki_fault.reason == REASON_CERT_EXPIRED || s->held.pki_fault.reason == REASON_CERT_NOT_YET_VALID;
    if (!s->held.pki_fault.configured || !time || s->way.gateways.count == 0)
        return false;
    client_fqdn_authority(&s->way.gateways.items[0], authority);
    return web_clocks_differ(web_http_peer_time(authority, ASK_MS), clock_wall_s(), ret, size);
}

bool client_session_fail_clock(struct client_session *s, const char *differ, const char *what)
{
    const struct web_fault_info *info = web_fault_info(WEB_FAULT_CLOCK);
    struct error err;
    (void)error_set(&err, R_DENIED, "%s: %s, and by our clock %s", info->text, differ, what);
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_ERROR, "%s: %s", info->word, err.text);
    return client_session_fail(s, info->word, &err, info->remedy);
}

/* Good by the time of the answer that it came in, and not by ours. */
bool client_session_fail_document(struct client_session *s, const struct client_refused *r, const struct error *err)
{
    char differ[128];
    if (err->code == R_IO)
        return client_session_fail_state(s, err);
    if (web_clocks_differ(s->times.date, s->times.date_here, differ, sizeof differ) &&
        client_document_good_at(&r->who, r->text, r->type, s->times.date))
        return client_session_fail_clock(s, differ, err->text);
    return client_session_fail(s, r->reason, err, r->remedy);
}
