/* SPDX-License-Identifier: Apache-2.0 */
/* The site's own devices and set-up, by the admin API, as the planner wants them. What the site does not know of a
 * device stays unknown. */
#include "ctl/api.h"
#include "ctl/ask/plan.h"
#include "ctl/pages.h"

static enum result get_list(const struct ctl_common *common, const char *path, json_t **ret, struct ctl_fault *fault)
{
    *ret = NULL;
    return api_call(api_socket(common), "GET", path, NULL, ret, fault);
}

/* A text of the site as an input; what is no word of that input stays unknown. */
static void take_value(struct plan_device *d, enum plan_input in, const char *text)
{
    if (!plan_input_parse(in, slice_of(text), &d->input[in]))
        d->input[in] = 0;
}

/* A device that registered by a method has what that method needs. */
static void take_method(struct plan_device *d, const char *method)
{
    enum choice_client client;
    if (!choices_client_parse(slice_of(method), &client))
        return;
    if (client == CHOICE_PKI)
        take_value(d, PLAN_CERTIFICATE, "pki");
    if (client == CHOICE_ENTRA && d->input[PLAN_JOIN] == 0)
        take_value(d, PLAN_JOIN, "entra");
    if (client == CHOICE_TOKEN)
        take_value(d, PLAN_VERSION, "2002");
}

static enum result add_device(struct plan_fleet *fleet, const json_t *device, struct error *err)
{
    struct plan_device d = {.name = slice_of(json_opt_str(device, "name", ""))};
    int64_t version = json_opt_int(device, "client_version", 0);
    if (d.name.len > PLAN_NAME_MAX)
        d.name.len = PLAN_NAME_MAX;
    if (*json_opt_str(device, "entra_device", "")) /* Entra or hybrid joined: the tables make no difference */
        take_value(&d, PLAN_JOIN, "entra");
    take_method(&d, json_opt_str(device, "method", ""));
    if (version > 0)
        d.input[PLAN_VERSION] = version < CHOICES_TOKENS_SINCE ? 1 : 2;
    return plan_fleet_add(fleet, &d, err);
}

static enum result add_page(void *arg, const json_t *answer, struct ctl_fault *fault)
{
    struct plan_fleet *fleet = arg;
    json_t *device;
    size_t i;
    enum result r = OK;
    json_array_foreach(json_object_get(answer, "devices"), i, device) {
        if (r == OK)
            r = add_device(fleet, device, &fault->what);
    }
    return r;
}

static enum result read_points(const struct ctl_common *common, struct plan_setup *setup, struct ctl_fault *fault)
{
    json_t *answer, *point, *name;
    size_t i, k;
    unsigned modes = 0, clients = 0;
    enum result r = get_list(common, "/v1/status", &answer, fault);
    json_array_foreach(json_object_get(answer, "management_points"), i, point) {
        enum choice_mp mode;
        enum choice_client client;
        if (choices_mp_parse(slice_of(json_opt_str(point, "mode", "")), &mode))
            modes |= PLAN_MODE(mode);
        json_array_foreach(json_object_get(point, "clients"), k, name) {
            if (json_is_string(name) && choices_client_parse(slice_of(json_string_value(name)), &client))
                clients |= CHOICE_BIT(client);
        }
    }
    json_decref(answer);
    if (modes)
        setup->modes = modes;
    if (clients)
        setup->clients = clients;
    return r;
}

static enum result read_settings(const struct ctl_common *common, struct plan_setup *setup, struct ctl_fault *fault)
{
    json_t *answer;
    enum result r = get_list(common, "/v1/settings", &answer, fault);
    const json_t *settings = json_object_get(answer, "settings");
    enum choice_tri check;
    if (choices_tri_parse(slice_of(json_opt_str(settings ? settings : answer, "crl_check", "")), &check))
        setup->crl_check = check != CHOICE_NO;
    json_decref(answer);
    return r;
}

/* A list that a connector fetches is a list that is relayed. */
static enum result read_sources(const struct ctl_common *common, struct plan_setup *setup, struct ctl_fault *fault)
{
    json_t *answer, *source;
    size_t i;
    enum result r = get_list(common, "/v1/sources", &answer, fault);
    json_array_foreach(json_object_get(answer, "sources"), i, source) {
        if (strcmp(json_opt_str(source, "kind", ""), "crl") == 0 &&
            strcmp(json_opt_str(source, "via", ""), "connector") == 0)
            setup->crl_relay = true;
    }
    json_decref(answer);
    return r;
}

/* One connector with a certificate of the PKI is enough for a way inside. */
static enum result read_connectors(const struct ctl_common *common, struct plan_setup *setup, struct ctl_fault *fault)
{
    json_t *answer, *connector;
    size_t i;
    enum result r = get_list(common, "/v1/connectors", &answer, fault);
    json_array_foreach(json_object_get(answer, "connectors"), i, connector) {
        if (json_is_object(json_object_get(connector, "certificate")))
            setup->connector_cert = CHOICE_YES;
        else if (setup->connector_cert == CHOICE_UNKNOWN)
            setup->connector_cert = CHOICE_NO;
    }
    json_decref(answer);
    return r;
}

enum result ctl_plan_site(const struct ctl_common *common, struct plan_fleet *fleet, struct plan_setup *setup,
                          struct ctl_fault *fault)
{
    enum result r = ctl_pages(common, "/v1/devices", add_page, fleet, fault);
    if (r == OK)
        r = read_points(common, setup, fault);
    if (r == OK)
        r = read_settings(common, setup, fault);
    if (r == OK)
        r = read_connectors(common, setup, fault);
    return r == OK ? read_sources(common, setup, fault) : r;
}
