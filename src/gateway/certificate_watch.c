/* SPDX-License-Identifier: Apache-2.0 */
/* The files are looked at rather than watched: they may be links that a renewal turns elsewhere, or on a network. */
#include "gateway/certificate_watch.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/certificates.h"
#include "pki/cert.h"

enum { LOOK_MS = 10 * 1000, DAY_S = 86400 };

/* What tells one state of a file from another. */
struct look {
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct certificate_watch {
    struct gateway *gateway;
    struct loop_timer *timer;
    struct look looks[CERTIFICATES_MAX][3]; /* certificate, key, password */
    int noticed[CERTIFICATES_MAX];          /* the last notice that was told; -1: none yet */
};

/* --- warnings --- */

int certificate_notice(int64_t not_after, int64_t now)
{
    static const int days[] = {1, 7, 14, 30, 60};
    if (not_after <= now)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        if (not_after - now <= (int64_t)days[i] * DAY_S)
            return days[i];
    }
    return -1;
}

static void warn_of(struct certificate_watch *w, size_t i, X509 *certificate)
{
    int64_t ends = pki_cert_not_after(certificate);
    int notice = certificate_notice(ends, clock_wall_s());
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

static void warn(struct certificate_watch *w)
{
    for (size_t i = 0; i < certificates_count(w->gateway->certificates); i++)
        warn_of(w, i, certificates_at(w->gateway->certificates, i));
}

/* --- files --- */

static bool look_at(struct look *l, const char *path)
{
    struct stat st;
    struct look now = {0};
    if (path && stat(path, &st) == 0)
        now = (struct look){st.st_ino, st.st_size, st.st_mtim};
    bool same = now.inode == l->inode && now.size == l->size && now.changed.tv_sec == l->changed.tv_sec &&
                now.changed.tv_nsec == l->changed.tv_nsec;
    *l = now;
    return !same;
}

static bool changed(struct certificate_watch *w)
{
    const struct conf_blocks *list = &w->gateway->config->server_certificates;
    bool any = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct gateway_certificate *files = (const struct gateway_certificate *)list->items + i;
        any |= look_at(&w->looks[i][0], files->certificate);
        any |= look_at(&w->looks[i][1], files->key);
        any |= look_at(&w->looks[i][2], files->password_file);
    }
    return any;
}

void certificate_watch_reload(struct certificate_watch *w)
{
    struct error err;
    struct certificates *fresh;
    (void)changed(w);
    if (certificates_load(w->gateway->config, &fresh, &err) != OK) {
        log_msg(LOG_ERROR, "certificate", "the server certificates in use stay, for the new ones can't be used: %s",
                err.text);
        gateway_note_unread(w->gateway, err.text);
        return;
    }
    gateway_show(w->gateway, fresh);
    gateway_note_unread(w->gateway, "");
    for (size_t i = 0; i < CERTIFICATES_MAX; i++)
        w->noticed[i] = -1;
    LOG_EVENT(LOG_INFO, "certificate", "server certificates read anew",
              LOG_N("count", certificates_count(w->gateway->certificates)));
    warn(w);
}

/* A certificate may come before its key: then the two don't fit, which is told, and the next look finds the key. */
static void on_timer(void *arg)
{
    struct certificate_watch *w = arg;
    if (changed(w))
        certificate_watch_reload(w);
    else
        warn(w);
}

struct certificate_watch *certificate_watch_new(struct gateway *g)
{
    struct certificate_watch *w = mem_zalloc(sizeof *w);
    w->gateway = g;
    for (size_t i = 0; i < CERTIFICATES_MAX; i++)
        w->noticed[i] = -1;
    (void)changed(w);
    warn(w);
    w->timer = loop_timer_new(g->control, on_timer, w);
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
