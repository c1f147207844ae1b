/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, checks and chooses; a set never changes once made, a new one takes its place (client/shown.h). Files are
 * read in the control loop's thread, choices made in the workers'. */
#include "gateway/client/certificates.h"

#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "pki/cert/cert.h"
#include "pki/peer.h"
#include "pki/server_check.h"

enum { CHAIN_MAX = 100 };

struct certificates {
    atomic_uint references;
    size_t count;
    struct tls_context *contexts[CERTIFICATES_MAX];
    STACK_OF(X509) * chains[CERTIFICATES_MAX]; /* leaf first */
    size_t alternatives[CERTIFICATES_MAX];     /* how many others its context may show instead */
};

/* --- which may stand for which --- */

static bool is_for(X509 *leaf, struct slice host, unsigned flags)
{
    return host.len && X509_check_host(leaf, host.ptr, host.len, flags, NULL) == 1;
}

static struct slice dns_name(const GENERAL_NAME *n)
{
    int kind;
    const ASN1_IA5STRING *text = GENERAL_NAME_get0_value(n, &kind);
    return kind == GEN_DNS ? slice_make((const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text))
                           : SLICE_NONE;
}

static bool leaf_names(X509 *leaf, struct slice wanted)
{
    GENERAL_NAMES *list = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    bool found = is_for(leaf, wanted, 0); /* never of "*.example" itself */
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(list); i++)
        found = slice_eq_nocase(dns_name(sk_GENERAL_NAME_value(list, i)), wanted);
    GENERAL_NAMES_free(list);
    return found;
}

/* Is `other` good for each name of `leaf`, by a key of another kind? */
static bool may_stand_for(X509 *other, X509 *leaf)
{
    if (EVP_PKEY_get_base_id(X509_get0_pubkey(other)) == EVP_PKEY_get_base_id(X509_get0_pubkey(leaf)))
        return false;
    GENERAL_NAMES *list = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    bool all = sk_GENERAL_NAME_num(list) > 0;
    for (int i = 0; all && i < sk_GENERAL_NAME_num(list); i++) {
        struct slice name = dns_name(sk_GENERAL_NAME_value(list, i));
        all = name.len && leaf_names(other, name);
    }
    GENERAL_NAMES_free(list);
    return all;
}

/* The first of each kind of key. */
static size_t find_alternatives(X509 *const *leaves, size_t count, size_t of, size_t ret[CERTIFICATES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        bool fits = i != of && may_stand_for(leaves[i], leaves[of]);
        for (size_t k = 0; fits && k < n; k++)
            fits = EVP_PKEY_get_base_id(X509_get0_pubkey(leaves[ret[k]])) !=
                   EVP_PKEY_get_base_id(X509_get0_pubkey(leaves[i]));
        if (fits)
            ret[n++] = i;
    }
    return n;
}

/* --- loading --- */

/* What the files hold, until the contexts are made. */
struct loaded {
    struct tls_identity_text texts[CERTIFICATES_MAX];
    STACK_OF(X509) * chains[CERTIFICATES_MAX]; /* NULL: given on */
    X509 *leaves[CERTIFICATES_MAX];            /* borrowed from them */
    size_t count;
};

static enum result load_one(struct loaded *l, const struct tls_identity_files *files, struct error *err)
{
    struct tls_identity_text *text = &l->texts[l->count];
    enum result r = tls_identity_read(files, text, err);
    if (r == OK)
        r = pki_cert_read_all(slice_make(text->certificate, text->certificate_len), CHAIN_MAX, &l->chains[l->count],
                              err);
    if (r == OK)
        l->leaves[l->count] = sk_X509_value(l->chains[l->count], 0);
    l->count++;
    return r == OK ? OK : error_prefix(err, "server certificate %s", files->certificate);
}

static enum result make_context(struct certificates *c, struct loaded *l, size_t i, struct error *err)
{
    size_t others[CERTIFICATES_MAX];
    struct tls_identity more[CERTIFICATES_MAX];
    size_t n = find_alternatives(l->leaves, l->count, i, others);
    for (size_t k = 0; k < n; k++)
        more[k] = tls_identity_of(&l->texts[others[k]]);
    const struct tls_server_options o = {
        .identity = tls_identity_of(&l->texts[i]),
        .more = more,
        .more_count = n,
        .client_cert = TLS_CLIENT_CERT_ASK,
        .verify = pki_peer_bearable,
        .alpn = "h2,http/1.1",
        .resumption = true,
    };
    enum result r = tls_context_server(&o, &c->contexts[i], err);
    if (r != OK)
        return r;

