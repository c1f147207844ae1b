/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /CCM_Client/registration (PROTOCOL 4): the key that signed the request becomes a device. Who vouches for it
 * decides how: a PKI certificate, its Entra tenant, a bulk token, or nobody (directly inside), which always waits for
 * approval. The same key gets the same GUID again; a bulk token never replaces another key's record.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "mp/device.h"
#include "mp/handlers.h"
#include "mp/listener.h"
#include "mp/scope.h"
#include "store/audit.h"
#include "store/collection.h"
#include "store/sequence.h"
#include "store/setting.h"
#include "store/token.h"

enum { NAME_MAX_BYTES = 128, VERSION_MAX = 9999, PENDING_MAX = 1000 };

enum voucher { BY_PKI, BY_ENTRA, BY_BULK, BY_NOBODY };

struct registration {
    struct mp_request *r;
    json_t *body;
    const char *name, *hardware_id; /* of the body */
    int64_t version;
    X509 *certificate;
    char spki[PKI_HASH_HEX], sha256[PKI_HASH_HEX];
    enum voucher voucher;
    struct token bulk;
    const char *collection; /* that the bulk token's devices join; NULL or "": none */
    struct entra_token entra;
    struct store_device device; /* as it stands in the end */
    char guid[GUID_SIZE];
    int64_t now;
    char *token; /* the device token, to be told */
    int64_t expires;
};

static void registration_done(struct registration *g)
{
    X509_free(g->certificate);
    json_decref(g->body);
    free(g->token);
}

/* --- what is asked --- */

static bool text_good(const char *text, bool may_be_empty)
{
    size_t len = strlen(text);
    return len <= NAME_MAX_BYTES && (len || may_be_empty) && utf8_all_shown(slice_make(text, len));
}

static enum result read_body(struct registration *g, struct error *err)
{
    const char *pem;
    enum result r = json_parse(buf_data(&g->r->body), g->r->body.max, &g->body, err);
    if (r == OK)
        r = json_need_str(g->body, "name", &g->name, err);
    if (r == OK)
        r = json_need_str(g->body, "certificate_pem", &pem, err);
    if (r == OK)
        r = json_need_int(g->body, "client_version", &g->version, err);
    if (r != OK)
        return r;
    g->hardware_id = json_opt_str(g->body, "hardware_id", "");
    if (!text_good(g->name, false) || !text_good(g->hardware_id, true))
        return error_set(err, R_INVALID,
                         "'name' is 1 to %d bytes, 'hardware_id' at most that, without controls and characters that "
                         "are invisible or change the direction of text",
                         NAME_MAX_BYTES);
    if (g->version < 0 || g->version > VERSION_MAX)
        return error_set(err, R_INVALID, "'client_version' is YYMM, as 2603");
    r = pki_cert_read(slice_of(pem), &g->certificate, err);
    if (r != OK)
        return error_prefix(err, "certificate_pem");
    if (pki_cert_not_after(g->certificate) <= g->now)
        return error_set(err, R_INVALID, "certificate_pem has ended");
    mp_certificate_spki_hex(g->certificate, g->spki);
    mp_certificate_hex(g->certificate, g->sha256);
    return OK;
}

/* --- who vouches; each answers when it returns false --- */

static bool vouched_by_pki(struct registration *g)
{
    char hex[PKI_HASH_HEX];
    mp_certificate_hex(g->r->identity.certificate, hex);
    g->voucher = BY_PKI;
    if (strcmp(hex, g->sha256) == 0)
        return true;
    mp_refuse(g->r, MP_REFUSAL_CERTIFICATE_MISMATCH, NULL);
    return false;
}

static bool within_scope(struct registration *g)
{
    struct error err;
    struct store_token t;
    enum result result = store_token_get(g->r->site->store, g->r->arena, g->bulk.id, &t, &err);
    if (result == OK)
        result = mp_scope_holds(g->r, &t, g->name, &err);
    if (result == OK)
        g->collection = t.collection;
    else if (result == R_DENIED)
        mp_refuse(g->r, MP_REFUSAL_TOKEN_OUT_OF_SCOPE, err.text);
    else if (result == R_NOTFOUND)
        mp_refuse_verdict(g->r, REASON_TOKEN_REVOKED, err.text);
    else
        mp_refuse_fault(g->r, &err);
    return result == OK;
}

