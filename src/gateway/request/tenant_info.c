/* SPDX-License-Identifier: Apache-2.0 */
/* What is told to everybody, so its rates come first. Knows tenants from the bundle alone and asks nobody. In the
 * worker's thread. */
#include "gateway/request/tenant_info.h"

#include <stdlib.h>

#include "json/json.h"

bool tenant_info_asked(const struct target *t)
{
    return t->kind == TARGET_SERVER && t->path.len == 0 && slice_eq_nocase(t->role, SLICE("AADAuthInfo"));
}

/* "?TenantID=<id>", the name ignoring case. */
static struct slice tenant_id(const struct target *t)
{
    struct slice rest = t->query.len ? slice_skip(t->query, 1) : SLICE_NONE;
    while (rest.ptr) {
        struct slice value = slice_cut(&rest, '&'), name = slice_cut(&value, '=');
        if (slice_eq_nocase(name, SLICE("TenantID")))
            return value;
    }
    return SLICE_NONE;
}

enum verdict_reason tenant_info_allowed(struct gateway_connection *c, struct net_questions *all_together,
                                        const struct target *t, struct error *detail)
{
    const struct gateway_clients *all = c->clients;
    if (!net_stranger_may_ask(all->strangers, &c->stranger, all_together, loop_now_ms(all->loop))) {
        (void)error_set(detail, R_LIMIT, "one address is told of tenants %d times a second, all together %d times",
                        NET_STRANGERS_QUESTIONS, TENANT_INFO_PER_SECOND);
        return REASON_TOO_MANY_REQUESTS;
    }
    if (bundle_tenant_find(c->client.judge->snapshot->bundle, tenant_id(t)) != SIZE_MAX)
        return REASON_OK;
    (void)error_set(detail, R_NOTFOUND,
                    "?TenantID= names no tenant that was added here (cmg tenant add) and is enabled");
    return REASON_TOKEN_UNKNOWN_TENANT;
}

void tenant_info_answer(const struct bundle *b, const struct target *t, struct http_exchange *x)
{
    size_t i = bundle_tenant_find(b, tenant_id(t));
    const struct entra_tenant *tenant = &b->tenants[i];
    struct slice rest = slice_of(tenant->issuers), issuer = slice_cut(&rest, ' ');
    json_t *o = json_pack("{s:s, s:s, s:s, s:s%}", "tenant", tenant->tenant[0] ? tenant->tenant : tenant->id,
                          "client_app_id", b->tenant_infos[i].client_app_id, "resource", b->tenant_infos[i].resource,
                          "issuer", issuer.ptr, issuer.len);

    char *text = json_text(o);
    http_exchange_reply(x, 200, "application/json", slice_of(text), NULL);
    free(text);
    json_decref(o);
}
