/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider is loaded whole into a library context of its own, and shown by another one: its keys, their signatures
 * and where they are read from, but none of its digests, ciphers and random numbers, which a chip takes a thousand
 * times as long for. And none of its keys claims to be copied: that of tpm2 would hand over the public half as if it
 * were all, and OpenSSL's own provider, which it asks first, would fail at signing.
 */
#include "pki/key/provider.h"

#include <pthread.h>
#include <string.h>

#include <openssl/conf.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include "base/slice.h"

enum { KINDS = 2, FUNCTIONS_MAX = 64 };

static const char *const kinds[KINDS] = {"RSA", "EC"};

/* A kind of key of one provider. */
struct kind {
    OSSL_FUNC_keymgmt_export_fn *export; /* the provider's own */
    OSSL_DISPATCH functions[FUNCTIONS_MAX];
};

static struct shown {
    const char *name, *query, *shown_as;
    const char *install, *remedy; /* where it is not there; where it does not start */
    OSSL_provider_init_fn *start;
    OSSL_PROVIDER *whole;
    OSSL_LIB_CTX *library; /* NULL: not yet */
    struct kind kinds[KINDS];
    OSSL_ALGORITHM algorithms[KINDS + 1];
} all[PKI_KEY_PROVIDERS];

/* --- keys that don't claim to be copied --- */

static int export_public(const struct kind *k, void *key, int selection, OSSL_CALLBACK *take, void *arg)
{
    return selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY ? 0 : k->export(key, selection, take, arg);
}

/* OpenSSL tells such a function nothing of whose it is. */
#define EXPORT(provider, kind)                                                                                         \
    static int export_##provider##_##kind(void *key, int selection, OSSL_CALLBACK *take, void *arg)                    \
    {                                                                                                                  \
        return export_public(&all[provider].kinds[kind], key, selection, take, arg);                                   \
    }
EXPORT(0, 0)
EXPORT(0, 1)
EXPORT(1, 0)
EXPORT(1, 1)
static OSSL_FUNC_keymgmt_export_fn *const exports[PKI_KEY_PROVIDERS][KINDS] = {{export_0_0, export_0_1},
                                                                               {export_1_0, export_1_1}};

/* False: it has more functions than any. */
static bool copy_functions(struct kind *k, OSSL_FUNC_keymgmt_export_fn *ours, const OSSL_DISPATCH *from)
{
    size_t n = 0;
    for (; from->function_id && n + 1 < FUNCTIONS_MAX; from++) {
        k->functions[n] = *from;
        if (from->function_id == OSSL_FUNC_KEYMGMT_EXPORT) {
            k->export = OSSL_FUNC_keymgmt_export(from);
            k->functions[n].function = (void (*)(void))ours;
        }
        n++;
    }
    k->functions[n] = (OSSL_DISPATCH){0};
    return from->function_id == 0;
}

static bool is_named(const char *names, const char *name)
{
    size_t len = strcspn(names, ":");
    return strlen(name) == len && strncmp(names, name, len) == 0;
}

static void choose_kinds(struct shown *s)
{
    int no_cache = 0;
    size_t n = 0, provider = (size_t)(s - all);
    const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(s->whole, OSSL_OP_KEYMGMT, &no_cache);
    for (; a && a->algorithm_names && n < KINDS; a++) {
        for (size_t i = 0; i < KINDS; i++) {
            if (!is_named(a->algorithm_names, kinds[i]) ||
                !copy_functions(&s->kinds[i], exports[provider][i], a->implementation))
                continue;
            s->algorithms[n] = *a;
            s->algorithms[n++].implementation = s->kinds[i].functions;
        }
    }
}

/* --- the provider that shows it --- */

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
    static const int passed_on[] = {OSSL_OP_SIGNATURE, OSSL_OP_STORE, OSSL_OP_DECODER};
    struct shown *s = all;
    while (OSSL_PROVIDER_get0_provider_ctx(s->whole) != context)
        s++;
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT)
        return s->algorithms;
    for (size_t i = 0; i < ARRAY_LEN(passed_on); i++) {
        if (passed_on[i] == operation)
            return OSSL_PROVIDER_query_operation(s->whole, operation, no_cache);
    }
    return NULL;
}

