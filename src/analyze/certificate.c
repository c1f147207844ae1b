/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's verification with the faults of clients in view. The clock is an argument. */
#include "analyze/certificate.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text/encode.h"
#include "pki/cert/cert.h"
#include "pki/cert/host.h"
#include "web/outcome.h"

static const struct {
    int error;
    enum analyze_cause cause;
} causes[] = {
    {X509_V_OK, ANALYZE_CAUSE_NONE},
    {X509_V_ERR_CERT_HAS_EXPIRED, ANALYZE_CAUSE_TLS_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, ANALYZE_CAUSE_TLS_NOT_YET_VALID},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, ANALYZE_CAUSE_TLS_UNTRUSTED},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, ANALYZE_CAUSE_TLS_UNTRUSTED},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, ANALYZE_CAUSE_TLS_UNTRUSTED},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, ANALYZE_CAUSE_TLS_UNTRUSTED},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, ANALYZE_CAUSE_TLS_UNTRUSTED},
    {X509_V_ERR_CERT_UNTRUSTED, ANALYZE_CAUSE_TLS_UNTRUSTED},
    {X509_V_ERR_CERT_REJECTED, ANALYZE_CAUSE_TLS_UNTRUSTED},
    /* an anchor of the right name with another key: renewed, or forged by name */
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, ANALYZE_CAUSE_TLS_UNTRUSTED},
    {X509_V_ERR_AKID_SKID_MISMATCH, ANALYZE_CAUSE_TLS_UNTRUSTED},
    {X509_V_ERR_HOSTNAME_MISMATCH, ANALYZE_CAUSE_TLS_WRONG_HOST},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, ANALYZE_CAUSE_TLS_WRONG_HOST},
    {X509_V_ERR_INVALID_PURPOSE, ANALYZE_CAUSE_TLS_USAGE},
    {X509_V_ERR_EE_KEY_TOO_SMALL, ANALYZE_CAUSE_TLS_WEAK},
    {X509_V_ERR_CA_KEY_TOO_SMALL, ANALYZE_CAUSE_TLS_WEAK},
    {X509_V_ERR_CA_MD_TOO_WEAK, ANALYZE_CAUSE_TLS_WEAK},
};

enum analyze_cause analyze_certificate_cause(int x509_error)
{
    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        if (causes[i].error == x509_error)
            return causes[i].cause;
    }
    return ANALYZE_CAUSE_TLS_INVALID;
}

const char *analyze_certificate_inspector(X509 *leaf)
{
    static const char *const makers[] = {
        "Zscaler",  "Netskope",  "Fortinet", "FortiGate",   "Palo Alto", "Blue Coat",   "Symantec Web", "Forcepoint",
        "Websense", "McAfee",    "Skyhigh",  "Sophos",      "Umbrella",  "Check Point", "Barracuda",    "WatchGuard",
        "Cato",     "iboss",     "Squid",    "mitmproxy",   "Charles",   "Fiddler",     "PortSwigger",  "Kaspersky",
        "ESET SSL", "Avast Web", "AVG Web",  "Bitdefender", "SonicWall", "Untangle",    "pfSense",      "Securly"};
    char issuer[256];
    pki_cert_issuer(leaf, issuer, sizeof issuer);
    for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
        if (strcasestr(issuer, makers[i]))
            return makers[i];
    }
    return NULL;
}

/* --- words --- */

static void explain_time(X509 *cert, bool ended, int64_t now, struct error *detail)
{
    char subject[160], issuer[160], then[CLOCK_TEXT_SIZE], here[CLOCK_TEXT_SIZE];
    pki_cert_subject(cert, subject, sizeof subject);
    pki_cert_issuer(cert, issuer, sizeof issuer);
    clock_rfc3339(ended ? pki_cert_not_after(cert) : pki_cert_not_before(cert), then);
    clock_rfc3339(now, here);
    (void)error_set(detail, R_DENIED, "certificate '%s' %s %s, and here it is %s; issued by '%s'", subject,
                    ended ? "expired" : "begins", then, here, issuer);
}

/* Which root is missing: the last of what could be built names it. */
static void explain_root(X509_STORE_CTX *ctx, X509 *leaf, struct error *detail)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    int n = sk_X509_num(chain);
    X509 *top = n > 0 ? sk_X509_value(chain, n - 1) : leaf;
    char subject[160], issuer[160];
    bool self = X509_self_signed(top, 0) == 1;
    pki_cert_subject(leaf, subject, sizeof subject);
    pki_cert_issuer(top, issuer, sizeof issuer);
    if (self && n <= 1)
        (void)error_set(detail, R_DENIED, "certificate '%s' is self-signed, and is not itself among the trusted ones",
                        subject);
    else
        (void)error_set(detail, R_DENIED, "certificate '%s': missing is %s '%s', which is not among the trusted ones",
                        subject, self ? "the root" : "the root (or an intermediate that was not sent)", issuer);
}

static void explain_host(X509 *leaf, const char *host, struct error *detail)
{
    char hosts[200], issuer[160];
    pki_cert_hosts(leaf, hosts, sizeof hosts);
    pki_cert_issuer(leaf, issuer, sizeof issuer);
    (void)error_set(detail, R_DENIED, "asked for '%.120s'; the certificate is for %s, issued by '%s'", host, hosts,
                    issuer);
}

static void explain(X509_STORE_CTX *ctx, const struct analyze_certificate *c, enum analyze_cause cause,
                    struct error *detail)
{
    X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
    char subject[160], issuer[160];
    if (cause == ANALYZE_CAUSE_TLS_EXPIRED || cause == ANALYZE_CAUSE_TLS_NOT_YET_VALID) {
        explain_time(cert ? cert : c->leaf, cause == ANALYZE_CAUSE_TLS_EXPIRED, c->now, detail);
        return;
    }
    if (cause == ANALYZE_CAUSE_TLS_UNTRUSTED) {
        explain_root(ctx, c->leaf, detail);
        return;
    }
    pki_cert_subject(cert ? cert : c->leaf, subject, sizeof subject);
    pki_cert_issuer(cert ? cert : c->leaf, issuer, sizeof issuer);
    (void)error_set(detail, R_DENIED, "certificate '%s', issued by '%s': %s", subject, issuer,
                    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
}

enum analyze_cause analyze_certificate_judge(const struct analyze_certificate *c, struct error *detail)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (!ctx || X509_STORE_CTX_init(ctx, c->anchors, c->leaf, c->sent) != 1 ||
        X509_STORE_CTX_set_default(ctx, "ssl_server") != 1)
        fatal("OpenSSL can't verify certificates");
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)c->now);
    /* as libcurl does: what is given as an anchor is one, also when it is no root */
    (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
    enum analyze_cause cause = ANALYZE_CAUSE_NONE;
    if (X509_verify_cert(ctx) != 1) {
        cause = analyze_certificate_cause(X509_STORE_CTX_get_error(ctx));
        if (cause == ANALYZE_CAUSE_NONE)
            cause = ANALYZE_CAUSE_TLS_INVALID;
        explain(ctx, c, cause, detail);
    } else if (!pki_cert_is_for(c->leaf, c->host)) {
        cause = ANALYZE_CAUSE_TLS_WRONG_HOST;
        explain_host(c->leaf, c->host, detail);
    }
    X509_STORE_CTX_free(ctx);
    return cause;
}
