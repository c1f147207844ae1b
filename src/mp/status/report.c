/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of the members that are kept; what is not in them is dropped. Pure. */
#include "mp/status/report.h"

#include "verdict/reason.h"

enum {
    TEXT_MAX = 255,
    LONG_TEXT_MAX = 700,
    PEM_MAX = 12 * 1024,
    STEPS_MAX = 16,
    LISTS_MAX = 8,
    CERTIFICATES_MAX = 16,
    SOURCES_MAX = 512,
    GATEWAYS_MAX = 64,
    UPSTREAMS_MAX = 64,
    TRAIL_MAX = 16
};

/* Times and counts are added to each other. */
static const int64_t number_max = 1LL << 53;

struct member {
    const char *name;
    enum { TEXT, LONG_TEXT, PEM, NUMBER, FLAG } kind;
};

static const struct member gateway_members[] = {{"version", TEXT},
                                                {"bundle", NUMBER},
                                                {"workers", NUMBER},
                                                {"tunnels", NUMBER},
                                                {"connections", NUMBER},
                                                {"started", NUMBER},
                                                {"not_after", NUMBER},
                                                {"disk_free", NUMBER},
                                                {"disk_size", NUMBER},
                                                {"state_fault", LONG_TEXT},
                                                {"document_refused", LONG_TEXT},
                                                {"certificate_fault", LONG_TEXT},
                                                {"acme_fault", LONG_TEXT},
                                                {NULL, TEXT}};
static const struct member certificate_members[] = {
    {"subject", TEXT}, {"not_after", NUMBER}, {"pem", PEM}, {NULL, TEXT}};
static const struct member source_members[] = {
    {"id", TEXT},      {"kind", TEXT},   {"url", TEXT},        {"pointed", FLAG},    {"fetched", NUMBER},
    {"until", NUMBER}, {"next", NUMBER}, {"failures", NUMBER}, {"error", LONG_TEXT}, {NULL, TEXT}};
static const struct member connector_members[] = {
    {"version", TEXT},     {"document", NUMBER},       {"started", NUMBER},
    {"not_after", NUMBER}, {"state_fault", LONG_TEXT}, {"document_refused", LONG_TEXT},
    {"disk_free", NUMBER}, {"disk_size", NUMBER},      {NULL, TEXT}};
static const struct member tunnel_members[] = {{"id", TEXT},   {"host", TEXT},      {"port", NUMBER},
                                               {"up", NUMBER}, {"workers", NUMBER}, {"error", LONG_TEXT},
                                               {NULL, TEXT}};
static const struct member upstream_members[] = {
    {"id", TEXT}, {"reason", TEXT}, {"detail", LONG_TEXT}, {"at", NUMBER}, {NULL, TEXT}};

static const struct member own_certificate_members[] = {
    {"configured", FLAG},  {"needed", FLAG},      {"subject", TEXT}, {"sha256", TEXT},
    {"not_after", NUMBER}, {"checked", NUMBER},   {"state", TEXT},   {"step", TEXT},
    {"detail", TEXT},      {"remedy", LONG_TEXT}, {NULL, TEXT}};
static const struct member step_members[] = {{"step", TEXT}, {"outcome", TEXT}, {"detail", TEXT}, {NULL, TEXT}};

static const struct member verdict_members[] = {
    {"ok", FLAG},       {"reason", TEXT},    {"code", TEXT},      {"detail", LONG_TEXT}, {"subject", TEXT},
    {"identity", TEXT}, {"crl_check", FLAG}, {"unchecked", FLAG}, {"bundle", NUMBER},    {"at", NUMBER},
    {"until", NUMBER},  {"version", TEXT},   {NULL, TEXT}};
static const struct member list_members[] = {{"issuer", TEXT},        {"number", TEXT},        {"delta", FLAG},
                                             {"this_update", NUMBER}, {"next_update", NUMBER}, {NULL, TEXT}};

