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
static bool not_blocked(struct mp_request *r, const struct entra_token *t)
{
    struct store_device *list;
    size_t count;
    struct error err;
    if (store_device_by_entra(r->site->store, r->arena, t->tenant->id, t->device, &list, &count, &err) != OK) {
        mp_refuse_fault(r, &err);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].blocked && strcmp(list[i].state, "approved") == 0) {
            mp_refuse_verdict(r, REASON_BLOCKED, NULL);
            return false;
        }
    }
    return true;
}

bool mp_entra_device(struct mp_request *r, struct entra_token *ret)
{
    enum verdict_reason reason;
    struct error err;
    if (mp_tenants_judge(r->site, r->identity.bearer, ret, &reason, &err) != OK) {
        mp_refuse_fault(r, &err);
        return false;
    }
    if (reason == REASON_OK && ret->user[0]) {
        (void)error_set(&err, R_DENIED, "it is a user's token; a device needs its own");
        reason = REASON_TOKEN_WRONG_PURPOSE;
    }
    if (reason != REASON_OK) {
        mp_refuse_verdict(r, reason, &err);
        return false;
    }
    return not_blocked(r, ret);
}

/* --- the record --- */

/* keyid is the base64url SHA-256 of the key (jose/httpsig/httpsig.h), unproven until the signature was verified. */
static enum result find_by_signer(struct mp_request *r, struct store_device *ret, struct error *err)
{
    const struct httpsig_received received = {mp_request_field(r, "cmg-target"), mp_request_field(r, "content-digest"),
                                              mp_request_field(r, "signature-input"), mp_request_field(r, "signature")};
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
    return store_device_get(r->site->store, r->arena, STORE_BY_SPKI, hex, ret, err);
}

/* The newest certificate of the record, which holds its key. */
static enum result newest_certificate(struct mp_request *r, const struct store_device *d, X509 **ret, struct error *err)
{
    struct store_certificate *list;
    const struct store_certificate *newest = NULL;
    size_t count;
    char spki[PKI_HASH_HEX];
    enum result result = store_certificate_list(r->site->store, r->arena, d->guid, &list, &count, err);
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
    mp_certificate_spki_hex(*ret, spki);
    if (strcmp(spki, d->spki) == 0)
        return OK;
    X509_free(*ret);
    *ret = NULL;
    return error_set(err, R_NOTFOUND, "the device's newest certificate is of another key");
}

static void refuse(struct mp_request *r, enum result why, const struct error *err)
{
    if (why == R_NOTFOUND)
        mp_refuse(r, MP_REFUSAL_NOT_REGISTERED, NULL);
    else if (why == R_INVALID)
        mp_refuse(r, MP_REFUSAL_SIGNATURE_WRONG, err->text);
    else
        mp_refuse_fault(r, err);
}

bool mp_device_by_entra(struct mp_request *r, enum token_purpose purpose, struct mp_device *d)
{
    struct entra_token t;
    struct error err;
    if (purpose != PURPOSE_STS) {
        mp_refuse_verdict(r, REASON_TOKEN_WRONG_PURPOSE, NULL);
        return false;
    }
    if (!mp_entra_device(r, &t))
        return false;
    enum result result = find_by_signer(r, &d->record, &err);
    if (result == OK &&
        (strcmp(d->record.entra_tenant, t.tenant->id) != 0 || strcmp(d->record.entra_device, t.device) != 0)) {
        (void)error_set(&err, R_DENIED, "the key that signed is registered, but not for this Entra device");
        mp_refuse_verdict(r, REASON_TOKEN_NOT_BOUND, &err);
        return false;
    }
    if (result == OK)
        result = newest_certificate(r, &d->record, &d->certificate, &err);
    if (result != OK) {
        refuse(r, result, &err);
        return false;
    }
    mp_certificate_x5t(d->certificate, d->token.x5t);
    d->entra = true;
    return true;
}
