/* SPDX-License-Identifier: Apache-2.0 */
/* One signed request, through the gateway or directly: address, credential, signature (RFC 9421), the clock's
 * difference, and what the answer means. */
#include "client/session/send.h"

#include <stdio.h>

#include "base/clock.h"
#include "client/session/refused.h"
#include "jose/token.h"
#include "web/signed.h"

enum { URL_MAX = 2048, OFFSET_MAX_S = 600 };

static bool make_lines(struct client_session *s, const struct client_call *call, struct web_lines *l)
{
    struct web_signed_request r = {.verb = call->verb,
                                   .target = call->target,
                                   .body = call->body,
                                   .key = client_session_credential(s, call->method)->key,
                                   .now = clock_wall_s() + s->times.offset,
                                   .content_type = call->content_type,
                                   .if_none_match = call->if_none_match,
                                   .range = call->range,
                                   .if_range = call->if_range,
                                   .bearer = call->bearer};
    struct error err;
    enum result result = web_signed_lines(&r, l, &err);
    if (result == OK) {
        memcpy(s->nonce, l->nonce, sizeof s->nonce);
        return true;
    }
    if (result == R_LIMIT)
        return client_session_fail(s, "token_too_long", &err, NULL);
    return client_session_fail(s, "signature", &err, "use a key of RSA 2048 or more, P-256, P-384 or Ed25519");
}

static void make_url(const struct client_session *s, const struct client_call *call, char *ret, size_t size)
{
    char authority[CLIENT_AUTHORITY_SIZE];
    client_fqdn_authority(s->way.mp ? &s->way.mp->at : s->way.gateway, authority);
    if (s->way.mp) {
        (void)snprintf(ret, size, "https://%s%s", authority, call->target);
        return;
    }
    (void)snprintf(ret, size, "https://%s/%s%s%s%s", authority,
                   call->method == CHOICE_PKI ? "CCM_Proxy_MutualAuth" : "CCM_Proxy_ServerAuth", call->role ? "/" : "",
                   call->role ? call->role : "", call->target);
}

static bool fail_unreachable(struct client_session *s, enum web_fault fault, const struct error *err)
{
    const struct web_fault_info *info = web_fault_info(fault);
    char authority[CLIENT_AUTHORITY_SIZE];
    client_fqdn_authority(s->way.mp ? &s->way.mp->at : s->way.gateway, authority);
    s->outcome = (struct web_outcome){.ending = WEB_UNREACHABLE};
    (void)snprintf(s->outcome.reason, sizeof s->outcome.reason, "%s", info->word);
    (void)snprintf(s->outcome.detail, sizeof s->outcome.detail, "%.150s: %.350s", authority, err->text);
    (void)snprintf(s->outcome.remedy, sizeof s->outcome.remedy, "%s",
                   s->way.mp     ? "check the management point, and MPUrls and MPCA on this device"
                   : err->remedy ? err->remedy
                                 : info->remedy);
    if (s->way.mp)
        (void)snprintf(s->way.mp->why, sizeof s->way.mp->why, "%.40s: %.200s", info->word, err->text);
    for (enum client_log log = CLIENT_LOG_LOCATION; log <= CLIENT_LOG_MESSAGING; log++) {
        if (log != CLIENT_LOG_REGISTRATION)
            client_logf(&s->c->logs, log, LOG_ERROR, "Failed to reach the %s %s: 0x87d00231, %s: %s",
                        s->way.mp ? "management point" : "cloud management gateway", authority, info->word, err->text);
    }
    return false;
}

static void log_answer(const struct client_session *s, const struct client_call *call, const char *url,
                       const struct web_answer *a)
{
    client_logf(&s->c->logs, CLIENT_LOG_MESSAGING, a->status < 400 ? LOG_INFO : LOG_ERROR,
                "[CCMHTTP] %s %s StatusCode=%ld StatusText=%s Bytes=%zu Time=%ldms", call->verb, url, a->status,
                a->status_text, buf_len(&a->body), a->millis);
}

static bool send_once(struct client_session *s, const struct client_call *call, const char *url, struct web_answer *ret)
{
    const struct client_credential *cred = client_session_credential(s, call->method);
    struct web_lines l = {.count = 0};
    struct error err;
    struct web_request r = {.method = call->verb,
                            .url = url,
                            .body = call->body,
                            .certificate_pem = slice_of(cred->certificate_pem),
                            .key_pem = slice_of(cred->key_pem),
                            .anchors_pem = slice_of(s->anchors),
                            .wait_ms = (long)call->wait_s * 1000};
    if (s->way.mp)
        client_mp_trust(&s->way.inside, s->way.mp, &r);
    bool ok = make_lines(s, call, &l);
    if (ok) {
        memcpy(r.headers, l.items, l.count * sizeof l.items[0]);
        enum web_fault fault = web_http_do(s->http, &r, ret, &err);
        ok = fault == WEB_FAULT_NONE || fail_unreachable(s, fault, &err);
    }
    web_lines_free(&l);
    if (ok)
        log_answer(s, call, url, ret);
    return ok;
}

