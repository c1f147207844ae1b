/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the files every two seconds, and at SIGHUP; puts what can be used in place and tells what can't. In the
 * control loop's thread. */
#include "gateway/client/certificate_watch.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "gateway/obtain/acme.h"
#include "pki/cert/cert.h"
#include "pki/cert/host.h"

enum { LOOK_MS = 2 * 1000 }; /* who was just given one goes on with the next line at once */

struct certificate_watch {
    const struct gateway_config *config;
    struct shown_certificates *shown;
    struct loop_timer *timer;
    struct tls_identity_look looks[CERTIFICATES_MAX];
    int noticed[CERTIFICATES_MAX]; /* the last notice that was told; -1: none yet */
};

/* --- warnings --- */

static void warn_of(struct certificate_watch *w, size_t i, X509 *certificate)
{
    int64_t ends = pki_cert_not_after(certificate);
    int notice = pki_cert_notice(ends, clock_wall_s());
    if (notice < 0 || (w->noticed[i] >= 0 && notice >= w->noticed[i]))
        return;
    char subject[256], when[CLOCK_TEXT_SIZE];
    pki_cert_subject(certificate, subject, sizeof subject);
    clock_rfc3339(ends, when);
    w->noticed[i] = notice;
    LOG_EVENT(notice ? LOG_WARN : LOG_ERROR, "certificate",
              notice ? "a server certificate expires soon: put the next one into its file"
                     : "a server certificate has expired, no device connects with it: put another into its file",
              LOG_T("subject", subject), LOG_T("not_after", when), LOG_N("within_days", notice));
}

static void warn_of_all(struct certificate_watch *w)
{
    struct certificates *shown = shown_certificates_get(w->shown);
    for (size_t i = 0; i < certificates_count(shown); i++)
        warn_of(w, i, certificates_at(shown, i));
    certificates_unref(shown);
}

/* --- files --- */

static bool have_changed(struct certificate_watch *w)
{
    const struct gateway_config *config = w->config;
    bool any = false;
    for (size_t i = 0; i < config->server_certificates.count; i++)
        any |= tls_identity_changed(&w->looks[i], gateway_certificate_files(config, i));
    return any;
}

void certificate_watch_reload(struct certificate_watch *w)
{
    struct error err;
    struct certificates *fresh;
    (void)have_changed(w);
    if (certificates_load(w->config, &fresh, &err) != OK) {
        log_msg(LOG_ERROR, "certificate", "the server certificates in use stay, for the new ones can't be used: %s",
                err.text);
        shown_certificates_note_unread(w->shown, err.text);
        return;
    }

    size_t count = certificates_count(fresh);
    certificates_warn(fresh, w->config);
    shown_certificates_put(w->shown, fresh);
    shown_certificates_note_unread(w->shown, "");
    for (size_t i = 0; i < CERTIFICATES_MAX; i++)
        w->noticed[i] = -1;
    LOG_EVENT(LOG_INFO, "certificate", "server certificates read anew", LOG_N("count", count));
    warn_of_all(w);
}

static void look_at_issuing(struct certificate_watch *w)
{
    char why[ERROR_TEXT_MAX];
    int64_t at;
    acme_fault(w->config->state, why, &at);
    shown_certificates_note_unissued(w->shown, why);
}

/* A certificate may come before its key: then the two don't fit, which is told, and the next look finds the key. */
static void on_timer(void *arg)
{
    struct certificate_watch *w = arg;
    look_at_issuing(w);
    if (have_changed(w))
        certificate_watch_reload(w);
    else
        warn_of_all(w);
}

struct certificate_watch *certificate_watch_new(struct loop *loop, const struct gateway_config *config,
                                                struct shown_certificates *shown)
{
    struct certificate_watch *w = mem_zalloc(sizeof *w);
    w->config = config;
    w->shown = shown;
    for (size_t i = 0; i < CERTIFICATES_MAX; i++)
        w->noticed[i] = -1;
    (void)have_changed(w);
    look_at_issuing(w);
    warn_of_all(w);
    w->timer = loop_timer_new(loop, on_timer, w);
    loop_timer_start(w->timer, LOOK_MS, LOOK_MS);
    return w;
}

void certificate_watch_free(struct certificate_watch *w)
{
    if (!w)
        return;
    loop_timer_free(w->timer);
    free(w);
}
