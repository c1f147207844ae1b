/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed documents. Reading goes from the pin outwards: the header names two certificates, the second must be the
 * pinned root, the first must be the site's signing certificate under it, its key must have signed the text; only then
 * is the payload looked at.
 */
#include "bundle/document.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "der/key.h"
#include "digest/digest.h"
#include "pki/role.h"
#include "json/json.h"

enum { FUTURE_S = 300, USER_HASH = 12, CERTIFICATE_MAX = 16 * 1024, SITE_CODE_MAX = 8, URN_SIZE = 96, TYPE_SIZE = 48 };
static const int64_t sequence_max = (int64_t)1 << 53; /* exact in every JSON reader */

static const struct {
    const char *name, *use, *header_type;
} types[] = {
    [DOCUMENT_BUNDLE] = {"bundle", "bundle", "opencmg-bundle+jws"},
    [DOCUMENT_CONNECTOR] = {"connector", "bundle", "opencmg-connector+jws"},
    [DOCUMENT_POLICY] = {"policy", "policy", "opencmg-policy+jws"},
    [DOCUMENT_LOCATION] = {"location", "bundle", "opencmg-location+jws"},
    [DOCUMENT_USER_POLICY] = {"user-policy", "policy", "opencmg-user-policy+jws"},
    [DOCUMENT_SETTINGS] = {"settings", "policy", "opencmg-settings+jws"},
    [DOCUMENT_ANSWER] = {"answer", "policy", "opencmg-answer+jws"},
    [DOCUMENT_JOIN] = {"join", "bundle", "opencmg-join+jws"},
    [DOCUMENT_NOTIFICATION] = {"notification", "policy", "opencmg-notification+jws"},
};

const char *document_type_name(enum document_type type)
{
    return types[type].name;
}

const char *document_signing_use(enum document_type type)
{
    return types[type].use;
}

void document_user_audience(const char *guid, const char *user, char ret[DOCUMENT_AUDIENCE_SIZE])
{
    unsigned char hash[DIGEST_SIZE];
    char hex[HEX_SIZE(USER_HASH)], lower[256];
    size_t len = 0;
    for (; user[len] && len < sizeof lower; len++)
        lower[len] = ascii_lower(user[len]);
    digest_of(slice_make(lower, len), hash);
    (void)encode_hex(slice_make(hash, USER_HASH), hex);
    (void)snprintf(ret, DOCUMENT_AUDIENCE_SIZE, "%.36s.%s", guid, hex);
}

void document_done(struct document *d)
{
    json_decref(d->content);
    d->content = NULL;
}

