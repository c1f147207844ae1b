/* SPDX-License-Identifier: Apache-2.0 */
/* From an identity to a device's record. */
#include "mp/sender/device.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "jose/httpsig/httpsig.h"
#include "mp/sender/signed.h"
#include "mp/site.h"
#include "store/device/nonce.h"
#include "store/site/setting.h"

void mp_device_done(struct mp_device *d)
{
    X509_free(d->certificate);
    d->certificate = NULL;
}

void mp_certificate_hex(X509 *cert, char ret[PKI_HASH_HEX])
{
    unsigned char hash[PKI_SHA256];
    pki_cert_sha256(cert, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), ret);
}

void mp_certificate_x5t(X509 *cert, char ret[TOKEN_X5T_SIZE])
{
    unsigned char hash[PKI_SHA256];
    pki_cert_sha256(cert, hash);
    (void)encode_base64url(slice_make(hash, sizeof hash), ret);
}

void mp_certificate_spki_hex(X509 *cert, char ret[PKI_HASH_HEX])
{
    unsigned char hash[PKI_SHA256];
    pki_cert_spki_sha256(cert, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), ret);
}

/* --- signatures --- */

/* The device signs again with our time; it believes a large difference only in the site's own word. */
static void refuse_clock(struct mp_request *r, X509 *certificate, const struct error *err)
{
    char *word = mp_signed_time(r, certificate);
    mp_refuse_clock(r, err->text, word);
    free(word);
}

static void refuse_signature(struct mp_request *r, enum result why, const struct error *err)
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
    mp_refuse(r, refusal, err->text);
}

static enum result verify(struct mp_request *r, X509 *certificate, struct httpsig_params *ret, struct error *err)
{
    const struct http_request *q = &r->exchange->request;
    const struct httpsig_message message = {q->method, q->target, buf_data(&r->body)};
    const struct httpsig_received received = {mp_request_field(r, "cmg-target"), mp_request_field(r, "content-digest"),
                                              mp_request_field(r, "signature-input"), mp_request_field(r, "signature")};
    enum result result = httpsig_params(&received, ret, err);
    if (result == OK)
        result = httpsig_verify(X509_get0_pubkey(certificate), &message, &received, clock_wall_s(), err);
    return result;
}

bool mp_signature_check(struct mp_request *r, X509 *certificate, enum mp_signed how, bool *ret_signed)
{
    struct httpsig_params params;
    struct error err;
    enum result result = verify(r, certificate, &params, &err);
    *ret_signed = result == OK;
    if (result == R_NOTFOUND && how == MP_SIGNED_IF_THERE)
        return true;
    if (result == OK && !http_method_safe(r->exchange->request.method)) {
        result = store_nonce_use(r->site->store, params.keyid, params.nonce, clock_wall_s(), &err);
        if (result != OK && result != R_CONFLICT) {
            mp_refuse_fault(r, &err);
            return false;
        }
    }
    if (result == R_TIMEOUT)
        refuse_clock(r, certificate, &err);
    else if (result != OK)
        refuse_signature(r, result, &err);
    return result == OK;
}

/* --- tokens --- */

enum result mp_token_judge(struct mp_request *r, struct slice text, enum token_purpose purpose, struct slice x5t,
                           struct token *ret, enum verdict_reason *ret_reason, struct error *err)
{
    struct token_policy policy = {.site = r->site->keys.site, .keys = r->site->keys.token_keys};
    enum result result = store_setting_get_int(r->site->store, "renewal_grace", &policy.renewal_grace_s, err);
    if (result == OK)
        *ret_reason = token_judge(&policy, text, purpose, x5t, clock_wall_s(), ret, err);
    return result;
}

/* The binding that the token claims for itself, unproven: to find the certificate whose key must then have signed. */
static bool claimed_binding(struct slice text, char ret_hex[PKI_HASH_HEX])
{
    json_t *header, *payload;
    unsigned char hash[PKI_SHA256];
    size_t len;
    if (jose_peek(text, JOSE_TOKEN_MAX, &header, &payload, NULL) != OK)
        return false;
    const char *x5t = json_opt_str(json_object_get(payload, "cnf"), "x5t#S256", "");
    bool good = decode_base64url(slice_of(x5t), hash, sizeof hash, &len) && len == sizeof hash;
    if (good)
        (void)encode_hex(slice_make(hash, sizeof hash), ret_hex);
    json_decref(header);
    json_decref(payload);
    return good;
}

/* Through a gateway, which has compared the TLS certificate with the token's binding but does not pass it on, the
 * certificate is the registered one that the token names: the signature proves its key again. Directly, it is the one
 * that TLS proved. NULL: none. */
static enum result bound_certificate(struct mp_request *r, X509 **ret, struct error *err)
{
    struct store_certificate known;
    char hex[PKI_HASH_HEX];
    *ret = NULL;
    if (!r->identity.asserted) {
        *ret = r->identity.certificate && X509_up_ref(r->identity.certificate) == 1 ? r->identity.certificate : NULL;
        return OK;
    }
    if (!claimed_binding(r->identity.bearer, hex))
        return OK;
    enum result result = store_certificate_get(r->site->store, r->arena, hex, &known, err);
    if (result != OK)
        return result == R_NOTFOUND ? OK : result;
    return pki_cert_read(slice_of(known.pem), ret, err);
}

/* --- finding the device --- */

static enum result find_by_certificate(struct mp_request *r, X509 *cert, struct store_device *ret, struct error *err)
{
    char hex[PKI_HASH_HEX];
    mp_certificate_hex(cert, hex);
    enum result result = store_device_get(r->site->store, r->arena, STORE_BY_CERTIFICATE, hex, ret, err);
    if (result != R_NOTFOUND)
        return result;
    mp_certificate_spki_hex(cert, hex); /* a renewed certificate of the same key */
    return store_device_get(r->site->store, r->arena, STORE_BY_SPKI, hex, ret, err);
}

