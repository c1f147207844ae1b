/* SPDX-License-Identifier: Apache-2.0 */
/* Which user stands behind an Entra token, and on which device it may be used. */
#include "mp/sender/user.h"

#include <stdio.h>

#include "mp/sender/tenants.h"
#include "mp/site.h"
#include "store/device/known.h"
#include "store/site/audit.h"

/* --- refusals --- */

enum why { NOT_A_USERS, NOT_A_DEVICES, USER_EXPIRED, OTHER_TENANT, OTHER_DEVICE, NOT_JOINED, BLOCKED, OTHER_RECORD };

static const struct {
    const char *error, *reason, *text, *remedy;
} refusals[] = {
    [NOT_A_USERS] = {"invalid_grant", "device_token_as_user",
                     "the token in 'subject_token' names no user: it is a device's",
                     "exchange the token of a user who signed in: cmg-client sign-in"},
    [NOT_A_DEVICES] = {"invalid_grant", "user_token_as_device",
                       "the token in 'actor_token' is a user's, where the device's own belongs",
                       "let the device get a token of its own: EntraCertificate or EntraCommand"},
    [USER_EXPIRED] = {"invalid_grant", "user_token_expired", "the user's token has expired", "cmg-client sign-in"},
    [OTHER_TENANT] = {"invalid_grant", "other_tenant", "the user is of another tenant than the device",
                      "sign in with an account of the tenant that the device is joined to: cmg-client sign-in"},
    [OTHER_DEVICE] = {"invalid_grant", "other_device", "the record of this device is of another Entra device",
                      "remove the record and register the device again: cmg device remove GUID --forget"},
    [NOT_JOINED] = {"unauthorized_client", "device_not_joined",
                    "the device is neither Entra joined nor hybrid joined, as far as a token of its tenant proved",
                    "join the device and set EntraCertificate or EntraCommand on it; on other devices there is no user "
                    "policy"},
    [BLOCKED] = {"invalid_grant", "blocked", "the Entra device is blocked under another record of it",
                 "unblock it if it may come back: cmg device unblock GUID"},
    [OTHER_RECORD] = {"invalid_grant", "other_record", "the Entra device is that of another record of the site",
                      "cmg device list --json names the record with this entra_device; if that is another machine, cmg "
                      "device remove GUID --forget"},
};

static enum result refuse(struct mp_user_refusal *ret, enum why why)
{
    ret->error = refusals[why].error;
    ret->reason = refusals[why].reason;
    ret->remedy = refusals[why].remedy;
    return error_set(&ret->detail, R_DENIED, "%s", refusals[why].text);
}

/* In the words of the verdict; `whose` token it is, an expired one of a user's has a remedy of its own. */
static enum result refuse_verdict(struct mp_user_refusal *ret, const char *whose, enum verdict_reason reason,
                                  const struct error *detail)
{
    const struct verdict_reason_info *info = verdict_reason_info(reason);
    ret->error = "invalid_grant";
    ret->reason = info->name;
    ret->remedy = detail->remedy ? detail->remedy : info->remedy;
    return error_set(&ret->detail, R_DENIED, "the token in '%s': %s: %s", whose, info->text, detail->text);
}

/* --- tokens --- */

struct judged {
    struct entra_token token;
    char tenant[ENTRA_NAME_MAX]; /* the site's id of it */
};

static enum result judge(struct mp_sender *from, struct slice text, const char *whose, struct judged *ret,
                         struct mp_user_refusal *refusal, struct error *err)
{
    enum verdict_reason reason;
    struct error detail = {0};
    enum result result = mp_tenants_judge(from->site, text, &ret->token, &reason, &detail);
    if (result != OK) {
        *err = detail;
        return result;
    }
    if (reason != REASON_OK)
        return reason == REASON_TOKEN_EXPIRED && strcmp(whose, "subject_token") == 0
                   ? refuse(refusal, USER_EXPIRED)
                   : refuse_verdict(refusal, whose, reason, &detail);
    (void)snprintf(ret->tenant, sizeof ret->tenant, "%s", ret->token.tenant->id);
    return OK;
}