static bool is_within(int64_t seconds, int64_t limit)
{
    return seconds <= limit && seconds >= -limit;
}

/* The site's time as it signed it for this very request; 0: it did not. */
static int64_t signed_time(const struct client_session *s, const struct client_call *call, const struct web_answer *a)
{
    const struct client_reader who = client_session_reader(s, call->method, NULL);
    json_t *root = NULL;
    struct document d = {0};
    int64_t when = 0;
    if (json_parse(buf_data(&a->body), WEB_ANSWER_MAX, &root, NULL) == OK &&
        client_document_answer(&who, slice_of(json_opt_str(root, "signed_time", "")), s->nonce, &d, NULL) == OK)
        when = d.issued;
    document_done(&d);
    json_decref(root);
    return when;
}

/* A Date is anybody's on the way, who could collect signatures of times to come: it counts for little. */
static bool believe_date(const struct client_session *s, int64_t date)
{
    int64_t offset = date - clock_wall_s();
    if (is_within(offset, OFFSET_MAX_S))
        return true;
    client_logf(
        &s->c->logs, CLIENT_LOG_MESSAGING, LOG_WARN,
        "The answer's Date differs from this device's clock by %lld s, and the site did not sign it: not believed",
        (long long)offset);
    return false;
}

/* PROTOCOL 4 and 8: on 401 the site's signed time, or else the answer's Date, says by how much the clocks differ; the
 * next signature takes it into account. */
static bool learn_offset(struct client_session *s, const struct client_call *call, const struct web_answer *a)
{
    if (a->status != 401)
        return false;
    int64_t now = clock_wall_s(), site = signed_time(s, call, a), when = site ? site : a->date;
    if (when == 0 || is_within(when - (now + s->times.offset), WEB_SKEW_S) || (!site && !believe_date(s, when)))
        return false;
    s->times.offset = when - now;
    client_logf(&s->c->logs, CLIENT_LOG_MESSAGING, LOG_WARN,
                "This device's clock differs from the site's by %lld s; signing again with the site's time",
                (long long)s->times.offset);
    return true;
}

/* The gateway saw no client certificate, although one was shown: what ends TLS on the way does not pass it on. */
static void explain_lost_certificate(struct web_outcome *o)
{
    static const char added[] = "; but this device did show its certificate: something in between ends TLS";
    bool lost = (strcmp(o->code, "CMGService_Invalid_Client_Certificate") == 0 &&
                 strcmp(o->reason, verdict_reason_info(REASON_CERT_MISSING)->name) == 0) ||
                strstr(o->detail, JOSE_TOKEN_NO_CERTIFICATE);
    size_t used = strlen(o->detail);
    if (!lost || used + sizeof added > sizeof o->detail)
        return;
    memcpy(o->detail + used, added, sizeof added);
    (void)snprintf(o->remedy, sizeof o->remedy,
                   "cmg-client analyze names who answers instead of the gateway: let a load balancer or reverse proxy "
                   "before it pass TCP on, and exclude the gateway's name from TLS inspection");
}

bool client_session_send(struct client_session *s, const struct client_call *call, struct web_answer *ret)
{
    char url[URL_MAX];
    *ret = (struct web_answer){0};
    make_url(s, call, url, sizeof url);
    if (!send_once(s, call, url, ret))
        return false;
    if (learn_offset(s, call, ret)) {
        web_answer_free(ret);
        if (!send_once(s, call, url, ret))
            return false;
    }
    s->times.date = ret->date;
    s->times.date_here = clock_wall_s();
    if (ret->status < 300 || ret->status == 304)
        return true;
    web_outcome_answer(&s->outcome, ret->status, slice_of(ret->status_text), buf_data(&ret->body));
    if (!s->way.mp)
        explain_lost_certificate(&s->outcome);
    client_logf(&s->c->logs, CLIENT_LOG_MESSAGING, LOG_ERROR,
                "[CCMHTTP] ERROR INFO: StatusCode=%ld StatusText=%s Reason=%s Request=%s: %s", s->outcome.status,
                s->outcome.code, s->outcome.reason, s->outcome.request_id, s->outcome.detail);
    return false;
}

bool client_session_signed_answer(struct client_session *s, const struct web_answer *a, const char *guid, json_t **ret)
{
    const struct client_reader who = client_session_reader(s, s->choice.method, guid);
    json_t *root = NULL;
    const char *text;
    struct document d = {0};
    struct error err;
    *ret = NULL;
    enum result r = json_parse(buf_data(&a->body), WEB_ANSWER_MAX, &root, &err);
    if (r == OK)
        r = json_need_str(root, "signed", &text, &err);
    bool there = r == OK;
    if (there)
        r = client_document_answer(&who, slice_of(text), s->nonce, &d, &err);
    if (r == OK)
        *ret = json_incref(d.content);
    document_done(&d);
    json_decref(root);
    if (r == OK)
        return true;
    (void)error_prefix(&err, "the answer of the management point");
    return client_session_fail(s, there ? "answer_untrusted" : "bad_answer", &err,
                               there ? CLIENT_ANSWER_REMEDY : "check what answers at this management point");
}
