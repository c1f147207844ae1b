/* SPDX-License-Identifier: Apache-2.0 */
/* What is put into the signed answer; signing is content/documents.c, answering answer/signed.c. */
#include "mp/sender/signed.h"

#include <stdlib.h>

#include "jose/httpsig/httpsig.h"
#include "mp/content/documents.h"
#include "mp/sender/device.h"

/* Of the signature as received; the caller has checked it, or says no more by it than what time it is. */
static enum result find_nonce(const struct mp_sender *from, struct httpsig_params *ret, struct error *err)
{
    const struct httpsig_received received = {
        mp_sender_field(from, "cmg-target"), mp_sender_field(from, "content-digest"),
        mp_sender_field(from, "signature-input"), mp_sender_field(from, "signature")};
    return httpsig_params(&received, ret, err);
}

enum result mp_signed_make(const struct mp_sender *from, const char *audience, X509 *certificate, const json_t *o,
                           char **ret, struct error *err)
{
    struct mp_audience whose = {.audience = audience};
    struct httpsig_params params;
    enum result result = find_nonce(from, &params, err);
    if (result != OK)
        return result;
    json_t *content = json_copy((json_t *)(uintptr_t)o); /* takes no part of it over, and changes nothing in it */
    (void)json_object_set_new(content, "nonce", json_string(params.nonce));
    pki_cert_spki_hex(certificate, whose.key);
    result = mp_documents_answer(from->site, &whose, content, ret, err);
    json_decref(content);
    return result;
}

char *mp_signed_time(const struct mp_sender *from, X509 *certificate)
{
    char *text = NULL;
    json_t *empty = json_object();
    enum result result = mp_signed_make(from, "all", certificate, empty, &text, NULL);
    json_decref(empty);
    return result == OK ? text : NULL;
}
