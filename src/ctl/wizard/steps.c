/* SPDX-License-Identifier: Apache-2.0 */
/* What `cmg setup` does, as a table of steps. Each looks first whether its work is there, so that a run that was
 * stopped goes on, and one more says what there is. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/api.h"
#include "ctl/secret.h"
#include "ctl/wizard/wizard.h"
#include "join/place.h"

enum { TICK_MS = 50, MP_WAIT_MS = 60 * 1000, CONNECTOR_WAIT_MS = 30 * 1000 };

/* --- the site --- */

static struct site_plan plan_of(const struct wizard *w)
{
    return (struct site_plan){.dir = w->dir,
                              .site = wizard_text(w, ASK_SITE),
                              .paths = site_paths_for(w->dir),
                              .store = wizard_given(w, ASK_STORE),
                              .mps = {{.mode = wizard_mode(w),
                                       .listen = wizard_text(w, ASK_MP_LISTEN),
                                       .url = wizard_text(w, ASK_MP_URL),
                                       .identity = {wizard_given(w, ASK_MP_CERT), wizard_given(w, ASK_MP_KEY),
                                                    wizard_given(w, ASK_MP_PASSWORD)},
                                       .ca = wizard_given(w, ASK_MP_CA),
                                       .clients = wizard_clients(w)}},
                              .mp_count = 1};
}

static enum result make_site(struct wizard *w, struct ctl_fault *fault)
{
    char pin[PKI_HASH_HEX];
    struct error err;
    struct site_plan plan = plan_of(w);
    if (w->there) {
        join_did(&w->report, "The site %s is there already, in %s", plan.site, w->dir);
        return OK;
    }
    enum result r = wizard_keep(w, &err);
    if (r == OK)
        r = site_init(&plan, pin, &err);
    if (r == R_CONFLICT)
        error_remedy(&err, "half of a site is there, of a run that was ended by force, and nothing depends on it: move "
                           "its keys and offline away, and run cmg setup again");
    if (r != OK)
        return wizard_fail(fault, &err, w->dir);
    join_did(&w->report, "Made the site %s in %s; the pin of its root is %s", plan.site, w->dir, pin);
    return OK;
}

/* --- the management point --- */

static bool mp_answers(const struct wizard *w)
{
    struct ctl_fault fault = {0};
    return wizard_call(w, "GET", "/v1/status", NULL, NULL, &fault) == OK;
}

static enum result wait_mp(struct wizard *w, struct ctl_fault *fault)
{
    for (unsigned waited = 0; waited < MP_WAIT_MS; waited += TICK_MS) {
        if (mp_answers(w))
            return OK;
        enum result r = wizard_turn(w, TICK_MS, fault);
        if (r != OK)
            return r;
    }
    (void)snprintf(fault->where, sizeof fault->where, "admin socket %s", w->socket);
    (void)snprintf(fault->remedy, sizeof fault->remedy,
                   "see why in its log (systemctl status cmg-mp), mend it, and run cmg setup again");
    return error_set(&fault->what, R_TIMEOUT, "the management point was started and does not answer");
}

/* May its service read what it is given? Says what to do if not. */
static bool mp_may_read(struct wizard *w)
{
    static const enum wizard_id files[] = {ASK_MP_CERT, ASK_MP_KEY, ASK_MP_PASSWORD, ASK_MP_CA};
    struct join_place place = {.state = (char *)(uintptr_t)site_paths_for(w->dir).state};
    bool may = true;
    for (size_t i = 0; w->usual && i < ARRAY_LEN(files); i++) {
        const char *path = wizard_given(w, files[i]);
        may = (!path || join_place_readable(&w->report, &place, path)) && may;
    }
    return may;
}

static enum result start_mp(struct wizard *w, struct ctl_fault *fault)
{
    if (mp_answers(w)) {
        join_did(&w->report, "The management point runs already");
        return OK;
    }
    enum result r = mp_may_read(w) ? wizard_start(w, RUN_MP, fault) : R_AGAIN;
    return r == OK ? wait_mp(w, fault) : r;
}

/* --- roles --- */

static bool has_joined(const json_t *role)
{
    return json_opt_int(role, "not_after", 0) > 0;
}

static bool file_there(const struct wizard *w, const char *name)
{
    char *path = file_join(w->dir, name);
    bool ret = file_exists(path);
    free(path);
    return ret;
}

/* One that was stopped between the site's answer and its keeping has its key still, and may ask again. */
static enum result connector_string(struct wizard *w, bool renew, json_t **ret, struct ctl_fault *fault)
{
    char *pem = NULL;
    enum result r = wizard_cert_needed(w) ? wizard_read_pem(w, ASK_CONNECTOR_CERT, &pem, fault) : OK;
    if (r != OK)
        return r;
    json_t *body = json_pack("{s:s, s:b, s:s*, s:{}}", "id", wizard_text(w, ASK_CONNECTOR_ID), "renew", (int)renew,
                             "certificate_pem", pem, "join");
    free(pem);
    return wizard_call(w, "POST", "/v1/connectors", body, ret, fault);
}

static enum result join_connector(struct wizard *w, bool renew, struct ctl_fault *fault)
{
    json_t *answer = NULL;
    enum result r = connector_string(w, renew, &answer, fault);
    if (r == OK)
        r = wizard_join_connector(w, json_opt_str(answer, "join", ""), fault);
    json_decref(answer);
    return r;
}

