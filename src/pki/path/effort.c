/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what a judgement costs, and remembers pairs whose signature was wrong. On the stack of one judgement: one
 * thread. */
#include "pki/path/effort.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/error.h"
#include "base/mem.h"
#include "digest/digest.h"
#include "pki/cert/strength.h"
#include "pki/path/proof.h"

enum { WRONG_PLACES = 512 /* twice what the work allows */, WRONG_NEIGHBOURS = 8 };

void pki_effort_done(struct pki_effort *e)
{
    free(e->wrong);
    e->wrong = NULL;
}

bool pki_effort_try(struct pki_effort *e)
{
    bool ret = e->tries > 0;
    e->tries -= ret;
    e->spent |= !ret;
    return ret;
}

void pki_effort_look(const struct pki_effort *e, X509 *cert, struct pki_party *ret)
{
    char why[PKI_STRENGTH_TEXT];
    ret->cert = cert;
    ret->may_verify = X509_get0_pubkey(cert) && (e->any_strength || pki_strength_key_ok(cert, why, sizeof why));
    pki_cert_sha256(cert, ret->sha256);
    pki_cert_spki_sha256(cert, ret->spki_sha256);
}

void pki_effort_name_pair(const struct pki_party *subject, const struct pki_party *issuer,
                          unsigned char ret[PKI_SHA256])
{
    unsigned char both[2 * PKI_SHA256];
    memcpy(both, subject->sha256, PKI_SHA256);
    memcpy(both + PKI_SHA256, issuer->spki_sha256, PKI_SHA256);
    digest_of(slice_make(both, sizeof both), ret);
}

/* Its own place, or the first free one behind that. Where none is free the first goes to the later: the other pair may
 * be verified again, and is work again. */
static unsigned char *place_of_wrong(struct pki_effort *e, const unsigned char pair[PKI_SHA256])
{
    static const unsigned char free_place[PKI_SHA256];
    if (!e->wrong)
        e->wrong = mem_array(WRONG_PLACES, sizeof *e->wrong);
    size_t first = (size_t)pair[0] << 8 | pair[1];
    for (size_t i = 0; i < WRONG_NEIGHBOURS; i++) {
        unsigned char *place = e->wrong[(first + i) % WRONG_PLACES];
        if (memcmp(place, pair, PKI_SHA256) == 0 || memcmp(place, free_place, PKI_SHA256) == 0)
            return place;
    }
    return e->wrong[first % WRONG_PLACES];
}

/* The work is taken before it is done: what does not fit is not begun. */
static bool take_work(struct pki_effort *e, unsigned cost)
{
    if (cost > e->work) {
        e->spent = true;
        return false;
    }
    e->work -= cost;
    return true;
}

static bool verify(struct pki_effort *e, X509 *subject, EVP_PKEY *key)
{
    if (!take_work(e, pki_strength_cost(key)))
        return false;
    ERR_set_mark();
    bool ret = X509_verify(subject, key) == 1;
    ERR_pop_to_mark();
    return ret;
}

bool pki_effort_signed_by(struct pki_effort *e, const struct pki_party *subject, const struct pki_party *issuer)
{
    unsigned char pair[PKI_SHA256];
    if (!issuer->may_verify || !take_work(e, PKI_EFFORT_QUESTION))
        return false;
    pki_effort_name_pair(subject, issuer, pair);
    if (pki_proof_known(pair))
        return true;
    unsigned char *wrong = place_of_wrong(e, pair);
    if (memcmp(wrong, pair, PKI_SHA256) == 0)
        return false;
    bool ret = verify(e, subject->cert, X509_get0_pubkey(issuer->cert));
    if (ret)
        pki_proof_keep(pair);
    else if (!e->spent)
        memcpy(wrong, pair, PKI_SHA256);
    return ret;
}
