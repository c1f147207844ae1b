/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with the site's signature on them; what is signed is sender/signed.c's. */
#include "mp/answer/signed.h"

#include <stdlib.h>

#include "mp/sender/signed.h"

void mp_answer_signed(struct mp_request *r, int status, const char *guid, X509 *certificate, json_t *o)
{
    char *text;
    struct error err;
    if (mp_signed_make(&r->sender, guid, certificate, o, &text, &err) != OK) {
        json_decref(o);
        mp_refuse_fault(r, &err);
        return;
    }
    (void)json_object_set_new(o, "signed", json_string(text));
    free(text);
    mp_answer_json(r, status, o);
}