static enum result add_connector(struct wizard *w, struct ctl_fault *fault)
{
    json_t *row;
    const char *id = wizard_text(w, ASK_CONNECTOR_ID);
    enum result r = wizard_find(w, "/v1/connectors", "connectors", id, &row, fault);
    if (r != OK)
        return r;
    bool joined = row && has_joined(row), pending = file_there(w, "connector.joining.key");
    json_decref(row);
    if (file_there(w, "connector.bootstrap.json"))
        join_did(&w->report, "The connector %s has joined already, on this machine", id);
    else if (joined && !pending)
        join_did(&w->report, "The connector %s has joined already, on another machine", id);
    else
        return join_connector(w, joined, fault);
    return OK;
}

/* 0: never. */
static int64_t connector_seen(const struct wizard *w)
{
    json_t *row = NULL;
    struct ctl_fault fault = {0};
    if (wizard_find(w, "/v1/connectors", "connectors", wizard_text(w, ASK_CONNECTOR_ID), &row, &fault) != OK)
        return 0;
    int64_t seen = json_opt_int(row, "seen", 0);
    json_decref(row);
    return seen;
}

/* For a trial; the service was started by cmg-connector join. */
static enum result start_connector(struct wizard *w, struct ctl_fault *fault)
{
    int64_t before = clock_wall_s();
    if (!w->run_here || !file_there(w, "connector.yaml"))
        return OK;
    enum result r = wizard_start(w, RUN_CONNECTOR, fault);
    for (unsigned waited = 0; r == OK && waited < CONNECTOR_WAIT_MS && connector_seen(w) < before; waited += TICK_MS)
        r = wizard_turn(w, TICK_MS, fault);
    return r;
}

static json_t *gateway_body(const struct wizard *w)
{
    char host[NET_HOST_MAX];
    uint16_t port;
    wizard_gateway(w, host, &port);
    return json_pack("{s:s, s:s, s:i, s:{}}", "id", wizard_text(w, ASK_GATEWAY_ID), "host", host, "port", (int)port,
                     "join");
}

static enum result add_gateway(struct wizard *w, struct ctl_fault *fault)
{
    json_t *row, *answer = NULL;
    const char *id = wizard_text(w, ASK_GATEWAY_ID);
    enum result r = wizard_find(w, "/v1/gateways", "gateways", id, &row, fault);
    if (r != OK)
        return r;
    w->gateway_joined = row && has_joined(row);
    bool again = row != NULL;
    json_decref(row);
    if (w->gateway_joined) {
        join_did(&w->report, "The gateway %s has joined already", id);
        return OK;
    }
    r = wizard_call(w, "POST", "/v1/gateways", gateway_body(w), &answer, fault);
    if (r != OK)
        return r;
    w->gateway_line = mem_strdup(json_opt_str(answer, "join", ""));
    w->gateway_until = json_opt_int(answer, "expires", 0);
    json_decref(answer);
    join_did(&w->report, "Made %sline for the gateway %s%s", again ? "another " : "the ", id,
             again ? "; the one before counts no longer" : "");
    return OK;
}

/* --- devices --- */

static enum result make_devices_line(struct wizard *w, struct ctl_fault *fault)
{
    uint64_t uses = 1;
    json_t *answer = NULL;
    struct error err;
    (void)!slice_to_u64(slice_of(wizard_text(w, ASK_DEVICES)), &uses);
    enum result r = wizard_call(w, "POST", "/v1/tokens", json_pack("{s:{}, s:I}", "join", "uses", (json_int_t)uses),
                                &answer, fault);
    if (r != OK)
        return r;
    w->devices_line = mem_strdup(json_opt_str(answer, "join", ""));
    w->devices_until = json_opt_int(answer, "expires", 0);
    json_decref(answer);
    join_did(&w->report, "Made the line for devices: %llu may join by it", (unsigned long long)uses);
    r = wizard_keep(w, &err);
    return r == OK ? OK : wizard_fail(fault, &err, w->dir);
}

static enum result add_devices(struct wizard *w, struct ctl_fault *fault)
{
    char until[CLOCK_TEXT_SIZE];
    if (!(wizard_clients(w) & CHOICE_BIT(CHOICE_TOKEN)))
        return OK;
    if (w->devices_until <= clock_wall_s())
        return make_devices_line(w, fault);
    clock_rfc3339(w->devices_until, until);
    join_did(&w->report,
             "A line for devices was printed before, and counts until %s; another one: cmg enrollment "
             "--join --uses N",
             until);
    return OK;
}

/* --- */

enum result wizard_run(struct wizard *w, struct ctl_fault *fault)
{
    static enum result (*const steps[])(struct wizard * w, struct ctl_fault * fault) = {
        make_site,          start_mp,      wizard_tell_gateway_ca, wizard_trust_pki, wizard_name_crl,
        wizard_name_tenant, add_connector, start_connector,        add_gateway,      add_devices};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        enum result r = wizard_turn(w, 0, fault);
        if (r == OK)
            r = steps[i](w, fault);
        if (r != OK)
            return r;
    }
    return OK;
}
