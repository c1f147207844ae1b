/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the files every ten seconds, and at SIGHUP. Whether the two belong together is judged by who shows them
 * (self_check.c). In the loop's thread. */
#include "connector/site/certificate_watch.h"

#include <stdlib.h>

#include "base/host/log.h"
#include "base/mem.h"

enum { LOOK_MS = 10 * 1000 };

struct certificate_watch {
    void (*on_change)(void *ctx);
    void *ctx;
    struct connector_config *config;
    struct loop_timer *timer;
    struct tls_identity_look look;
};

static bool has_changed(struct certificate_watch *w)
{
    return tls_identity_changed(&w->look, &w->config->client_certificate);
}

void certificate_watch_reload(struct certificate_watch *w)
{
    struct tls_identity_text fresh;
    struct error err;
    if (!w->config->client_certificate.certificate)
        return;
    (void)has_changed(w);
    if (tls_identity_take(&w->config->client_certificate, &fresh, &err) != OK) {
        log_msg(LOG_ERROR, "certificate", "the client certificate in use stays, for the new one can't be read: %s",
                err.text);
        tls_identity_text_free(&fresh);
        return;
    }
    tls_identity_text_free(&w->config->identity);
    w->config->identity = fresh;
    log_msg(LOG_INFO, "certificate", "the client certificate was read anew");
    w->on_change(w->ctx);
}

static void on_timer(void *arg)
{
    struct certificate_watch *w = arg;
    if (has_changed(w))
        certificate_watch_reload(w);
}

struct certificate_watch *certificate_watch_new(struct loop *loop, struct connector_config *config,
                                                void (*on_change)(void *ctx), void *ctx)
{
    struct certificate_watch *w = mem_zalloc(sizeof *w);
    w->on_change = on_change;
    w->ctx = ctx;
    w->config = config;
    (void)has_changed(w);
    w->timer = loop_timer_new(loop, on_timer, w);
    loop_timer_start(w->timer, LOOK_MS, LOOK_MS);
    return w;
}

void certificate_watch_free(struct certificate_watch *w)
{
    loop_timer_free(w->timer);
    free(w);
}
