/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the site every minute, and soon after a change, which tunnels stand (docs/protocol/wire.md 4). */
#ifndef CONNECTOR_SITE_REPORT_H
#define CONNECTOR_SITE_REPORT_H

#include "connector/site/self_check.h"
#include "connector/site/site.h"

struct report;

/* Where it looks; all is borrowed. */
struct report_parts {
    const struct site_known *known;
    struct site_link *site;
    const struct self_check *self_check;
    int64_t started; /* wall seconds */
    json_t *(*gateways)(const void *ctx);
    json_t *(*upstreams)(const void *ctx);
    const void *ctx;
};

struct report *report_new(const struct report_parts *parts);
void report_free(struct report *r); /* NULL allowed */

void report_changed(struct report *r); /* NULL allowed: nothing is told */
void report_stop(struct report *r);    /* what is under way; report_changed starts again */

/* A JSON string of a text that may hold a peer's words: "" when it is no UTF-8. */
json_t *report_text(const char *text);

#endif
