/* SPDX-License-Identifier: Apache-2.0 */
/* GET /SMS_MP/.sms_pol?MACHINE: the device's policy; ?SETTINGS: its client settings; GET /CCM_User/policy: that of the
 * user of a user token. Signed by the site for this device (and user) alone, by version (ETag). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/conditional.h"
#include "mp/answer/handlers.h"
#include "mp/answer/settings.h"
#include "mp/content/documents.h"
#include "mp/sender/device.h"
#include "mp/site.h"
#include "mp/status/went_back.h"

enum { ETAG_SIZE = 32 };

/* The number that the device holds, by which it asks: higher than ours when an older copy of the store was put back. */
static enum result number(struct mp_request *r, const char *guid, int64_t *ret, struct error *err)
{
    enum result result = mp_documents_policy_sequence(r->site, guid, ret, err);
    int64_t held = mp_request_held(r);
    if (result != OK || held <= *ret)
        return result;
    result = mp_went_back_policy(r->site, guid, held, *ret, err);
    return result == OK ? mp_documents_policy_sequence(r->site, guid, ret, err) : result;
}

/* `user` NULL: the device's own policy. */
static void answer(struct mp_request *r, const struct mp_device *d, const char *user)
{
    char etag[ETAG_SIZE];
    char *text;
    int64_t sequence;
    struct error err;
    if (number(r, d->record.guid, &sequence, &err) != OK) {
        mp_refuse_fault(r, &err);
        return;
    }
    (void)snprintf(etag, sizeof etag, "\"%" PRId64 "\"", sequence);
    struct http_field field = {SLICE("etag"), slice_of(etag)};
    if (http_etag_listed(mp_request_field(r, "if-none-match"), slice_of(etag))) {
        mp_answer(r, &(struct mp_answer){.status = 304, .fields = {field}});
        return;
    }
    if (mp_documents_policy(r->site, r->arena, &d->record, d->certificate, user, sequence, &text, &err) != OK) {
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
    struct mp_denial no;
    struct slice rest = r->query, word = slice_cut(&rest, '&');
    bool settings = slice_eq_nocase(word, SLICE("SETTINGS"));
    if (!settings && !slice_eq_nocase(word, SLICE("MACHINE"))) {
        mp_refuse(r, MP_REFUSAL_UNKNOWN_PATH, "the query must be MACHINE or SETTINGS");
        return;
    }
    if (!mp_request_pass(r, mp_device_authenticate(&r->sender, PURPOSE_GENERAL, MP_SIGNED_ALWAYS, &device, &no), &no))
        return;
    if (settings)
        mp_settings_answer(r, &device);
    else if (mp_settings_let_through(r, &device.record))
        answer(r, &device, NULL);
    mp_device_done(&device);
}

/* A device that came with its certificate shows the user token beside it; it must be bound to that certificate and be
 * of that device. false: answered. */
static bool user_token_beside(struct mp_request *r, struct mp_device *d)
{
    char x5t[TOKEN_X5T_SIZE];
    enum verdict_reason reason;
    struct error err;
    if (!r->sender.identity.bearer.ptr) {
        mp_refuse_verdict(r, REASON_TOKEN_MISSING, NULL);
        return false;
    }
    token_x5t(d->certificate, x5t);
    if (mp_token_judge(r->site, r->sender.identity.bearer, PURPOSE_USER, slice_of(x5t), &d->token, &reason, &err) !=
        OK) {
        mp_refuse_fault(r, &err);
        return false;
    }
    if (reason == REASON_OK && strcmp(d->token.subject, d->record.guid) != 0) {
        (void)error_set(&err, R_DENIED, "it was issued for another device");
        reason = REASON_TOKEN_NOT_BOUND;
    }
    if (reason != REASON_OK)
        mp_refuse_verdict(r, reason, &err);
    return reason == REASON_OK;
}

void mp_handle_user_policy(struct mp_request *r)
{
    struct mp_device device;
    struct mp_denial no;
    if (!mp_request_pass(r, mp_device_authenticate(&r->sender, PURPOSE_USER, MP_SIGNED_ALWAYS, &device, &no), &no))
        return;
    if (mp_settings_let_through(r, &device.record) &&
        (r->sender.identity.auth != MP_PKI || user_token_beside(r, &device)))
        answer(r, &device, device.token.user);
    mp_device_done(&device);
}
