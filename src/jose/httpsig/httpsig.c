/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message signatures: the signature base (RFC 9421 2.5) is written from parsed values alone, by one function for both
 * sides, so that nothing a peer sends gets into it but through its place.
 */
#include "jose/httpsig/httpsig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/x509.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "base/rand.h"
#include "digest/digest.h"
#include "jose/httpsig/sigkey.h"
#include "jose/httpsig/sigparse.h"

enum { BASE_MAX = 16 * 1024, METHOD_MAX = 32, NONCE_BYTES = 18 };

/* Our own order; a receiver keeps to the sender's. */
static const enum sigparse_component our_components[] = {SIG_METHOD, SIG_TARGET, SIG_DIGEST};
static const enum sigparse_param our_params[] = {SIG_CREATED, SIG_NONCE, SIG_KEYID, SIG_ALG, SIG_TAG};

static void keyid_of(EVP_PKEY *key, char ret[HTTPSIG_KEYID_SIZE])
{
    unsigned char *der = NULL, hash[DIGEST_SIZE];
    int len = i2d_PUBKEY(key, &der);
    if (len <= 0)
        fatal("httpsig: a public key could not be written as DER");
    digest_of(slice_make(der, (size_t)len), hash);
    OPENSSL_free(der);
    encode_base64url(slice_make(hash, sizeof hash), ret);
}

/* --- the signature base --- */

/* RFC 9110 5.6.2. */
static bool method_valid(struct slice s)
{
    return s.len > 0 && s.len <= METHOD_MAX && ascii_all_alnum_or(s, "!#$%&'*+-.^_`|~");
}

/* A path and query as it stands in a field: no control, no space, nothing beyond ASCII. */
static bool target_valid(struct slice s)
{
    if (s.len == 0 || s.len > SIGPARSE_FIELD_MAX || s.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= 0x20 || s.ptr[i] > 0x7e)
            return false;
    }
    return true;
}

/* RFC 9421 2.3, RFC 8941 4.1: the inner list and its parameters. */
static void write_params(struct buf *b, const struct sigparse_input *in, enum result *r)
{
    for (size_t i = 0; i < SIGPARSE_COMPONENTS && *r == OK; i++)
        *r = buf_printf(b, "%s\"%s\"", i ? " " : "(", sigparse_component_name(in->components[i]));
    if (*r == OK)
        *r = buf_append_str(b, ")");
    for (size_t i = 0; i < SIGPARSE_PARAMS && *r == OK; i++) {
        enum sigparse_param p = in->params[i];
        if (p == SIG_CREATED)
            *r = buf_printf(b, ";created=%" PRId64, in->created);
        else
            *r = buf_printf(b, ";%s=\"%" PRIslice "\"", sigparse_param_name(p), SLICE_ARG(in->text[p]));
    }
}

static enum result write_base(struct buf *b, const struct sigparse_input *in, const struct httpsig_message *m,
                              struct slice digest, struct error *err)
{
    const struct slice values[] = {[SIG_METHOD] = m->method, [SIG_TARGET] = m->target, [SIG_DIGEST] = digest};
    enum result r = OK;
    for (size_t i = 0; i < SIGPARSE_COMPONENTS && r == OK; i++) {
        enum sigparse_component c = in->components[i];
        r = buf_printf(b, "\"%s\": %" PRIslice "\n", sigparse_component_name(c), SLICE_ARG(values[c]));
    }
    if (r == OK)
        r = buf_append_str(b, "\"@signature-params\": ");
    write_params(b, in, &r);
    return r == OK ? OK : error_set(err, R_LIMIT, "what is to be signed is over %d bytes", BASE_MAX);
}

static enum result check_message(const struct httpsig_message *m, struct error *err)
{
    if (!method_valid(m->method))
        return error_set(err, R_INVALID, "the method is not one of HTTP");
    if (!target_valid(m->target))
        return error_set(err, R_INVALID, "the target is no path, or over %d bytes", SIGPARSE_FIELD_MAX);
    return OK;
}

/* --- signing --- */

/* buf_printf into a text of its own. */
static char *bytes_field(const char *name, const unsigned char *bytes, size_t len)
{
    size_t size = strlen(name) + sizeof "=::" + BASE64_SIZE(len);
    char *text = mem_zalloc(size), *base64 = mem_zalloc(BASE64_SIZE(len));
    encode_base64(slice_make(bytes, len), base64);
    (void)snprintf(text, size, "%s=:%s:", name, base64);
    free(base64);
    return text;
}

