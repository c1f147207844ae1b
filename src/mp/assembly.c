/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts cmg-mp together: opens and closes all of it in the one order that works, joins what knows nothing of each other
 * (management points and the router), and does the regular work. What needs the state alone belongs into site.c.
 */
#include "mp/assembly.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "mp/admin/socket/listener.h"
#include "mp/answer/parked.h"
#include "mp/answer/router.h"
#include "mp/content/crl.h"
#include "mp/content/documents.h"
#include "mp/content/list.h"
#include "mp/library/library.h"
#include "mp/notify/waiting.h"
#include "mp/sender/tenants.h"
#include "mp/server/access.h"
#include "mp/server/bodies.h"
#include "mp/server/certificate.h"
#include "mp/server/listener.h"
#include "mp/server/point.h"
#include "mp/watch/alerts.h"
#include "mp/watch/metrics.h"
#include "store/device/inventory.h"
#include "store/device/message.h"
#include "store/device/notification.h"
#include "store/device/waiting.h"
#include "store/site/audit.h"
#include "store/site/join.h"
#include "store/site/setting.h"

enum { UPKEEP_MS = 15 * 1000, FORGOTTEN_AT_ONCE = 1000 };

/* --- regular work --- */

/* Who was never approved and nobody vouched for, for so long, is not waited for any longer. */
static enum result end_waiting(struct mp_site *site, int64_t now, struct error *err)
{
    int64_t expiry, gone = 0;
    char detail[80];
    enum result r = store_setting_get_int(site->store, "waiting_expiry", &expiry, err);
    if (r == OK && expiry)
        r = store_waiting_expire(site->store, now - expiry, &gone, err);
    if (r != OK || !gone)
        return r;
    (void)snprintf(detail, sizeof detail, "%" PRId64 " that nobody vouched for in time (waiting_expiry)", gone);
    return store_audit_add(site->store,
                           &(struct store_audit){.caller = "site", .action = "device.expire", .detail = detail}, err);
}