static bool site_valid(const char *site)
{
    size_t len = strlen(site);
    return len > 0 && len <= SITE_CODE_MAX && strspn(site, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == len;
}

static bool audience_valid(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len < sizeof((struct document *)0)->audience &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static bool key_valid(const char *text)
{
    size_t len = strlen(text);
    return len == PKI_HASH_HEX - 1 && strspn(text, "0123456789abcdef") == len;
}

/* --- signing --- */

struct document_signer {
    struct jose_signer *key;
    json_t *x5c;        /* the signing certificate, the root */
    char urn[URN_SIZE]; /* of the certificate: which documents it may sign */
};

static enum result check_pair(EVP_PKEY *key, X509 *certificate, X509 *root, struct error *err)
{
    if (X509_check_private_key(certificate, key) != 1)
        return error_set(err, R_INVALID, "the signing certificate is not one for the signing key");
    if (X509_verify(certificate, X509_get0_pubkey(root)) != 1)
        return error_set(err, R_INVALID, "the signing certificate was not issued by the site root");
    return OK;
}

static json_t *make_x5c(X509 *certificate, X509 *root)
{
    char *leaf = pki_cert_base64(certificate), *anchor = pki_cert_base64(root);
    json_t *x5c = json_pack("[s, s]", leaf, anchor);
    free(leaf);
    free(anchor);
    return x5c;
}

static enum result make_signer(EVP_PKEY *key, X509 *certificate, X509 *root, struct document_signer **ret,
                               struct error *err)
{
    struct document_signer *s = mem_zalloc(sizeof *s);
    enum result r = check_pair(key, certificate, root, err);
    if (r == OK && !pki_cert_uri(certificate, "urn:opencmg:", s->urn, sizeof s->urn))
        r = error_set(err, R_INVALID, "the signing certificate has no name urn:opencmg:<site>:signing:<use>");
    if (r == OK)
        r = jose_signer_new(key, &s->key, err);
    if (r != OK) {
        document_signer_free(s);
        return r;
    }
    s->x5c = make_x5c(certificate, root);
    *ret = s;
    return OK;
}

enum result document_signer_new(struct slice key_pem, struct slice certificate_pem, struct slice root_pem,
                                struct document_signer **ret, struct error *err)
{
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL, *root = NULL;
    *ret = NULL;
    enum result r = pki_key_read(key_pem, &key, err);
    if (r == OK)
        r = pki_cert_read(certificate_pem, &certificate, err);
    if (r == OK)
        r = pki_cert_read(root_pem, &root, err);
    if (r == OK)
        r = make_signer(key, certificate, root, ret, err);
    EVP_PKEY_free(key);
    X509_free(certificate);
    X509_free(root);
    return r;
}

void document_signer_free(struct document_signer *s)
{
    if (!s)
        return;
    jose_signer_free(s->key);
    json_decref(s->x5c);
    free(s);
}

static void signing_urn(const char *site, enum document_type type, char ret[URN_SIZE])
{
    (void)snprintf(ret, URN_SIZE, "urn:opencmg:%s:signing:%s", site, types[type].use);
}

static enum result check_fields(const struct document *d, struct error *err)
{
    if (!site_valid(d->site) || !audience_valid(d->audience))
        return error_set(err, R_INVALID, "site or audience is malformed");
    if (*d->key && !key_valid(d->key))
        return error_set(err, R_INVALID, "the key is not the SHA-256 of one: 64 hex digits in lower case");
    if (d->sequence < 1 || d->sequence > sequence_max)
        return error_set(err, R_INVALID, "the sequence is not between 1 and 2^53");
    if (d->issued <= 0 || d->expires <= d->issued)
        return error_set(err, R_INVALID, "it ends before it begins");
    if (!json_is_object(d->content))
        return error_set(err, R_INVALID, "the content is not a JSON object");
    return OK;
}

enum result document_sign(const struct document_signer *s, const struct document *d, char **ret, struct error *err)
{
    char urn[URN_SIZE];
    *ret = NULL;
    enum result r = check_fields(d, err);
    if (r != OK)
        return r;
    signing_urn(d->site, d->type, urn);
    if (strcmp(urn, s->urn) != 0)
        return error_set(err, R_INVALID, "the key of '%s' can't sign for '%s'", s->urn, urn);
    json_t *payload =
        json_pack("{s:s, s:s, s:s, s:s*, s:I, s:I, s:I, s:O}", "type", types[d->type].name, "site", d->site, "audience",
                  d->audience, "key", *d->key ? d->key : NULL, "sequence", (json_int_t)d->sequence, "issued",
                  (json_int_t)d->issued, "expires", (json_int_t)d->expires, "content", d->content);
    json_t *header = json_pack("{s:s, s:O}", "typ", types[d->type].header_type, "x5c", s->x5c);
    char *text = json_text(payload);
    r = jose_sign(s->key, header, slice_of(text), ret, err);
    free(text);
    json_decref(header);
    json_decref(payload);
    return r;
}

/* --- reading --- */

/* The certificates that the header carries; nothing about them is believed yet. */
struct carried {
    X509 *leaf, *root;
};

static void carried_free(struct carried *c)
{
    X509_free(c->leaf);
    X509_free(c->root);
}

static enum result read_certificate(const json_t *text, X509 **ret, struct error *err)
{
    unsigned char der[CERTIFICATE_MAX];
    size_t len;
    if (!json_is_string(text) || !decode_base64(slice_of(json_string_value(text)), der, sizeof der, &len))
        return error_set(err, R_DENIED, "x5c holds something that is not base64, or over %d bytes", CERTIFICATE_MAX);
    const unsigned char *at = der;
    const char *slow = der_key_slow(slice_make(der, len));
    if (slow)
        return error_set(err, R_DENIED, "a certificate in x5c %s", slow);
    X509 *found = d2i_X509(NULL, &at, (long)len);
    if (!found || at != der + len) {
        X509_free(found);
        return error_set(err, R_DENIED, "x5c holds something that is not the DER of one certificate");
    }
    *ret = found;
    return OK;
}

static enum result read_header(struct slice text, enum document_type type, struct carried *ret, struct error *err)
{
    json_t *header;
    if (jose_peek(text, JOSE_DOCUMENT_MAX, &header, NULL, err) != OK)
        return R_DENIED;
    const json_t *x5c = json_object_get(header, "x5c");
    enum result r = OK;
    if (strcmp(json_opt_str(header, "typ", ""), types[type].header_type) != 0)
        r = error_set(err, R_DENIED, "its typ is not %s", types[type].header_type);
    else if (!json_is_array(x5c) || json_array_size(x5c) != 2)
        r = error_set(err, R_DENIED, "x5c does not hold exactly the signing certificate and the site root");
    if (r == OK)
        r = read_certificate(json_array_get(x5c, 0), &ret->leaf, err);
    if (r == OK)
        r = read_certificate(json_array_get(x5c, 1), &ret->root, err);
    json_decref(header);
    return r;
}

static enum result check_pin(X509 *root, const unsigned char pin[PKI_SHA256], struct error *err)
{
    unsigned char found[PKI_SHA256];
    pki_cert_sha256(root, found);
    if (!slice_eq_secret(slice_make(found, sizeof found), slice_make(pin, PKI_SHA256)))
        return error_set(err, R_DENIED, "it is signed under another site root than the pinned one");
    return OK;
}

/* The site that the certificate names, for a reader who takes any; pki_role_check then holds the whole name to it. */
static enum result site_of(X509 *leaf, char ret[PKI_SITE_MAX], struct error *err)
{
    char urn[URN_SIZE];
    struct slice prefix = SLICE("urn:opencmg:");
    if (!pki_cert_uri(leaf, prefix.ptr, urn, sizeof urn))
        return error_set(err, R_DENIED, "the signing certificate names no site");
    struct slice rest = slice_skip(slice_of(urn), prefix.len);
    if (!slice_to_cstr(slice_cut(&rest, ':'), ret, PKI_SITE_MAX) || !site_valid(ret))
        return error_set(err, R_DENIED, "the signing certificate names a site that is none");
    return OK;
}

static enum result check_chain(const struct carried *c, const char *site, const struct document_expect *e,
                               struct error *err)
{
    char kind[TYPE_SIZE], id[PKI_ROLE_ID_MAX];
    struct pki_role_judge *judge;
    char *root_pem = pki_cert_pem(c->root);
    (void)snprintf(kind, sizeof kind, "signing:%s", types[e->type].use);
    enum result r = pki_role_judge_new(slice_of(root_pem), site, kind, &judge, err);
    free(root_pem);
    if (r != OK)
        return R_DENIED;
    r = pki_role_check(judge, c->leaf, NULL, e->now, id, err);
    pki_role_judge_free(judge);
    return r == OK ? OK : R_DENIED;
}

/* From the pin to the signature. */
static enum result check_origin(struct slice text, const struct document_expect *e, char ret_site[PKI_SITE_MAX],
                                struct error *err)
{
    struct carried c = {NULL, NULL};
    enum result r = read_header(text, e->type, &c, err);
    if (r == OK)
        r = check_pin(c.root, e->root_sha256, err);
    if (r == OK)
        r = site_of(c.leaf, ret_site, err);
    if (r == OK)
        r = check_chain(&c, ret_site, e, err);
    if (r == OK && jose_verify_with(X509_get0_pubkey(c.leaf), text, err) != OK)
        r = R_DENIED;
    carried_free(&c);
    return r;
}

static enum result read_text(const json_t *o, const char *name, char *ret, size_t size, struct error *err)
{
    const char *text;
    if (json_need_str(o, name, &text, err) != OK)
        return R_DENIED;
    if (!slice_to_cstr(slice_of(text), ret, size))
        return error_set(err, R_DENIED, "member '%s' is over %zu bytes", name, size - 1);
    return OK;
}

/* *ret->content is borrowed from the payload until all has been checked. */
static enum result read_payload(const json_t *o, struct document *ret, struct error *err)
{
    char type[TYPE_SIZE];
    if (read_text(o, "type", type, sizeof type, err) != OK ||
        read_text(o, "site", ret->site, sizeof ret->site, err) != OK ||
        read_text(o, "audience", ret->audience, sizeof ret->audience, err) != OK ||
        (json_object_get(o, "key") && read_text(o, "key", ret->key, sizeof ret->key, err) != OK) ||
        json_need_int(o, "sequence", &ret->sequence, err) != OK ||
        json_need_int(o, "issued", &ret->issued, err) != OK || json_need_int(o, "expires", &ret->expires, err) != OK ||
        json_need_object(o, "content", &ret->content, err) != OK)
        return R_DENIED;
    if (strcmp(type, types[ret->type].name) != 0)
        return error_set(err, R_DENIED, "its type is not '%s'", types[ret->type].name);
    return check_fields(ret, err) == OK ? OK : R_DENIED;
}

static enum result check_audience(const struct document *d, const struct document_expect *e, struct error *err)
{
    if (e->key && strcmp(d->key, e->key) != 0)
        return error_set(err, R_DENIED, "it is for %s%.16s, not for this device's key %.16s…",
                         *d->key ? "key " : "no key", d->key, e->key);
    if ((e->key && !e->audience) || strcmp(d->audience, "all") == 0 ||
        (e->audience && strcmp(d->audience, e->audience) == 0))
        return OK;
    return error_set(err, R_DENIED, "it is for '%s', not for '%s'", d->audience, e->audience ? e->audience : "all");
}

static enum result check_payload(const struct document *d, const struct document_expect *e, const char *signed_site,
                                 struct error *err)
{
    if (strcmp(d->site, signed_site) != 0 || (e->site && strcmp(d->site, e->site) != 0))
        return error_set(err, R_DENIED, "it is of site '%s', wanted is '%s'", d->site, e->site ? e->site : signed_site);
    enum result r = check_audience(d, e, err);
    if (r != OK)
        return r;
    if (d->sequence < e->min_sequence)
        return error_set(err, R_CONFLICT,
                         "its sequence %" PRId64 " is older than %" PRId64 ", which was accepted already", d->sequence,
                         e->min_sequence);
    if (d->issued > e->now + FUTURE_S)
        return error_set(err, R_DENIED, "it was issued %" PRId64 " seconds from now: compare the clocks",
                         d->issued - e->now);
    if (d->expires <= e->now)
        return error_set(err, R_TIMEOUT, "it expired %" PRId64 " seconds ago", e->now - d->expires);
    return OK;
}

static enum result read_document(struct slice text, const struct document_expect *e, struct document *ret,
                                 struct error *err)
{
    char site[PKI_SITE_MAX];
    json_t *header, *payload;
    enum result r = check_origin(text, e, site, err);
    if (r != OK)
        return r;
    if (jose_peek(text, JOSE_DOCUMENT_MAX, &header, &payload, err) != OK)
        return R_DENIED;
    r = read_payload(payload, ret, err);
    if (r == OK)
        r = check_payload(ret, e, site, err);
    ret->content = r == OK ? json_incref(ret->content) : NULL;
    json_decref(header);
    json_decref(payload);
    return r;
}

enum result document_read(struct slice text, const struct document_expect *e, struct document *ret, struct error *err)
{
    struct error local;
    err = err ? err : &local;
    memset(ret, 0, sizeof *ret);
    ret->type = e->type;
    enum result r = read_document(text, e, ret, err);
    if (r != OK) {
        err->code = r;
        (void)error_prefix(err, "%s document", types[e->type].name);
    }
    return r;
}

enum result document_keep(const char *dir, const char *name, struct slice text, struct error *err)
{
    enum { KEPT_NAME_MAX = 64, KEPT_MODE = 0640 };
    char file[KEPT_NAME_MAX + sizeof ".jws"];
    if (!audience_valid(name) || name[0] == '.' || strlen(name) > KEPT_NAME_MAX)
        return error_set(err, R_INVALID, "'%s' is no name for a kept document", name);
    (void)snprintf(file, sizeof file, "%s.jws", name);
    char *path = file_join(dir, file);
    enum result r = file_write(path, text, KEPT_MODE, err);
    free(path);
    return r;
}
