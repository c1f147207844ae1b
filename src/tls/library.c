/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL 3.0 goes through every decoder of all its providers, and through every algorithm of any kind that it ever
 * loaded, each time it reads a certificate's public key: nearly half of a handshake's cost. TLS here therefore has a
 * library context of its own, whose only provider is the default one with shorter lists: what TLS can have use for.
 */
#include "tls/library.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>

#include "base/error.h"

enum { ALGORITHMS_MAX = 32 };

static OSSL_PROVIDER *whole; /* the default provider, in OpenSSL's own context */
static OSSL_LIB_CTX *library;

/* What TLS needs of each operation, by first names, in OpenSSL's spelling. An operation that is not here is shown
 * whole. */
static const char *const digests[] = {"SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512", "MD5-SHA1", "MD5", NULL};
static const char *const ciphers[] = {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305",
                                      "AES-256-CTR", "AES-256-ECB", NULL};
static const char *const macs[] = {"HMAC", NULL};
static const char *const kdfs[] = {"HKDF", "TLS13-KDF", "TLS1-PRF", NULL};
static const char *const rands[] = {"CTR-DRBG", "SEED-SRC", NULL};
static const char *const key_types[] = {"EC",      "X25519", "ED25519", "ED448",    "RSA",
                                        "RSA-PSS", "HMAC",   "HKDF",    "TLS1-PRF", NULL};
static const char *const exchanges[] = {"ECDH", "X25519", "HKDF", "TLS1-PRF", NULL};
static const char *const signatures[] = {"RSA", "ECDSA", "ED25519", "ED448", "HMAC", NULL};
static const char *const decoders[] = {"EC", "ED25519", "ED448", "RSA", "RSA-PSS", NULL};

static struct {
    int operation;
    const char *const *wanted;
    OSSL_ALGORITHM shown[ALGORITHMS_MAX];
} chosen[] = {
    {.operation = OSSL_OP_DIGEST, .wanted = digests},    {.operation = OSSL_OP_CIPHER, .wanted = ciphers},
    {.operation = OSSL_OP_MAC, .wanted = macs},          {.operation = OSSL_OP_KDF, .wanted = kdfs},
    {.operation = OSSL_OP_RAND, .wanted = rands},        {.operation = OSSL_OP_KEYMGMT, .wanted = key_types},
    {.operation = OSSL_OP_KEYEXCH, .wanted = exchanges}, {.operation = OSSL_OP_SIGNATURE, .wanted = signatures},
    {.operation = OSSL_OP_DECODER, .wanted = decoders},
};

static bool is_wanted(const char *names, const char *const *wanted)
{
    size_t len = strcspn(names, ":");
    for (; *wanted; wanted++)
        if (strlen(*wanted) == len && strncmp(names, *wanted, len) == 0)
            return true;
    return false;
}

static void choose(int operation, const char *const *wanted, OSSL_ALGORITHM ret[ALGORITHMS_MAX])
{
    int no_cache = 0;
    size_t n = 0;
    const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole, operation, &no_cache);
    for (; all && all->algorithm_names && n + 1 < ALGORITHMS_MAX; all++)
        if (is_wanted(all->algorithm_names, wanted))
            ret[n++] = *all;
    ret[n] = (OSSL_ALGORITHM){0};
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        if (chosen[i].operation == operation) {
            *no_cache = 0;
            return chosen[i].shown;
        }
    }
    return OSSL_PROVIDER_query_operation(whole, operation, no_cache);
}

/* What it implements is the default provider's, and runs in that one's context. */
static int start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provider)
{
    static OSSL_DISPATCH functions[8];
    size_t n = 0;
    (void)handle, (void)in;
    functions[n++] = (OSSL_DISPATCH){OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query};
    for (const OSSL_DISPATCH *d = OSSL_PROVIDER_get0_dispatch(whole); d->function_id; d++)
        if (d->function_id == OSSL_FUNC_PROVIDER_GETTABLE_PARAMS || d->function_id == OSSL_FUNC_PROVIDER_GET_PARAMS ||
            d->function_id == OSSL_FUNC_PROVIDER_GET_CAPABILITIES)
            functions[n++] = *d;
    functions[n] = (OSSL_DISPATCH){0};
    *out = functions;
    *provider = OSSL_PROVIDER_get0_provider_ctx(whole);
    return 1;
}

static void make(void)
{
    whole = OSSL_PROVIDER_load(NULL, "default");
    library = OSSL_LIB_CTX_new();
    if (!whole || !library)
        fatal("OpenSSL: no default provider");
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++)
        choose(chosen[i].operation, chosen[i].wanted, chosen[i].shown);
    if (OSSL_PROVIDER_add_builtin(library, "tls", start) != 1 || !OSSL_PROVIDER_load(library, "tls"))
        fatal("OpenSSL: the provider for TLS does not start");
}

OSSL_LIB_CTX *tls_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make);
    return library;
}
