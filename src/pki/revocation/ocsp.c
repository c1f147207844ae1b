/* SPDX-License-Identifier: Apache-2.0 */
/* The responses are kept as they came and decoded when they are asked: OpenSSL's objects are not made to be shared by
 * threads. */
#include "pki/revocation/ocsp.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "der/key.h"
#include "der/tlv.h"
#include "pki/cert/cert.h"
#include "pki/cert/form.h"
#include "pki/cert/strength.h"

enum { RESPONSES_MAX = 1024, RESPONSE_BYTES_MAX = 64 * 1024, CLOCK_LEEWAY = 300, LIVE_S = 300 };

struct pki_ocsp_set {
    struct slice *responses;
    size_t count;
};

struct pki_ocsp_set *pki_ocsp_set_new(void)
{
    return mem_zalloc(sizeof(struct pki_ocsp_set));
}

void pki_ocsp_set_free(struct pki_ocsp_set *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        free((void *)(uintptr_t)s->responses[i].ptr);
    free(s->responses);
    free(s);
}

OCSP_BASICRESP *pki_ocsp_decode(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    if (der_names_field(der))
        return NULL; /* a responder's certificate with a curve of its own: reading it may take seconds */
    OCSP_RESPONSE *whole = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    OCSP_BASICRESP *basic = NULL;
    if (whole && at == (const unsigned char *)der.ptr + der.len &&
        OCSP_response_status(whole) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
        basic = OCSP_response_get1_basic(whole);
    OCSP_RESPONSE_free(whole);
    return basic;
}

enum result pki_ocsp_set_add(struct pki_ocsp_set *s, struct slice der, struct error *err)
{
    if (s->count == RESPONSES_MAX)
        return error_set(err, R_LIMIT, "more than %d OCSP responses", RESPONSES_MAX);
    if (der.len == 0 || der.len > RESPONSE_BYTES_MAX)
        return error_set(err, R_INVALID, "an OCSP response has 1 to %d bytes, this one %zu", RESPONSE_BYTES_MAX,
                         der.len);
    ERR_set_mark();
    OCSP_BASICRESP *basic = pki_ocsp_decode(der);
    ERR_pop_to_mark();
    if (!basic)
        return error_set(err, R_INVALID, "not a successful OCSP response in DER (RFC 6960 4.2.1)");
    OCSP_BASICRESP_free(basic);
    char *copy = mem_zalloc(der.len);
    memcpy(copy, der.ptr, der.len);
    s->responses = mem_resize(s->responses, s->count + 1, sizeof *s->responses);
    s->responses[s->count++] = slice_make(copy, der.len);
    return OK;
}

/* --- who signed --- */

static X509_STORE *store_of(X509 *issuer, int64_t now)
{
    X509_STORE *store = X509_STORE_new();
    if (!store || !X509_STORE_add_cert(store, issuer) || !X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN))
        fatal("pki: out of memory");
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)now);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(store), 0); /* judged below */
    return store;
}

static bool strong(OCSP_BASICRESP *basic, X509 *issuer, STACK_OF(X509) * known)
{
    int md = NID_undef, key = NID_undef;
    const X509_ALGOR *algorithm = OCSP_resp_get0_tbs_sigalg(basic);
    X509 *signer = NULL;
    char why[240];
    if (!OBJ_find_sigid_algs(OBJ_obj2nid(algorithm->algorithm), &md, &key) || md == NID_sha1 || md == NID_md5 ||
        !OCSP_resp_get0_signer(basic, &signer, known))
        return false;
    return X509_cmp(signer, issuer) == 0 || pki_strength_ok(signer, true, why, sizeof why);
}

/* What OpenSSL does not look at in a responder's certificate: its form, and that its key may sign (RFC 5280 4.2.1.3).
 */
static bool may_sign(OCSP_BASICRESP *basic, X509 *issuer, STACK_OF(X509) * known)
{
    X509 *signer = NULL;
    char why[240];
    if (!OCSP_resp_get0_signer(basic, &signer, known))
        return false;
    if (X509_cmp(signer, issuer) == 0)
        return true;
    bool bits = !(X509_get_extension_flags(signer) & EXFLAG_KUSAGE) ||
                (X509_get_key_usage(signer) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION));
    return bits && pki_form_check(signer, why, sizeof why) == REASON_OK;
}

