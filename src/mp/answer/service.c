/* SPDX-License-Identifier: Apache-2.0 */
/* The site service (docs/protocol/wire.md 4): what connectors ask, for themselves and for gateways behind them. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/gather.h"
#include "base/host/log.h"
#include "base/text/name.h"
#include "mp/answer/handlers.h"
#include "mp/answer/parked.h"
#include "mp/content/documents.h"
#include "mp/content/list.h"
#include "mp/sender/device.h"
#include "mp/site.h"
#include "mp/status/refusals.h"
#include "mp/status/report.h"
#include "mp/status/went_back.h"
#include "store/sequence.h"
#include "store/site/join.h"
#include "store/site/role.h"

/* That it asks is a sign of life. */
static void handle_document(struct mp_request *r, enum mp_parked_for what)
{
    uint64_t after = 0;
    struct error err;
    struct slice text = mp_request_query(r, SLICE("after"));
    if (text.ptr && (!slice_to_u64(text, &after) || after > INT64_MAX)) {
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, "'after' is a sequence number");
        return;
    }
    if (store_connector_seen(r->site->store, r->sender.identity.connector, clock_wall_s(), NULL, &err) != OK)
        mp_refuse_fault(r, &err);
    else
        mp_parked_add(r, what, (int64_t)after);
}

void mp_handle_site_bundle(struct mp_request *r)
{
    handle_document(r, MP_PARKED_BUNDLE);
}

void mp_handle_site_connector(struct mp_request *r)
{
    handle_document(r, MP_PARKED_CONNECTOR);
}

bool mp_site_gateway(struct mp_request *r, const char *route, char ret[PKI_ROLE_ID_MAX])
{
    struct slice id = slice_skip(r->path, strlen(route));
    ret[0] = '\0';
    if (id.len == 0)
        return true;
    id = slice_skip(id, 1);
    if (name_valid(NAME_MEMBER, id) && slice_to_cstr(id, ret, PKI_ROLE_ID_MAX))
        return true;
    mp_refuse(r, MP_REFUSAL_BAD_REQUEST, "the path does not end with a gateway's id");
    return false;
}

/* What a gateway or connector says that it holds. */
static enum result heard(struct mp_request *r, const char *gateway, const json_t *report, struct error *err)
{
    int64_t own;
    const char *connector = r->sender.identity.connector;
    enum result result = gateway[0] ? store_sequence_get(r->site->store, STORE_SEQUENCE_BUNDLE, &own, NULL, err)
                                    : mp_documents_connector_sequence(r->site, connector, &own, err);
    if (result != OK)
        return result;
    return mp_went_back_heard(r->site, gateway[0] ? "gateway" : "connector", gateway[0] ? gateway : connector,
                              json_opt_int(report, gateway[0] ? "bundle" : "document", 0), own, err);
}

/* What of the gateway's last report, which is kept until now, the new one goes on with. */
static enum result follow(struct mp_request *r, const char *gateway, json_t *clean, int64_t now, struct error *err)
{
    struct store_gateway g;
    json_t *before = NULL;
    enum result result = store_gateway_get(r->site->store, r->arena, gateway, &g, err);
    if (result != OK)
        return result == R_NOTFOUND ? OK : result;
    (void)!(g.report && json_parse(slice_of(g.report), strlen(g.report), &before, NULL) == OK);
    mp_refusals_follow(before, clean, now);
    json_decref(before);
    return OK;
}

static enum result take_report(struct mp_request *r, const char *gateway, const json_t *report, struct error *err)
{
    struct store *s = r->site->store;
    int64_t now = clock_wall_s();
    json_t *clean = gateway[0] ? mp_report_of_gateway(report) : mp_report_of_connector(report);
    int64_t skew = mp_report_clock(report, now, clean);
    if (llabs(skew) > MP_SKEW_S)
        LOG_GATHERED(LOG_WARN, "report", r->sender.identity.connector, "clock", "a clock differs from the site's",
                     LOG_T("of", gateway[0] ? gateway : r->sender.identity.connector), LOG_N("ahead_s", skew));
    enum result result = gateway[0] ? follow(r, gateway, clean, now, err) : OK;
    char *text = json_text(clean);
    if (result == OK)
        result = gateway[0] ? store_gateway_seen(s, gateway, now, text, err)
                            : store_connector_seen(s, r->sender.identity.connector, now, text, err);
    if (result == OK && gateway[0])
        result = store_connector_seen(s, r->sender.identity.connector, now, NULL, err);
    if (result == OK)
        result = store_join_heard(s, gateway[0] ? "gateway" : "connector",
                                  gateway[0] ? gateway : r->sender.identity.connector, err);
    if (result == OK)
        result = heard(r, gateway, clean, err);
    if (result == OK)
        mp_site_store_works(r->site);
    free(text);
    json_decref(clean);
    return result;
}

void mp_handle_site_report(struct mp_request *r)
{
    char gateway[PKI_ROLE_ID_MAX];
    json_t *report = NULL;
    struct error err;
    if (!mp_site_gateway(r, "/.cmg/report", gateway))
        return;
    enum result result = json_parse(buf_data(&r->body), r->body.max, &report, &err);
    if (result == OK && !json_is_object(report))
        result = error_set(&err, R_INVALID, "a report is a JSON object");
    if (result != OK) {
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    } else if (take_report(r, gateway, report, &err) != OK) {
        mp_refuse_fault(r, &err);
    } else {
        mp_answer(r, &(struct mp_answer){.status = 204});
    }
    json_decref(report);
}

/* --- revocation lists, which documents name by their hash --- */

void mp_handle_site_crl(struct mp_request *r)
{
    struct slice name = slice_skip(r->path, strlen("/.cmg/crl/"));
    struct error err;
    char sha256[PKI_HASH_HEX];
    struct mp_text *text;
    if (name.len != PKI_HASH_HEX - 1 || !slice_to_cstr(name, sha256, sizeof sha256)) {
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, "the path ends with a list's SHA-256 in hex");
        return;
    }
    enum result result = mp_lists_get(r->site, sha256, &text, &err);
    if (result == OK)
        mp_answer_text(r, "application/pkix-crl", text);
    else if (result == R_NOTFOUND)
        mp_refuse(r, MP_REFUSAL_UNKNOWN_PATH, "the site has another list by now");
    else
        mp_refuse_fault(r, &err);
}
