/* SPDX-License-Identifier: Apache-2.0 */
/* From an identity to a device's record. */
#include "mp/sender/device.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "jose/httpsig/httpsig.h"
#include "mp/sender/signed.h"
#include "mp/sender/trust.h"
#include "mp/site.h"
#include "store/device/nonce.h"
#include "store/site/setting.h"

void mp_device_done(struct mp_device *d)
{
    X509_free(d->certificate);
    d->certificate = NULL;
}

/* --- signatures --- */

/* The device signs again with our time; it believes a large difference only in the site's own word. */
static bool deny_clock(struct mp_sender *from, X509 *certificate, const struct error *err, struct mp_denial *no)
{
    (void)mp_deny(no, MP_REFUSAL_CLOCK_SKEW, err->text);
    no->signed_time = mp_signed_time(from, certificate);
    return false;
}

static bool deny_signature(enum result why, const struct error *err, struct mp_denial *no)
{
    static const struct {
        enum result why;
        enum mp_refusal refusal;
    } map[] = {{R_NOTFOUND, MP_REFUSAL_SIGNATURE_MISSING}, {R_CONFLICT, MP_REFUSAL_NONCE_REUSED}};
    enum mp_refusal refusal = MP_REFUSAL_SIGNATURE_WRONG;
    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].why == why)
            refusal = map[i].refusal;
    }
    return mp_deny(no, refusal, err->text);
}

static enum result verify(struct mp_sender *from, X509 *certificate, struct httpsig_params *ret, struct error *err)
{
    const struct http_request *q = from->request;
    const struct httpsig_message message = {q->method, q->target, buf_data(from->body)};
    const struct httpsig_received received = {
        mp_sender_field(from, "cmg-target"), mp_sender_field(from, "content-digest"),
        mp_sender_field(from, "signature-input"), mp_sender_field(from, "signature")};
    enum result result = httpsig_params(&received, ret, err);
    if (result == OK)
        result = httpsig_verify(X509_get0_pubkey(certificate), &message, &received, clock_wall_s(), err);
    return result;
}

bool mp_signature_check(struct mp_sender *from, X509 *certificate, enum mp_signed how, bool *ret_signed,
                        struct mp_denial *no)
{
    struct httpsig_params params;
    struct error err;
    enum result result = verify(from, certificate, &params, &err);
    *ret_signed = result == OK;
    if (result == R_NOTFOUND && how == MP_SIGNED_IF_THERE)
        return true;
    if (result == OK && !http_method_safe(from->request->method)) {
        result = store_nonce_use(from->site->store, params.keyid, params.nonce, clock_wall_s(), &err);
        if (result != OK && result != R_CONFLICT)
            return mp_deny_fault(no, &err);
    }
    if (result == OK)
        return true;
    return result == R_TIMEOUT ? deny_clock(from, certificate, &err, no) : deny_signature(result, &err, no);
}

/* --- tokens --- */

enum result mp_token_judge(struct mp_site *site, struct slice text, enum token_purpose purpose, struct slice x5t,
                           struct token *ret, enum verdict_reason *ret_reason, struct error *err)
{
    struct token_policy policy = {.site = site->keys.site, .keys = site->keys.token_keys};
    enum result result = store_setting_get_int(site->store, "renewal_grace", &policy.renewal_grace_s, err);
    if (result == OK)
        *ret_reason = token_judge(&policy, text, purpose, x5t, clock_wall_s(), ret, err);
    return result;
}

/* The binding that the token claims for itself, unproven: to find the certificate whose key must then have signed. */
static bool claimed_binding(struct slice text, unsigned char ret[PKI_SHA256])
{
    json_t *header, *payload;
    size_t len;
    if (jose_peek(text, JOSE_TOKEN_MAX, &header, &payload, NULL) != OK)
        return false;
    const char *x5t = json_opt_str(json_object_get(payload, "cnf"), "x5t#S256", "");
    bool good = decode_base64url(slice_of(x5t), ret, PKI_SHA256, &len) && len == PKI_SHA256;
    json_decref(header);
    json_decref(payload);
    return good;
}

/* Through a gateway, which has compared the TLS certificate with the token's binding but does not pass it on, the
 * certificate is the registered one that the token names: the signature proves its key again. Directly, it is the one
 * that TLS proved. NULL: none. */
