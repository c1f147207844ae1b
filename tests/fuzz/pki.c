/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, CRLs and OCSP responses. The input is a list of parts, each one byte of kind, two of length, then
 * bytes; the parts make a trust, and the last certificate is judged by it.
 */
#include "fuzz.h"
#include "pki/cert/cert.h"
#include "pki/cert/form.h"
#include "pki/cert/strength.h"
#include "pki/list/der.h"
#include "pki/list/index.h"
#include "pki/path/constraint.h"
#include "pki/path/effort.h"
#include "pki/path/proof.h"
#include "pki/role.h"
#include "pki/trust.h"

#define NOW INT64_C(1800000000)

enum { SENT_MAX = 16 };
enum { LEAF, ANCHOR, INTERMEDIATE, CRL, OCSP, KINDS };

static void read_entry(void *arg, uint32_t offset, struct slice serial)
{
    const struct pki_crl_entries *e = arg;
    struct pki_crl_entry one = pki_crl_entry_at(e, offset);
    MUST(serial.len && pki_crl_serial_eq(one.serial, serial));
    (void)pki_crl_entry_issuer(e, offset);
}

static void try_crl(struct slice der)
{
    struct pki_crl_der c;
    struct error err = {0};
    if (pki_crl_der_open(der, &c, &err) != OK) {
        MUST(err.text[0]);
        return;
    }
    pki_crl_entries_each(&c.entries, read_entry, &c.entries);
    pki_crl_der_close(&c);
}

/* What every certificate of a peer's is asked. */
static void ask(X509 *cert)
{
    char text[64], uri[256];
    unsigned char hash[PKI_SHA256];
    pki_cert_subject(cert, text, sizeof text);
    MUST(strlen(text) < sizeof text);
    pki_cert_issuer(cert, text, sizeof text);
    pki_cert_serial_hex(cert, text, sizeof text);
    pki_cert_sha256(cert, hash);
    pki_cert_spki_sha256(cert, hash);
    (void)pki_cert_not_after(cert);
    (void)pki_cert_not_before(cert);
    if (pki_cert_uri(cert, "urn:opencmg:", uri, sizeof uri))
        MUST(slice_starts(slice_of(uri), SLICE("urn:opencmg:")));
    free(pki_cert_base64(cert));
}

/* As if they were a path whose signatures are right, which the fuzzer can't make. */
static void ask_path(STACK_OF(X509) * certs)
{
    struct pki_verdict v = {0};
    char why[160];
    for (int i = 0; i < sk_X509_num(certs); i++) {
        MUST(pki_form_check(sk_X509_value(certs, i), why, sizeof why) == REASON_OK || why[0]);
        MUST(pki_strength_ok(sk_X509_value(certs, i), true, why, sizeof why) || why[0]);
    }
    int at = pki_constraint_check(certs, true, &v);
    MUST(at < sk_X509_num(certs) && (at < 0 || (v.detail[0] && v.reason == REASON_CERT_CONSTRAINT_VIOLATED)));
}

static void try_leaf(struct slice data, STACK_OF(X509) * *leaf)
{
    struct error err = {0};
    STACK_OF(X509) * certs;
    if (pki_cert_read_all(data, SENT_MAX, &certs, &err) != OK) {
        MUST(err.text[0]);
        return;
    }
    MUST(sk_X509_num(certs) >= 1 && sk_X509_num(certs) <= SENT_MAX);
    for (int i = 0; i < sk_X509_num(certs); i++)
        ask(sk_X509_value(certs, i));
    ask_path(certs);
    sk_X509_pop_free(*leaf, X509_free);
    *leaf = certs;
}

static void take(struct pki_trust *t, uint8_t kind, struct slice part, STACK_OF(X509) * *leaf)
{
    struct error err = {0};
    enum result r = OK;
    if (kind == LEAF)
        try_leaf(part, leaf);
    else if (kind == ANCHOR)
        r = pki_trust_add_anchors(t, part, &err);
    else if (kind == INTERMEDIATE)
        r = pki_trust_add_intermediates(t, part, &err);
    else if (kind == OCSP)
        r = pki_trust_add_ocsp(t, part, &err);
    else
        r = pki_trust_add_crl(t, part, &err);
    MUST(r == OK || err.text[0]);
    if (kind == CRL)
        try_crl(part);
}

/* As if some of their signatures were right, which the fuzzer can't make: so that it gets into meshes. */
static void prove(STACK_OF(X509) * certs, uint8_t which)
{
    const struct pki_effort effort = {.any_strength = true};
    struct pki_party subject, issuer;
    unsigned char pair[PKI_SHA256];
    for (int i = 0; i < sk_X509_num(certs) * sk_X509_num(certs); i++) {
        if (!(which >> i % 8 & 1))
            continue;
        pki_effort_look(&effort, sk_X509_value(certs, i / sk_X509_num(certs)), &subject);
        pki_effort_look(&effort, sk_X509_value(certs, i % sk_X509_num(certs)), &issuer);
        pki_effort_name_pair(&subject, &issuer, pair);
        pki_proof_keep(pair);
    }
}

static void judge(const struct pki_trust *t, STACK_OF(X509) * leaf, bool quick)
{
    struct pki_verdict v = {0};
    const struct pki_question q = {.leaf = sk_X509_value(leaf, 0), .sent = leaf, .now = NOW, .quick = quick};
    pki_trust_answer(t, &q, &v);
    MUST(v.reason == REASON_OK || v.detail[0]);
    MUST(v.reason != REASON_OK || (v.valid_until >= NOW && !v.unfinished));
    MUST(quick || !v.unfinished);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = slice_make(bytes, size);
    uint8_t choice = fuzz_choice(&in);
    const struct pki_trust_options o = {.crl_check = choice & 1,
                                        .allow_when_unavailable = choice & 2,
                                        .any_purpose = choice & 4,
                                        .any_strength = choice & 8};
    struct pki_trust *t = pki_trust_new(&o);
    STACK_OF(X509) *leaf = NULL;
    char *warnings = NULL;
    for (int parts = 0; in.len && parts < 16; parts++) {
        uint8_t kind = fuzz_choice(&in) % KINDS;
        size_t len = (size_t)fuzz_choice(&in) << 8;
        len |= fuzz_choice(&in);
        struct slice own = fuzz_own(slice_make(in.ptr, len < in.len ? len : in.len));
        in = slice_skip(in, own.len);
        take(t, kind, own, &leaf);
        fuzz_own_free(own);
    }
    pki_trust_seal(t, &warnings);
    if (leaf) {
        prove(leaf, (uint8_t)(choice >> 4 | choice << 4));
        judge(t, leaf, true);
        judge(t, leaf, false);
    }
    sk_X509_pop_free(leaf, X509_free);
    free(warnings);
    pki_trust_unref(t);
    return 0;
}
