/* SPDX-License-Identifier: Apache-2.0 */
/* A short signed statement by one key about another. Whether the certificate in it is good is for who reads it. */
#include "jose/possession.h"

#include <stdlib.h>
#include <string.h>

#include "json/json.h"

#define TYPE "same-device"

enum result jose_possession_sign(EVP_PKEY *key, X509 *certificate, const char *for_spki, char **ret, struct error *err)
{
    struct jose_signer *signer = NULL;
    char *pem = pki_cert_pem(certificate);
    json_t *header = json_object();
    json_t *payload = json_pack("{s:s, s:s, s:s}", "type", TYPE, "for", for_spki, "certificate_pem", pem);
    char *text = json_text(payload);
    enum result r = jose_signer_new(key, &signer, err);
    if (r == OK)
        r = jose_sign(signer, header, slice_of(text), ret, err);
    jose_signer_free(signer);
    json_decref(payload);
    json_decref(header);
    free(text);
    free(pem);
    return r;
}

static enum result check(struct slice text, const json_t *payload, const char *for_spki, X509 **ret, struct error *err)
{
    const char *type, *whose, *pem;
    enum result r = json_need_str(payload, "type", &type, err);
    if (r == OK)
        r = json_need_str(payload, "for", &whose, err);
    if (r == OK)
        r = json_need_str(payload, "certificate_pem", &pem, err);
    if (r == OK && (strcmp(type, TYPE) != 0 || strcmp(whose, for_spki) != 0))
        return error_set(err, R_DENIED, "it is not the word for the key that is registered");
    if (r == OK)
        r = pki_cert_read(slice_of(pem), ret, err);
    return r == OK ? jose_verify_with(X509_get0_pubkey(*ret), text, err) : r;
}

enum result jose_possession_read(struct slice text, const char *for_spki, char ret_spki[PKI_HASH_HEX],
                                 struct error *err)
{
    unsigned char hash[PKI_SHA256];
    json_t *header, *payload;
    X509 *certificate = NULL;
    enum result r = jose_peek(text, JOSE_POSSESSION_MAX, &header, &payload, err);
    if (r != OK)
        return r;
    r = check(text, payload, for_spki, &certificate, err);
    if (r == OK) {
        pki_cert_spki_sha256(certificate, hash);
        (void)encode_hex(slice_make(hash, sizeof hash), ret_spki);
    }
    X509_free(certificate);
    json_decref(header);
    json_decref(payload);
    return r;
}
