/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /CCM_Client/registration (PROTOCOL 4): the key that signed the request becomes a device. Who vouches for it
 * decides how: a PKI certificate, its Entra tenant, a bulk token, or nobody (directly inside), which always waits for
 * approval. The same key gets the same GUID again; a bulk token never replaces another key's record.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/gather.h"
#include "base/host/log.h"
#include "base/text/encode.h"
#include "base/utf8.h"
#include "jose/possession.h"
#include "mp/answer/handlers.h"
#include "mp/answer/registration.h"
#include "mp/answer/signed.h"
#include "mp/sender/judging.h"
#include "mp/sender/scope.h"
#include "mp/server/request.h"
#include "store/site/audit.h"

enum { NAME_MAX_BYTES = 128, VERSION_MAX = 9999 };

static void registration_done(struct registration *g)
{
    X509_free(g->certificate);
    sk_X509_pop_free(g->chain, X509_free);
    json_decref(g->body);
    free(g->token);
}

/* --- what is asked --- */

static bool text_good(const char *text, bool may_be_empty)
{
    size_t len = strlen(text);
    return len <= NAME_MAX_BYTES && (len || may_be_empty) && utf8_all_shown(slice_make(text, len));
}

static enum result read_chain(struct registration *g, struct error *err)
{
    const char *pem = json_opt_str(g->body, "chain_pem", NULL);
    enum result r = OK;
    if (pem && strlen(pem) > PKI_TOLD_BYTES)
        r = error_set(err, R_INVALID, "longer than %d bytes", PKI_TOLD_BYTES);
    else if (pem)
        r = pki_cert_read_all(slice_of(pem), PKI_TOLD_MAX, &g->chain, err);
    return r == OK ? OK : error_prefix(err, "chain_pem");
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
        return error_set(err, R_INVALID, "certificate_pem has expired");
    pki_cert_spki_hex(g->certificate, g->spki);
    pki_cert_sha256_hex(g->certificate, g->sha256);
    const char *proof = json_opt_str(g->body, "same_device", NULL);
    (void)snprintf(g->proven, sizeof g->proven, "%s", g->spki);
    r = proof ? jose_possession_read(slice_of(proof), g->spki, g->proven, err) : OK;
    return r == OK ? read_chain(g, err) : error_prefix(err, "same_device");
}

/* --- who vouches; each answers when it returns false --- */

/* Gateways may know more: an intermediate that devices alone show, a list or an answer of OCSP. By all other reasons
 * the certificate is refused. */
static const struct {
    enum verdict_reason reason;
    enum registration_voucher voucher;
} found_here[] = {{REASON_OK, BY_PKI},
                  {REASON_CERT_CRL_UNAVAILABLE, BY_PKI},
                  {REASON_CERT_CRL_EXPIRED, BY_PKI},
                  {REASON_CERT_OCSP_UNAVAILABLE, BY_PKI},
                  {REASON_CERT_UNTRUSTED_ROOT, BY_CONNECTOR},
                  {REASON_CERT_INCOMPLETE_CHAIN, BY_CONNECTOR},
                  {REASON_CERT_BAD_SIGNATURE, BY_CONNECTOR}};

static void note_anchor(struct registration *g, const struct pki_verdict *v)
{
    if (v->reason == REASON_OK)
        (void)encode_hex(slice_make(v->anchor, sizeof v->anchor), g->anchor);
}

static bool take_verdict(struct registration *g, const struct pki_verdict *v)
{
    struct error why;
    size_t i = 0;
    while (i < ARRAY_LEN(found_here) && found_here[i].reason != v->reason)
        i++;
    if (i == ARRAY_LEN(found_here)) {
        pki_verdict_tell(v, &why);
        mp_refuse_verdict(g->r, v->reason, &why);
        return false;
    }
    g->voucher = found_here[i].voucher;
    note_anchor(g, v);
    if (g->voucher == BY_CONNECTOR)
        LOG_GATHERED(LOG_WARN, "registration", g->from->identity.connector, v->detail,
                     "a certificate that leads to no anchor here was let in by a gateway",
                     LOG_T("connector", g->from->identity.connector), LOG_T("why", v->detail),
                     LOG_T("request", g->r->id));
    return true;
}

/* The word of a connector, or of the gateway behind it, makes no certificate the PKI's. */
static bool judge_asserted(struct registration *g)
{
    struct pki_verdict v;
    struct error err;
    if (mp_judging_asserted(g->from->site, g->certificate, g->chain, &v, &err) == OK)
        return take_verdict(g, &v);
    mp_refuse_fault(g->r, &err);
    return false;
}