/* --- the device --- */

/* A record that is blocked shuts out the Entra device that it is, wherever that proves itself; and one Entra device is
 * one machine. */
static enum result look_elsewhere(struct mp_sender *from, const struct mp_device *d, const struct judged *actor,
                                  bool *ret_blocked, bool *ret_other, struct error *err)
{
    struct store_device *list;
    size_t count;
    enum result result =
        store_device_by_entra(from->site->store, from->arena, actor->tenant, actor->token.device, &list, &count, err);
    *ret_blocked = *ret_other = false;
    for (size_t i = 0; result == OK && i < count; i++) {
        *ret_blocked = *ret_blocked || (list[i].blocked && list[i].state == STORE_APPROVED);
        *ret_other = *ret_other || strcmp(list[i].machine, d->record.machine) != 0;
    }
    if (result == OK && !*ret_other)
        result = store_removed_entra(from->site->store, actor->tenant, actor->token.device, ret_other, err);
    return result;
}

static enum result note_join(struct mp_sender *from, struct mp_device *d, const struct judged *actor, struct error *err)
{
    struct store *store = from->site->store;
    char caller[64];
    (void)snprintf(caller, sizeof caller, "device:%s", d->record.guid);
    enum result result = store_begin(store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = store_device_set_entra(store, d->record.guid, actor->tenant, actor->token.device, err);
    if (result == OK)
        result = store_audit_add(store,
                                 &(struct store_audit){.caller = caller,
                                                       .action = "device.entra-join",
                                                       .object = d->record.guid,
                                                       .detail = actor->token.device},
                                 err);
    return store_end(store, result, err);
}

/* A record is of one Entra device for good: another one's token does not move it. */
static enum result join_by_actor(struct mp_sender *from, struct mp_device *d, struct slice text,
                                 struct mp_user_refusal *refusal, struct error *err)
{
    struct judged actor;
    bool blocked, other;
    enum result result = judge(from, text, "actor_token", &actor, refusal, err);
    if (result != OK)
        return result;
    if (actor.token.user[0] || !actor.token.device[0])
        return refuse(refusal, NOT_A_DEVICES);
    result = look_elsewhere(from, d, &actor, &blocked, &other, err);
    if (result != OK)
        return result;
    if (blocked)
        return refuse(refusal, BLOCKED);
    if (d->record.entra_device[0])
        return strcmp(d->record.entra_device, actor.token.device) == 0 &&
                       strcmp(d->record.entra_tenant, actor.tenant) == 0
                   ? OK
                   : refuse(refusal, OTHER_DEVICE);
    if (other)
        return refuse(refusal, OTHER_RECORD);
    result = note_join(from, d, &actor, err);
    return result == OK
               ? store_device_get(from->site->store, from->arena, STORE_BY_GUID, d->record.guid, &d->record, err)
               : result;
}

enum result mp_user_judge(struct mp_sender *from, struct mp_device *d, const struct mp_user_question *q,
                          char ret_user[256], struct mp_user_refusal *refusal, struct error *err)
{
    struct judged user;
    if (!entra_is_foreign(q->subject))
        return refuse(refusal, NOT_A_USERS);
    enum result result = judge(from, q->subject, "subject_token", &user, refusal, err);
    if (result != OK)
        return result;
    if (!user.token.user[0])
        return refuse(refusal, NOT_A_USERS);
    if (q->actor.ptr && entra_is_foreign(q->actor) && (result = join_by_actor(from, d, q->actor, refusal, err)) != OK)
        return result;
    if (!d->record.entra_device[0])
        return refuse(refusal, NOT_JOINED);
    if (strcmp(d->record.entra_tenant, user.tenant) != 0)
        return refuse(refusal, OTHER_TENANT);
    (void)snprintf(ret_user, sizeof user.token.user, "%s", user.token.user);
    return OK;
}