    c->chains[i] = l->chains[i];
    l->chains[i] = NULL;
    c->alternatives[i] = n;
    c->count++;
    return OK;
}

static void free_loaded(struct loaded *l)
{
    for (size_t i = 0; i < l->count; i++) {
        tls_identity_text_free(&l->texts[i]);
        sk_X509_pop_free(l->chains[i], X509_free);
    }
}

enum result certificates_load(const struct gateway_config *config, struct certificates **ret, struct error *err)
{
    const struct conf_blocks *list = &config->server_certificates;
    const struct tls_identity_files *files = list->items;
    if (list->count > CERTIFICATES_MAX)
        return error_set(err, R_LIMIT, "server_certificates: more than %d", CERTIFICATES_MAX);
    struct loaded l = {0};
    struct certificates *c = mem_zalloc(sizeof *c);
    atomic_init(&c->references, 1);

    enum result r = OK;
    for (size_t i = 0; r == OK && i < list->count; i++)
        r = load_one(&l, &files[i], err);
    for (size_t i = 0; r == OK && i < list->count; i++) {
        r = make_context(c, &l, i, err);
        if (r != OK)
            (void)error_prefix(err, "server certificate %s", files[i].certificate);
    }

    free_loaded(&l);
    if (r == OK)
        *ret = c;
    else
        certificates_unref(c);
    return r;
}

/* --- what clients hold against them --- */

struct warning {
    struct conf_faults *faults; /* NULL: into the log */
    const struct tls_identity_files *files;
};

static void on_fault(void *arg, const char *words)
{
    const struct warning *w = arg;
    if (w->faults)
        conf_warning_of(w->faults, w->files, "server_certificates: %s %s", w->files->certificate, words);
    else
        log_msg(LOG_WARN, "certificate", "server certificate %s %s", w->files->certificate, words);
}

static void warn_of(const struct certificates *c, size_t i, struct warning w)
{
    pki_server_check(c->chains[i], clock_wall_s(), on_fault, &w);
}

void certificates_warn(const struct certificates *c, const struct gateway_config *config)
{
    for (size_t i = 0; i < c->count; i++)
        warn_of(c, i, (struct warning){NULL, gateway_certificate_files(config, i)});
}

void certificates_check(const struct gateway_config *config, struct conf_faults *faults)
{
    for (size_t i = 0; i < config->server_certificates.count; i++) {
        struct tls_identity_files *files = gateway_certificate_files(config, i);
        const struct gateway_config one = {.server_certificates = {files, 1}};
        struct certificates *c = NULL;
        struct error err;
        if (!files->certificate)
            continue; /* told already */
        if (certificates_load(&one, &c, &err) != OK)
            conf_fault_of(faults, files, "server_certificates: %s", err.text);
        else
            warn_of(c, 0, (struct warning){faults, files});
        certificates_unref(c);
    }
}

/* --- life and choice --- */

struct certificates *certificates_ref(struct certificates *c)
{
    atomic_fetch_add(&c->references, 1);
    return c;
}

void certificates_unref(struct certificates *c)
{
    if (!c || atomic_fetch_sub(&c->references, 1) != 1)
        return;
    for (size_t i = 0; i < c->count; i++) {
        tls_context_unref(c->contexts[i]);
        sk_X509_pop_free(c->chains[i], X509_free);
    }
    free(c);
}

/* Of those for this name, by these flags, the first that has most others beside it. SIZE_MAX: none. */
static size_t find_best(const struct certificates *c, struct slice sni, unsigned flags)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < c->count; i++) {
        if (is_for(certificates_at(c, i), sni, flags) &&
            (found == SIZE_MAX || c->alternatives[i] > c->alternatives[found]))
            found = i;
    }
    return found;
}

struct tls_context *certificates_choose(const struct certificates *c, struct slice sni)
{
    size_t i = find_best(c, sni, X509_CHECK_FLAG_NO_WILDCARDS);
    if (i == SIZE_MAX)
        i = find_best(c, sni, 0);
    return c->contexts[i == SIZE_MAX ? 0 : i];
}

bool certificates_same(const struct certificates *c, struct slice sni, struct slice host)
{
    return c->count == 1 || certificates_choose(c, sni) == certificates_choose(c, host);
}

size_t certificates_count(const struct certificates *c)
{
    return c->count;
}

X509 *certificates_at(const struct certificates *c, size_t i)
{
    return sk_X509_value(c->chains[i], 0);
}
