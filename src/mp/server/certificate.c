/* SPDX-License-Identifier: Apache-2.0 */
#include "mp/server/certificate.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "net/url.h"
#include "pki/cert/host.h"
#include "pki/peer.h"
#include "pki/server_check.h"

enum { PEM_MAX = 256 * 1024, CHAIN_MAX = 100 };

#define ALPN "h2,http/1.1"

static enum result make_context(const struct tls_identity_text *text, struct tls_context **ret, struct error *err)
{
    const struct tls_server_options o = {.identity = tls_identity_of(text),
                                         .client_cert = TLS_CLIENT_CERT_ASK,
                                         .verify = pki_peer_bearable,
                                         .alpn = ALPN};
    return tls_context_server(&o, ret, err);
}

/* Shows it from the next connection on. */
static enum result show(struct mp_point *p, const struct tls_identity_text *text, struct error *err)
{
    struct tls_context *made;
    X509 *leaf;
    enum result r = pki_cert_read(slice_make(text->certificate, text->certificate_len), &leaf, err);
    if (r != OK)
        return r;
    r = make_context(text, &made, err);
    if (r == OK) {
        tls_context_unref(p->context);
        p->context = made;
        p->not_after = pki_cert_not_after(leaf);
        p->noticed = -1;
    }
    X509_free(leaf);
    return r;
}

/* --- of files --- */

enum result mp_certificate_anchors(const struct mp_config_point *p, char **ret, struct error *err)
{
    struct buf all;
    enum result r = OK;
    buf_init(&all, PEM_MAX);
    for (size_t i = 0; i < p->anchors.count && r == OK; i++) {
        char *pem = NULL;
        size_t len;
        r = file_read_text(p->anchors.items[i], PEM_MAX, &pem, &len, err);
        if (r == OK && (buf_append_str(&all, pem) != OK || buf_append_str(&all, "\n") != OK))
            r = error_set(err, R_LIMIT, "the anchors of management point %s are over %d bytes", p->id, PEM_MAX);
        free(pem);
    }
    if (r == OK)
        *ret = buf_take_str(&all);
    buf_free(&all);
    return r;
}

static enum result load(struct mp_point *p, struct error *err)
{
    struct tls_identity_text text;
    (void)tls_identity_changed(&p->look, &p->config->identity);
    enum result r = tls_identity_read(&p->config->identity, &text, err);
    if (r == OK)
        r = show(p, &text, err);
    tls_identity_text_free(&text);
    return r == OK ? OK : error_prefix(err, "certificate %s", p->config->identity.certificate);
}

/* Connectors take another CA's certificate once they have its anchors. */
void mp_certificate_reload(struct mp_point *p)
{
    struct error err;
    if (p->config->choice != CHOICE_MP_HTTPS)
        return;
    enum result r = load(p, &err);
    if (r != OK)
        log_msg(LOG_ERROR, "certificate",
                "management point %s: the server certificate in use stays, for the new one can't be used: %s",
                p->config->id, err.text);
    else if (mp_point_register(p, &err) != OK)
        log_msg(LOG_ERROR, "certificate", "management point %s: its anchors can't be given to connectors: %s",
                p->config->id, err.text);
    else
        LOG_EVENT(LOG_INFO, "certificate", "the server certificate was read anew", LOG_T("mp", p->config->id));
}

static void warn_of_end(struct mp_point *p, int64_t now)
{
    int notice = pki_cert_notice(p->not_after, now);
    char when[CLOCK_TEXT_SIZE];
    if (notice < 0 || (p->noticed >= 0 && notice >= p->noticed))
        return;
    p->noticed = notice;
    clock_rfc3339(p->not_after, when);
    LOG_EVENT(notice ? LOG_WARN : LOG_ERROR, "certificate",
              notice ? "a server certificate expires soon: put the next one into its file"
                     : "a server certificate has expired, nobody connects with it: put another into its file",
              LOG_T("mp", p->config->id), LOG_T("not_after", when), LOG_N("within_days", notice));
}

/* --- of the site --- */

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
    r = r == OK ? show(p, &text, err) : error_set(err, r, "the role's chain is too long");
    free(pem);
    return r;
}

/* By the role CA, in memory alone: a restart makes another. */
static enum result issue(struct mp_point *p, struct error *err)
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

