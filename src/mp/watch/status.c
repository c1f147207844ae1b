/* SPDX-License-Identifier: Apache-2.0 */
/* The site's status put together: what its store, its gateways and connectors, and this process tell. */
#include "mp/watch/status.h"

#include "base/clock.h"
#include "bundle/role/space.h"
#include "mp/answer/parked.h"
#include "mp/content/content.h"
#include "mp/notify/waiting.h"
#include "mp/put.h"
#include "mp/sender/tenants.h"
#include "mp/status/problems.h"
#include "mp/status/trust_fault.h"
#include "mp/status/went_back.h"
#include "mp/watch/status_part.h"
#include "store/device/device.h"
#include "store/sequence.h"
#include "store/site/alert.h"
#include "store/site/endpoint.h"
#include "store/site/setting.h"
#include "store/site/trust.h"

/* Devices about which an administrator has to say something: the first few. */
static enum result put_noticed(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    enum { TOLD = 5 };
    struct store_device *waiting, *cloned;
    size_t waiting_count, cloned_count;
    json_t *w = json_array(), *c = json_array();
    mp_put(o, "waiting", w);
    mp_put(o, "cloned", c);
    enum result result = store_device_waiting(site->store, a, TOLD, &waiting, &waiting_count, err);
    if (result == OK)
        result = store_device_cloned(site->store, a, TOLD, &cloned, &cloned_count, err);
    for (size_t i = 0; result == OK && i < waiting_count; i++)
        mp_push(w, json_pack("{s:s, s:s, s:s}", "guid", waiting[i].guid, "name", waiting[i].name, "reason",
                             waiting[i].reason));
    for (size_t i = 0; result == OK && i < cloned_count; i++)
        mp_push(c, json_pack("{s:s, s:s, s:s, s:s, s:I}", "guid", cloned[i].guid, "name", cloned[i].name, "hardware_id",
                             cloned[i].hardware_id, "other_hardware", cloned[i].other_hardware, "at",
                             (json_int_t)cloned[i].other_hardware_at));
    return result;
}

static enum result put_counts(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    (void)a;
    struct store_device_counts n;
    int64_t sequence = 0, issued = 0;
    enum result result = store_device_count(site->store, &n, err);
    if (result == OK)
        result = store_sequence_get(site->store, STORE_SEQUENCE_BUNDLE, &sequence, &issued, err);
    if (result != OK)
        return result;
    mp_put(o, "devices",
           json_pack("{s:I, s:I, s:I}", "approved", (json_int_t)n.approved, "pending", (json_int_t)n.pending, "blocked",
                     (json_int_t)n.blocked));
    mp_put(o, "bundle", json_pack("{s:I, s:I}", "sequence", (json_int_t)sequence, "issued", (json_int_t)issued));
    mp_put(o, "parked", json_integer((json_int_t)mp_parked_count(site->parked)));
    mp_put(o, "listening", json_integer((json_int_t)mp_waiting_count(site->waiting)));
    return OK;
}

