/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates with their keys (pair.h). */
#include "ctl/setup/pair.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/owner.h"
#include "base/mem.h"
#include "pki/key/key.h"

enum { DAY = 86400, BACKDATED = 300 };

static enum result check_key(const struct ctl_pair_request *r, const EVP_PKEY *key, struct error *err)
{
    if (!pki_key_is_p256(key))
        return error_set(err, R_INVALID, "%s is not of the curve P-256, which all of a site's keys are of", r->key);
    if (r->issuer && EVP_PKEY_eq(key, r->issuer->key) == 1)
        return error_set(err, R_INVALID, "%s is its issuer's key: name another one", r->key);
    return OK;
}

static enum result take_key(const struct ctl_pair_request *r, struct ctl_pair *ret, struct error *err)
{
    char *text = NULL;
    *ret = (struct ctl_pair){0};
    if (!r->key) {
        ret->key = pki_key_new();
        return OK;
    }
    enum result result = pki_key_take(r->key, &ret->key, &text, err);
    if (result != OK)
        return result;
    if (pki_key_stays(ret->key))
        ret->kept = text;
    else
        mem_free_secret(text, strlen(text));
    result = check_key(r, ret->key, err);
    if (result != OK)
        ctl_pair_free(ret);
    return result;
}

enum result ctl_pair_make(const struct ctl_pair_request *r, struct ctl_pair *ret, struct error *err)
{
    int64_t now = clock_wall_s(), not_after = now + (int64_t)r->days * DAY;
    if (r->issuer && pki_cert_not_after(r->issuer->cert) < not_after)
        not_after = pki_cert_not_after(r->issuer->cert);
    enum result result = take_key(r, ret, err);
    if (result != OK)
        return result;
    const struct pki_request request = {.profile = r->profile,
                                        .common_name = r->common_name,
                                        .uri = r->uri,
                                        .hosts = r->hosts,
                                        .not_before = now - BACKDATED,
                                        .not_after = not_after,
                                        .subject_key = ret->key,
                                        .issuer = r->issuer ? r->issuer->cert : NULL,
                                        .issuer_key = r->issuer ? r->issuer->key : NULL};
    result = pki_issue(&request, &ret->cert, err);
    if (result != OK)
        ctl_pair_free(ret);
    return result;
}

void ctl_pair_free(struct ctl_pair *p)
{
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
    free(p->kept);
    *p = (struct ctl_pair){0};
}

static enum result write_named(const char *dir, const char *name, const char *ending, struct slice data, mode_t mode,
                               struct error *err)
{
    char file[128];
    (void)snprintf(file, sizeof file, "%s%s", name, ending);
    char *path = file_join(dir, file);
    enum result r = file_write(path, data, mode, err);
    if (r == OK)
        r = owner_give(path, dir, err);
    free(path);
    return r;
}

enum result ctl_pair_save_certificate(const struct ctl_pair *p, const char *dir, const char *name,
                                      const struct ctl_pair *chain, struct error *err)
{
    char *leaf = pki_cert_pem(p->cert), *rest = chain ? pki_cert_pem(chain->cert) : mem_strdup("");
    size_t size = strlen(leaf) + strlen(rest) + 1;
    char *both = mem_zalloc(size);
    (void)snprintf(both, size, "%s%s", leaf, rest);
    enum result r = write_named(dir, name, ".pem", slice_of(both), 0644, err);
    free(both);
    free(leaf);
    free(rest);
    return r;
}

enum result ctl_pair_save(const struct ctl_pair *p, const char *dir, const char *name, const struct ctl_pair *chain,
                          struct error *err)
{
    char *key = p->kept ? mem_strdup(p->kept) : pki_key_pem(p->key);
    enum result r = write_named(dir, name, ".key", slice_of(key), 0600, err);
    mem_free_secret(key, strlen(key));
    return r == OK ? ctl_pair_save_certificate(p, dir, name, chain, err) : r;
}