static char *digest_field(struct slice body)
{
    unsigned char hash[DIGEST_SIZE];
    digest_of(body, hash);
    return bytes_field("sha-256", hash, sizeof hash);
}

static char *input_field(const struct sigparse_input *in)
{
    struct buf b;
    buf_init(&b, BASE_MAX);
    enum result r = buf_append_str(&b, "cmg=");
    write_params(&b, in, &r);
    if (r != OK)
        fatal("httpsig: our own parameters do not fit");
    char *text = buf_take_str(&b);
    buf_free(&b);
    return text;
}

static enum result sign_base(EVP_PKEY *key, const struct sigkey_algorithm *a, const struct sigparse_input *in,
                             const struct httpsig_message *m, struct httpsig_fields *ret, struct error *err)
{
    struct buf b;
    buf_init(&b, BASE_MAX);
    enum result r = write_base(&b, in, m, slice_of(ret->content_digest), err);
    if (r == OK) {
        unsigned char signature[SIGKEY_SIGNATURE_MAX];
        size_t len = sigkey_sign(a, key, buf_data(&b), signature);
        if (len)
            ret->signature = bytes_field("cmg", signature, len);
        else
            r = error_set(err, R_IO, "the key could not sign");
    }
    buf_free(&b);
    return r;
}

enum result httpsig_sign(EVP_PKEY *key, const struct httpsig_message *m, int64_t now, struct httpsig_fields *ret,
                         struct error *err)
{
    memset(ret, 0, sizeof *ret);
    const struct sigkey_algorithm *a = sigkey_algorithm(key);
    if (!a)
        return error_set(err, R_INVALID, "there is no signature algorithm for this kind of key");
    enum result r = check_message(m, err);
    if (r != OK)
        return r;
    unsigned char random[NONCE_BYTES];
    char nonce[BASE64_SIZE(NONCE_BYTES)], keyid[HTTPSIG_KEYID_SIZE];
    rand_bytes(random, sizeof random);
    encode_base64url(slice_make(random, sizeof random), nonce);
    keyid_of(key, keyid);
    struct sigparse_input in = {.created = now,
                                .text = {[SIG_NONCE] = slice_of(nonce),
                                         [SIG_KEYID] = slice_of(keyid),
                                         [SIG_ALG] = slice_of(sigkey_name(a)),
                                         [SIG_TAG] = SLICE("cmg")}};
    memcpy(in.components, our_components, sizeof in.components);
    memcpy(in.params, our_params, sizeof in.params);
    ret->cmg_target = slice_dup(m->target);
    ret->content_digest = digest_field(m->body);
    ret->signature_input = input_field(&in);
    r = sign_base(key, a, &in, m, ret, err);
    if (r != OK)
        httpsig_fields_free(ret);
    return r;
}

void httpsig_fields_free(struct httpsig_fields *f)
{
    free(f->cmg_target);
    free(f->content_digest);
    free(f->signature_input);
    free(f->signature);
    memset(f, 0, sizeof *f);
}

/* --- verification --- */

static enum result parse_input(const struct httpsig_received *in, struct sigparse_input *ret, struct error *err)
{
    if (!in->signature_input.ptr && !in->signature.ptr)
        return error_set(err, R_NOTFOUND, "the request is not signed");
    if (!in->signature_input.ptr || !in->signature.ptr)
        return error_set(err, R_INVALID, "one of Signature-Input and Signature is missing");
    enum result r = sigparse_input(in->signature_input, ret, err);
    if (r != OK)
        return r;
    unsigned char hash[DIGEST_SIZE];
    size_t len;
    if (!decode_base64url(ret->text[SIG_KEYID], hash, sizeof hash, &len) || len != sizeof hash)
        return error_set(err, R_INVALID, "Signature-Input: keyid is not the base64url SHA-256 of a public key");
    if (!slice_eq(ret->text[SIG_TAG], SLICE("cmg")))
        return error_set(err, R_INVALID, "Signature-Input: tag is not \"cmg\"");
    return OK;
}

