/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL 3.0 looks at every key type and every decoder of all its providers each time it reads a certificate's public
 * key: a third of a handshake's cost. TLS here therefore has a library context of its own, whose only provider is the
 * default one with a shorter list: of key types and decoders it shows those that certificates and keys of TLS may have.
 */
#include "tls/library.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>

#include "base/error.h"

enum { ALGORITHMS_MAX = 64 };

static OSSL_PROVIDER *whole; /* the default provider, in OpenSSL's own context */
static OSSL_LIB_CTX *library;
static OSSL_ALGORITHM key_types[ALGORITHMS_MAX], decoders[ALGORITHMS_MAX];

/* First names; the key types of groups and MACs of TLS 1.2 and 1.3 too. */
static const char *const wanted_types[] = {"EC",      "X25519", "ED25519", "ED448",   "RSA",
                                           "RSA-PSS", "HMAC",   "HKDF",    "TLS1-PRF"};
static const char *const wanted_decoders[] = {"EC", "ED25519", "ED448", "RSA", "RSA-PSS"};

static bool is_wanted(const char *names, const char *const *wanted, size_t count)
{
    size_t len = strcspn(names, ":");
    for (size_t i = 0; i < count; i++)
        if (strlen(wanted[i]) == len && strncmp(names, wanted[i], len) == 0)
            return true;
    return false;
}

static void choose(int operation, const char *const *wanted, size_t count, OSSL_ALGORITHM *ret)
{
    int no_cache = 0;
    size_t n = 0;
    const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole, operation, &no_cache);
    for (; all && all->algorithm_names && n + 1 < ALGORITHMS_MAX; all++)
        if (is_wanted(all->algorithm_names, wanted, count))
            ret[n++] = *all;
    ret[n] = (OSSL_ALGORITHM){0};
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    if (operation == OSSL_OP_KEYMGMT || operation == OSSL_OP_DECODER) {
        *no_cache = 0;
        return operation == OSSL_OP_KEYMGMT ? key_types : decoders;
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
    choose(OSSL_OP_KEYMGMT, wanted_types, sizeof wanted_types / sizeof *wanted_types, key_types);
    choose(OSSL_OP_DECODER, wanted_decoders, sizeof wanted_decoders / sizeof *wanted_decoders, decoders);
    if (OSSL_PROVIDER_add_builtin(library, "tls", start) != 1 || !OSSL_PROVIDER_load(library, "tls"))
        fatal("OpenSSL: the provider for TLS does not start");
}

OSSL_LIB_CTX *tls_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make);
    return library;
}