/* What it implements is the whole one's, and runs in that one's context. */
static int start(const struct shown *s, const OSSL_DISPATCH **out, void **context)
{
    static const OSSL_DISPATCH functions[] = {{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query}, {0, NULL}};
    *out = functions;
    *context = OSSL_PROVIDER_get0_provider_ctx(s->whole);
    return 1;
}

#define START(provider)                                                                                                \
    static int start_##provider(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,    \
                                void **context)                                                                        \
    {                                                                                                                  \
        (void)handle, (void)in;                                                                                        \
        return start(&all[provider], out, context);                                                                    \
    }
START(0)
START(1)

static struct shown all[PKI_KEY_PROVIDERS] = {
    [PKI_KEY_TPM2] = {.name = "tpm2",
                      .query = "?provider=tpm2",
                      .shown_as = "keys-of-tpm2",
                      .remedy =
                          "apt install tpm2-openssl; the way to the TPM is in TPM2OPENSSL_TCTI, else /dev/tpmrm0, "
                          "which the group tss may open",
                      .start = start_0},
    [PKI_KEY_PKCS11] = {.name = "pkcs11",
                        .query = "?provider=pkcs11",
                        .shown_as = "keys-of-pkcs11",
                        .install = "apt install pkcs11-provider (from Debian 13 on)",
                        .remedy = "name the HSM's module in PKCS11_PROVIDER_MODULE, or in /etc/ssl/openssl.cnf",
                        .start = start_1},
};

/* No module of that name, or one that doesn't reach its device? The queue, which is emptied, knows. */
static enum result not_there(const struct shown *s, struct error *err)
{
    bool lacks = false;
    for (unsigned long code; (code = ERR_get_error());)
        lacks = lacks || ERR_GET_LIB(code) == ERR_LIB_DSO;
    (void)error_set(err, R_IO,
                    lacks ? "OpenSSL's provider %s is not installed" : "OpenSSL's provider %s does not start", s->name);
    error_remedy(err, lacks ? s->install : s->remedy);
    return R_IO;
}

/* Its settings are those of OpenSSL's own configuration, as for every other program. */
static OSSL_PROVIDER *load_whole(const char *name)
{
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    char *configuration = CONF_get1_default_config_file();
    if (!library)
        fatal("OpenSSL: out of memory");
    if (configuration)
        (void)OSSL_LIB_CTX_load_config(library, configuration);
    OPENSSL_free(configuration);
    OSSL_PROVIDER *ret = OSSL_PROVIDER_load(library, "default") ? OSSL_PROVIDER_load(library, name) : NULL;
    if (!ret)
        OSSL_LIB_CTX_free(library);
    return ret;
}

static enum result show(struct shown *s, struct error *err)
{
    if (!(s->whole = load_whole(s->name)))
        return not_there(s, err);
    choose_kinds(s);
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    if (!library || OSSL_PROVIDER_add_builtin(library, s->shown_as, s->start) != 1 ||
        !OSSL_PROVIDER_load(library, "default") || !OSSL_PROVIDER_load(library, s->shown_as))
        fatal("OpenSSL: the keys of %s can't be shown", s->name);
    ERR_clear_error();
    s->library = library;
    return OK;
}

bool pki_key_is_shown(const char *provider)
{
    for (size_t i = 0; i < PKI_KEY_PROVIDERS; i++) {
        if (strcmp(provider, all[i].shown_as) == 0)
            return true;
    }
    return false;
}

enum result pki_key_library(enum pki_key_provider which, OSSL_LIB_CTX **ret, const char **ret_query, struct error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct shown *s = &all[which];
    (void)pthread_mutex_lock(&lock);
    enum result r = s->library ? OK : show(s, err);
    *ret = s->library;
    *ret_query = s->query;
    (void)pthread_mutex_unlock(&lock);
    return r;
}
