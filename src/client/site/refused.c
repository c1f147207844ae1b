/* SPDX-License-Identifier: Apache-2.0 */
/* What looks like a bad document or certificate, and is this device's clock, or its disk. */
#include <stdio.h>

#include "base/clock.h"
#include "client/client.h"

bool client_clock_is_wrong(const struct client_session *s, char *ret, size_t size)
{
    enum { ASK_MS = 5000 };
    char authority[CLIENT_AUTHORITY_SIZE];
    bool time = s->pki_fault.reason == REASON_CERT_EXPIRED || s->pki_fault.reason == REASON_CERT_NOT_YET_VALID;
    if (!s->pki_fault.configured || !time || s->gateways.count == 0)
        return false;
    client_fqdn_authority(&s->gateways.items[0], authority);
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
    if (web_clocks_differ(s->date, s->date_here, differ, sizeof differ) &&
        client_document_good_at(&r->who, r->text, r->type, s->date))
        return client_session_fail_clock(s, differ, err->text);
    return client_session_fail(s, r->reason, err, r->remedy);
}