static const struct member trail_members[] = {
    {"at_ms", NUMBER},  {"what", TEXT},   {"reason", TEXT},          {"status", NUMBER},         {"client", TEXT},
    {"endpoint", TEXT}, {"detail", TEXT}, {"request_bytes", NUMBER}, {"response_bytes", NUMBER}, {NULL, TEXT}};

static bool right(const json_t *value, const struct member *m)
{
    if (m->kind == FLAG)
        return json_is_boolean(value);
    if (m->kind == NUMBER)
        return json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= number_max;
    static const size_t max[] = {[TEXT] = TEXT_MAX, [LONG_TEXT] = LONG_TEXT_MAX, [PEM] = PEM_MAX};
    return json_is_string(value) && json_string_length(value) <= max[m->kind];
}

static json_t *reduce(const json_t *from, const struct member *members)
{
    json_t *o = json_object();
    for (const struct member *m = members; m->name; m++) {
        json_t *value = json_object_get(from, m->name);
        if (right(value, m))
            (void)json_object_set_new(o, m->name, json_incref(value));
    }
    return o;
}

static json_t *reduce_list(const json_t *from, const struct member *members, size_t max)
{
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(from) && i < max; i++)
        (void)json_array_append_new(list, reduce(json_array_get(from, i), members));
    return list;
}

/* Reasons are those of the one table. */
static json_t *reduce_refusals(const json_t *from)
{
    json_t *o = json_object();
    for (enum verdict_reason reason = REASON_OK + 1; reason < REASON_COUNT; reason++) {
        const char *name = verdict_reason_info(reason)->name;
        int64_t count = json_opt_int(from, name, 0);
        if (count > 0 && count <= number_max)
            (void)json_object_set_new(o, name, json_integer((json_int_t)count));
    }
    return o;
}

json_t *mp_report_of_gateway(const json_t *report)
{
    json_t *o = reduce(report, gateway_members);
    (void)json_object_set_new(o, "refusals", reduce_refusals(json_object_get(report, "refusals")));
    (void)json_object_set_new(
        o, "server_certificates",
        reduce_list(json_object_get(report, "server_certificates"), certificate_members, CERTIFICATES_MAX));
    if (json_object_get(report, "sources"))
        (void)json_object_set_new(o, "sources",
                                  reduce_list(json_object_get(report, "sources"), source_members, SOURCES_MAX));
    return o;
}

json_t *mp_report_of_connector(const json_t *report)
{
    json_t *o = reduce(report, connector_members), *own = json_object_get(report, "client_certificate");
    (void)json_object_set_new(o, "gateways",
                              reduce_list(json_object_get(report, "gateways"), tunnel_members, GATEWAYS_MAX));
    if (json_object_get(report, "upstreams"))
        (void)json_object_set_new(o, "upstreams",
                                  reduce_list(json_object_get(report, "upstreams"), upstream_members, UPSTREAMS_MAX));
    if (!own)
        return o;
    json_t *clean = reduce(own, own_certificate_members);
    (void)json_object_set_new(clean, "steps", reduce_list(json_object_get(own, "steps"), step_members, STEPS_MAX));
    (void)json_object_set_new(o, "client_certificate", clean);
    return o;
}

int64_t mp_report_clock(const json_t *report, int64_t now, json_t *clean)
{
    int64_t time = json_opt_int(report, "time", 0);
    if (time <= 0 || time > number_max)
        return 0;
    (void)json_object_set_new(clean, "ahead_s", json_integer((json_int_t)(time - now)));
    return time - now;
}

json_t *mp_report_of_verdict(const json_t *verdict)
{
    json_t *o = reduce(verdict, verdict_members);
    (void)json_object_set_new(o, "lists", reduce_list(json_object_get(verdict, "lists"), list_members, LISTS_MAX));
    return o;
}

json_t *mp_report_of_trail(const json_t *steps)
{
    return reduce_list(steps, trail_members, TRAIL_MAX);
}