static enum result bound_certificate(struct mp_sender *from, X509 **ret, struct error *err)
{
    struct store_certificate known;
    unsigned char hash[PKI_SHA256];
    char hex[PKI_HASH_HEX];
    *ret = NULL;
    if (!from->identity.asserted) {
        *ret = from->identity.certificate && X509_up_ref(from->identity.certificate) == 1 ? from->identity.certificate
                                                                                          : NULL;
        return OK;
    }
    if (!claimed_binding(from->identity.bearer, hash))
        return OK;
    (void)encode_hex(slice_make(hash, sizeof hash), hex);
    enum result result = store_certificate_get(from->site->store, from->arena, hex, &known, err);
    if (result != OK)
        return result == R_NOTFOUND ? OK : result;
    return pki_cert_read(slice_of(known.pem), ret, err);
}

/* --- finding the device --- */

static enum result find_by_certificate(struct mp_sender *from, X509 *cert, struct store_device *ret, struct error *err)
{
    char hex[PKI_HASH_HEX];
    pki_cert_sha256_hex(cert, hex);
    enum result result = store_device_get(from->site->store, from->arena, STORE_BY_CERTIFICATE, hex, ret, err);
    if (result != R_NOTFOUND)
        return result;
    pki_cert_spki_hex(cert, hex); /* a renewed certificate of the same key */
    return store_device_get(from->site->store, from->arena, STORE_BY_SPKI, hex, ret, err);
}

static bool is_found(enum result result, const struct error *err, struct mp_denial *no)
{
    if (result == OK)
        return true;
    return result == R_NOTFOUND ? mp_deny(no, MP_REFUSAL_NOT_REGISTERED, NULL) : mp_deny_fault(no, err);
}

static bool by_certificate(struct mp_sender *from, struct mp_device *d, struct mp_denial *no)
{
    struct error err;
    X509 *cert = from->identity.certificate;
    if (!is_found(find_by_certificate(from, cert, &d->record, &err), &err, no))
        return false;
    if (X509_up_ref(cert) == 1)
        d->certificate = cert;
    return true;
}

/* What a token's binding is held against. Of a certificate that the gateway saw and the site has no record of, it is
 * the token's own claim: by_token lets nobody in by it, but a device that an older copy of the store has forgotten is
 * to hear that, and not that something on its way swallowed its certificate. */
static struct slice presented(const struct mp_sender *from, X509 *certificate, char ret[TOKEN_X5T_SIZE])
{
    unsigned char hash[PKI_SHA256];
    if (certificate)
        token_x5t(certificate, ret);
    else if (from->identity.asserted && claimed_binding(from->identity.bearer, hash))
        (void)encode_base64url(slice_make(hash, sizeof hash), ret);
    else
        return SLICE_NONE;
    return slice_of(ret);
}

static bool token_allowed(struct mp_sender *from, enum token_purpose purpose, struct mp_device *d, struct mp_denial *no)
{
    char x5t[TOKEN_X5T_SIZE];
    enum verdict_reason reason;
    struct error err;
    struct slice shown = presented(from, d->certificate, x5t);
    if (mp_token_judge(from->site, from->identity.bearer, purpose, shown, &d->token, &reason, &err) != OK)
        return mp_deny_fault(no, &err);
    return reason == REASON_OK || mp_deny_verdict(no, reason, &err);
}

/* Where devices of the tenant alone are taken, an access token counts that one of them was given. */
static bool method_allowed(const struct mp_sender *from, enum token_purpose purpose, const struct store_device *d,
                           struct mp_denial *no)
{
    struct error err;
    bool is_its_own = purpose == PURPOSE_STS || strcmp(d->method, "token") == 0;
    if ((from->peer->point->clients & CHOICE_BIT(CHOICE_TOKEN)) || !is_its_own)
        return true;
    (void)error_set(&err, R_DENIED, "device %s was let in by token, which this management point does not take",
                    d->guid);
    return mp_deny_verdict(no, REASON_METHOD_NOT_ALLOWED_HERE, &err);
}

/* The record's key and the certificate's must be the same: a token of another device's certificate binds nobody. */
static bool by_token(struct mp_sender *from, enum token_purpose purpose, struct mp_device *d, struct mp_denial *no)
{
    char spki[PKI_HASH_HEX];
    struct error err;
    if (bound_certificate(from, &d->certificate, &err) != OK)
        return mp_deny_fault(no, &err);
    if (!token_allowed(from, purpose, d, no))
        return false;
    if (!d->token.subject[0]) /* a bulk token belongs to no device */
        return mp_deny_verdict(no, REASON_TOKEN_WRONG_PURPOSE, NULL);
    if (!d->certificate)
        return mp_deny(no, MP_REFUSAL_NOT_REGISTERED, NULL);
    enum result result =
        store_device_get(from->site->store, from->arena, STORE_BY_GUID, d->token.subject, &d->record, &err);
    if (!is_found(result, &err, no))
        return false;
    pki_cert_spki_hex(d->certificate, spki);
    if (strcmp(spki, d->record.spki) != 0)
        return mp_deny_verdict(no, REASON_TOKEN_NOT_BOUND, NULL);
    return method_allowed(from, purpose, &d->record, no);
}

