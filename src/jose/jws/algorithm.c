/* SPDX-License-Identifier: Apache-2.0 */
/* The table of signature algorithms. What is not in it (none, HS256 …) can't be asked for by any caller's mistake. */
#include "jose/jws/algorithm.h"

#include <stdarg.h>

#include "base/error.h"
#include "json/json.h"

static const struct jose_algorithm algorithms[] = {
    {"ES256", "EC", "P-256", 64},  {"ES384", "EC", "P-384", 96},
    {"ES512", "EC", "P-521", 132}, {"RS256", "RSA", NULL, 0},
    {"RS384", "RSA", NULL, 0},     {"RS512", "RSA", NULL, 0},
    {"PS256", "RSA", NULL, 0},     {"PS384", "RSA", NULL, 0},
    {"PS512", "RSA", NULL, 0},     {"EdDSA", "OKP", "Ed25519", JOSE_ED25519_SIGNATURE},
};

const struct jose_algorithm *jose_algorithm_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    }
    return NULL;
}

bool jose_algorithm_listed(const char *list, const char *name)
{
    struct slice rest = slice_of(list), wanted = slice_of(name);
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        if (word.len && slice_eq(word, wanted))
            return true;
    }
    return false;
}

static bool type_fits(const struct jose_algorithm *a, const json_t *jwk)
{
    if (strcmp(json_opt_str(jwk, "kty", ""), a->kty) != 0)
        return false;
    return !a->crv || strcmp(json_opt_str(jwk, "crv", ""), a->crv) == 0;
}

bool jose_algorithm_fits(const struct jose_algorithm *a, const json_t *jwk)
{
    return type_fits(a, jwk) && strcmp(json_opt_str(jwk, "alg", a->name), a->name) == 0;
}

bool jose_algorithm_any(const json_t *jwk)
{
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        if (jose_algorithm_fits(&algorithms[i], jwk))
            return true;
    }
    return false;
}

/* libjose would print to standard error; what went wrong is told by our own texts. */
static void ignore(void *misc UNUSED, const char *file UNUSED, int line UNUSED, uint64_t err UNUSED,
                   const char *fmt UNUSED, va_list ap UNUSED)
{
}

jose_cfg_t *jose_algorithm_cfg(void)
{
    jose_cfg_t *cfg = jose_cfg();
    if (!cfg)
        fatal("jose: out of memory");
    jose_cfg_set_err_func(cfg, ignore, NULL);
    return cfg;
}
