/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers as a management point: the site's own, by the root that the device pins, or by the organisation's CA. */
#include "client/session/mp.h"

#include <stdlib.h>

#include "base/clock.h"
#include "pki/role.h"

static X509 *pinned(STACK_OF(X509) * chain, const unsigned char pin[PKI_SHA256])
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        unsigned char hash[PKI_SHA256];
        pki_cert_sha256(sk_X509_value(chain, i), hash);
        if (memcmp(hash, pin, sizeof hash) == 0)
            return sk_X509_value(chain, i);
    }
    return NULL;
}

/* "urn:opencmg:LAB:mp:7205…" → "LAB". The root vouches for the whole name. */
static bool site_of(X509 *leaf, char ret[PKI_SITE_MAX])
{
    char uri[200];
    if (!pki_cert_uri(leaf, "urn:opencmg:", uri, sizeof uri))
        return false;
    struct slice rest = slice_skip(slice_of(uri), strlen("urn:opencmg:"));
    return slice_to_cstr(slice_cut(&rest, ':'), ret, PKI_SITE_MAX);
}

/* A chain that ends in the pinned root must be that of a management point; any other is the organisation's CA's. */
static enum result vouch(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err)
{
    struct client_mp *mp = arg;
    struct pki_role_judge *judge;
    char site[PKI_SITE_MAX];
    X509 *root = pinned(chain, mp->pin);
    mp->proven[0] = '\0';
    if (!root && mp->by_root)
        return error_set(err, R_DENIED, CLIENT_MP_NOT_BY_ROOT);
    if (!root)
        return R_NOTFOUND;
    if (!site_of(leaf, site))
        return error_set(err, R_DENIED, "the certificate is of the site, but not of a management point");
    char *pem = pki_cert_pem(root);
    enum result r = pki_role_judge_new(slice_of(pem), site, "mp", &judge, err);
    if (r == OK) {
        r = pki_role_check(judge, leaf, chain, clock_wall_s(), mp->proven, err);
        pki_role_judge_free(judge);
    }
    free(pem);
    if (r == OK && *mp->at.role && !slice_eq_nocase(slice_of(mp->proven), slice_of(mp->at.role)))
        r = error_set(err, R_DENIED, "it is management point %s, expected is %s", mp->proven, mp->at.role);
    return r == R_NOTFOUND ? R_DENIED : r;
}

void client_mp_trust(const struct client_inside *in, struct client_mp *mp, struct web_request *r)
{
    r->anchors_pem = slice_of(in->anchors ? in->anchors : mp->anchors);
    r->vouch = vouch;
    r->vouch_arg = mp;
}

void client_inside_free(struct client_inside *in)
{
    for (size_t i = 0; i < in->count; i++)
        free(in->items[i].anchors);
    free(in->anchors);
    *in = (struct client_inside){.count = 0};
}