static enum result keep_order(struct mp_site *site, int64_t now, struct error *err)
{
    enum result r = store_begin(site->store, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = end_waiting(site, now, err);
    if (r == OK)
        r = store_audit_settle(site->store, err);
    if (r == OK)
        r = store_join_expire(site->store, now, err);
    if (r == OK)
        r = store_notification_expire(site->store, now, err);
    return store_end(site->store, r, err);
}

/* What devices told long ago. */
static enum result forget_told(struct mp_site *site, int64_t now, struct error *err)
{
    enum result r = store_begin(site->store, STORE_QUICK, err);
    if (r != OK)
        return r;
    r = store_message_forget(site->store, now - STORE_MESSAGES_KEEP_S, FORGOTTEN_AT_ONCE, err);
    if (r == OK)
        r = store_inventory_forget(site->store, now, FORGOTTEN_AT_ONCE, err);
    return store_end(site->store, r, err);
}

static void upkeep(void *arg)
{
    struct mp_site *site = arg;
    struct error err;
    int64_t now = clock_wall_s();
    for (size_t i = 0; i < site->config->points.count; i++)
        mp_certificate_upkeep(&site->points[i], now);
    if (store_check_place(site->store, &err) != OK)
        mp_site_note_fault(site, &err);
    mp_tenants_changed(site); /* by another process that shares the store */
    if (mp_documents_refresh(site, now, &err) != OK)
        log_msg(LOG_ERROR, "mp", "documents can't be refreshed: %s", err.text);
    if (keep_order(site, now, &err) != OK)
        log_msg(LOG_ERROR, "mp", "registrations can't be put in order: %s", err.text);
    if (forget_told(site, now, &err) != OK)
        log_msg(LOG_ERROR, "mp", "what devices told long ago can't be forgotten: %s", err.text);
}

/* --- opening --- */

/* A store is made once, for a site that `cmg init` has just made and marked as new. Else one that is missing is a disk
 * that is not mounted, or a path with a slip in it: an empty site would shut every device out, and answer as if all
 * were well. */
static enum result open_store(struct mp_site *site, struct error *err)
{
    enum result r = file_make_dirs(site->config->state, 0700, err);
    file_sweep(site->config->state);
    if (r != OK)
        return r;
    char *path = file_join(site->config->state, "site.db"), *mark = file_join(site->config->state, "new-site");
    r = store_open(site->config->store ? site->config->store : path, file_exists(mark), &site->store, err);
    if (r == OK)
        (void)unlink(mark);
    else if (r == R_NOTFOUND)
        r = error_set(
            err, R_NOTFOUND,
            "%s: there is no site in it. Is the disk mounted that holds it, is the path right? Put a backup back "
            "(docs/operations.md); a new site is made by cmg init, which leaves the mark %s",
            site->config->store ? "the store in PostgreSQL" : path, mark);
    free(path);
    free(mark);
    return r;
}

/* Lists that an earlier version took get their places. */
static enum result settle_lists(struct mp_site *site, struct error *err)
{
    enum result r = store_begin(site->store, STORE_DURABLE, err);
    return r == OK ? store_end(site->store, mp_crl_settle(site, err), err) : r;
}

static enum result open_points(struct mp_site *site, struct error *err)
{
    size_t count = site->config->points.count;
    enum result r = OK;
    site->points = mem_array(count, sizeof *site->points);
    for (size_t i = 0; i < count && r == OK; i++)
        r = mp_point_open(&site->points[i], site, &mp_config_points(site->config)[i], mp_route, err);
    return r;
}

enum result mp_site_open(struct mp_site *site, const struct mp_config *config, struct loop *loop, struct error *err)
{
    *site = (struct mp_site){.config = config, .loop = loop, .access_fd = -1};
    site->bodies = mem_zalloc(sizeof *site->bodies);
    site->admin_bodies = mem_zalloc(sizeof *site->admin_bodies);
    site->answers = crowd_new(NULL, 0);
    site->askers = mp_router_askers();
    mp_bodies_open(site->bodies, &mp_body_limits);
    mp_bodies_open(site->admin_bodies, &mp_admin_body_limits);
    enum result r = mp_keys_load(config->keys, config->site, &site->keys, err);
    if (r == OK)
        r = pki_role_judge_new(slice_of(site->keys.root_pem), config->site, "connector", &site->connectors, err);
    if (r == OK)
        r = pki_role_judge_new(slice_of(site->keys.root_pem), config->site, "gateway", &site->gateways, err);
    if (r == OK)
        r = open_store(site, err);
    if (r == OK) /* not before: a folder that is no site's stays as it was */
        r = mp_library_open(config->state, err);
    if (r == OK && config->access_log)
        r = mp_access_open(config->access_log, &site->access_fd, err);
    if (r != OK)
        return r;
    r = settle_lists(site, err);
    if (r != OK)
        return r;
    site->documents = mp_documents_new();
    site->lists = mp_lists_new();
    site->parked = mp_parked_new(site);
    site->waiting = mp_waiting_new(site);
    site->alerts = mp_alerts_new(site);
    r = mp_tenants_open(site, err);
    if (r == OK)
        r = open_points(site, err);
    if (r == OK)
        r = mp_admin_open(site, &site->admin, err);
    if (r == OK)
        r = mp_metrics_open(site, &site->metrics, err);
    if (r != OK)
        return r;
    net_handed_settle();
    site->upkeep = loop_timer_new(loop, upkeep, site);
    loop_timer_start(site->upkeep, 0, UPKEEP_MS);
    return OK;
}

void mp_site_reload_certificates(struct mp_site *site)
{
    for (size_t i = 0; i < site->config->points.count; i++)
        mp_certificate_reload(&site->points[i]);
}

void mp_site_drain(struct mp_site *site)
{
    site->draining = true;
    mp_parked_end(site->parked);
    mp_waiting_end(site->waiting);
    mp_admin_drain(site->admin);
    for (size_t i = 0; i < site->config->points.count; i++)
        mp_listener_drain(&site->points[i]);
}

static bool point_is_idle(const struct mp_point *p, bool with_handshakes)
{
    const struct mp_connection *c;
    LIST_FOREACH(c, &p->connections, others) {
        if (with_handshakes || c->http)
            return false;
    }
    return true;
}

bool mp_site_idle(const struct mp_site *site, bool with_handshakes)
{
    bool idle = mp_admin_idle(site->admin);
    for (size_t i = 0; idle && i < site->config->points.count; i++)
        idle = point_is_idle(&site->points[i], with_handshakes);
    return idle;
}

void mp_site_hang_up(struct mp_site *site)
{
    mp_admin_hang_up(site->admin);
    mp_metrics_hang_up(site->metrics);
    for (size_t i = 0; site->points && i < site->config->points.count; i++)
        mp_listener_close(&site->points[i]);
}

void mp_site_close(struct mp_site *site)
{
    mp_admin_free(site->admin);
    mp_metrics_free(site->metrics);
    for (size_t i = 0; site->points && i < site->config->points.count; i++)
        mp_point_close(&site->points[i]);
    free(site->points);
    mp_alerts_free(site->alerts);
    loop_timer_free(site->upkeep);
    mp_waiting_free(site->waiting);
    mp_parked_free(site->parked);
    mp_documents_free(site->documents);
    mp_lists_free(site->lists);
    pki_trust_unref(site->trust);
    mp_tenants_close(site);
    pki_role_judge_free(site->connectors);
    pki_role_judge_free(site->gateways);
    store_close(site->store);
    mp_keys_free(&site->keys);
    crowd_free(site->answers);
    crowd_free(site->askers);
    mp_bodies_close(site->bodies);
    mp_bodies_close(site->admin_bodies);
    free(site->bodies);
    free(site->admin_bodies);
    if (site->access_fd >= 0)
        (void)close(site->access_fd);
    *site = (struct mp_site){.access_fd = -1};
}
