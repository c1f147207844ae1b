/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at each row of trust as if it came today; nothing is changed or removed here. */
#include "mp/status/trust_fault.h"

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "mp/put.h"
#include "mp/status/problems.h"
#include "pki/cert/cert.h"
#include "store/site/trust.h"

/* --- a certificate --- */

static const char *no_ca(X509 *cert)
{
    if (X509_get_version(cert) < X509_VERSION_3)
        return "it is of a version before 3, which can't say that it is a CA's (RFC 5280 4.2.1.9): no path ends at it";
    if (!(X509_get_extension_flags(cert) & EXFLAG_CA))
        return "it is no CA's certificate (RFC 5280 4.2.1.9), and vouches for itself alone";
    return NULL;
}

void mp_trust_fault(enum store_trust_kind kind, X509 *cert, int64_t now, char *ret, size_t size)
{
    const char *why = no_ca(cert);
    char when[CLOCK_TEXT_SIZE];
    bool root = pki_cert_self_issued(cert) && X509_verify(cert, X509_get0_pubkey(cert)) == 1;
    ret[0] = '\0';
    clock_rfc3339(pki_cert_not_after(cert), when);
    if (why)
        (void)snprintf(ret, size, "%s", why);
    else if (pki_cert_not_after(cert) < now)
        (void)snprintf(ret, size, "it expired %s: certificates below it are refused; give the CA's newer one", when);
    else if (kind == STORE_INTERMEDIATE && root)
        (void)snprintf(ret, size, "it is a root, and no path ends at an intermediate: cmg trust add --anchor FILE");
}

/* --- what is there --- */

static void push(json_t *list, const struct store_trust *t, const char *fault)
{
    json_t *text = json_string(fault);
    mp_push(list, json_pack("{s:s, s:s, s:s, s:s, s:I, s:o}", "id", t->id, "kind", store_trust_kind_name(t->kind),
                            "subject", t->subject, "scope", t->scope, "not_after", (json_int_t)t->not_after, "fault",
                            text ? text : json_string("can't be used")));
}

static void look_at_certificate(json_t *list, const struct store_trust *t, int64_t now)
{
    X509 *cert;
    char fault[256] = "it can't be read";
    if (pki_cert_read(slice_of(t->data), &cert, NULL) == OK) {
        mp_trust_fault(t->kind, cert, now, fault, sizeof fault);
        X509_free(cert);
    }
    if (fault[0] || t->not_after - now <= MP_ENDS_SOON_S)
        push(list, t, t->not_after < now ? "" : fault);
}

/* A CA's deltas end one after the other, and the next one outdates the last. */
static bool is_outdated_delta(const struct store_trust *all, size_t count, const struct store_trust *t)
{
    bool ret = false;
    for (size_t i = 0; t->complete[0] && i < count && !ret; i++)
        ret = strcmp(all[i].complete, t->complete) == 0 && all[i].this_update > t->this_update;
    return ret;
}

static void look_at_list(json_t *list, const struct store_trust *t, int64_t now)
{
    const char *fault = !t->unproven                       ? ""
                        : strcmp(t->scope, "unknown") == 0 ? "it can't be used, whatever CA comes"
                                                           : "no anchor or intermediate bears its issuer's name";
    if (fault[0] || t->not_after - now <= MP_ENDS_SOON_S)
        push(list, t, fault);
}

enum result mp_trust_put_faults(struct mp_site *site, struct arena *a, json_t *status, struct error *err)
{
    struct store_trust *all;
    size_t count;
    int64_t now = clock_wall_s();
    json_t *list = json_array();
    enum result r = store_trust_list(site->store, 0, a, &all, &count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        if (all[i].kind != STORE_CRL)
            look_at_certificate(list, &all[i], now);
        else if (!is_outdated_delta(all, count, &all[i]))
            look_at_list(list, &all[i], now);
    }
    mp_put(status, "trust", list);
    return r;
}