static bool vouched_by_pki(struct registration *g)
{
    char hex[PKI_HASH_HEX];
    pki_cert_sha256_hex(g->from->identity.certificate, hex);
    g->voucher = BY_PKI;
    if (strcmp(hex, g->sha256) == 0) {
        if (g->from->identity.asserted)
            return judge_asserted(g);
        note_anchor(g, &g->from->peer->verdict);
        return true;
    }
    mp_refuse(g->r, MP_REFUSAL_CERTIFICATE_MISMATCH, NULL);
    return false;
}

static bool within_scope(struct registration *g)
{
    struct error err;
    struct store_token t;
    enum result result = store_token_get(g->from->site->store, g->from->arena, g->bulk.id, &t, &err);
    if (result == OK)
        result = mp_scope_holds(g->from, &t, g->name, &err);
    if (result == OK) {
        g->collection = t.collection;
        g->name_in_scope = *t.names != '\0';
    } else if (result == R_DENIED)
        mp_refuse(g->r, MP_REFUSAL_TOKEN_OUT_OF_SCOPE, err.text);
    else if (result == R_NOTFOUND)
        mp_refuse_verdict(g->r, REASON_TOKEN_REVOKED, &err);
    else
        mp_refuse_fault(g->r, &err);
    return result == OK;
}

/* Who has no voucher but the site's own. */
static bool takes_tokens(struct registration *g)
{
    const struct mp_identity *i = &g->from->identity;
    if (g->from->peer->point->clients & CHOICE_BIT(CHOICE_TOKEN))
        return true;
    mp_refuse_verdict(g->r, i->refused ? i->refused : REASON_METHOD_NOT_ALLOWED_HERE, &i->why);
    return false;
}

static bool vouched_by_bulk(struct registration *g)
{
    enum verdict_reason reason;
    struct error err;
    g->voucher = BY_BULK;
    if (!takes_tokens(g))
        return false;
    if (mp_token_judge(g->from->site, g->from->identity.bearer, PURPOSE_REGISTRATION, SLICE_NONE, &g->bulk, &reason,
                       &err) != OK) {
        mp_refuse_fault(g->r, &err);
        return false;
    }
    if (reason != REASON_OK)
        mp_refuse_verdict(g->r, reason, &err);
    return reason == REASON_OK && within_scope(g);
}

/* TLS proved a key, if any: it must be the one to register. */
static bool vouched_by_nobody(struct registration *g)
{
    char hex[PKI_HASH_HEX];
    const struct mp_identity *i = &g->from->identity;
    g->voucher = BY_NOBODY;
    if (!takes_tokens(g))
        return false;
    if (i->certificate) {
        pki_cert_sha256_hex(i->certificate, hex);
        if (strcmp(hex, g->sha256) != 0) {
            mp_refuse(g->r, MP_REFUSAL_CERTIFICATE_MISMATCH, NULL);
            return false;
        }
    }
    return true;
}

static bool vouched(struct registration *g)
{
    struct mp_denial no;
    switch (g->from->identity.auth) {
    case MP_PKI:
        return vouched_by_pki(g);
    case MP_TOKEN:
        return vouched_by_bulk(g);
    case MP_ENTRA: /* an unbound bearer: the key that signed the request becomes the device's */
        g->voucher = BY_ENTRA;
        return mp_request_pass(g->r, mp_entra_device(g->from, &g->entra, &no), &no);
    case MP_NOBODY:
    default:
        return vouched_by_nobody(g);
    }
}

/* The method by which it is let in must be one that its version knows. */
static bool version_fits(struct registration *g)
{
    const struct choices_line *rule =
        choices_forbids_client(g->from->peer->point->choice, mp_registration_method(g->voucher), (unsigned)g->version);
    struct error why;
    if (!rule)
        return true;
    (void)error_set(&why, R_DENIED, "client version %u: %s (rule %s)", (unsigned)g->version, rule->text, rule->id);
    mp_refuse_verdict(g->r, REASON_METHOD_NOT_ALLOWED_HERE, &why);
    return false;
}

/* --- what stands against it --- */

static bool is_signed(struct registration *g)
{
    bool found;
    struct mp_denial no;
    return mp_request_pass(g->r, mp_signature_check(g->from, g->certificate, MP_SIGNED_ALWAYS, &found, &no), &no);
}

/* A revoked certificate's key gets no token instead of it. */
static bool not_revoked(struct registration *g)
{
    struct mp_denial no;
    const char *machine = g->known ? g->device.machine : g->proven;
    return g->voucher == BY_PKI ||
           mp_request_pass(g->r, mp_device_not_revoked(g->from, machine, g->certificate, &no), &no);
}

