/* SPDX-License-Identifier: Apache-2.0 */
#include "mp/sender/signed.h"

#include <stdlib.h>

#include "jose/httpsig/httpsig.h"
#include "mp/content/documents.h"
#include "mp/sender/device.h"

/* Of the signature as received; the caller has checked it, or says no more by it than what time it is. */
static enum result find_nonce(const struct mp_request *r, struct httpsig_params *ret, struct error *err)
{
    const struct httpsig_received received = {mp_request_field(r, "cmg-target"), mp_request_field(r, "content-digest"),
                                              mp_request_field(r, "signature-input"), mp_request_field(r, "signature")};
    return httpsig_params(&received, ret, err);
}

static enum result make(struct mp_request *r, const char *audience, X509 *certificate, const json_t *o, char **ret,
                        struct error *err)
{
    struct mp_audience whose = {.audience = audience};
    struct httpsig_params params;
    enum result result = find_nonce(r, &params, err);
    if (result != OK)
        return result;
    json_t *content = json_copy((json_t *)(uintptr_t)o); /* takes no part of it over, and changes nothing in it */
    if (!content || json_object_set_new(content, "nonce", json_string(params.nonce)) != 0)
        fatal("out of memory (signed answer)");
    mp_certificate_spki_hex(certificate, whose.key);
    result = mp_documents_answer(r->site, &whose, content, ret, err);
    json_decref(content);
    return result;
}

void mp_answer_signed(struct mp_request *r, int status, const char *guid, X509 *certificate, json_t *o)
{
    char *text;
    struct error err;
    if (make(r, guid, certificate, o, &text, &err) != OK) {
        json_decref(o);
        mp_refuse_fault(r, &err);
        return;
    }
    if (json_object_set_new(o, "signed", json_string(text)) != 0)
        fatal("out of memory (signed answer)");
    free(text);
    mp_answer_json(r, status, o);
}

char *mp_signed_time(struct mp_request *r, X509 *certificate)
{
    char *text = NULL;
    json_t *empty = json_object();
    enum result result = make(r, "all", certificate, empty, &text, NULL);
    json_decref(empty);
    return result == OK ? text : NULL;
}
