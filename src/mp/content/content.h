/* SPDX-License-Identifier: Apache-2.0 */
/* What the site's documents say (docs/protocol/wire.md 5), gathered from the store; documents.c signs it. */
#ifndef MP_CONTENT_CONTENT_H
#define MP_CONTENT_CONTENT_H

#include <jansson.h>

#include "base/arena.h"
#include "mp/site.h"
#include "store/site/endpoint.h"
#include "store/site/role.h"

/* Each in a fresh object that the caller json_decref()s; rows go through `a`. */
MUST_USE enum result mp_content_bundle(struct mp_site *site, struct arena *a, const char *location, json_t **ret,
                                       struct error *err);
MUST_USE enum result mp_content_connector(struct mp_site *site, struct arena *a, json_t **ret, struct error *err);
MUST_USE enum result mp_content_location(struct mp_site *site, struct arena *a, json_t **ret, struct error *err);
/* The policies of this device, or (user not NULL) of this user on it. */
struct store_device;
MUST_USE enum result mp_content_policy(struct mp_site *site, struct arena *a, const struct store_device *d,
                                       const char *user, json_t **ret, struct error *err);

/* {"sequence", "questions": [{"id", "certificates_pem" or "request_id"}]}: those for this gateway, or this part of the
 * site by the name that answers have (store/site/question.h), after number `after`. Of certificates gateways alone
 * hear. */
MUST_USE enum result mp_content_questions(struct mp_site *site, struct arena *a, const char *part, int64_t after,
                                          json_t **ret, struct error *err);

/* May its server be told of certificates in the form that it asks for, with so many anchors trusted? */
bool mp_content_form_is_safe(const struct store_endpoint *e, size_t anchors);
/* Must connectors show a client certificate of the PKI there? (SPEC 2, by the table of the choices) */
bool mp_content_needs_certificate(const struct store_mp *m);
/* [{"id", "host", "port"}], of all gateways: also for bootstrap files. */
MUST_USE enum result mp_content_gateways(struct mp_site *site, struct arena *a, json_t **ret, struct error *err);

#endif