/* Also those that ended a while ago: who brings such a device back has to know. */
static enum result put_tokens_ending(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    enum { TOLD = 5 };
    struct store_device_ending *list;
    size_t count;
    int64_t grace, all, now = clock_wall_s();
    json_t *first = json_array();
    enum result r = store_setting_get_int(site->store, "renewal_grace", &grace, err);
    if (r == OK)
        r = store_device_token_ending(site->store, a, now - grace - MP_ENDS_SOON_S, now - grace + MP_ENDS_SOON_S, TOLD,
                                      &all, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(first, json_pack("{s:s, s:s, s:I, s:I}", "guid", list[i].guid, "name", list[i].name, "seen",
                                 (json_int_t)list[i].last_seen, "dies", (json_int_t)(list[i].expires + grace)));
    mp_put(o, "tokens_ending", json_pack("{s:I, s:o}", "count", (json_int_t)(r == OK ? all : 0), "first", first));
    return r;
}

static enum result put_space(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    (void)a;
    (void)err;
    mp_put(o, "disk_free", json_null());
    mp_put(o, "disk_size", json_null());
    bundle_put_space(o, site->config->state);
    return OK;
}

/* Endpoints whose server is told of no certificate any more: mp/content/connector.c. */
static enum result put_unnamed(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    struct store_endpoint *list;
    size_t count, anchors;
    json_t *unnamed = json_array();
    mp_put(o, "headers_left_out", unnamed);
    enum result result = store_trust_anchors(site->store, &anchors, err);
    if (result == OK)
        result = store_endpoint_list(site->store, a, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        if (strcmp(list[i].headers, "cmg") != 0 && !mp_content_form_is_safe(&list[i], anchors))
            mp_push(unnamed, json_pack("{s:s, s:s}", "endpoint", list[i].id, "headers", list[i].headers));
    }
    return result;
}

static enum result put_trust(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    return mp_trust_put_faults(site, a, o, err);
}

static enum result put_went_back(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    json_t *went_back = NULL;
    (void)a;
    enum result r = mp_went_back_json(site, &went_back, err);
    mp_put(o, "went_back", went_back ? went_back : json_null());
    return r;
}

static json_t *fault_json(const struct mp_site *site)
{
    json_t *text = json_string(site->fault.text); /* NULL when it quotes what is not UTF-8 */
    if (!site->fault.at) {
        json_decref(text);
        return json_null();
    }
    return json_pack("{s:I, s:o}", "at", (json_int_t)site->fault.at, "text", text ? text : json_string("unknown"));
}

static json_t *join_refused_json(const struct mp_site *site)
{
    if (!site->join_refused.at)
        return json_null();
    json_t *text = json_string(site->join_refused.text); /* NULL when it was cut inside a character */
    return json_pack("{s:I, s:s, s:o}", "at", (json_int_t)site->join_refused.at, "of", site->join_refused.of, "text",
                     text ? text : json_string("unknown"));
}

/* Receivers of alerts that take nothing, for what can't be told by alert. */
static enum result put_alerts(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    struct store_receiver *list;
    size_t count;
    json_t *array = json_array();
    enum result r = store_receiver_list(site->store, a, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(array,
                json_pack("{s:s, s:s, s:I, s:I, s:s}", "id", list[i].id, "kind", list[i].kind, "sent",
                          (json_int_t)list[i].sent, "failures", (json_int_t)list[i].failures, "fault", list[i].fault));
    mp_put(o, "alerts", array);
    return r;
}

/* What mp_problems wants of put_counts(). */
static enum result put_pending(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    int64_t pending = 0;
    (void)a;
    enum result r = store_device_count_pending(site->store, &pending, err);
    mp_put(o, "devices", json_pack("{s:I}", "pending", (json_int_t)pending));
    return r;
}

typedef enum result put_fn(struct mp_site *site, struct arena *a, json_t *status, struct error *err);

/* With "problems"; `counts` puts "devices". */
static enum result put_all(struct mp_site *site, struct arena *a, put_fn *counts, json_t *o, struct error *err)
{
    put_fn *const parts[] = {mp_status_put_points,
                             mp_status_put_gateways,
                             mp_status_put_connectors,
                             counts,
                             put_noticed,
                             put_tokens_ending,
                             put_space,
                             put_alerts,
                             put_unnamed,
                             put_trust,
                             put_went_back};
    enum result r = OK;
    for (size_t i = 0; i < site->keys.end_count; i++)
        mp_push(json_object_get(o, "certificates"), json_pack("{s:s, s:I}", "what", site->keys.ends[i].what,
                                                              "not_after", (json_int_t)site->keys.ends[i].not_after));
    for (size_t i = 0; r == OK && i < ARRAY_LEN(parts); i++)
        r = parts[i](site, a, o, err);
    mp_put(o, "fault", fault_json(site));
    mp_put(o, "join_refused", join_refused_json(site));
    mp_put(o, "own_sources", mp_tenants_sources(site));
    if (r == OK)
        mp_put(o, "problems", mp_problems(o, clock_wall_s()));
    return r;
}

enum result mp_status(struct mp_site *site, struct arena *a, json_t **ret, struct error *err)
{
    const struct mp_keys *k = &site->keys;
    *ret = json_pack("{s:s, s:s, s:s, s:[]}", "site", k->site, "pin", k->pin, "version", CMG_VERSION, "certificates");
    enum result r = put_all(site, a, put_counts, *ret, err);
    if (r != OK)
        json_decref(*ret);
    return r;
}

enum result mp_status_problems(struct mp_site *site, struct arena *a, json_t **ret, struct error *err)
{
    json_t *o = json_pack("{s:[]}", "certificates");
    enum result r = put_all(site, a, put_pending, o, err);
    *ret = r == OK ? json_incref(json_object_get(o, "problems")) : NULL;
    json_decref(o);
    return r;
}
