/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of `cmg setup` that tell the site by whom devices are vouched for: roots, the revocation list's address,
 * the tenant. */
#include <stdlib.h>

#include "base/text/encode.h"
#include "ctl/wizard/wizard.h"
#include "jose/entra.h"

enum { URL_SIZE = 2048 };

/* As the site calls them. */
#define CRL_SOURCE "devices-crl"
#define TENANT "entra"
#define TENANT_SOURCE "entra-keys"

enum result wizard_tell_gateway_ca(struct wizard *w, struct ctl_fault *fault)
{
    char *pem;
    if (!wizard_given(w, ASK_SERVER_CA))
        return OK;
    enum result r = wizard_read_pem(w, ASK_SERVER_CA, &pem, fault);
    if (r != OK)
        return r;
    r = wizard_set_value(w, "/v1/settings/gateway_ca_pem", pem, fault);
    free(pem);
    if (r == OK)
        join_did(&w->report, "Devices get the root of the gateway's CA with their line");
    return r;
}

enum result wizard_trust_pki(struct wizard *w, struct ctl_fault *fault)
{
    char *pem;
    const char *check = wizard_given(w, ASK_CRL_CHECK);
    if (!wizard_given(w, ASK_CLIENT_CA))
        return OK;
    enum result r = wizard_read_pem(w, ASK_CLIENT_CA, &pem, fault);
    if (r != OK)
        return r;
    r = wizard_call(w, "POST", "/v1/trust", json_pack("{s:s, s:s}", "kind", "anchor", "data", pem), NULL, fault);
    free(pem);
    if (r == OK)
        r = wizard_set_value(w, "/v1/settings/crl_check", check ? check : "on", fault);
    if (r == OK)
        join_did(&w->report, "The site trusts the devices' PKI (%s); revocation is%s checked",
                 wizard_text(w, ASK_CLIENT_CA), check && strcmp(check, "off") == 0 ? " not" : "");
    return r;
}

/* --- whence its lists come --- */

/* What the gateway can't reach, a connector fetches from inside. */
static const char *via_of(const struct wizard *w, struct slice url)
{
    bool is_http = slice_starts_nocase(url, SLICE("http://")) || slice_starts_nocase(url, SLICE("https://"));
    return is_http && strcmp(wizard_text(w, ASK_CRL_RELAY), "on") != 0 ? "internet" : "connector";
}

static enum result add_source(const struct wizard *w, const char *id, const char *kind, const char *url,
                              const char *via, struct ctl_fault *fault)
{
    return wizard_call(w, "POST", "/v1/sources",
                       json_pack("{s:s, s:s, s:s, s:s}", "id", id, "kind", kind, "url", url, "via", via), NULL, fault);
}

/* Of a source or tenant that is there, what the administrator made of it since stands. */
static enum result is_there(const struct wizard *w, const char *path, const char *member, const char *id, bool *ret,
                            struct ctl_fault *fault)
{
    json_t *row = NULL;
    enum result r = wizard_find(w, path, member, id, &row, fault);
    *ret = row != NULL;
    json_decref(row);
    return r;
}

enum result wizard_name_crl(struct wizard *w, struct ctl_fault *fault)
{
    bool there;
    const char *url = wizard_given(w, ASK_CRL_URL);
    enum result r = url ? is_there(w, "/v1/sources", "sources", CRL_SOURCE, &there, fault) : R_AGAIN;
    if (r != OK)
        return r == R_AGAIN ? OK : r;
    const char *via = via_of(w, slice_of(url));
    if (!there)
        r = add_source(w, CRL_SOURCE, "crl", url, via, fault);
    if (r == OK)
        join_did(&w->report, "The revocation list comes from %s, fetched by %s", url,
                 *via == 'i' ? "the gateway" : "a connector");
    return r;
}

/* --- the tenant --- */

/* Microsoft's tenant by its id, any other provider by its URL. */
static json_t *tenant_body(const char *tenant, const char *audience)
{
    bool is_entra = guid_valid(slice_of(tenant));
    json_t *issuers = is_entra ? entra_issuers(tenant) : json_pack("[s]", tenant);
    return json_pack("{s:s, s:o, s:[s], s:s, s:s*}", "id", TENANT, "issuers", issuers, "audiences", audience, "source",
                     TENANT_SOURCE, "tenant", is_entra ? tenant : NULL);
}

/* Where a provider tells its keys: OpenID Connect Discovery 1.0, section 4. */
static void discovery_of(const char *tenant, char ret[URL_SIZE])
{
    const char *authority = guid_valid(slice_of(tenant)) ? ENTRA_AUTHORITY : "";
    size_t len = strlen(tenant);
    int shown = (int)(len && tenant[len - 1] == '/' ? len - 1 : len);
    (void)snprintf(ret, URL_SIZE, "%s%.*s%s/.well-known/openid-configuration", authority, shown, tenant,
                   *authority ? "/v2.0" : "");
}

enum result wizard_name_tenant(struct wizard *w, struct ctl_fault *fault)
{
    bool there;
    char url[URL_SIZE];
    const char *tenant = wizard_given(w, ASK_TENANT), *audience = wizard_text(w, ASK_AUDIENCE);
    enum result r = tenant ? is_there(w, "/v1/tenants", "tenants", TENANT, &there, fault) : R_AGAIN;
    if (r != OK)
        return r == R_AGAIN ? OK : r;
    if (!there) {
        discovery_of(tenant, url);
        r = add_source(w, TENANT_SOURCE, "oidc", url, "internet", fault);
        if (r == OK)
            r = wizard_call(w, "POST", "/v1/tenants", tenant_body(tenant, audience), NULL, fault);
    }
    if (r == OK)
        join_did(&w->report, "The site takes tokens of %s that are meant for %s", tenant, audience);
    return r;
}
