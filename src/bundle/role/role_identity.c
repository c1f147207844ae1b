/* SPDX-License-Identifier: Apache-2.0 */
/* Judges a key and chain against the bootstrap file, keeps it, reads it back. When the next one is due is asked by
 * renew/. */
#include "bundle/role/role_identity.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/mem.h"

enum { FILE_MAX = 64 * 1024, CHAIN_MAX = 4 };

#define STATE_NAME "role.pem"

void role_identity_free(struct role_identity *i)
{
    free(i->certificate_pem);
    if (i->key_pem)
        mem_free_secret(i->key_pem, strlen(i->key_pem));
    *i = (struct role_identity){0};
}

/* --- judging --- */

static enum result check_leaf(const char *kind, const struct bootstrap *b, STACK_OF(X509) * chain, EVP_PKEY *key,
                              int64_t now, struct error *err)
{
    struct pki_role_judge *judge;
    char id[PKI_ROLE_ID_MAX];
    X509 *leaf = sk_X509_value(chain, 0);
    enum result r = pki_role_judge_new(slice_of(b->root_pem), b->site, kind, &judge, err);
    if (r != OK)
        return r;
    r = pki_role_check(judge, leaf, chain, now, id, err);
    pki_role_judge_free(judge);
    if (r == OK && strcmp(id, b->id) != 0)
        r = error_set(err, R_DENIED, "the certificate is of %s %s, this is %s", kind, id, b->id);
    if (r == OK && X509_check_private_key(leaf, key) != 1)
        r = error_set(err, R_DENIED, "the certificate is not for this key");
    return r;
}

enum result role_identity_check(const struct role_identity *i, const char *kind, const struct bootstrap *b, int64_t now,
                                struct error *err)
{
    STACK_OF(X509) *chain = NULL;
    EVP_PKEY *key = NULL;
    enum result r = pki_cert_read_all(slice_of(i->certificate_pem), CHAIN_MAX, &chain, err);
    if (r == OK)
        r = pki_key_read(slice_of(i->key_pem), &key, err);
    if (r == OK)
        r = check_leaf(kind, b, chain, key, now, err);
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    return r;
}

static char *chain_text(STACK_OF(X509) * chain)
{
    struct buf text;
    buf_init(&text, FILE_MAX);
    enum result r = OK;
    for (int i = 0; r == OK && i < sk_X509_num(chain); i++) {
        char *pem = pki_cert_pem(sk_X509_value(chain, i));
        r = buf_append_str(&text, pem);
        free(pem);
    }
    char *taken = r == OK ? buf_take_str(&text) : NULL;
    buf_free(&text);
    return taken;
}

enum result role_identity_make(const char *kind, const struct bootstrap *b, struct slice chain_pem, EVP_PKEY *key,
                               int64_t now, struct role_identity *ret, struct error *err)
{
    STACK_OF(X509) * chain;
    *ret = (struct role_identity){0};
    enum result r = pki_cert_read_all(chain_pem, CHAIN_MAX, &chain, err);
    if (r != OK)
        return r;
    r = check_leaf(kind, b, chain, key, now, err);
    char *text = r == OK ? chain_text(chain) : NULL;
    if (r == OK && !text)
        r = error_set(err, R_LIMIT, "the certificates are longer than %d bytes", FILE_MAX);
    if (r == OK)
        *ret = (struct role_identity){.certificate_pem = text,
                                      .key_pem = pki_key_pem(key),
                                      .not_before = pki_cert_not_before(sk_X509_value(chain, 0)),
                                      .not_after = pki_cert_not_after(sk_X509_value(chain, 0)),
                                      .renewed = true};
    sk_X509_pop_free(chain, X509_free);
    return r;
}

/* --- keeping --- */

/* In one piece from the start: a buffer that grows would leave parts of the key behind in memory. */
enum result role_identity_keep(const struct role_identity *i, const char *state, struct error *err)
{
    size_t key_len = strlen(i->key_pem), chain_len = strlen(i->certificate_pem);
    if (key_len + chain_len > FILE_MAX)
        return error_set(err, R_LIMIT, "key and certificates are longer than %d bytes", FILE_MAX);
    char *text = mem_zalloc(key_len + chain_len + 1), *path = file_join(state, STATE_NAME);
    memcpy(text, i->key_pem, key_len);
    memcpy(text + key_len, i->certificate_pem, chain_len);
    enum result r = file_write(path, slice_make(text, key_len + chain_len), 0600, err);
    mem_free_secret(text, key_len + chain_len);
    free(path);
    return r;
}

/* R_NOTFOUND: none is kept. */
static enum result read_kept(const char *state, const char *kind, const struct bootstrap *b, int64_t now,
                             struct role_identity *ret, struct error *err)
{
    char *path = file_join(state, STATE_NAME), *text = NULL;
    size_t len = 0;
    EVP_PKEY *key = NULL;
    enum result r = file_exists(path) ? file_check_private(path, err) : error_set(err, R_NOTFOUND, "none is kept");
    if (r == OK)
        r = file_read(path, FILE_MAX, &text, &len, err);
    if (r == OK)
        r = pki_key_read(slice_make(text, len), &key, err);
    if (r == OK)
        r = role_identity_make(kind, b, slice_make(text, len), key, now, ret, err);
    EVP_PKEY_free(key);
    if (text)
        mem_free_secret(text, len);
    free(path);
    return r;
}

static enum result of_bootstrap(const struct bootstrap *b, struct role_identity *ret, struct error *err)
{
    X509 *leaf;
    enum result r = pki_cert_read(slice_of(b->certificate_pem), &leaf, err);
    if (r != OK)
        return error_prefix(err, "bootstrap file: certificate_pem");
    *ret = (struct role_identity){.certificate_pem = mem_strdup(b->certificate_pem),
                                  .key_pem = mem_strdup(b->key_pem),
                                  .not_before = pki_cert_not_before(leaf),
                                  .not_after = pki_cert_not_after(leaf)};
    X509_free(leaf);
    return OK;
}

enum result role_identity_load(const char *state, const char *kind, const struct bootstrap *b, int64_t now,
                               struct role_identity *ret, struct error *why, struct error *err)
{
    struct role_identity first, kept = {0};
    *why = (struct error){OK, ""};
    enum result r = of_bootstrap(b, &first, err);
    if (r != OK)
        return r;
    r = read_kept(state, kind, b, now, &kept, why);
    if (r == OK && kept.not_after < first.not_after) /* `cmg … add --renew` made another bootstrap file since */
        r = error_set(why, R_CONFLICT, "the bootstrap file's is newer");
    if (r == R_NOTFOUND)
        why->code = OK;
    role_identity_free(r == OK ? &first : &kept);
    *ret = r == OK ? kept : first;
    return OK;
}

int64_t role_identity_half_life(const struct role_identity *i)
{
    return i->not_before + (i->not_after - i->not_before) / 2;
}