/* false: answered. */
static bool found(struct mp_request *r, enum result result, const struct error *err)
{
    if (result == OK)
        return true;
    if (result == R_NOTFOUND)
        mp_refuse(r, MP_REFUSAL_NOT_REGISTERED, NULL);
    else
        mp_refuse_fault(r, err);
    return false;
}

static bool by_certificate(struct mp_request *r, struct mp_device *d)
{
    struct error err;
    X509 *cert = r->identity.certificate;
    if (!found(r, find_by_certificate(r, cert, &d->record, &err), &err))
        return false;
    if (X509_up_ref(cert) == 1)
        d->certificate = cert;
    return true;
}

static bool token_allowed(struct mp_request *r, enum token_purpose purpose, struct mp_device *d)
{
    char x5t[TOKEN_X5T_SIZE];
    enum verdict_reason reason;
    struct error err;
    if (d->certificate)
        mp_certificate_x5t(d->certificate, x5t);
    if (mp_token_judge(r, r->identity.bearer, purpose, d->certificate ? slice_of(x5t) : SLICE_NONE, &d->token, &reason,
                       &err) != OK) {
        mp_refuse_fault(r, &err);
        return false;
    }
    if (reason != REASON_OK)
        mp_refuse_verdict(r, reason, &err);
    return reason == REASON_OK;
}

/* The record's key and the certificate's must be the same: a token of another device's certificate binds nobody. */
static bool by_token(struct mp_request *r, enum token_purpose purpose, struct mp_device *d)
{
    char spki[PKI_HASH_HEX];
    struct error err;
    enum result result = bound_certificate(r, &d->certificate, &err);
    if (result != OK) {
        mp_refuse_fault(r, &err);
        return false;
    }
    if (!token_allowed(r, purpose, d))
        return false;
    if (!d->token.subject[0] || !d->certificate) { /* a bulk token belongs to no device */
        mp_refuse_verdict(r, REASON_TOKEN_WRONG_PURPOSE, NULL);
        return false;
    }
    result = store_device_get(r->site->store, r->arena, STORE_BY_GUID, d->token.subject, &d->record, &err);
    if (!found(r, result, &err))
        return false;
    mp_certificate_spki_hex(d->certificate, spki);
    if (strcmp(spki, d->record.spki) == 0)
        return true;
    mp_refuse_verdict(r, REASON_TOKEN_NOT_BOUND, NULL);
    return false;
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

static enum result weigh_known(struct mp_request *r, const char *machine, struct standing *s, struct error *err)
{
    struct store_certificate *list;
    size_t count;
    enum result result = store_certificate_list_of_machine(r->site->store, r->arena, machine, &list, &count, err);
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

bool mp_device_not_revoked(struct mp_request *r, const char *machine, X509 *shown)
{
    struct standing s = {.good = false};
    struct pki_trust *trust;
    struct error err;
    enum result result = mp_site_trust(r->site, &trust, &err);
    s.trust = trust;
    if (result == OK)
        result = weigh_known(r, machine, &s, &err);
    if (result != OK) {
        mp_refuse_fault(r, &err);
        return false;
    }
    if (shown)
        weigh(&s, shown);
    if (s.good || s.revoked.reason != REASON_CERT_REVOKED)
        return true;
    pki_verdict_tell(&s.revoked, &err);
    mp_refuse_verdict(r, REASON_CERT_REVOKED, &err);
    return false;
}

/* Not whom it is taken for: that is for administrators. */
static void refuse_pending(struct mp_request *r, const struct store_device *d)
{
    char detail[256];
    (void)snprintf(detail, sizeof detail, "device %s waits for approval at the site: %s%s; cmg device approve %s",
                   d->guid, *d->known_by ? "another device is known by its " : "nobody approved it yet", d->known_by,
                   d->guid);
    mp_refuse(r, MP_REFUSAL_APPROVAL_PENDING, detail);
}

static bool in_good_standing(struct mp_request *r, const struct store_device *d)
{
    if (d->blocked)
        mp_refuse_verdict(r, REASON_BLOCKED, NULL);
    else if (strcmp(d->state, "approved") != 0)
        refuse_pending(r, d);
    else
        return true;
    return false;
}

static bool authenticate(struct mp_request *r, enum token_purpose purpose, enum mp_signed how, struct mp_device *d)
{
    struct error err;
    bool found_it = r->identity.auth == MP_PKI     ? by_certificate(r, d)
                    : r->identity.auth == MP_ENTRA ? mp_device_by_entra(r, purpose, d)
                                                   : by_token(r, purpose, d);
    if (!found_it)
        return false;
    if (!in_good_standing(r, &d->record))
        return false;
    if (r->identity.auth != MP_PKI && !mp_device_not_revoked(r, d->record.machine, d->certificate))
        return false;
    if (!mp_signature_check(r, d->certificate, how, &d->signed_request))
        return false;
    enum result seen = store_device_seen(r->site->store, &d->record, clock_wall_s(), &err);
    if (seen == OK || seen == R_AGAIN) /* another process holds the store: the next request notes it */
        return true;
    mp_refuse_fault(r, &err);
    return false;
}

bool mp_device_authenticate(struct mp_request *r, enum token_purpose purpose, enum mp_signed how, struct mp_device *ret)
{
    *ret = (struct mp_device){0};
    bool good = authenticate(r, purpose, how, ret);
    if (!good)
        mp_device_done(ret);
    return good;
}
