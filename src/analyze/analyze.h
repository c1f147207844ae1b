/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection analyzer (SPEC 7): asks a gateway as a device does, step by step, and names the first cause.
 *
 *   name → route → TCP → TLS → server certificate → gateway → clock → authentication → CRL → management points →
 *   connection points → each management point: token service, location, policy
 */
#ifndef ANALYZE_ANALYZE_H
#define ANALYZE_ANALYZE_H

#include "analyze/credential.h"
#include "analyze/steps.h"
#include "web/roles.h"
#include "json/json.h"

struct analyze_gateway {
    char host[256]; /* a name or an IP literal, IPv6 without brackets */
    unsigned port;
    char role[WEB_ROLE_MAX + 1]; /* "": all management points */
};
/* "gw.example.com", "gw:8443", "https://gw:8443/", "gw/CCM_Proxy_MutualAuth/<role id>". R_INVALID. */
MUST_USE enum result analyze_gateway_parse(struct slice text, struct analyze_gateway *ret, struct error *err);

/* "gw.example.com:443", "[2001:db8::1]:443"; "no gateway" when none is known. Cut to size. */
void analyze_gateway_text(const struct analyze_gateway *g, char *ret, size_t size);

/* Steps of the caller's own, run by analyze_step_run. */
typedef void analyze_more_fn(void *arg, struct analyze_report *report, const struct analyze_watch *watch);

struct analyze_config {
    struct analyze_gateway gateway;
    const char *anchors_pem;  /* NULL: the system's */
    const char *anchors_from; /* for people: the file's name */
    bool has_pin;             /* is the site's key known? */
    unsigned char pin[PKI_SHA256];
    const struct analyze_credential *credential;
    long timeout_ms;            /* of each request */
    bool own_device;            /* the credential is a registered device's own: not_registered is a fault */
    bool pending;               /* own_device: its registration waits for approval */
    const char *as_certificate; /* subject of one that is judged without its key, by `more` in the place of all steps
                                   behind the gateway's; NULL: not so */
    analyze_more_fn *more;
    void *more_arg;
    analyze_explain_fn *explain; /* NULL: none */
    void *explain_arg;
    const char *refused_cause; /* own_device: how its registration ended last (NULL: it was not refused), with … */
    const char *refused_found, *refused_remedy;
    const char *local_cause; /* what this device's settings rule out already (NULL: nothing), with … */
    const char *local_found, *local_remedy;
};

struct analyze_proof {
    bool of[ANALYZE_KINDS]; /* which kinds the gateway let in */
};

/* Runs all steps; `watch` may be NULL. The caller analyze_report_free()s *ret. */
void analyze_run(const struct analyze_config *c, const struct analyze_watch *watch, struct analyze_report *ret,
                 struct analyze_proof *ret_proof);

/* {"ok","gateway","credential":{"method","subject","proved","not_proved"},"steps":[…]}; the caller json_decref()s. */
json_t *analyze_json(const struct analyze_config *c, const struct analyze_report *report,
                     const struct analyze_proof *proof);

#endif
