/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's talk with its site: the bundle and its lists come, reports and answers go. There is one a process; it
 * lives in one worker's loop and uses that worker's tunnels. */
#ifndef GATEWAY_SITE_SITE_H
#define GATEWAY_SITE_SITE_H

#include "gateway/client/shown.h"
#include "gateway/judge/judge.h"
#include "gateway/snapshot/home.h"
#include "gateway/snapshot/sources.h"

struct bundle_pull;
struct gateway_report;
struct gateway_questions;

struct gateway_site {
    struct snapshot_home home;
    struct sources *sources; /* the pull's; NULL: stopped */
    struct bundle_pull *pull;
    struct gateway_report *report;
    struct gateway_questions *questions;
};

/* What it is made of; borrowed. */
struct gateway_site_parts {
    struct snapshot_home home;
    struct gateway_judge *judge; /* of the same loop: answers what administrators ask */
    struct shown_certificates *shown;
    const struct gateway_counters *counters;
};

/* Before the loop runs. R_IO, R_NOTFOUND: the state folder. */
MUST_USE enum result gateway_site_new(const struct gateway_site_parts *parts, struct gateway_site **ret,
                                      struct error *err);

/* These in the loop's thread, each with NULL allowed: workers that have no site call them too. */
void gateway_site_start(struct gateway_site *s);   /* first of all: fetches the sources of the restored bundle */
void gateway_site_kick(struct gateway_site *s);    /* a tunnel came up, announced something, or drains */
void gateway_site_changed(struct gateway_site *s); /* something that is reported did */
void gateway_site_stop(struct gateway_site *s);    /* asks and tells no more; the other workers have stopped */

/* What judges want of it; ctx is the site, the thread any worker's. */
extern const struct judge_hooks gateway_site_wants;

#endif
