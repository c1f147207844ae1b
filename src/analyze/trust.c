/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers: the server certificate, whether it is the gateway itself, and its clock. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/certificate.h"
#include "analyze/context.h"
#include "base/clock.h"
#include "pki/cert/host.h"

/* --- the server certificate --- */

enum itself { UNSURE, ITSELF, ANOTHER };

/* Only the gateway itself shows a role certificate to a connector's greeting: what takes TLS apart can't, and shows its
 * own one again. */
static enum itself is_gateway_itself(const struct analyze *a, char *urn, size_t size)
{
    struct analyze_peer p;
    enum itself ret = UNSURE;
    urn[0] = '\0';
    analyze_probe(&a->at, ANALYZE_PROBE_TUNNEL, a->c->timeout_ms, &p);
    if (p.leaf && X509_NAME_cmp(X509_get_issuer_name(p.leaf), X509_get_issuer_name(a->peer.leaf)) == 0)
        ret = ANOTHER;
    else if (p.leaf && pki_cert_uri(p.leaf, "urn:opencmg:", urn, size) && strstr(urn, ":gateway:"))
        ret = ITSELF;
    analyze_peer_done(&p);
    return ret;
}

static struct analyze_certificate question(const struct analyze *a, int64_t now)
{
    return (struct analyze_certificate){a->peer.leaf, a->peer.sent, a->anchors, a->at.host, now};
}

/* A certificate that is out of its time here but not by the other side's clock: then a clock is wrong. */
static bool is_clock(const struct analyze *a, struct analyze_result *r)
{
    int64_t there = web_http_peer_time(a->authority, a->c->timeout_ms);
    struct analyze_certificate q = question(a, there);
    struct error detail;
    char differ[128];
    if (!web_clocks_differ(there, clock_wall_s(), differ, sizeof differ) ||
        analyze_certificate_judge(&q, &detail) != ANALYZE_CAUSE_NONE)
        return false;
    analyze_fail(r, ANALYZE_CAUSE_CLOCK_WRONG, "%s, and by that clock the server certificate is in its time", differ);
    return true;
}

static void tell_intercepted(const struct analyze *a, struct analyze_result *r)
{
    char subject[200], issuer[200];
    const char *maker = analyze_certificate_inspector(a->peer.leaf);
    pki_cert_subject(a->peer.leaf, subject, sizeof subject);
    pki_cert_issuer(a->peer.leaf, issuer, sizeof issuer);
    analyze_fail(r, ANALYZE_CAUSE_TLS_INTERCEPTED, "the certificate that came, '%s', was issued by '%s'%s%s%s", subject,
                 issuer, maker ? " (TLS inspection by " : "", maker ? maker : "", maker ? ")" : "");
}

static bool is_intercepted(const struct analyze *a)
{
    return analyze_certificate_inspector(a->peer.leaf) ||
           (X509_self_signed(a->peer.leaf, 0) != 1 && pki_cert_is_for(a->peer.leaf, a->at.host));
}

static void tell_certificate(const struct analyze *a, struct analyze_result *r)
{
    char subject[160], issuer[160], ends[CLOCK_TEXT_SIZE];
    pki_cert_subject(a->peer.leaf, subject, sizeof subject);
    pki_cert_issuer(a->peer.leaf, issuer, sizeof issuer);
    clock_rfc3339(pki_cert_not_after(a->peer.leaf), ends);
    analyze_found(r, "%s, issued by %s, until %.10s", subject, issuer, ends);
}

static void step_certificate(void *arg, struct analyze_result *r)
{
    const struct analyze *a = arg;
    struct analyze_certificate q = question(a, clock_wall_s());
    struct error detail;
    char urn[160];
    enum analyze_cause cause = analyze_certificate_judge(&q, &detail);
    bool time = cause == ANALYZE_CAUSE_TLS_EXPIRED || cause == ANALYZE_CAUSE_TLS_NOT_YET_VALID;
    if (cause == ANALYZE_CAUSE_NONE)
        tell_certificate(a, r);
    else if (time && is_clock(a, r))
        return;
    else if (cause == ANALYZE_CAUSE_TLS_UNTRUSTED && is_intercepted(a) &&
             is_gateway_itself(a, urn, sizeof urn) != ITSELF)
        tell_intercepted(a, r);
    else
        analyze_fail(r, cause, "%s (trusted here: %s)", detail.text,
                     a->c->anchors_pem ? a->c->anchors_from : "the system's roots");
}

/* --- the first answer: clock and gateway --- */

static void step_http(void *arg, struct analyze_result *r)
{
    struct analyze *a = arg;
    struct analyze_ask q = {.verb = "GET", .target = "/ServiceMetadata", .anonymous = true};
    analyze_ask(a, &q, &a->first);
    a->first_read = clock_wall_s();
    if (a->first.fault != WEB_FAULT_NONE)
        (void)!analyze_good(a, &a->first, false, r);
    else
        analyze_found(r, "HTTP %ld %s%s", a->first.http.status, a->first.http.status_text,
                      a->first.http.status == 401 ? ", as it should be without a credential" : "");
}

static void step_clock(void *arg, struct analyze_result *r)
{
    struct analyze *a = arg;
    int64_t date = a->first.http.date;
    char differ[128];
    if (web_clocks_differ(date, a->first_read, differ, sizeof differ))
        analyze_fail(r, ANALYZE_CAUSE_CLOCK_WRONG, "by %lld s: %s", (long long)(date - a->first_read), differ);
    else if (date == 0)
        analyze_found(r, "the answer tells no time");
    else
        analyze_found(r, "differs by %lld s", (long long)(date - a->first_read));
}

static bool says_so(const struct web_answer *answer)
{
    return strncmp(answer->status_text, "CMG", 3) == 0;
}

/* Also one whose issuer is trusted here takes TLS apart: no client's key gets past it. */
static void step_gateway(void *arg, struct analyze_result *r)
{
    struct analyze *a = arg;
    const struct web_answer *http = &a->first.http;
    char urn[160];
    if (a->first.reason == REASON_STALE_BUNDLE || http->status >= 500) {
        (void)!analyze_good(a, &a->first, false, r);
        return;
    }
    if (!says_so(http)) {
        analyze_fail(r, ANALYZE_CAUSE_NOT_A_GATEWAY, "HTTP %ld without CMG-Status-Text", http->status);
        return;
    }
    enum itself itself = is_gateway_itself(a, urn, sizeof urn);
    if (itself == ANOTHER)
        tell_intercepted(a, r);
    else
        analyze_found(r, "%s", itself == ITSELF ? urn : "an OpenCMG gateway, by its answer");
}

const struct analyze_step analyze_trust_steps[] = {
    {"certificate", "Server certificate", "tls", step_certificate},
    {"http", "HTTP answer", "certificate", step_http},
    {"clock", "Clock", "http", step_clock},
    {"gateway", "Gateway", "clock", step_gateway},
    {NULL, NULL, NULL, NULL},
};