static bool vouched_by_bulk(struct registration *g)
{
    enum verdict_reason reason;
    struct error err;
    g->voucher = BY_BULK;
    if (mp_token_judge(g->r, g->r->identity.bearer, PURPOSE_REGISTRATION, SLICE_NONE, &g->bulk, &reason, &err) != OK) {
        mp_refuse_fault(g->r, &err);
        return false;
    }
    if (reason != REASON_OK)
        mp_refuse_verdict(g->r, reason, err.text);
    return reason == REASON_OK && within_scope(g);
}

/* TLS proved a key, if any: it must be the one to register. */
static bool vouched_by_nobody(struct registration *g)
{
    char hex[PKI_HASH_HEX];
    const struct mp_identity *i = &g->r->identity;
    g->voucher = BY_NOBODY;
    if (!(g->r->connection->point->config->clients & CHOICE_BIT(CHOICE_TOKEN))) {
        mp_refuse_verdict(g->r, i->refused ? i->refused : REASON_METHOD_NOT_ALLOWED_HERE, i->detail);
        return false;
    }
    if (i->certificate) {
        mp_certificate_hex(i->certificate, hex);
        if (strcmp(hex, g->sha256) != 0) {
            mp_refuse(g->r, MP_REFUSAL_CERTIFICATE_MISMATCH, NULL);
            return false;
        }
    }
    return true;
}

static bool vouched(struct registration *g)
{
    switch (g->r->identity.auth) {
    case MP_PKI:
        return vouched_by_pki(g);
    case MP_TOKEN:
        return vouched_by_bulk(g);
    case MP_ENTRA: /* an unbound bearer: the key that signed the request becomes the device's */
        g->voucher = BY_ENTRA;
        return mp_entra_device(g->r, &g->entra);
    case MP_NOBODY:
    default:
        return vouched_by_nobody(g);
    }
}

/* The method by which it is let in must be one that its version knows. */
static bool version_fits(struct registration *g)
{
    static const enum choice_client methods[] = {
        [BY_PKI] = CHOICE_PKI, [BY_ENTRA] = CHOICE_ENTRA, [BY_BULK] = CHOICE_TOKEN, [BY_NOBODY] = CHOICE_TOKEN};
    enum choice_client client = methods[g->voucher];
    const struct choices_line *rule =
        choices_forbids_client(g->r->connection->point->config->choice, client, (unsigned)g->version);
    char detail[512];
    if (!rule)
        return true;
    (void)snprintf(detail, sizeof detail, "client version %u: %s (rule %s)", (unsigned)g->version, rule->text,
                   rule->id);
    mp_refuse_verdict(g->r, REASON_METHOD_NOT_ALLOWED_HERE, detail);
    return false;
}

/* A revoked certificate's key gets no token instead of it. */
static bool not_revoked(struct registration *g)
{
    struct store_device known;
    struct error err;
    if (g->voucher == BY_PKI)
        return true;
    enum result result = store_device_get(g->r->site->store, g->r->arena, STORE_BY_SPKI, g->spki, &known, &err);
    if (result != OK && result != R_NOTFOUND) {
        mp_refuse_fault(g->r, &err);
        return false;
    }
    return mp_device_not_revoked(g->r, result == OK ? known.guid : "", g->certificate);
}

/* --- the record --- */

static const struct {
    const char *method, *words;
} vouchers[] = {[BY_PKI] = {"pki", "by certificate"},
                [BY_ENTRA] = {"entra", "by Entra"},
                [BY_BULK] = {"token", "by bulk token"},
                [BY_NOBODY] = {"token", "inside, by nobody"}};

/* Did another record register as this Entra device already? Then somebody must say that it has a new key. A hybrid
 * joined device's record of its certificate, which another method vouched for, is not in the way. */
static enum result entra_known(struct registration *g, bool *ret, struct error *err)
{
    struct store_device *list;
    size_t count;
    enum result r =
        store_device_by_entra(g->r->site->store, g->r->arena, g->entra.tenant->id, g->entra.device, &list, &count, err);
    *ret = false;
    for (size_t i = 0; r == OK && i < count; i++)
        *ret = *ret || (strcmp(list[i].guid, g->device.guid) != 0 && strcmp(list[i].method, "pki") != 0);
    return r;
}

static enum result choose_state(struct registration *g, const char **ret, struct error *err)
{
    struct store *s = g->r->site->store;
    bool known = false, manual;
    enum result r = store_setting_is(s, "approval", "manual", &manual, err);
    if (r == OK && g->voucher == BY_BULK)
        r = store_device_known(s, g->name, g->hardware_id, "", &known, err);
    if (r == OK && g->voucher == BY_ENTRA)
        r = entra_known(g, &known, err);
    *ret = manual || known || g->voucher == BY_NOBODY ? "pending" : "approved";
    return r;
}

