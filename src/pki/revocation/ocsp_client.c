/* SPDX-License-Identifier: Apache-2.0 */
/* Requests out and answers in as bytes. Who sends them, when and to whom is the caller's; answers are judged by
 * revocation/ocsp.h. */
#include "pki/revocation/ocsp_client.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>

#include "base/mem.h"
#include "base/rand.h"
#include "digest/digest.h"
#include "pki/revocation/ocsp.h"

/* By SHA-1, which every responder knows; nothing hangs on its strength here. */
static OCSP_CERTID *id_of(X509 *cert, X509 *issuer)
{
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), cert, issuer);
    if (!id)
        fatal("pki: out of memory (OCSP)");
    return id;
}

void pki_ocsp_key(X509 *cert, X509 *issuer, unsigned char ret[PKI_OCSP_KEY_SIZE])
{
    unsigned char *der = NULL;
    OCSP_CERTID *id = id_of(cert, issuer);
    int len = i2d_OCSP_CERTID(id, &der);
    if (len <= 0)
        fatal("pki: out of memory (OCSP)");
    digest_of(slice_make(der, (size_t)len), ret);
    OPENSSL_free(der);
    OCSP_CERTID_free(id);
}

void pki_ocsp_questions_add(struct pki_ocsp_questions *q, X509 *cert, X509 *issuer,
                            const unsigned char key[PKI_OCSP_KEY_SIZE])
{
    for (size_t i = 0; i < q->count; i++) {
        if (memcmp(q->list[i].key, key, PKI_OCSP_KEY_SIZE) == 0)
            return;
    }
    if (q->count == PKI_OCSP_QUESTIONS_MAX)
        return;
    struct pki_ocsp_question *one = &q->list[q->count++];
    *one = (struct pki_ocsp_question){.cert = cert, .issuer = issuer};
    (void)X509_up_ref(cert);
    (void)X509_up_ref(issuer);
    memcpy(one->key, key, PKI_OCSP_KEY_SIZE);
}

void pki_ocsp_questions_done(struct pki_ocsp_questions *q)
{
    for (size_t i = 0; i < q->count; i++) {
        X509_free(q->list[i].cert);
        X509_free(q->list[i].issuer);
    }
    q->count = 0;
}

void pki_ocsp_request(const struct pki_ocsp_question *q, unsigned char ret_nonce[PKI_OCSP_NONCE_SIZE], char **ret,
                      size_t *ret_len)
{
    unsigned char *der = NULL;
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    rand_bytes(ret_nonce, PKI_OCSP_NONCE_SIZE);
    if (!request || !OCSP_request_add0_id(request, id_of(q->cert, q->issuer)) ||
        !OCSP_request_add1_nonce(request, ret_nonce, PKI_OCSP_NONCE_SIZE))
        fatal("pki: out of memory (OCSP)");
    int len = i2d_OCSP_REQUEST(request, &der);
    if (len <= 0)
        fatal("pki: out of memory (OCSP)");
    *ret = mem_zalloc((size_t)len);
    *ret_len = (size_t)len;
    memcpy(*ret, der, (size_t)len);
    OPENSSL_free(der);
    OCSP_REQUEST_free(request);
}

static bool nonce_is_ours(OCSP_BASICRESP *basic, const unsigned char nonce[PKI_OCSP_NONCE_SIZE])
{
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    unsigned char copy[PKI_OCSP_NONCE_SIZE];
    memcpy(copy, nonce, sizeof copy);
    if (!request || !OCSP_request_add1_nonce(request, copy, sizeof copy))
        fatal("pki: out of memory (OCSP)");
    int found = OCSP_check_nonce(request, basic); /* 0: another one; -1: none in the answer */
    OCSP_REQUEST_free(request);
    return found != 0;
}

void pki_ocsp_read(const struct pki_ocsp_question *q, const unsigned char nonce[PKI_OCSP_NONCE_SIZE],
                   struct slice response, int64_t now, struct pki_ocsp_answer *ret)
{
    *ret = (struct pki_ocsp_answer){.state = PKI_OCSP_UNUSABLE, .why = "what the responder sent is no good response"};
    ERR_set_mark();
    OCSP_BASICRESP *basic = pki_ocsp_decode(response);
    if (basic && !nonce_is_ours(basic, nonce)) {
        ret->why = "the response has another nonce than the request";
    } else if (basic) {
        ret->state = PKI_OCSP_NONE;
        pki_ocsp_take_live(basic, q->cert, q->issuer, now, ret);
        if (ret->state == PKI_OCSP_NONE)
            *ret = (struct pki_ocsp_answer){.state = PKI_OCSP_UNUSABLE,
                                            .why = "the response is about another certificate"};
    }
    OCSP_BASICRESP_free(basic);
    ERR_pop_to_mark();
}
