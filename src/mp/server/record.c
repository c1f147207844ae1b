/* SPDX-License-Identifier: Apache-2.0 */
/* The record of a management point and its standard endpoints, as rows of the store. At start, and when the anchors of
 * its certificate have changed. */
#include "mp/server/record.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "mp/certificate_files.h"
#include "store/site/endpoint.h"
#include "store/site/role.h"

enum { KIB = 1024, MIB = 1024 * KIB };

/* What gateways let through to it. How much of a body this program itself takes is in the table of mp/answer/routes.c,
 * which may be less: of what it does not support yet it reads the head alone. */
static const struct {
    const char *name, *purpose, *methods;
    unsigned clients; /* CHOICE_BIT()s that it is for */
    int64_t max_body;
} standard[] = {
    {"CCM_Client", "registration", "POST", CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN) | CHOICE_BIT(CHOICE_ENTRA),
     64 * KIB},
    {"CCM_STS", "sts", "POST", CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN) | CHOICE_BIT(CHOICE_ENTRA), 64 * KIB},
    {"SMS_MP", "general", "GET HEAD", CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN), 64 * KIB},
    {"CCM_User", "user", "GET HEAD", CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN), 64 * KIB},
    {"CCM_Notification", "general", "GET", CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN), 64 * KIB},
    {"CCM_Content", "general", "GET HEAD", CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN), 64 * KIB},
    {"CCM_System", "general", "POST CCM_POST", CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN), MIB},
    {"CCM_Incoming", "general", "POST PUT BITS_POST", CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN), 32 * MIB},
};

/* Devices of the tenant show its token to be let in, and tokens of the site's from then on. */
static unsigned clients_of(const struct mp_point *p, size_t which)
{
    unsigned of = standard[which].clients, clients = p->config->clients;
    if ((clients & CHOICE_BIT(CHOICE_ENTRA)) && !(of & CHOICE_BIT(CHOICE_ENTRA)))
        clients |= CHOICE_BIT(CHOICE_TOKEN);
    return of & clients;
}

static enum result register_endpoint(const struct mp_point *p, size_t which, struct error *err)
{
    char id[160], auth[MP_CLIENTS_TEXT];
    unsigned clients = clients_of(p, which);
    (void)snprintf(id, sizeof id, "%s.%s", p->config->id, standard[which].name);
    char *name = id + strlen(p->config->id);
    ascii_lower_all(name, strlen(name));
    mp_clients_text(clients, auth);
    struct store_endpoint e = {.id = id,
                               .role = p->config->id,
                               .name = standard[which].name,
                               .host = "",
                               .auth = auth,
                               .purpose = standard[which].purpose,
                               .methods = standard[which].methods,
                               .max_body = standard[which].max_body,
                               .headers = "cmg",
                               .management_point = true,
                               .url = "",
                               .upstream_host = ""};
    return store_endpoint_put(p->site->store, &e, err);
}

static enum result register_all(const struct mp_point *p, const char *anchors, struct error *err)
{
    char clients[MP_CLIENTS_TEXT];
    mp_clients_text(p->config->clients, clients);
    struct store_mp record = {p->config->id, p->config->mode, p->config->url, clients, anchors};
    enum result r = store_mp_put(p->site->store, &record, err);
    for (size_t i = 0; i < ARRAY_LEN(standard) && r == OK; i++)
        r = register_endpoint(p, i, err);
    return r;
}

/* Only what changed is written, so that a restart bumps nothing. */
enum result mp_record_write(const struct mp_point *p, struct error *err)
{
    char *anchors = NULL;
    enum result r = p->config->choice == CHOICE_MP_HTTPS ? mp_certificate_anchors(p->config, &anchors, err) : OK;
    if (r == OK)
        r = store_begin(p->site->store, STORE_DURABLE, err);
    if (r == OK)
        r = store_end(p->site->store, register_all(p, anchors, err), err);
    free(anchors);
    return r;
}
