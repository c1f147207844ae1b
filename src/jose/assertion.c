/* SPDX-License-Identifier: Apache-2.0 */
/* Client assertions over libjose. */
#include "jose/assertion.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text/encode.h"
#include "jose/jws/sign.h"
#include "json/json.h"

enum { LIFETIME_S = 300, RSA_BITS_MIN = 2048 };

static const struct {
    const char *name, *key_type, *group;
} algorithms[] = {
    {"PS256", "RSA", NULL}, /* in the order in which they are preferred */
    {"RS256", "RSA", NULL},
    {"ES256", "EC", "prime256v1"},
    {"ES384", "EC", "secp384r1"},
};

static bool fits(size_t i, EVP_PKEY *key)
{
    char group[32];
    size_t len;
    if (!EVP_PKEY_is_a(key, algorithms[i].key_type))
        return false;
    if (!algorithms[i].group)
        return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
    return EVP_PKEY_get_group_name(key, group, sizeof group, &len) && strcmp(group, algorithms[i].group) == 0;
}

/* What the provider does not offer it would refuse; one that tells nothing gets the best. */
static const char *choose(const struct jose_assertion *a, struct error *err)
{
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (!fits(i, a->key))
            continue;
        any = true;
        if (!json_is_array(a->offered) || json_array_has(a->offered, slice_of(algorithms[i].name)))
            return algorithms[i].name;
    }
    (void)error_set(err, R_INVALID, "%s",
                    any ? "the provider takes no signature that this key can make"
                        : "the key is neither RSA of 2048 bits or more, nor P-256, nor P-384");
    return NULL;
}

static void put(json_t *o, const char *name, json_t *value)
{
    if (json_object_set_new(o, name, value) != 0)
        fatal("an assertion can't be put into JSON");
}

static void put_thumbprint(json_t *header, const char *name, X509 *cert, const EVP_MD *digest)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    char text[BASE64_SIZE(sizeof hash)];
    unsigned len = 0;
    if (X509_digest(cert, digest, hash, &len) != 1)
        fatal("a certificate can't be digested");
    (void)encode_base64url(slice_make(hash, len), text);
    put(header, name, json_string(text));
}

static char *claims_of(const struct jose_assertion *a)
{
    char id[GUID_SIZE];
    guid_new(id);
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "iss", a->client, "sub", a->client, "aud", a->audience, "jti",
                  id, "iat", (json_int_t)a->now, "nbf", (json_int_t)a->now, "exp", (json_int_t)a->now + LIFETIME_S);
    if (!o)
        fatal("an assertion can't be put into JSON: are client and endpoint UTF-8?");
    char *text = json_text(o);
    json_decref(o);
    return text;
}

enum result jose_assertion_sign(const struct jose_assertion *a, char **ret, struct error *err)
{
    *ret = NULL;
    const char *algorithm = choose(a, err);
    if (!algorithm)
        return R_INVALID;
    json_t *header = json_object();
    put(header, "typ", json_string("JWT"));
    put(header, "alg", json_string(algorithm));
    put_thumbprint(header, "x5t", a->certificate, EVP_sha1());
    put_thumbprint(header, "x5t#S256", a->certificate, EVP_sha256());
    char *claims = claims_of(a);
    enum result r = jose_sign_by(a->key, header, slice_of(claims), ret, err);
    free(claims);
    json_decref(header);
    return r;
}
