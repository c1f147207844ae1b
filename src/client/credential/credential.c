/* SPDX-License-Identifier: Apache-2.0 */
/* Selects the PKI credential: every candidate passes the same filters in the same order, and the one that came farthest
 * says why there is none. */
#include "client/credential/credential.h"

#include <dirent.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "pki/key/key.h"

enum { PEM_MAX = 256 * 1024, CHAIN_MAX = 16, CANDIDATES_MAX = 256 };

void client_credential_free(struct client_credential *c)
{
    X509_free(c->leaf);
    EVP_PKEY_free(c->key);
    free(c->certificate_pem);
    if (c->key_pem)
        mem_free_secret(c->key_pem, strlen(c->key_pem));
    *c = (struct client_credential){0};
}

/* --- one candidate --- */

struct candidate {
    const char *path, *key_path;
    STACK_OF(X509) * chain; /* leaf first */
    EVP_PKEY *key;
    char *key_text; /* a secret */
};

static bool step_readable(struct candidate *c, const struct client_credential_query *q, struct error *err)
{
    char *pem;
    size_t len;
    (void)q;
    if (file_read_text(c->path, PEM_MAX, &pem, &len, err) != OK)
        return false;
    enum result r = pki_cert_read_all(slice_make(pem, len), CHAIN_MAX, &c->chain, err);
    mem_free_secret(pem, len); /* the key may be in the same file */
    if (r == OK && sk_X509_num(c->chain) == 0)
        r = error_set(err, R_INVALID, "there is no certificate in it");
    return r == OK;
}

/* "CN=Lab CA" or the whole DN, ignoring case; a bare word is a CN. */
static bool names_issuer(struct slice wanted, X509 *cert)
{
    char dn[512];
    pki_cert_issuer(cert, dn, sizeof dn);
    if (slice_eq_nocase(wanted, slice_of(dn)))
        return true;
    if (slice_starts_nocase(wanted, SLICE("CN=")))
        wanted = slice_skip(wanted, strlen("CN="));
    const X509_NAME *name = X509_get_issuer_name(cert);
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;) {
        unsigned char *text = NULL;
        int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
        bool same = len > 0 && slice_eq_nocase(wanted, slice_make((const char *)text, (size_t)len));
        OPENSSL_free(text);
        if (same)
            return true;
    }
    return false;
}

static bool step_issuer(struct candidate *c, const struct client_credential_query *q, struct error *err)
{
    struct slice rest = slice_of(q->issuers);
    char dn[512];
    bool any = false;
    while (rest.ptr) {
        struct slice wanted = slice_trim(slice_cut(&rest, ';'));
        any = any || wanted.len;
        for (int i = 0; wanted.len && i < sk_X509_num(c->chain); i++) {
            if (names_issuer(wanted, sk_X509_value(c->chain, i)))
                return true;
        }
    }
    if (!any)
        return true;
    pki_cert_issuer(sk_X509_value(c->chain, 0), dn, sizeof dn);
    (void)error_set(err, R_DENIED, "its issuer '%.200s' is not in CertIssuers", dn);
    return false;
}

static bool step_begun(struct candidate *c, const struct client_credential_query *q, struct error *err)
{
    char when[CLOCK_TEXT_SIZE];
    int64_t from = pki_cert_not_before(sk_X509_value(c->chain, 0));
    clock_rfc3339(from, when);
    if (q->now >= from)
        return true;
    (void)error_set(err, R_DENIED, "it is valid from %s only", when);
    return false;
}

static bool step_not_ended(struct candidate *c, const struct client_credential_query *q, struct error *err)
{
    char when[CLOCK_TEXT_SIZE];
    int64_t to = pki_cert_not_after(sk_X509_value(c->chain, 0));
    clock_rfc3339(to, when);
    if (q->now <= to)
        return true;
    (void)error_set(err, R_DENIED, "it expired on %s", when);
    return false;
}

static bool step_key(struct candidate *c, const struct client_credential_query *q, struct error *err)
{
    (void)q;
    if (pki_key_take(c->key_path, &c->key, &c->key_text, err) == OK)
        return true;
    (void)error_prefix(err, "its private key");
    return false;
}

static bool step_key_matches(struct candidate *c, const struct client_credential_query *q, struct error *err)
{
    (void)q;
    if (X509_check_private_key(sk_X509_value(c->chain, 0), c->key) == 1)
        return true;
    (void)error_set(err, R_DENIED, "the key in %s belongs to another certificate", c->key_path);
    return false;
}

static bool step_usage(struct candidate *c, const struct client_credential_query *q, struct error *err)
{
    X509 *leaf = sk_X509_value(c->chain, 0);
    if (q->any_usage || ((X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) &&
                         (X509_get_extended_key_usage(leaf) & (XKU_SSL_CLIENT | XKU_ANYEKU))))
        return true;
    (void)error_set(err, R_DENIED, "it has no extended key usage clientAuth (1.3.6.1.5.5.7.3.2)");
    return false;
}

static const struct {
    bool (*passes)(struct candidate *c, const struct client_credential_query *q, struct error *err);
    enum verdict_reason reason;
} steps[] = {
    {step_readable, REASON_CERT_MISSING},    {step_issuer, REASON_CERT_UNTRUSTED_ROOT},
    {step_begun, REASON_CERT_NOT_YET_VALID}, {step_not_ended, REASON_CERT_EXPIRED},
    {step_key, REASON_CERT_MISSING},         {step_key_matches, REASON_CERT_MISSING},
    {step_usage, REASON_CERT_WRONG_USAGE},
};

