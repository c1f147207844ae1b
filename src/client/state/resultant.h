/* SPDX-License-Identifier: Apache-2.0 */
/* The resultant client settings that the site signed for this device (settings.jws), and what was set by hand over
 * them: DisAllowCMG until the next resultant setting (PROTOCOL 6), PolicyInterval for good. */
#ifndef CLIENT_STATE_RESULTANT_H
#define CLIENT_STATE_RESULTANT_H

#include "bundle/document.h"
#include "client/state/device.h"

struct client_resultant {
    bool known; /* else what is built in */
    int64_t sequence, issued;
    bool allow_cmg;
    char allow_by[256]; /* which of the site's settings won */
    uint64_t interval;  /* seconds; 0: nothing is said */
    int64_t wait;       /* seconds; -1: nothing is said */
    unsigned methods;   /* CHOICE_BITs */
};
/* What a verified document says. */
void client_resultant_read(const struct document *d, struct client_resultant *ret);
/* As last fetched, for any of the device's registrations. */
void client_resultant_load(const struct client *c, struct client_resultant *ret);

struct client_disallow {
    bool on;
    const char *by; /* "local", "site" or "default" */
};
struct client_disallow client_disallow_cmg(const struct client *c, const struct client_resultant *r);

/* Seconds between two policy requests. */
uint64_t client_policy_interval(const struct client *c);
/* Seconds that a request waits to be told something; 0: none does. */
uint64_t client_notification_wait_s(const struct client *c);

#endif
