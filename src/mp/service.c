/* SPDX-License-Identifier: Apache-2.0 */
/* The site service (docs/protocol/wire.md 4): what connectors ask, for themselves and for gateways behind them. */
#include <stdlib.h>

#include "base/clock.h"
#include "mp/handlers.h"
#include "mp/parked.h"
#include "mp/site.h"
#include "store/role.h"

/* That it asks is a sign of life. */
static void handle_document(struct mp_request *r, bool bundle)
{
    uint64_t after = 0;
    struct error err;
    struct slice text = mp_request_query(r, SLICE("after"));
    if (text.ptr && (!slice_to_u64(text, &after) || after > INT64_MAX)) {
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, "'after' is a sequence number");
        return;
    }
    if (store_connector_seen(r->site->store, r->identity.connector, clock_wall_s(), NULL, &err) != OK)
        mp_refuse_fault(r, &err);
    else
        mp_parked_add(r, bundle, (int64_t)after);
}

void mp_handle_site_bundle(struct mp_request *r)
{
    handle_document(r, true);
}

void mp_handle_site_connector(struct mp_request *r)
{
    handle_document(r, false);
}

/* A gateway's report names the gateway; any other is the connector's own. */
static enum result take_report(struct mp_request *r, const json_t *report, struct error *err)
{
    const char *gateway = json_opt_str(report, "gateway", NULL);
    struct store *s = r->site->store;
    int64_t now = clock_wall_s();
    char *text = json_text(report);
    enum result result = gateway ? store_gateway_seen(s, gateway, now, text, err)
                                 : store_connector_seen(s, r->identity.connector, now, text, err);
    if (result == OK && gateway)
        result = store_connector_seen(s, r->identity.connector, now, NULL, err);
    free(text);
    return result;
}

void mp_handle_site_report(struct mp_request *r)
{
    json_t *report = NULL;
    struct error err;
    enum result result = json_parse(buf_data(&r->body), r->body.max, &report, &err);
    if (result == OK && !json_is_object(report))
        result = error_set(&err, R_INVALID, "a report is a JSON object");
    if (result != OK) {
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    } else if ((result = take_report(r, report, &err)) != OK) {
        mp_refuse_fault(r, &err);
    } else {
        mp_answer(r, &(struct mp_answer){.status = 204});
    }
    json_decref(report);
}
