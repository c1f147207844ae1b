/* SPDX-License-Identifier: Apache-2.0 */
/* The evaluation PKI (eval_pki.h). */
#include "ctl/setup/eval_pki.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "ctl/setup/pair.h"

enum { CA_DAYS = 3650, LEAF_DAYS = 365, CRL_S = 365 * 86400 };

static const char *const loopback[] = {"localhost", "127.0.0.1", NULL};

static const struct {
    const char *file, *common_name;
    enum pki_profile profile;
    bool revoked;
} leaves[] = {
    {"gateway", "localhost", PKI_TLS_SERVER, false},
    {"mp", "localhost", PKI_TLS_SERVER, false},
    {"connector", "evaluation connector", PKI_TLS_CLIENT, false},
    {"client", "evaluation-device", PKI_TLS_CLIENT, false},
    {"revoked", "revoked-device", PKI_TLS_CLIENT, true},
};

static enum result make_crl(const struct ctl_pair *ca, X509 *const *revoked, size_t count, const char *dir,
                            struct error *err)
{
    unsigned char *der;
    size_t len;
    int64_t now = clock_wall_s();
    enum result r = pki_issue_crl(ca->cert, ca->key, revoked, count, 1, now - 300, now + CRL_S, &der, &len, err);
    if (r != OK)
        return r;
    char *path = file_join(dir, "ca.crl");
    r = file_write(path, slice_make(der, len), 0644, err);
    free(path);
    free(der);
    return r;
}

static enum result make_leaves(const struct ctl_pair *ca, const char *dir, struct error *err)
{
    X509 *revoked[ARRAY_LEN(leaves)];
    size_t revoked_count = 0;
    enum result r = OK;
    for (size_t i = 0; r == OK && i < ARRAY_LEN(leaves); i++) {
        struct ctl_pair pair = {0};
        const struct ctl_pair_request request = {.profile = leaves[i].profile,
                                                 .common_name = leaves[i].common_name,
                                                 .hosts = leaves[i].profile == PKI_TLS_SERVER ? loopback : NULL,
                                                 .days = LEAF_DAYS,
                                                 .issuer = ca};
        r = ctl_pair_make(&request, &pair, err);
        if (r == OK)
            r = ctl_pair_save(&pair, dir, leaves[i].file, NULL, err);
        if (r == OK && leaves[i].revoked && X509_up_ref(pair.cert))
            revoked[revoked_count++] = pair.cert;
        ctl_pair_free(&pair);
    }
    if (r == OK)
        r = make_crl(ca, revoked, revoked_count, dir, err);
    while (revoked_count > 0)
        X509_free(revoked[--revoked_count]);
    return r;
}

enum result eval_pki_make(const char *dir, struct error *err)
{
    struct ctl_pair ca = {0};
    const struct ctl_pair_request request = {
        .profile = PKI_TLS_CA, .common_name = "OpenCMG evaluation CA", .days = CA_DAYS};
    enum result r = file_make_dirs(dir, 0700, err);
    if (r == OK)
        r = ctl_pair_make(&request, &ca, err);
    if (r == OK)
        r = ctl_pair_save(&ca, dir, "ca", NULL, err);
    if (r == OK)
        r = make_leaves(&ca, dir, err);
    ctl_pair_free(&ca);
    return r;
}
