/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates with their keys (pair.h). */
#include "ctl/setup/pair.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/owner.h"
#include "base/mem.h"

enum { DAY = 86400, BACKDATED = 300 };

enum result ctl_pair_make(const struct ctl_pair_request *r, struct ctl_pair *ret, struct error *err)
{
    int64_t now = clock_wall_s(), not_after = now + (int64_t)r->days * DAY;
    if (r->issuer && pki_cert_not_after(r->issuer->cert) < not_after)
        not_after = pki_cert_not_after(r->issuer->cert);
    *ret = (struct ctl_pair){.key = pki_key_new()};
    const struct pki_request request = {.profile = r->profile,
                                        .common_name = r->common_name,
                                        .uri = r->uri,
                                        .hosts = r->hosts,
                                        .not_before = now - BACKDATED,
                                        .not_after = not_after,
                                        .subject_key = ret->key,
                                        .issuer = r->issuer ? r->issuer->cert : NULL,
                                        .issuer_key = r->issuer ? r->issuer->key : NULL};
    enum result result = pki_issue(&request, &ret->cert, err);
    if (result != OK)
        ctl_pair_free(ret);
    return result;
}

void ctl_pair_free(struct ctl_pair *p)
{
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
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
    char *key = pki_key_pem(p->key);
    enum result r = write_named(dir, name, ".key", slice_of(key), 0600, err);
    mem_free_secret(key, strlen(key));
    return r == OK ? ctl_pair_save_certificate(p, dir, name, chain, err) : r;
}