/* Signed by the issuer or by one whom it let sign (RFC 6960 4.2.2.2); NULL, or what is wrong. */
static const char *check_signer(OCSP_BASICRESP *basic, X509 *issuer, int64_t now, bool any_strength)
{
    X509_STORE *store = store_of(issuer, now);
    STACK_OF(X509) *known = sk_X509_new_null();
    if (!known || !sk_X509_push(known, issuer))
        fatal("pki: out of memory");
    const char *why = NULL;
    if (OCSP_basic_verify(basic, known, store, OCSP_NOEXPLICIT) != 1)
        why = "it is not signed by the issuer or a responder of its choice";
    else if (!may_sign(basic, issuer, known))
        why = "the responder's certificate does not let it sign";
    else if (!any_strength && !strong(basic, issuer, known))
        why = "it is signed with a key or hash that is too weak";
    sk_X509_free(known);
    X509_STORE_free(store);
    return why;
}

/* --- what it says --- */

static bool is_about(OCSP_SINGLERESP *single, X509 *cert, X509 *issuer)
{
    const OCSP_CERTID *id = OCSP_SINGLERESP_get0_id(single);
    ASN1_OBJECT *algorithm;
    OCSP_CERTID *copy = OCSP_CERTID_dup(id);
    if (!copy || !OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, copy)) {
        OCSP_CERTID_free(copy);
        return false;
    }
    const EVP_MD *md = EVP_get_digestbyobj(algorithm);
    OCSP_CERTID *wanted = md ? OCSP_cert_to_id(md, cert, issuer) : NULL;
    bool same = wanted && OCSP_id_cmp(wanted, id) == 0;
    OCSP_CERTID_free(wanted);
    OCSP_CERTID_free(copy);
    return same;
}

static void unusable(struct pki_ocsp_answer *ret, const char *why)
{
    if (ret->state == PKI_OCSP_NONE || ret->state == PKI_OCSP_UNUSABLE) {
        ret->state = PKI_OCSP_UNUSABLE;
        ret->why = why;
    }
}

/* A live answer without nextUpdate counts for a while from now; one at hand does not say how old it may be. */
static bool read_until(const ASN1_GENERALIZEDTIME *to, int64_t now, bool live, int64_t *ret)
{
    *ret = now + LIVE_S;
    return to ? pki_time_read(to, ret) : live;
}

/* Fills delegated and signer. */
static void note_signer(OCSP_BASICRESP *basic, X509 *issuer, struct pki_ocsp_answer *ret)
{
    X509 *signer = NULL;
    STACK_OF(X509) *known = sk_X509_new_null();
    if (!known || !sk_X509_push(known, issuer))
        fatal("pki: out of memory");
    ret->delegated = OCSP_resp_get0_signer(basic, &signer, known) && X509_cmp(signer, issuer) != 0 &&
                     X509_get_ext_by_NID(signer, NID_id_pkix_OCSP_noCheck, -1) < 0 &&
                     pki_cert_ref_of(signer, &ret->signer);
    sk_X509_free(known);
}

/* True: *ret is its word now. */
static bool take(OCSP_SINGLERESP *single, int64_t now, bool live, struct pki_ocsp_answer *ret)
{
    ASN1_GENERALIZEDTIME *from, *to;
    int64_t this_update, next_update;
    int status = OCSP_single_get0_status(single, NULL, NULL, &from, &to);
    if (status == V_OCSP_CERTSTATUS_REVOKED) {
        if (!read_until(to, now, true, &next_update) || next_update < now)
            next_update = now + LIVE_S;
        *ret = (struct pki_ocsp_answer){.state = PKI_OCSP_REVOKED, .next_update = next_update};
        return true;
    }
    if (status != V_OCSP_CERTSTATUS_GOOD)
        unusable(ret, "the responder does not know the certificate");
    else if (!pki_time_read(from, &this_update) || !read_until(to, now, live, &next_update))
        unusable(ret, "it has no nextUpdate, so its age can't be judged");
    else if (!to && this_update < now - CLOCK_LEEWAY)
        unusable(
            ret,
            "it has no nextUpdate, and its thisUpdate is not of now: it may be one that was kept and played again");
    else if (this_update > now + CLOCK_LEEWAY)
        unusable(ret, "its thisUpdate lies in the future");
    else if (next_update < now)
        unusable(ret, "it is past its nextUpdate");
    else if (ret->state != PKI_OCSP_GOOD || next_update > ret->next_update) {
        *ret = (struct pki_ocsp_answer){.state = PKI_OCSP_GOOD, .next_update = next_update};
        return true;
    }
    return false;
}

