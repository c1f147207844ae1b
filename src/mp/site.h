/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of cmg-mp share: keys, store, documents, who is parked. One thread, one loop. */
#ifndef MP_SITE_H
#define MP_SITE_H

#include <bsd/sys/queue.h>

#include "base/limit/bucket.h"
#include "loop/loop.h"
#include "mp/config.h"
#include "mp/keys.h"
#include "pki/role.h"
#include "pki/trust.h"
#include "store/store.h"

struct mp_admin;
struct mp_alerts;
struct crowd;
struct mp_bodies;
struct mp_lists;
struct mp_documents;
struct mp_parked;
struct mp_waiting;
struct mp_point;
struct mp_tenants;
struct mp_tenant_keys;
struct mp_judging;
struct mp_metrics;

struct mp_site {
    const struct mp_config *config;
    struct loop *loop;
    struct mp_keys keys;
    struct store *store;
    struct pki_role_judge *connectors; /* role certificates of connectors */
    struct pki_role_judge *gateways;   /* of gateways: they never connect here, they sign */
    struct mp_documents *documents;
    struct mp_lists *lists; /* mp/content/list.h */
    struct mp_parked *parked;
    struct mp_waiting *waiting; /* mp/notify/waiting.h */
    struct mp_point *points;    /* config->points.count */
    struct mp_admin *admin;
    struct mp_metrics *metrics; /* mp/watch/metrics.h; NULL: none are shown */
    struct {
        uint64_t requests, refused;
    } counted;                /* at the management points */
    struct mp_alerts *alerts; /* mp/watch/alerts.h */
    struct pki_trust *trust;  /* of devices that come directly; as of trust_sequence */
    int64_t trust_sequence;
    LIST_HEAD(, mp_judging) judging; /* certificates, in the pool (mp/sender/judging.h) */
    struct bucket lengthy;           /* judgements that take long, in the loop */
    char trust_key[PKI_HASH_HEX];    /* what it was made of */
    struct mp_tenants *tenants;      /* mp/sender/tenants.h */
    struct mp_tenant_keys *tenant_keys;
    struct loop_timer *upkeep;
    struct {
        int64_t at; /* wall seconds; 0: never */
        char text[ERROR_TEXT_MAX];
    } fault; /* the last request that failed by a fault of ours, for `cmg status` */
    struct {
        int64_t at;               /* wall seconds; 0: never */
        char of[PKI_ROLE_ID_MAX]; /* the id */
        char text[ERROR_TEXT_MAX];
    } join_refused; /* the last machine that had a join string of an id that has one, and may not join by it */
    struct {
        uint64_t lifted_ms, disbelieved_ms;  /* monotonic; 0: never */
    } went_back;                             /* how often this process heard (mp/status/went_back.h) */
    bool draining;                           /* nothing is parked any more, and connections end */
    struct mp_bodies *bodies, *admin_bodies; /* of requests at management points, and at the admin socket */
    struct crowd *askers;                    /* what each takes of the loop's time (mp/answer/router.c) */
    struct crowd *answers;                   /* long ones that were not taken yet (mp/server/request.c) */
    int access_fd;                           /* -1: no access log */
};

/* Keeps it for `cmg status`, in place of the one before. */
void mp_site_note_fault(struct mp_site *site, const struct error *err);

/* Something was written: a fault of the store is none any more. */
void mp_site_store_works(struct mp_site *site);

/* Loads the keys again, after `cmg keys` changed them, and tells the gateways; a fault changes nothing. */
MUST_USE enum result mp_site_reload_keys(struct mp_site *site, struct error *err);

#endif
