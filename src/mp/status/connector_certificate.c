/* SPDX-License-Identifier: Apache-2.0 */
/* From the registered certificate and the report to one state and the step that rules it out. Pure. */
#include "mp/status/connector_certificate.h"

#include <stdio.h>

#include "base/utf8.h"
#include "choices/choices.h"
#include "mp/put.h"
#include "json/json.h"

struct finding {
    const char *state, *step, *remedy;
    char detail[512];
};

/* Rule of the choices: also what `cmg choices` says. */
static const char *rule_text(void)
{
    const struct choices_line *rule = choices_forbids_connector(CHOICE_MP_HTTPS, CHOICE_BIT(CHOICE_PKI), false);
    return rule ? rule->text : "";
}

static struct finding find_missing(const struct store_connector *c, const struct store_mp *demanding)
{
    struct finding f = {.state = "missing", .step = "registered", .remedy = rule_text()};
    (void)snprintf(f.detail, sizeof f.detail, "management point %s is https and takes pki clients, and %s",
                   demanding->id,
                   c->pki_sha256 ? "the connector's own file names no client certificate"
                                 : "no client certificate is registered for this connector");
    if (c->pki_sha256)
        f.step = "configured";
    return f;
}

static struct finding find_another(const struct store_connector *c, const char *sha256)
{
    struct finding f = {.state = "failed",
                        .step = "registered",
                        .remedy = "register the one that it holds: cmg connector certificate ID FILE; or let "
                                  "client_certificate in connector.yaml name the one that is registered"};
    char own[17]; /* a peer's text: of what is cut no half a letter */
    (void)snprintf(own, sizeof own, "%s", sha256);
    utf8_mend_end(own);
    (void)snprintf(f.detail, sizeof f.detail,
                   "the connector holds another certificate (SHA-256 %s…) than the registered one (%.16s…)", own,
                   c->pki_sha256);
    return f;
}

static struct finding find(const struct store_connector *c, const struct store_mp *demanding, const json_t *own)
{
    const char *sha256 = json_opt_str(own, "sha256", ""), *state = json_opt_str(own, "state", "unknown");
    bool reported = own != NULL, configured = json_opt_bool(own, "configured", false);
    struct finding f = {
        .state = state, .step = json_opt_str(own, "step", "none"), .remedy = json_opt_str(own, "remedy", "")};
    (void)snprintf(f.detail, sizeof f.detail, "%s",
                   json_opt_str(own, "detail", reported ? "" : "the connector has not told of it yet"));
    if (demanding && (!c->pki_sha256 || (reported && !configured)))
        return find_missing(c, demanding);
    if (!demanding) /* nobody judges it: what the connector found stays in `steps` */
        return (struct finding){.state = "not_needed", .step = "none", .remedy = ""};
    if (strcmp(state, "failed") != 0 && c->pki_sha256 && *sha256 && strcmp(sha256, c->pki_sha256) != 0)
        return find_another(c, sha256);
    return f;
}

json_t *mp_connector_certificate(const struct store_connector *c, const struct store_mp *demanding,
                                 const json_t *report)
{
    static const char *const told[] = {"subject", "not_after", "checked", "steps"};
    const json_t *own = json_object_get(report, "client_certificate");
    struct finding f = find(c, demanding, own);
    json_t *o =
        json_pack("{s:b, s:b, s:s, s:s, s:s, s:s}", "needed", demanding != NULL, "registered", c->pki_sha256 != NULL,
                  "state", f.state, "step", f.step, "detail", f.detail, "remedy", f.remedy);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        json_t *value = json_object_get(own, told[i]);
        mp_put(o, told[i], value ? json_incref(value) : json_null());
    }
    return o;
}
