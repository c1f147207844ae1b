/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and tries the files; when they are read anew, and what is shown then, is server/certificate.c's. */
#include "mp/certificate_files.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/host/file.h"
#include "net/url.h"
#include "pki/cert/cert.h"
#include "pki/cert/host.h"
#include "pki/peer.h"
#include "pki/server_check.h"

enum { PEM_MAX = 256 * 1024, CHAIN_MAX = 100 };

#define ALPN "h2,http/1.1"

enum result mp_certificate_context(const struct tls_identity_text *text, struct tls_context **ret, struct error *err)
{
    const struct tls_server_options o = {.identity = tls_identity_of(text),
                                         .client_cert = TLS_CLIENT_CERT_ASK,
                                         .verify = pki_peer_bearable,
                                         .alpn = ALPN};
    return tls_context_server(&o, ret, err);
}

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
        r = mp_certificate_context(&text, &made, &err);
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
