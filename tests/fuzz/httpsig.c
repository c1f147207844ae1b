/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of requests: four fields, a line each. What was not signed by the key never passes; what was signed and
 * then written in another order does only if the signature still fits. */
#include <openssl/ec.h>

#include "fuzz.h"
#include "jose/httpsig/httpsig.h"
#include "jose/httpsig/sigparse.h"

#define NOW INT64_C(1800000000)

static EVP_PKEY *key;
static const struct httpsig_message message = {{"POST", 4}, {"/CCM_STS", 8}, {"x", 1}};

static void try_parts(const struct httpsig_received *in)
{
    struct sigparse_input parsed;
    struct error err = {0};
    unsigned char bytes[64];
    size_t len = 0;
    if (sigparse_input(in->signature_input, &parsed, &err) == OK) {
        for (size_t i = 0; i < SIGPARSE_COMPONENTS; i++)
            MUST(parsed.components[i] <= SIG_DIGEST);
    }
    if (sigparse_bytes(in->signature, "cmg", bytes, sizeof bytes, &len, &err) == OK)
        MUST(len <= sizeof bytes);
    if (sigparse_bytes(in->content_digest, "sha-256", bytes, 32, &len, &err) == OK)
        MUST(len <= 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice own = fuzz_own(slice_make(bytes, size)), rest = own;
    struct httpsig_received in;
    struct httpsig_params p;
    struct error err = {0};
    if (!key)
        MUST((key = EVP_EC_gen("P-256")) != NULL);
    in.cmg_target = slice_cut(&rest, '\n');
    in.content_digest = slice_cut(&rest, '\n');
    in.signature_input = slice_cut(&rest, '\n');
    in.signature = rest;
    enum result r = httpsig_params(&in, &p, &err);
    if (r == OK)
        MUST(p.keyid[0] && p.nonce[0]);
    else
        MUST(err.text[0] || r == R_NOTFOUND);
    MUST(httpsig_verify(key, &message, &in, NOW, &err) != OK);
    try_parts(&in);
    fuzz_own_free(own);
    return 0;
}
