/* SPDX-License-Identifier: Apache-2.0 */
/* GET /SMS_MP/.sms_aut?MPLIST and ?SITESIGNCERT: where everything is, and by what the site's signatures are judged.
 * Signed by the site and the same for all, so a device that is not registered yet may have it too, and inside anybody:
 * by this a device finds out that it is inside. */
#include "mp/answer/handlers.h"
#include "mp/content/documents.h"
#include "mp/sender/device.h"
#include "mp/site.h"

/* false: answered. */
static bool certificate_may(struct mp_request *r)
{
    char spki[PKI_HASH_HEX];
    struct store_device record;
    struct error err;
    pki_cert_spki_hex(r->sender.identity.certificate, spki);
    enum result result = store_device_get(r->site->store, r->arena, STORE_BY_SPKI, spki, &record, &err);
    if (result != OK && result != R_NOTFOUND) {
        mp_refuse_fault(r, &err);
        return false;
    }
    if (result == OK && record.blocked) {
        mp_refuse_verdict(r, REASON_BLOCKED, NULL);
        return false;
    }
    bool is_signed;
    struct mp_denial no;
    return mp_request_pass(
        r, mp_signature_check(&r->sender, r->sender.identity.certificate, MP_SIGNED_IF_THERE, &is_signed, &no), &no);
}

static bool may(struct mp_request *r)
{
    struct mp_device device;
    struct mp_denial no;
    if (r->sender.identity.auth == MP_NOBODY) /* inside, as the router has seen to */
        return true;
    if (r->sender.identity.auth == MP_PKI)
        return certificate_may(r);
    if (!mp_request_pass(r, mp_device_authenticate(&r->sender, PURPOSE_GENERAL, MP_SIGNED_IF_THERE, &device, &no), &no))
        return false;
    mp_device_done(&device);
    return true;
}

static void answer_list(struct mp_request *r)
{
    struct mp_text *text;
    struct error err;
    if (mp_documents_location(r->site, &text, &err) == OK)
        mp_answer_text(r, "application/jose", text);
    else
        mp_refuse_fault(r, &err);
}

/* The role CA, then the root. */
static void answer_certificates(struct mp_request *r)
{
    struct slice pem = arena_printf(r->arena, "%s%s", r->site->keys.role_ca_pem, r->site->keys.root_pem);
    mp_answer(r, &(struct mp_answer){.status = 200, .type = "application/x-pem-file", .body = pem});
}

void mp_handle_location(struct mp_request *r)
{
    struct slice rest = r->query, word = slice_cut(&rest, '&');
    bool list = slice_eq_nocase(word, SLICE("MPLIST")), certificates = slice_eq_nocase(word, SLICE("SITESIGNCERT"));
    if (!list && !certificates) {
        mp_refuse(r, MP_REFUSAL_UNKNOWN_PATH, "the query must be MPLIST or SITESIGNCERT");
        return;
    }
    if (!may(r))
        return;
    if (list)
        answer_list(r);
    else
        answer_certificates(r);
}
