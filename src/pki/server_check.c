/* SPDX-License-Identifier: Apache-2.0 */
/* Tells, and refuses nothing: a server starts with such a certificate all the same. No path is built; clients' roots
 * are not known here. */
#include "pki/server_check.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pki/cert/cert.h"
#include "pki/cert/host.h"

enum { SOON_DAYS = 14, ANCHORS_MAX = 1000 };

struct telling {
    pki_server_tell_fn *tell;
    void *arg;
};

static void PRINTF_LIKE(2, 3) say(const struct telling *t, const char *fmt, ...)
{
    char words[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    t->tell(t->arg, words);
}

static bool issued(X509 *issuer, X509 *cert)
{
    return X509_check_issued(issuer, cert) == X509_V_OK;
}

/* --- the certificate itself --- */

static void check_usage(const struct telling *t, X509 *leaf)
{
    uint32_t flags = X509_get_extension_flags(leaf);
    if ((flags & EXFLAG_XKUSAGE) && !(X509_get_extended_key_usage(leaf) & (XKU_SSL_SERVER | XKU_ANYEKU)))
        say(t, "is not for servers, and clients refuse it: have one issued with the extended key usage serverAuth");
    if ((flags & EXFLAG_KUSAGE) && !(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
        say(t, "may sign no handshake, and clients refuse it: have one issued with the key usage digitalSignature");
}

static void check_time(const struct telling *t, X509 *leaf, int64_t now)
{
    char when[CLOCK_TEXT_SIZE];
    int64_t ends = pki_cert_not_after(leaf);
    int days = pki_cert_notice(ends, now);
    clock_rfc3339(ends, when);
    if (days == 0)
        say(t, "has expired (%s): have a new one issued", when);
    else if (days > 0 && days <= SOON_DAYS)
        say(t, "expires on %s, within %d day%s: have the next one issued", when, days, days == 1 ? "" : "s");
    if (pki_cert_not_before(leaf) > now)
        say(t, "is not valid yet: look whether this machine's clock is right");
}

static void check_leaf(const struct telling *t, X509 *leaf, int64_t now)
{
    char hosts[64];
    if (X509_get_extension_flags(leaf) & EXFLAG_CA) {
        say(t, "is a CA's certificate: put one that this CA issued for the server there");
        return;
    }
    pki_cert_hosts(leaf, hosts, sizeof hosts);
    if (strcmp(hosts, PKI_NO_HOSTS) == 0)
        say(t, "names no host: have one issued with the server's name as subjectAltName, the only place where clients "
               "look");
    check_usage(t, leaf);
    check_time(t, leaf, now);
}

/* --- what stands behind it --- */

static int issuer_in(STACK_OF(X509) * chain, X509 *cert)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        if (sk_X509_value(chain, i) != cert && issued(sk_X509_value(chain, i), cert))
            return i;
    }
    return -1;
}

static void check_order(const struct telling *t, STACK_OF(X509) * chain, int64_t now)
{
    char subject[200];
    for (int i = 1; i < sk_X509_num(chain); i++) {
        X509 *cert = sk_X509_value(chain, i);
        pki_cert_subject(cert, subject, sizeof subject);
        if (pki_cert_not_after(cert) <= now)
            say(t, "has an issuer in it that has expired, certificate %d (%s): put its successor there", i + 1,
                subject);
        if (!issued(cert, sk_X509_value(chain, i - 1)))
            say(t,
                "holds as certificate %d one that has not issued the one before it (%s): put each issuer behind what "
                "it "
                "issued, and leave others out",
                i + 1, subject);
    }
}

static bool system_trusts_issuer_of(X509 *cert)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509 *found = NULL;
    if (!store || !ctx)
        fatal("pki: out of memory");
    bool yes = X509_STORE_set_default_paths(store) == 1 && X509_STORE_CTX_init(ctx, store, NULL, NULL) == 1 &&
               X509_STORE_CTX_get1_issuer(&found, ctx, cert) == 1;
    X509_free(found);
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return yes;
}

/* Whether clients have its issuer nobody here knows; that it says where to fetch it hints that they have not. */
static void check_end(const struct telling *t, STACK_OF(X509) * chain)
{
    X509 *last = sk_X509_value(chain, 0);
    for (int at, steps = sk_X509_num(chain); steps > 0 && (at = issuer_in(chain, last)) >= 0; steps--)
        last = sk_X509_value(chain, at);
    if (issued(last, last) || X509_get_ext_by_NID(last, NID_info_access, -1) < 0 || system_trusts_issuer_of(last))
        return;
    char subject[200], issuer[200];
    pki_cert_subject(last, subject, sizeof subject);
    pki_cert_issuer(last, issuer, sizeof issuer);
    say(t,
        "ends at %s without its issuer %s: unless devices trust that one itself, put it behind, and so on up to one "
        "that they trust",
        subject, issuer);
}

void pki_server_check(STACK_OF(X509) * chain, int64_t now, pki_server_tell_fn *tell, void *arg)
{
    const struct telling t = {tell, arg};
    check_leaf(&t, sk_X509_value(chain, 0), now);
    check_order(&t, chain, now);
    check_end(&t, chain);
}

/* --- anchors --- */

static X509_STORE *store_of(STACK_OF(X509) * anchors)
{
    X509_STORE *store = X509_STORE_new();
    for (int i = 0; store && i < sk_X509_num(anchors); i++)
        (void)X509_STORE_add_cert(store, sk_X509_value(anchors, i));
    if (!store)
        fatal("pki: out of memory");
    return store;
}

enum result pki_server_leads_to(STACK_OF(X509) * chain, struct slice anchors_pem, struct error *err)
{
    STACK_OF(X509) *anchors = NULL;
    enum result r = pki_cert_read_all(anchors_pem, ANCHORS_MAX, &anchors, err);
    if (r != OK)
        return r;
    X509_STORE *store = store_of(anchors);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (!ctx || X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) != 1)
        fatal("pki: out of memory");
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_NO_CHECK_TIME);
    if (X509_verify_cert(ctx) != 1)
        r = error_set(err, R_DENIED, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_pop_free(anchors, X509_free);
    ERR_clear_error();
    return r;
}
