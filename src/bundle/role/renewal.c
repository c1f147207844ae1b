/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the request: what a gateway signs, and what a management point holds it to. No transport, no clock. */
#include "bundle/role/renewal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rand.h"
#include "der/key.h"
#include "jose/jws/jws.h"
#include "json/json.h"

enum { CHAIN_MAX = 4, DER_MAX = 8 * 1024, NONCE_BYTES = 16 };

#define HEADER_TYPE "cmg-renewal+jws"
#define PAYLOAD_TYPE "renewal"

/* --- signing --- */

static json_t *make_x5c(STACK_OF(X509) * chain)
{
    json_t *x5c = json_array();
    for (int i = 0; i < sk_X509_num(chain); i++) {
        char *der = pki_cert_base64(sk_X509_value(chain, i));
        (void)json_array_append_new(x5c, json_string(der));
        free(der);
    }
    return x5c;
}

static enum result sign(const struct jose_signer *signer, STACK_OF(X509) * chain, const json_t *payload, char **ret,
                        struct error *err)
{
    json_t *header = json_pack("{s:s, s:o}", "typ", HEADER_TYPE, "x5c", make_x5c(chain));
    char *text = json_text(payload);
    enum result r = jose_sign(signer, header, slice_of(text), ret, err);
    free(text);
    json_decref(header);
    return r;
}

enum result renewal_sign(const struct role_identity *present, const char *site, const char *id, const char *csr_pem,
                         int64_t now, char **ret, struct error *err)
{
    EVP_PKEY *key = NULL;
    STACK_OF(X509) *chain = NULL;
    struct jose_signer *signer = NULL;
    unsigned char random[NONCE_BYTES];
    char nonce[HEX_SIZE(NONCE_BYTES)];
    *ret = NULL;
    rand_bytes(random, sizeof random);
    (void)encode_hex(slice_make(random, sizeof random), nonce);
    json_t *payload = json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "type", PAYLOAD_TYPE, "site", site, "gateway", id,
                                "created", (json_int_t)now, "nonce", nonce, "csr", csr_pem);
    enum result r = pki_key_read(slice_of(present->key_pem), &key, err);
    if (r == OK)
        r = pki_cert_read_all(slice_of(present->certificate_pem), CHAIN_MAX, &chain, err);
    if (r == OK)
        r = jose_signer_new(key, &signer, err);
    if (r == OK)
        r = sign(signer, chain, payload, ret, err);
    jose_signer_free(signer);
    sk_X509_pop_free(chain, X509_free);
    EVP_PKEY_free(key);
    json_decref(payload);
    return r;
}

/* --- reading --- */

void renewal_done(struct renewal *r)
{
    free(r->csr_pem);
    *r = (struct renewal){0};
}

static enum result push_certificate(const json_t *text, STACK_OF(X509) * chain, struct error *err)
{
    unsigned char der[DER_MAX];
    size_t len;
    if (!json_is_string(text) || !decode_base64(slice_of(json_string_value(text)), der, sizeof der, &len) || len == 0)
        return error_set(err, R_DENIED, "x5c holds something that is not base64, or over %d bytes", DER_MAX);
    const unsigned char *at = der;
    const char *slow = der_key_slow(slice_make(der, len));
    if (slow)
        return error_set(err, R_DENIED, "a certificate in x5c %s", slow);
    X509 *found = d2i_X509(NULL, &at, (long)len);
    if (!found || at != der + len) {
        X509_free(found);
        return error_set(err, R_DENIED, "x5c holds something that is not the DER of one certificate");
    }
    if (sk_X509_push(chain, found) <= 0)
        fatal("renewal: out of memory");
    return OK;
}

static enum result read_chain(const json_t *header, STACK_OF(X509) * chain, struct error *err)
{
    const json_t *x5c = json_object_get(header, "x5c");
    if (strcmp(json_opt_str(header, "typ", ""), HEADER_TYPE) != 0)
        return error_set(err, R_DENIED, "its typ is not %s", HEADER_TYPE);
    if (!json_is_array(x5c) || json_array_size(x5c) < 1 || json_array_size(x5c) > CHAIN_MAX)
        return error_set(err, R_DENIED, "x5c does not hold 1 to %d certificates", CHAIN_MAX);
    enum result r = OK;
    for (size_t i = 0; r == OK && i < json_array_size(x5c); i++)
        r = push_certificate(json_array_get(x5c, i), chain, err);
    return r;
}

/* Who signed it, and that this is a gateway of the site. */
static enum result check_origin(struct slice text, const json_t *header, const struct pki_role_judge *gateways,
                                int64_t now, struct renewal *ret, struct error *err)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (!chain)
        fatal("renewal: out of memory");
    enum result r = read_chain(header, chain, err);
    X509 *leaf = r == OK ? sk_X509_value(chain, 0) : NULL;
    if (r == OK)
        r = pki_role_check(gateways, leaf, chain, now, ret->id, err);
    if (r == OK && jose_verify_with(X509_get0_pubkey(leaf), text, err) != OK)
        r = R_DENIED;
    if (r == OK) {
        pki_cert_spki_sha256(leaf, ret->spki);
        ret->not_after = pki_cert_not_after(leaf);
    }
    sk_X509_pop_free(chain, X509_free);
    return r;
}

static enum result read_members(const json_t *o, const char *site, struct renewal *ret, struct error *err)
{
    const char *type, *its_site, *id, *nonce, *csr;
    if (json_need_str(o, "type", &type, err) != OK || json_need_str(o, "site", &its_site, err) != OK ||
        json_need_str(o, "gateway", &id, err) != OK || json_need_str(o, "nonce", &nonce, err) != OK ||
        json_need_str(o, "csr", &csr, err) != OK || json_need_int(o, "created", &ret->created, err) != OK)
        return R_DENIED;
    if (strcmp(type, PAYLOAD_TYPE) != 0 || strcmp(its_site, site) != 0)
        return error_set(err, R_DENIED, "it is no renewal of the site %s", site);
    if (strcmp(id, ret->id) != 0)
        return error_set(err, R_DENIED, "it is for another gateway than %s, whose key signed it", ret->id);
    if (!nonce[0] || !slice_to_cstr(slice_of(nonce), ret->nonce, sizeof ret->nonce))
        return error_set(err, R_DENIED, "its nonce has not 1 to %d characters", RENEWAL_NONCE_MAX);
    ret->csr_pem = mem_strdup(csr);
    return OK;
}

static enum result check_time(const struct renewal *r, int64_t now, struct error *err)
{
    /* compared without arithmetic on what the peer sent, which may be any number */
    if (r->created >= now - RENEWAL_FRESH_S && r->created <= now + RENEWAL_FRESH_S)
        return OK;
    return error_set(err, R_TIMEOUT, "it was made at %" PRId64 ", now is %" PRId64 ": compare the clocks", r->created,
                     now);
}

enum result renewal_read(struct slice text, const struct pki_role_judge *gateways, const char *site, int64_t now,
                         struct renewal *ret, struct error *err)
{
    json_t *header, *payload;
    *ret = (struct renewal){0};
    enum result r = jose_peek(text, RENEWAL_TEXT_MAX, &header, &payload, err);
    if (r != OK)
        return r == R_LIMIT ? r : R_DENIED;
    r = check_origin(text, header, gateways, now, ret, err);
    if (r == OK)
        r = read_members(payload, site, ret, err);
    if (r == OK)
        r = check_time(ret, now, err);
    json_decref(header);
    json_decref(payload);
    if (r != OK)
        renewal_done(ret);
    return r;
}
