/* SPDX-License-Identifier: Apache-2.0 */
/* What the site itself says of a failed step of the analysis: its status is asked, and a problem in it that stands
 * behind the step is put beside the cause. Without a management point to ask, the analysis stays as it is. */
#include "ctl/ask/behind.h"

#include <stdio.h>
#include <string.h>

#include "ctl/api.h"

/* What a device is told, and what of the site's problems can be behind it. */
static const struct {
    const char *cause;
    const char *problems[5]; /* until NULL */
} table[] = {
    {"no_connection_point", {"connector_certificate", "connector_silent", "no_connector", "gateway_unreachable"}},
    {"stale_bundle", {"connector_silent", "no_connector", "gateway_unreachable"}},
    {"refused", {"endpoint_unreachable"}},
    {"tls", {"endpoint_unreachable"}},
    {"name", {"endpoint_unreachable"}},
    {"client_certificate_required", {"connector_certificate", "endpoint_unreachable"}},
};

static const char *const *problems_behind(const char *cause)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strcmp(table[i].cause, cause) == 0)
            return table[i].problems;
    }
    return NULL;
}

static bool has_gateway(const json_t *status, const struct analyze_gateway *wanted)
{
    const json_t *g;
    size_t i;
    json_array_foreach(json_object_get(status, "gateways"), i, g) {
        if (slice_eq_nocase(slice_of(json_opt_str(g, "host", "")), slice_of(wanted->host)) &&
            json_opt_int(g, "port", 0) == (int64_t)wanted->port)
            return true;
    }
    return false;
}

/* The first that can be behind it, and, of an endpoint, is of the management point that was asked. */
static const json_t *find_problem(const json_t *status, const char *const *wanted, const char *step)
{
    const json_t *p;
    size_t i;
    char role[80] = "";
    if (strncmp(step, "mp.", 3) == 0)
        (void)snprintf(role, sizeof role, "%.*s.", (int)strcspn(step + 3, "."), step + 3);
    for (; *wanted; wanted++) {
        json_array_foreach(json_object_get(status, "problems"), i, p) {
            bool of_endpoint = strcmp(*wanted, "endpoint_unreachable") == 0;
            if (strcmp(json_opt_str(p, "cause", ""), *wanted) == 0 &&
                (!of_endpoint || strncmp(json_opt_str(p, "of", ""), role, strlen(role)) == 0))
                return p;
        }
    }
    return NULL;
}

static void take_problem(const json_t *problem, struct analyze_result *r)
{
    char found[sizeof r->found], remedy[sizeof r->remedy];
    (void)snprintf(found, sizeof found, "%.250s; by what the site knows: %s", r->found,
                   json_opt_str(problem, "found", ""));
    (void)snprintf(remedy, sizeof remedy, "%s", json_opt_str(problem, "remedy", r->remedy));
    analyze_fail_as(r, json_opt_str(problem, "cause", r->cause), found, remedy);
}

void behind_explain(void *arg, struct analyze_result *r)
{
    const struct behind *b = arg;
    const char *const *wanted = problems_behind(r->cause);
    struct ctl_fault fault;
    json_t *status = NULL;
    if (!wanted || api_call(api_socket(b->common), "GET", "/v1/status", NULL, &status, &fault) != OK)
        return;
    const json_t *problem = has_gateway(status, b->gateway) ? find_problem(status, wanted, r->id) : NULL;
    if (problem)
        take_problem(problem, r);
    json_decref(status);
}