/* Nobody vouches for them, so they are not to fill the store. */
static enum result check_room(struct registration *g, struct error *err)
{
    struct store_device_counts n;
    enum result r = store_device_count(g->r->site->store, &n, err);
    if (r == OK && n.pending >= PENDING_MAX)
        return error_set(err, R_LIMIT, "%d devices wait for approval already", PENDING_MAX);
    return r;
}

static enum result add_device(struct registration *g, struct error *err)
{
    if (g->voucher == BY_NOBODY) {
        enum result full = check_room(g, err);
        if (full != OK)
            return full;
    }
    guid_new(g->guid);
    g->device = (struct store_device){.guid = g->guid, .spki = g->spki, .registered = g->now};
    enum result r = choose_state(g, &g->device.state, err);
    if (r != OK)
        return r;
    g->device.name = g->name;
    g->device.hardware_id = g->hardware_id;
    g->device.method = vouchers[g->voucher].method;
    g->device.client_version = g->version;
    return store_device_add(g->r->site->store, &g->device, err);
}

/* The record was this Entra device before: what was decided about it stays. */
static bool is_proven(const struct registration *g)
{
    return strcmp(g->device.entra_tenant, g->entra.tenant->id) == 0 &&
           strcmp(g->device.entra_device, g->entra.device) == 0;
}

/* The word of a PKI or of the tenant approves what waited; without it, to take another device's name or hardware makes
 * the device wait. */
static enum result choose_state_again(struct registration *g, struct error *err)
{
    struct store *s = g->r->site->store;
    const char *name = strcmp(g->name, g->device.name) == 0 ? "" : g->name;
    const char *hardware_id = strcmp(g->hardware_id, g->device.hardware_id) == 0 ? "" : g->hardware_id;
    bool manual = true, known = false;
    bool vouched_for = g->voucher == BY_PKI || g->voucher == BY_ENTRA;
    enum result r = vouched_for ? store_setting_is(s, "approval", "manual", &manual, err)
                                : store_device_known(s, name, hardware_id, g->device.guid, &known, err);
    if (r == OK && g->voucher == BY_ENTRA)
        r = entra_known(g, &known, err);
    if (r != OK || (g->voucher == BY_ENTRA && known && is_proven(g)))
        return r;
    if (!manual)
        g->device.state = "approved";
    if (known)
        g->device.state = "pending";
    return OK;
}

/* The key was proven, so name and version are taken as they are now. */
static enum result update_device(struct registration *g, struct error *err)
{
    enum result r = choose_state_again(g, err);
    if (r != OK)
        return r;
    g->device.name = g->name;
    g->device.hardware_id = g->hardware_id;
    g->device.method = vouchers[g->voucher].method;
    g->device.client_version = g->version;
    return store_device_update(g->r->site->store, &g->device, err);
}

static enum result remember_certificate(struct registration *g, bool *ret_new, struct error *err)
{
    char subject[256], *pem = pki_cert_pem(g->certificate);
    pki_cert_subject(g->certificate, subject, sizeof subject);
    struct store_certificate c = {.guid = g->device.guid,
                                  .sha256 = g->sha256,
                                  .subject = subject,
                                  .pem = pem,
                                  .not_after = pki_cert_not_after(g->certificate),
                                  .added = g->now};
    enum result r = store_certificate_put(g->r->site->store, &c, ret_new, err);
    free(pem);
    return r;
}

static enum result audit(struct registration *g, bool is_new, struct error *err)
{
    char caller[80], detail[192];
    (void)snprintf(caller, sizeof caller, "key:%s", g->spki);
    (void)snprintf(detail, sizeof detail, "%s%s%s, %s", vouchers[g->voucher].words, g->voucher == BY_BULK ? " " : "",
                   g->bulk.id, g->device.state);
    return store_audit_add(g->r->site->store,
                           &(struct store_audit){.caller = caller,
                                                 .action = is_new ? "device.register" : "device.register-again",
                                                 .object = g->device.guid,
                                                 .detail = detail},
                           err);
}

/* For devices that nothing else vouches for each time. */
static enum result issue_token(struct registration *g, struct error *err)
{
    if (g->voucher == BY_PKI || g->voucher == BY_ENTRA || strcmp(g->device.state, "approved") != 0)
        return OK;
    struct token t = {.kind = TOKEN_DEVICE, .issued = g->now, .not_before = g->now, .expires = g->now + TOKEN_DEVICE_S};
    guid_new(t.id);
    (void)snprintf(t.subject, sizeof t.subject, "%s", g->device.guid);
    mp_certificate_x5t(g->certificate, t.x5t);
    enum result r = token_issue(g->r->site->keys.token, g->r->site->keys.site, &t, &g->token, err);
    g->expires = t.expires;
    return r == OK ? store_device_token_add(g->r->site->store, g->device.guid, t.id, t.issued, t.expires, err) : r;
}