enum result httpsig_params(const struct httpsig_received *in, struct httpsig_params *ret, struct error *err)
{
    struct sigparse_input parsed;
    memset(ret, 0, sizeof *ret);
    enum result r = parse_input(in, &parsed, err);
    if (r != OK)
        return r;
    if (!slice_to_cstr(parsed.text[SIG_KEYID], ret->keyid, sizeof ret->keyid) ||
        !slice_to_cstr(parsed.text[SIG_NONCE], ret->nonce, sizeof ret->nonce))
        return error_set(err, R_INVALID, "Signature-Input: keyid or nonce is too long");
    ret->created = parsed.created;
    return OK;
}

static enum result check_key(EVP_PKEY *key, const struct sigkey_algorithm *a, const struct sigparse_input *in,
                             struct error *err)
{
    char keyid[HTTPSIG_KEYID_SIZE];
    keyid_of(key, keyid);
    if (!slice_eq(in->text[SIG_KEYID], slice_of(keyid)))
        return error_set(err, R_DENIED, "the signature names another key (keyid) than the device's");
    if (!slice_eq(in->text[SIG_ALG], slice_of(sigkey_name(a))))
        return error_set(err, R_DENIED, "the signature's algorithm does not match the key; its is %s", sigkey_name(a));
    return OK;
}

static enum result check_content(const struct httpsig_message *m, const struct httpsig_received *in, struct error *err)
{
    if (!slice_eq(slice_trim(in->cmg_target), m->target))
        return error_set(err, R_DENIED, "CMG-Target is not what was asked for");
    unsigned char told[DIGEST_SIZE], found[DIGEST_SIZE];
    size_t len;
    if (sigparse_bytes(in->content_digest, "sha-256", told, sizeof told, &len, err) != OK || len != sizeof told)
        return error_set(err, R_DENIED, "Content-Digest is missing or malformed (expected: sha-256=:…:)");
    digest_of(m->body, found);
    if (!slice_eq_secret(slice_make(told, sizeof told), slice_make(found, sizeof found)))
        return error_set(err, R_DENIED, "Content-Digest does not match the body");
    return OK;
}

static enum result check_signature(EVP_PKEY *key, const struct sigkey_algorithm *a, const struct sigparse_input *parsed,
                                   const struct httpsig_message *m, const struct httpsig_received *in,
                                   struct error *err)
{
    unsigned char signature[SIGKEY_SIGNATURE_MAX];
    size_t len;
    if (sigparse_bytes(in->signature, "cmg", signature, sizeof signature, &len, err) != OK) {
        (void)error_prefix(err, "Signature");
        return R_DENIED;
    }
    struct buf b;
    buf_init(&b, BASE_MAX);
    enum result r = write_base(&b, parsed, m, slice_trim(in->content_digest), err);
    if (r == OK && !sigkey_verify(a, key, buf_data(&b), slice_make(signature, len)))
        r = error_set(err, R_DENIED, "the signature is not valid for this request and key");
    buf_free(&b);
    return r;
}

static enum result verify(EVP_PKEY *key, const struct httpsig_message *m, const struct httpsig_received *in,
                          struct sigparse_input *parsed, struct error *err)
{
    const struct sigkey_algorithm *a = sigkey_algorithm(key);
    if (!a)
        return error_set(err, R_DENIED, "there is no signature algorithm for the device's kind of key");
    enum result r = check_message(m, err);
    if (r == OK)
        r = parse_input(in, parsed, err);
    if (r == OK)
        r = check_key(key, a, parsed, err);
    if (r == OK)
        r = check_content(m, in, err);
    if (r == OK)
        r = check_signature(key, a, parsed, m, in, err);
    return r;
}

enum result httpsig_verify(EVP_PKEY *key, const struct httpsig_message *m, const struct httpsig_received *in,
                           int64_t now, struct error *err)
{
    struct error local;
    struct sigparse_input parsed;
    err = err ? err : &local;
    if (verify(key, m, in, &parsed, err) != OK) {
        err->code = R_DENIED; /* whatever was wrong, the request is not the device's */
        return R_DENIED;
    }
    /* Last, so that R_TIMEOUT means a genuine request of a device whose clock is off. */
    int64_t skew = parsed.created > now ? parsed.created - now : now - parsed.created;
    if (skew > HTTPSIG_WINDOW_S)
        return error_set(err, R_TIMEOUT, "signed %" PRId64 " seconds %s now, allowed are %d", skew,
                         parsed.created > now ? "after" : "before", HTTPSIG_WINDOW_S);
    return OK;
}
