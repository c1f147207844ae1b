/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/certificates.h"

#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "pki/cert.h"
#include "pki/peer.h"

enum { PEM_MAX = 256 * 1024 };

struct certificates {
    atomic_uint references;
    size_t count;
    struct tls_context *contexts[CERTIFICATES_MAX];
    X509 *leaves[CERTIFICATES_MAX];
};

static enum result add(struct certificates *c, struct slice certificate, struct slice key, struct error *err)
{
    struct tls_server_options o = {
        .identity = {certificate, key},
        .client_cert = TLS_CLIENT_CERT_ASK,
        .verify = pki_peer_bearable,
        .alpn = "h2,http/1.1",
        .resumption = true,
    };
    enum result r = tls_context_server(&o, &c->contexts[c->count], err);
    if (r != OK)
        return r;
    r = pki_cert_read(certificate, &c->leaves[c->count], err);
    if (r == OK)
        c->count++;
    else
        tls_context_unref(c->contexts[c->count]);
    return r;
}

static enum result add_files(struct certificates *c, const struct gateway_certificate *files, struct error *err)
{
    char *certificate = NULL, *key = NULL;
    size_t certificate_len = 0, key_len = 0;
    enum result r = file_read(files->certificate, PEM_MAX, &certificate, &certificate_len, err);
    if (r == OK)
        r = file_read(files->key, PEM_MAX, &key, &key_len, err);
    if (r == OK)
        r = add(c, slice_make(certificate, certificate_len), slice_make(key, key_len), err);
    if (r != OK)
        (void)error_prefix(err, "server certificate %s", files->certificate);
    free(certificate);
    mem_free_secret(key, key_len);
    return r;
}

enum result certificates_load(const struct gateway_config *config, struct certificates **ret, struct error *err)
{
    const struct conf_blocks *list = &config->server_certificates;
    if (list->count > CERTIFICATES_MAX)
        return error_set(err, R_LIMIT, "server_certificates: more than %d", CERTIFICATES_MAX);
    struct certificates *c = mem_zalloc(sizeof *c);
    atomic_init(&c->references, 1);
    for (size_t i = 0; i < list->count; i++) {
        enum result r = add_files(c, (const struct gateway_certificate *)list->items + i, err);
        if (r != OK) {
            certificates_unref(c);
            return r;
        }
    }
    *ret = c;
    return OK;
}

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
        X509_free(c->leaves[i]);
    }
    free(c);
}

struct tls_context *certificates_choose(const struct certificates *c, struct slice sni)
{
    for (size_t i = 0; sni.len && i < c->count; i++) {
        if (X509_check_host(c->leaves[i], sni.ptr, sni.len, 0, NULL) == 1)
            return c->contexts[i];
    }
    return c->contexts[0];
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
    return c->leaves[i];
}
