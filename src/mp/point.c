/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a management point, its certificate, its record. */
#include "mp/point.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "mp/listener.h"
#include "net/url.h"
#include "pki/peer.h"
#include "store/endpoint.h"
#include "store/role.h"

enum { PEM_MAX = 256 * 1024, KIB = 1024, MIB = 1024 * KIB };

#define ALPN "h2,http/1.1"

/* --- certificate --- */

enum result mp_point_context(const struct tls_identity_text *text, struct tls_context **ret, struct error *err)
{
    const struct tls_server_options o = {.identity = tls_identity_of(text),
                                         .client_cert = TLS_CLIENT_CERT_ASK,
                                         .verify = pki_peer_bearable,
                                         .alpn = ALPN};
    return tls_context_server(&o, ret, err);
}

static enum result make_context(struct mp_point *p, const struct tls_identity_text *text, struct error *err)
{
    struct tls_context *made;
    X509 *leaf;
    enum result r = pki_cert_read(slice_make(text->certificate, text->certificate_len), &leaf, err);
    if (r != OK)
        return r;
    r = mp_point_context(text, &made, err);
    if (r == OK) {
        tls_context_unref(p->context);
        p->context = made;
        p->not_after = pki_cert_not_after(leaf);
    }
    X509_free(leaf);
    return r;
}

static enum result read_file(const char *path, char **ret, struct error *err)
{
    size_t len;
    *ret = NULL;
    return file_read(path, PEM_MAX, ret, &len, err);
}

static enum result load_certificate(struct mp_point *p, struct error *err)
{
    const struct tls_identity_files files = {p->config->certificate, p->config->key, NULL};
    struct tls_identity_text text;
    enum result r = file_check_private(p->config->key, err);
    if (r != OK)
        return r;
    r = tls_identity_read(&files, &text, err);
    if (r == OK)
        r = make_context(p, &text, err);
    tls_identity_text_free(&text);
    return r;
}

/* The root goes with it, for devices know no more of it than its hash. */
static enum result show_root(struct mp_point *p, const struct mp_role_certificate *issued, struct error *err)
{
    struct buf chain;
    buf_init(&chain, PEM_MAX);
    enum result r = buf_append_str(&chain, issued->certificate_pem);
    if (r == OK)
        r = buf_append_str(&chain, p->site->keys.root_pem);
    char *pem = buf_take_str(&chain);
    const struct tls_identity_text text = {pem, issued->key_pem, strlen(pem), strlen(issued->key_pem)};
    r = r == OK ? make_context(p, &text, err) : error_set(err, r, "the role's chain is too long");
    free(pem);
    return r;
}

/* By the role CA, in memory alone: a restart makes another. */
static enum result issue_certificate(struct mp_point *p, struct error *err)
{
    struct mp_role_certificate issued = {0};
    struct net_url url;
    enum result r = net_url_parse(slice_of(p->config->url), &url, err);
    if (r == OK)
        r = mp_role_issue(&p->site->keys, "mp", p->config->id, url.host, 0, &issued, err);
    if (r == OK)
        r = show_root(p, &issued, err);
    mp_role_certificate_free(&issued);
    return r;
}

void mp_point_upkeep(struct mp_point *p, int64_t now)
{
    struct error err;
    if (p->config->choice != CHOICE_MP_EHTTP || p->not_after - now > MP_ROLE_DAYS * 86400LL / 2)
        return;
    if (issue_certificate(p, &err) != OK)
        LOG_EVENT(LOG_ERROR, "mp", "the role certificate could not be renewed", LOG_T("mp", p->config->id),
                  LOG_T("error", err.text));
    else
        LOG_EVENT(LOG_INFO, "mp", "the role certificate was renewed", LOG_T("mp", p->config->id));
}

/* --- record --- */

/* What gateways let through to it. How much of a body this program itself takes is in the table of mp/router.c, which
 * may be less: of what it does not support yet it reads the head alone. */
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
    {"CCM_System", "general", "POST CCM_POST", CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN), MIB},
    {"CCM_Incoming", "general", "POST PUT BITS_POST", CHOICE_BIT(CHOICE_PKI) | CHOICE_BIT(CHOICE_TOKEN), 32 * MIB},
};

static enum result register_endpoint(const struct mp_point *p, size_t which, struct error *err)
{
    char id[160], auth[MP_CLIENTS_TEXT];
    unsigned clients = standard[which].clients & p->config->clients;
    (void)snprintf(id, sizeof id, "%s.%s", p->config->id, standard[which].name);
    for (char *c = id + strlen(p->config->id); *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    if (!clients) {
        enum result r = store_endpoint_remove(p->site->store, id, err);
        return r == R_NOTFOUND ? OK : r;
    }
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

static enum result read_anchors(const struct mp_config_point *c, char **ret, struct error *err)
{
    struct buf all;
    enum result r = OK;
    buf_init(&all, PEM_MAX);
    for (size_t i = 0; i < c->anchors.count && r == OK; i++) {
        char *pem;
        r = read_file(c->anchors.items[i], &pem, err);
        if (r == OK && (buf_append_str(&all, pem) != OK || buf_append_str(&all, "\n") != OK))
            r = error_set(err, R_LIMIT, "the anchors of management point %s are over %d bytes", c->id, PEM_MAX);
        free(pem);
    }
    *ret = r == OK && c->choice == CHOICE_MP_HTTPS ? buf_take_str(&all) : NULL;
    buf_free(&all);
    return r;
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
enum result mp_point_register(const struct mp_point *p, struct error *err)
{
    char *anchors;
    enum result r = read_anchors(p->config, &anchors, err);
    if (r == OK)
        r = store_begin(p->site->store, STORE_DURABLE, err);
    if (r == OK)
        r = store_end(p->site->store, register_all(p, anchors, err), err);
    free(anchors);
    return r;
}

/* --- opening --- */

enum result mp_point_open(struct mp_point *p, struct mp_site *site, const struct mp_config_point *config,
                          struct error *err)
{
    *p = (struct mp_point){.site = site, .config = config};
    enum result r = config->choice == CHOICE_MP_HTTPS ? load_certificate(p, err) : issue_certificate(p, err);
    if (r == OK)
        r = mp_point_register(p, err);
    if (r == OK)
        r = mp_listener_open(p, err);
    if (r != OK)
        (void)error_prefix(err, "management point %s", config->id);
    return r;
}

void mp_point_close(struct mp_point *p)
{
    tls_context_unref(p->context);
    p->context = NULL;
    crowd_free(p->strangers);
    p->strangers = NULL;
}
