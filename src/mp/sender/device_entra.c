/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that come with a token of their Entra tenant (PROTOCOL 4): an unbound bearer, so that it is the key that was
 * registered with it which must have signed the request. */
#include "base/clock.h"
#include "jose/httpsig/httpsig.h"
#include "mp/sender/device.h"
#include "mp/sender/tenants.h"
#include "mp/site.h"

/* A record that is blocked shuts out the Entra device that it is, whatever key comes with it now; one that only waited
 * to be it does not. */
static bool not_blocked(struct mp_sender *from, const struct entra_token *t, struct mp_denial *no)
{
    struct store_device *list;
    size_t count;
    struct error err;
    if (store_device_by_entra(from->site->store, from->arena, t->tenant->id, t->device, &list, &count, &err) != OK)
        return mp_deny_fault(no, &err);
    for (size_t i = 0; i < count; i++) {
        if (list[i].blocked && list[i].state == STORE_APPROVED)
            return mp_deny_verdict(no, REASON_BLOCKED, NULL);
    }
    return true;
}

bool mp_entra_device(struct mp_sender *from, struct entra_token *ret, struct mp_denial *no)
{
    enum verdict_reason reason;
    struct error err;
    if (mp_tenants_judge(from->site, from->identity.bearer, ret, &reason, &err) != OK)
        return mp_deny_fault(no, &err);
    if (reason == REASON_OK && ret->user[0]) {
        (void)error_set(&err, R_DENIED, "it is a user's token; a device needs its own");
        reason = REASON_TOKEN_WRONG_PURPOSE;
    }
    return reason == REASON_OK ? not_blocked(from, ret, no) : mp_deny_verdict(no, reason, &err);
}

/* --- the record --- */

/* keyid is the base64url SHA-256 of the key (jose/httpsig/httpsig.h), unproven until the signature was verified. */
static enum result find_by_signer(struct mp_sender *from, struct store_device *ret, struct error *err)
{
    const struct httpsig_received received = {
        mp_sender_field(from, "cmg-target"), mp_sender_field(from, "content-digest"),
        mp_sender_field(from, "signature-input"), mp_sender_field(from, "signature")};
    struct httpsig_params params;
    unsigned char hash[PKI_SHA256];
    char hex[PKI_HASH_HEX];
    size_t len;
    enum result result = httpsig_params(&received, &params, err);
    if (result != OK)
        return result;
    if (!decode_base64url(slice_of(params.keyid), hash, sizeof hash, &len) || len != sizeof hash)
        return error_set(err, R_INVALID, "keyid is no hash of a key");
    (void)encode_hex(slice_make(hash, sizeof hash), hex);
    return store_device_get(from->site->store, from->arena, STORE_BY_SPKI, hex, ret, err);
}

/* The newest certificate of the record, which holds its key. */
static enum result newest_certificate(struct mp_sender *from, const struct store_device *d, X509 **ret,
                                      struct error *err)
{
    struct store_certificate *list;
    const struct store_certificate *newest = NULL;
    size_t count;
    char spki[PKI_HASH_HEX];
    enum result result = store_certificate_list(from->site->store, from->arena, d->guid, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        if (!newest || list[i].added >= newest->added)
            newest = &list[i];
    }
    if (result == OK && !newest)
        result = error_set(err, R_NOTFOUND, "the device has no certificate");
    if (result == OK)
        result = pki_cert_read(slice_of(newest->pem), ret, err);
    if (result != OK)
        return result;
    pki_cert_spki_hex(*ret, spki);
    if (strcmp(spki, d->spki) == 0)
        return OK;
    X509_free(*ret);
    *ret = NULL;
    return error_set(err, R_NOTFOUND, "the device's newest certificate is of another key");
}

static bool deny(enum result why, const struct error *err, struct mp_denial *no)
{
    if (why == R_NOTFOUND)
        return mp_deny(no, MP_REFUSAL_NOT_REGISTERED, NULL);
    return why == R_INVALID ? mp_deny(no, MP_REFUSAL_SIGNATURE_WRONG, err->text) : mp_deny_fault(no, err);
}

bool mp_device_by_entra(struct mp_sender *from, enum token_purpose purpose, struct mp_device *d, struct mp_denial *no)
{
    struct entra_token t;
    struct error err;
    if (purpose != PURPOSE_STS)
        return mp_deny_verdict(no, REASON_TOKEN_WRONG_PURPOSE, NULL);
    if (!mp_entra_device(from, &t, no))
        return false;
    enum result result = find_by_signer(from, &d->record, &err);
    if (result == OK &&
        (strcmp(d->record.entra_tenant, t.tenant->id) != 0 || strcmp(d->record.entra_device, t.device) != 0)) {
        (void)error_set(&err, R_DENIED, "the key that signed is registered, but not for this Entra device");
        return mp_deny_verdict(no, REASON_TOKEN_NOT_BOUND, &err);
    }
    if (result == OK)
        result = newest_certificate(from, &d->record, &d->certificate, &err);
    if (result != OK)
        return deny(result, &err, no);
    token_x5t(d->certificate, d->token.x5t);
    d->entra = true;
    return true;
}
