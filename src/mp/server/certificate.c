/* SPDX-License-Identifier: Apache-2.0 */
/* Getting the certificate and changing it while connections run; files are read and tried in mp/certificate_files.c. In
 * the loop, at start and from the upkeep. */
#include "mp/server/certificate.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "mp/certificate_files.h"
#include "mp/server/record.h"
#include "net/url.h"
#include "pki/cert/host.h"
#include "pki/peer.h"
#include "pki/server_check.h"

enum { PEM_MAX = 256 * 1024, CHAIN_MAX = 100 };

/* Shows it from the next connection on. */
static enum result show(struct mp_point *p, const struct tls_identity_text *text, struct error *err)
{
    struct tls_context *made;
    X509 *leaf;
    enum result r = pki_cert_read(slice_make(text->certificate, text->certificate_len), &leaf, err);
    if (r != OK)
        return r;
    r = mp_certificate_context(text, &made, err);
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
    else if (mp_record_write(p, &err) != OK)
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