/* --- revocation --- */

struct standing {
    const struct pki_trust *trust;
    bool good;
    struct pki_verdict revoked; /* reason REASON_OK: none was */
};

static void weigh(struct standing *s, X509 *cert)
{
    struct pki_verdict verdict;
    pki_trust_judge(s->trust, cert, NULL, clock_wall_s(), &verdict);
    if (verdict.reason == REASON_OK)
        s->good = true;
    else if (verdict.reason == REASON_CERT_REVOKED)
        s->revoked = verdict;
}

static enum result weigh_known(struct mp_sender *from, const char *machine, struct standing *s, struct error *err)
{
    struct store_certificate *list;
    size_t count;
    enum result result = store_certificate_list_of_machine(from->site->store, from->arena, machine, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        X509 *cert;
        result = pki_cert_read(slice_of(list[i].pem), &cert, err);
        if (result != OK)
            break;
        weigh(s, cert);
        X509_free(cert);
    }
    return result;
}

bool mp_device_not_revoked(struct mp_sender *from, const char *machine, X509 *shown, struct mp_denial *no)
{
    struct standing s = {.good = false};
    struct pki_trust *trust;
    struct error err;
    enum result result = mp_site_trust(from->site, &trust, &err);
    s.trust = trust;
    if (result == OK)
        result = weigh_known(from, machine, &s, &err);
    if (result != OK)
        return mp_deny_fault(no, &err);
    if (shown)
        weigh(&s, shown);
    if (s.good || s.revoked.reason != REASON_CERT_REVOKED)
        return true;
    pki_verdict_tell(&s.revoked, &err);
    return mp_deny_verdict(no, REASON_CERT_REVOKED, &err);
}

/* Not whom it is taken for: that is for administrators. */
static bool deny_pending(const struct store_device *d, struct mp_denial *no)
{
    char detail[256];
    (void)snprintf(detail, sizeof detail, "device %s waits for approval at the site: %s%s; cmg device approve %s",
                   d->guid, *d->known_by ? "another device is known by its " : "nobody approved it yet", d->known_by,
                   d->guid);
    return mp_deny(no, MP_REFUSAL_APPROVAL_PENDING, detail);
}

bool mp_device_stands(const struct store_device *d, struct mp_denial *no)
{
    if (d->blocked)
        return mp_deny_verdict(no, REASON_BLOCKED, NULL);
    return d->state == STORE_APPROVED || deny_pending(d, no);
}

static bool find_device(struct mp_sender *from, enum token_purpose purpose, struct mp_device *d, struct mp_denial *no)
{
    switch (from->identity.auth) {
    case MP_PKI:
        return by_certificate(from, d, no);
    case MP_ENTRA:
        return mp_device_by_entra(from, purpose, d, no);
    case MP_TOKEN:
    case MP_NOBODY:
    default:
        return by_token(from, purpose, d, no);
    }
}

static bool authenticate(struct mp_sender *from, enum token_purpose purpose, enum mp_signed how, struct mp_device *d,
                         struct mp_denial *no)
{
    struct error err;
    if (!find_device(from, purpose, d, no) || !mp_device_stands(&d->record, no))
        return false;
    if (from->identity.auth != MP_PKI && !mp_device_not_revoked(from, d->record.machine, d->certificate, no))
        return false;
    if (!mp_signature_check(from, d->certificate, how, &d->signed_request, no))
        return false;

    enum result seen = store_device_seen(from->site->store, &d->record, clock_wall_s(), &err);
    /* R_AGAIN: another process holds the store; the next request notes it */
    return seen == OK || seen == R_AGAIN || mp_deny_fault(no, &err);
}

bool mp_device_authenticate(struct mp_sender *from, enum token_purpose purpose, enum mp_signed how,
                            struct mp_device *ret, struct mp_denial *no)
{
    *ret = (struct mp_device){0};
    bool good = authenticate(from, purpose, how, ret, no);
    if (!good)
        mp_device_done(ret);
    return good;
}