static void issue_next(struct mp_point *p, int64_t now)
{
    struct error err;
    if (p->not_after - now > MP_ROLE_DAYS * 86400LL / 2)
        return;
    if (issue(p, &err) != OK)
        LOG_EVENT(LOG_ERROR, "mp", "the role certificate could not be renewed", LOG_T("mp", p->config->id),
                  LOG_T("error", err.text));
    else
        LOG_EVENT(LOG_INFO, "mp", "the role certificate was renewed", LOG_T("mp", p->config->id));
}

/* --- both --- */

enum result mp_certificate_open(struct mp_point *p, struct error *err)
{
    return p->config->choice == CHOICE_MP_HTTPS ? load(p, err) : issue(p, err);
}

void mp_certificate_upkeep(struct mp_point *p, int64_t now)
{
    if (p->config->choice == CHOICE_MP_EHTTP) {
        issue_next(p, now);
        return;
    }
    if (tls_identity_changed(&p->look, &p->config->identity))
        mp_certificate_reload(p);
    warn_of_end(p, now);
}

/* --- the configuration's check --- */

struct checking {
    const struct mp_config_point *point;
    struct conf_faults *faults;
};

static void on_fault(void *arg, const char *words)
{
    const struct checking *c = arg;
    conf_warning_of(c->faults, &c->point->identity.certificate, "management point %s: %s %s", c->point->id,
                    c->point->identity.certificate, words);
}

/* Is it for the name by which connectors and devices ask? */
static void check_host(const struct checking *c, X509 *leaf)
{
    const struct mp_config_point *p = c->point;
    struct net_url url;
    char hosts[200], words[ERROR_TEXT_MAX];
    if (net_url_parse(slice_of(p->url), &url, NULL) != OK || pki_cert_is_for(leaf, url.host))
        return;
    pki_cert_hosts(leaf, hosts, sizeof hosts);
    (void)snprintf(words, sizeof words,
                   "is for %s, not for '%s' of its url, so that connectors and devices refuse it: correct url, or have "
                   "one issued for that name",
                   hosts, url.host);
    on_fault((void *)(uintptr_t)c, words);
}

static bool check_anchor_files(const struct checking *c)
{
    const struct conf_texts *files = &c->point->anchors;
    bool good = true;
    for (size_t i = 0; i < files->count; i++) {
        char *pem = NULL;
        size_t len;
        struct error err;
        STACK_OF(X509) *read = NULL;
        enum result r = file_read_text(files->items[i], PEM_MAX, &pem, &len, &err);
        if (r == OK)
            r = pki_cert_read_all(slice_make(pem, len), CHAIN_MAX, &read, &err);
        if (r != OK)
            conf_fault_of(c->faults, &files->items[i], "management point %s: anchors %s: %s", c->point->id,
                          files->items[i], err.text);
        good = good && r == OK;
        sk_X509_pop_free(read, X509_free);
        free(pem);
    }
    return good;
}

static void check_end(const struct checking *c, STACK_OF(X509) * chain)
{
    struct error err;
    char *anchors = NULL, words[ERROR_TEXT_MAX];
    enum result r = mp_certificate_anchors(c->point, &anchors, &err);
    if (r == OK)
        r = pki_server_leads_to(chain, slice_of(anchors), &err);
    free(anchors);
    (void)snprintf(
        words, sizeof words,
        "does not lead to `anchors`, so that connectors refuse it (%.200s): put its intermediates behind it, "
        "and its root into anchors",
        r == OK ? "" : err.text);
    if (r != OK)
        on_fault((void *)(uintptr_t)c, words);
}

void mp_certificate_check(const struct mp_config_point *p, struct conf_faults *faults)
{
    struct checking c = {p, faults};
    struct tls_identity_text text;
    struct tls_context *made = NULL;
    struct error err;
    STACK_OF(X509) *chain = NULL;
    enum result r = tls_identity_read(&p->identity, &text, &err);
    if (r == OK)
        r = pki_cert_read_all(slice_make(text.certificate, text.certificate_len), CHAIN_MAX, &chain, &err);
    if (r == OK)
        r = make_context(&text, &made, &err);
    if (r == OK) {
        pki_server_check(chain, clock_wall_s(), on_fault, &c);
        check_host(&c, sk_X509_value(chain, 0));
    } else {
        conf_fault_of(faults, &p->identity.certificate, "management point %s: certificate %s: %s", p->id,
                      p->identity.certificate, err.text);
    }
    if (check_anchor_files(&c) && r == OK)
        check_end(&c, chain);
    sk_X509_pop_free(chain, X509_free);
    tls_context_unref(made);
    tls_identity_text_free(&text);
}