static enum result note_clone(struct registration *g, struct error *err)
{
    struct store *s = g->from->site->store;
    char caller[80], detail[2 * NAME_MAX_BYTES + 64];
    (void)snprintf(caller, sizeof caller, "key:%s", g->spki);
    (void)snprintf(detail, sizeof detail, "hardware id %s, and now %s", g->device.hardware_id, g->hardware_id);
    LOG_GATHERED(LOG_WARN, "registration", g->device.guid, "cloned",
                 "the key of a device came with another hardware id: a clone", LOG_T("guid", g->device.guid),
                 LOG_T("name", g->name), LOG_T("hardware_id", g->device.hardware_id), LOG_T("other", g->hardware_id),
                 LOG_T("request", g->r->id));
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_device_note_clone(s, g->device.guid, g->hardware_id, g->now, err);
    if (r == OK && !*g->device.other_hardware)
        r = store_audit_add(
            s,
            &(struct store_audit){
                .caller = caller, .action = "device.cloned", .object = g->device.guid, .detail = detail},
            err);
    return store_end(s, r, err);
}

/* One machine, one identity (PROTOCOL 8): state that turns up on other hardware needs one of its own. */
static bool not_cloned(struct registration *g)
{
    struct error err;
    if (!g->known || g->device.blocked || !*g->hardware_id || !*g->device.hardware_id ||
        strcmp(g->hardware_id, g->device.hardware_id) == 0)
        return true;
    /* one that waits was never anybody: what it tells now is compared with nobody's, so it is not kept */
    if (g->device.state == STORE_PENDING || note_clone(g, &err) == OK)
        mp_refuse(g->r, MP_REFUSAL_CLONED, NULL);
    else
        mp_refuse_fault(g->r, &err);
    return false;
}

static bool may_register(struct registration *g)
{
    struct error err;
    if (mp_registration_find(g, &err) == OK)
        return not_revoked(g) && not_cloned(g);
    mp_refuse_fault(g->r, &err);
    return false;
}

/* --- the answer --- */

static void refuse(struct registration *g, enum result why, const struct error *err)
{
    if (why == R_DENIED)
        mp_refuse_verdict(g->r, REASON_BLOCKED, err);
    else if (why == R_LIMIT)
        mp_refuse(g->r, g->crowded ? MP_REFUSAL_TOO_MANY_WAIT : MP_REFUSAL_TOKEN_USED_UP, err->text);
    else if (why == R_TIMEOUT && g->voucher == BY_BULK)
        mp_refuse_verdict(g->r, REASON_TOKEN_EXPIRED, err);
    else if (why == R_NOTFOUND)
        mp_refuse_verdict(g->r, REASON_TOKEN_REVOKED, err);
    else
        mp_refuse_fault(g->r, err);
}

static void answer(struct registration *g)
{
    const char *approval = store_device_state_name(g->device.state);
    const char *what = "device registered"; /* again: as often as it likes */
    if (!g->known || log_gather(LOG_INFO, "registration", what, g->device.guid, approval, clock_mono_ms()))
        LOG_EVENT(LOG_INFO, "registration", what, LOG_T("guid", g->device.guid), LOG_T("name", g->name),
                  LOG_T("method", g->device.method), LOG_T("approval", approval), LOG_T("why", g->device.reason),
                  LOG_T("request", g->r->id));
    json_t *o = json_pack("{s:s, s:s, s:s?}", "guid", g->device.guid, "approval", approval, "device_token", g->token);
    json_t *expires = g->token ? json_integer(g->expires) : json_null();
    json_t *renew = g->token ? json_integer(g->now + TOKEN_DEVICE_S / 2) : json_null();
    (void)json_object_set_new(o, "expires", expires);
    (void)json_object_set_new(o, "renew_after", renew);
    int status = g->device.state == STORE_APPROVED ? 200 : 202;
    mp_answer_signed(g->r, status, g->device.guid, g->certificate, o);
}

void mp_handle_registration(struct mp_request *r)
{
    struct registration g = {.r = r, .from = &r->sender, .now = clock_wall_s()};
    struct error err;
    enum result result = read_body(&g, &err);
    if (result != OK)
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    else if (vouched(&g) && version_fits(&g) && is_signed(&g) && may_register(&g)) {
        result = mp_registration_record(&g, &err);
        if (result == OK)
            answer(&g);
        else
            refuse(&g, result, &err);
    }
    registration_done(&g);
}