/* One that is not known must be obeyed all the same (RFC 6960 4.4; RFC 5280 4.2). Those of 4.4 need no obedience but
 * the nonce, which its reader looks at; a service locator is of requests. */
static bool is_known(X509_EXTENSION *extension)
{
    static const int known[] = {NID_id_pkix_OCSP_Nonce, NID_id_pkix_OCSP_CrlID, NID_id_pkix_OCSP_archiveCutoff,
                                NID_id_pkix_OCSP_extendedStatus};
    int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i] == nid)
            return true;
    }
    return false;
}

/* Version 1 is 0, and left away as a rule; OpenSSL does not tell. */
static bool is_version_1(OCSP_BASICRESP *basic)
{
    unsigned char *der = NULL;
    struct tlv whole, data, version, number;
    int len = i2d_OCSP_BASICRESP(basic, &der);
    struct slice rest = slice_make(der, len > 0 ? (size_t)len : 0);
    bool ok = tlv_take(&rest, V_ASN1_SEQUENCE, &whole) && tlv_take(&whole.content, V_ASN1_SEQUENCE, &data) &&
              tlv_next(&data.content, &version);
    if (ok && version.class == V_ASN1_CONTEXT_SPECIFIC && version.tag == 0)
        ok = tlv_take(&version.content, V_ASN1_INTEGER, &number) && slice_eq(number.content, slice_make("", 1));
    OPENSSL_free(der);
    return ok;
}

typedef X509_EXTENSION *nth_fn(const void *holder, int at);

static X509_EXTENSION *of_response(const void *basic, int at)
{
    return OCSP_BASICRESP_get_ext((OCSP_BASICRESP *)(uintptr_t)basic, at);
}

static X509_EXTENSION *of_single(const void *single, int at)
{
    return OCSP_SINGLERESP_get_ext((OCSP_SINGLERESP *)(uintptr_t)single, at);
}

static bool asks_too_much(const void *holder, int count, nth_fn *nth)
{
    for (int i = 0; i < count; i++) {
        if (X509_EXTENSION_get_critical(nth(holder, i)) && !is_known(nth(holder, i)))
            return true;
    }
    return false;
}

/* What must be understood before anything in it is believed; NULL, or what is wrong. */
static const char *check_form(OCSP_BASICRESP *basic, OCSP_SINGLERESP *single)
{
    if (!is_version_1(basic))
        return "it is of a version that is not 1 (RFC 6960 4.2.1)";
    return asks_too_much(basic, OCSP_BASICRESP_get_ext_count(basic), of_response) ||
                   asks_too_much(single, OCSP_SINGLERESP_get_ext_count(single), of_single)
               ? "it has a critical extension that is not known (RFC 6960 4.4)"
               : NULL;
}

struct taking {
    bool any_strength, live;
};

static void take_all(OCSP_BASICRESP *basic, X509 *cert, X509 *issuer, int64_t now, struct taking how,
                     struct pki_ocsp_answer *ret)
{
    for (int i = 0; i < OCSP_resp_count(basic) && ret->state != PKI_OCSP_REVOKED; i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (!is_about(single, cert, issuer))
            continue;
        const char *why = check_form(basic, single);
        if (!why)
            why = check_signer(basic, issuer, now, how.any_strength);
        if (why)
            unusable(ret, why);
        else if (take(single, now, how.live, ret))
            note_signer(basic, issuer, ret);
    }
}

static void ask_one(struct slice der, X509 *cert, X509 *issuer, int64_t now, bool any_strength,
                    struct pki_ocsp_answer *ret)
{
    OCSP_BASICRESP *basic = pki_ocsp_decode(der);
    if (basic)
        take_all(basic, cert, issuer, now, (struct taking){.any_strength = any_strength}, ret);
    OCSP_BASICRESP_free(basic);
}

void pki_ocsp_take_live(OCSP_BASICRESP *basic, X509 *cert, X509 *issuer, int64_t now, struct pki_ocsp_answer *ret)
{
    take_all(basic, cert, issuer, now, (struct taking){.live = true}, ret);
}

void pki_ocsp_ask(const struct pki_ocsp_set *s, X509 *cert, X509 *issuer, int64_t now, bool any_strength,
                  struct pki_ocsp_answer *ret)
{
    *ret = (struct pki_ocsp_answer){.state = PKI_OCSP_NONE};
    ERR_set_mark();
    for (size_t i = 0; i < s->count && ret->state != PKI_OCSP_REVOKED; i++)
        ask_one(s->responses[i], cert, issuer, now, any_strength, ret);
    ERR_pop_to_mark();
}