/* One that was removed since is not in the way of registering. */
static enum result join_collection(struct registration *g, struct error *err)
{
    struct store_collection c;
    if (!g->collection || !*g->collection)
        return OK;
    enum result r = store_collection_get(g->r->site->store, g->r->arena, g->collection, &c, err);
    if (r == R_NOTFOUND) {
        log_msg(LOG_WARN, "registration", "the collection '%s' of bulk token %s is gone: %s is in none", g->collection,
                g->bulk.id, g->device.guid);
        return OK;
    }
    return r == OK ? store_collection_member(g->r->site->store, c.name, g->device.guid, true, err) : r;
}

/* R_DENIED: blocked. */
static enum result record(struct registration *g, struct error *err)
{
    struct store *s = g->r->site->store;
    bool new_certificate = false;
    enum result r = OK;
    if (g->voucher == BY_BULK)
        r = store_token_use(s, g->bulk.id, g->spki, g->now, err);
    if (r != OK)
        return r;
    r = store_device_get(s, g->r->arena, STORE_BY_SPKI, g->spki, &g->device, err);
    bool is_new = r == R_NOTFOUND;
    if (r == OK && g->device.blocked)
        return error_set(err, R_DENIED, "the device is blocked");
    if (r == OK)
        r = update_device(g, err);
    else if (is_new)
        r = add_device(g, err);
    if (r == OK && g->voucher == BY_ENTRA)
        r = store_device_set_entra(s, g->device.guid, g->entra.tenant->id, g->entra.device, err);
    if (r == OK)
        r = remember_certificate(g, &new_certificate, err);
    if (r == OK && is_new)
        r = join_collection(g, err);
    if (r == OK && new_certificate) /* a mere repetition changes nothing */
        r = audit(g, is_new, err);
    return r == OK ? issue_token(g, err) : r;
}

static enum result record_all(struct registration *g, struct error *err)
{
    enum result r = store_begin(g->r->site->store, STORE_DURABLE, err);
    return r == OK ? store_end(g->r->site->store, record(g, err), err) : r;
}

/* --- the answer --- */

static void refuse(struct registration *g, enum result why, const struct error *err)
{
    if (why == R_DENIED)
        mp_refuse_verdict(g->r, REASON_BLOCKED, err->text);
    else if (why == R_LIMIT)
        mp_refuse(g->r, g->voucher == BY_BULK ? MP_REFUSAL_TOKEN_USED_UP : MP_REFUSAL_BUSY, err->text);
    else if (why == R_TIMEOUT && g->voucher == BY_BULK)
        mp_refuse_verdict(g->r, REASON_TOKEN_EXPIRED, err->text);
    else if (why == R_NOTFOUND)
        mp_refuse_verdict(g->r, REASON_TOKEN_REVOKED, err->text);
    else
        mp_refuse_fault(g->r, err);
}

static void answer(struct registration *g)
{
    LOG_EVENT(LOG_INFO, "registration", "device registered", LOG_T("guid", g->device.guid), LOG_T("name", g->name),
              LOG_T("method", g->device.method), LOG_T("approval", g->device.state), LOG_T("request", g->r->id));
    json_t *o =
        json_pack("{s:s, s:s, s:s?}", "guid", g->device.guid, "approval", g->device.state, "device_token", g->token);
    json_t *expires = g->token ? json_integer(g->expires) : json_null();
    json_t *renew = g->token ? json_integer(g->now + TOKEN_DEVICE_S / 2) : json_null();
    if (!o || json_object_set_new(o, "expires", expires) != 0 || json_object_set_new(o, "renew_after", renew) != 0)
        fatal("out of memory (registration)");
    mp_answer_json(g->r, strcmp(g->device.state, "approved") == 0 ? 200 : 202, o);
}

void mp_handle_registration(struct mp_request *r)
{
    struct registration g = {.r = r, .now = clock_wall_s()};
    struct error err;
    bool is_signed;
    enum result result = read_body(&g, &err);
    if (result != OK)
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    else if (vouched(&g) && version_fits(&g) && mp_signature_check(r, g.certificate, MP_SIGNED_ALWAYS, &is_signed) &&
             not_revoked(&g)) {
        result = record_all(&g, &err);
        if (result == OK)
            answer(&g);
        else
            refuse(&g, result, &err);
    }
    registration_done(&g);
}
