/* SPDX-License-Identifier: Apache-2.0 */
/* GET /SMS_MP/.sms_pol?MACHINE: the device's policy, signed by the site for this device alone, by version (ETag). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "mp/device.h"
#include "mp/documents.h"
#include "mp/handlers.h"
#include "mp/site.h"

enum { ETAG_SIZE = 32 };

/* RFC 9110 13.1.2: a list of entity tags, or "*"; compared weakly. */
static bool matches(struct slice list, struct slice etag)
{
    while (list.ptr) {
        struct slice one = slice_trim(slice_cut(&list, ','));
        if (slice_starts(one, SLICE("W/")))
            one = slice_skip(one, 2);
        if (slice_eq(one, etag))
            return true;
    }
    return false;
}

static void answer(struct mp_request *r, const char *guid)
{
    char etag[ETAG_SIZE];
    char *text;
    int64_t sequence;
    struct error err;
    if (mp_documents_policy_sequence(r->site, guid, &sequence, &err) != OK) {
        mp_refuse_fault(r, &err);
        return;
    }
    (void)snprintf(etag, sizeof etag, "\"%" PRId64 "\"", sequence);
    struct http_field field = {SLICE("etag"), slice_of(etag)};
    if (matches(mp_request_field(r, "if-none-match"), slice_of(etag))) {
        mp_answer(r, &(struct mp_answer){.status = 304, .fields = {field}});
        return;
    }
    if (mp_documents_policy(r->site, r->arena, guid, sequence, &text, &err) != OK) {
        mp_refuse_fault(r, &err);
        return;
    }
    mp_answer(
        r, &(struct mp_answer){.status = 200, .type = "application/jose", .body = slice_of(text), .fields = {field}});
    free(text);
}

void mp_handle_policy(struct mp_request *r)
{
    struct mp_device device;
    struct slice rest = r->query;
    if (!slice_eq_nocase(slice_cut(&rest, '&'), SLICE("MACHINE"))) {
        mp_refuse(r, MP_REFUSAL_UNKNOWN_PATH, "the query must be MACHINE");
        return;
    }
    if (!mp_device_authenticate(r, PURPOSE_GENERAL, MP_SIGNED_ALWAYS, &device))
        return;
    answer(r, device.record.guid);
    mp_device_done(&device);
}