/* --- the best of all --- */

struct selection {
    const struct client_credential_query *q;
    struct client_credential_fault *fault;
    struct client_credential *best;
    size_t farthest; /* steps that the best of the unusable ones passed, plus one */
};

static void note_found(const struct selection *s, const char *path, const char *what)
{
    if (s->q->note)
        s->q->note(s->q->arg, path, what);
}

static void adopt_candidate(struct selection *s, struct candidate *c)
{
    X509 *leaf = sk_X509_value(c->chain, 0);
    if (s->best->leaf && pki_cert_not_after(leaf) <= pki_cert_not_after(s->best->leaf)) {
        note_found(s, c->path, "usable, but another one is valid longer");
        return;
    }
    client_credential_free(s->best);
    struct buf pem;
    buf_init(&pem, PEM_MAX);
    for (int i = 0; i < sk_X509_num(c->chain); i++) {
        char *one = pki_cert_pem(sk_X509_value(c->chain, i));
        if (buf_append_str(&pem, one) != OK)
            fatal("a chain that was read does not fit again");
        free(one);
    }
    unsigned char hash[PKI_SHA256];
    pki_cert_spki_sha256(leaf, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), s->best->key_id);
    (void)X509_up_ref(leaf);
    s->best->leaf = leaf;
    s->best->certificate_pem = buf_take_str(&pem);
    s->best->key = c->key;
    c->key = NULL;
    s->best->key_pem = c->key_text;
    c->key_text = NULL;
    buf_free(&pem);
    note_found(s, c->path, "usable");
}

static void consider_file(struct selection *s, const char *path, const char *key_path)
{
    struct candidate c = {.path = path, .key_path = key_path};
    struct error why = {0};
    size_t i = 0;
    s->fault->configured = true;
    while (i < ARRAY_LEN(steps) && steps[i].passes(&c, s->q, &why))
        i++;
    if (i == ARRAY_LEN(steps)) {
        adopt_candidate(s, &c);
    } else {
        note_found(s, path, why.text);
        if (i + 1 > s->farthest) {
            s->farthest = i + 1;
            s->fault->reason = steps[i].reason;
            bool named = slice_starts(slice_of(why.text), slice_of(path));
            (void)snprintf(s->fault->text, sizeof s->fault->text, "%.160s%s%.200s%s%.140s", named ? "" : path,
                           named ? "" : ": ", why.text, why.remedy ? "; " : "", why.remedy ? why.remedy : "");
        }
    }
    if (c.key_text)
        mem_free_secret(c.key_text, strlen(c.key_text));
    sk_X509_pop_free(c.chain, X509_free);
    EVP_PKEY_free(c.key);
}

/* NAME.pem or NAME.crt: its key is NAME.key when that is there, else it is expected in the same file. */
static void consider_in_dir(struct selection *s, const char *dir, const char *name)
{
    struct slice n = slice_of(name);
    if (!slice_ends(n, SLICE(".pem")) && !slice_ends(n, SLICE(".crt")))
        return;
    char key_name[300];
    (void)snprintf(key_name, sizeof key_name, "%.*s.key", (int)(n.len - 4), name);
    char *path = file_join(dir, name), *key_path = file_join(dir, key_name);
    consider_file(s, path, file_exists(key_path) ? key_path : path);
    free(key_path);
    free(path);
}

static void consider_dir(struct selection *s)
{
    struct dirent *e;
    size_t seen = 0;
    DIR *d = opendir(s->q->dir);
    if (!d) {
        s->fault->configured = true;
        if (!s->farthest)
            (void)snprintf(s->fault->text, sizeof s->fault->text, "the folder %s can't be read", s->q->dir);
        return;
    }
    while ((e = readdir(d)) && seen++ < CANDIDATES_MAX)
        consider_in_dir(s, s->q->dir, e->d_name);
    (void)closedir(d);
}

bool client_credential_select(const struct client_credential_query *q, struct client_credential *ret,
                              struct client_credential_fault *fault)
{
    struct selection s = {q, fault, ret, 0};
    *ret = (struct client_credential){0};
    *fault = (struct client_credential_fault){.reason = REASON_CERT_MISSING};
    if (q->certificate)
        consider_file(&s, q->certificate, q->key ? q->key : q->certificate);
    if (q->dir)
        consider_dir(&s);
    if (!fault->configured)
        (void)snprintf(fault->text, sizeof fault->text, "no PKI certificate is configured");
    else if (!ret->leaf && !*fault->text)
        (void)snprintf(fault->text, sizeof fault->text, "there is no certificate in %s", q->dir);
    return ret->leaf != NULL;
}

struct client_fault_words client_credential_fault_words(const struct client_credential_fault *fault)
{
    const struct verdict_reason_info *info = verdict_reason_info(fault->reason);
    if (!fault->configured)
        return (struct client_fault_words){"no_method",
                                           "set Certificate and Key, or the settings Entra…, or register with a bulk "
                                           "token: cmg-client register --token-file F"};
    if (fault->reason == REASON_CERT_MISSING)
        return (struct client_fault_words){"credential_unusable",
                                           "name a certificate and the private key that belongs to it, both in PEM: "
                                           "cmg-client set Certificate=FILE Key=FILE"};
    return (struct client_fault_words){info->name, info->remedy};
}
