/* SPDX-License-Identifier: Apache-2.0 */
/* The site's signed documents, made when their sequence has grown and kept as text until it grows again. */
#ifndef MP_CONTENT_DOCUMENTS_H
#define MP_CONTENT_DOCUMENTS_H

#include "mp/content/text.h"
#include "mp/site.h"
#include "json/json.h"

struct arena;

struct mp_documents *mp_documents_new(void);
void mp_documents_free(struct mp_documents *d); /* NULL allowed */

/* Compact JWS; the caller owns a reference (mp_text_unref, or mp_answer_text). */
MUST_USE enum result mp_documents_bundle(struct mp_site *site, struct mp_text **ret, struct error *err);
MUST_USE enum result mp_documents_location(struct mp_site *site, struct mp_text **ret, struct error *err);
MUST_USE enum result mp_documents_connector(struct mp_site *site, const char *id, struct mp_text **ret,
                                            struct error *err);
MUST_USE enum result mp_documents_connector_sequence(struct mp_site *site, const char *id, int64_t *ret,
                                                     struct error *err);

/* At least 1. */
MUST_USE enum result mp_documents_policy_sequence(struct mp_site *site, const char *guid, int64_t *ret,
                                                  struct error *err);

/* For whom a document of a device is: its GUID (or "all"), and the key that signed its request. */
struct mp_audience {
    const char *audience;
    char key[PKI_HASH_HEX];
};

struct store_device;
/* Not kept: it is of one device, and of one user there (NULL: the device's own). *ret is malloc'ed. */
MUST_USE enum result mp_documents_policy(struct mp_site *site, struct arena *a, const struct store_device *d,
                                         X509 *certificate, const char *user, int64_t sequence, char **ret,
                                         struct error *err);

/* The resultant client settings of one device: `content` (borrowed) signed. *ret is malloc'ed. */
MUST_USE enum result mp_documents_settings(struct mp_site *site, const struct store_device *d, X509 *certificate,
                                           int64_t sequence, json_t *content, char **ret, struct error *err);

/* What the site says to one request (mp/sender/signed.h). *ret is malloc'ed. */
MUST_USE enum result mp_documents_answer(struct mp_site *site, const struct mp_audience *whose, json_t *content,
                                         char **ret, struct error *err);

/* What the site says to a machine that joins (bundle/join/answer.h). *ret is malloc'ed. */
MUST_USE enum result mp_documents_join(struct mp_site *site, const struct mp_audience *whose, json_t *content,
                                       char **ret, struct error *err);

/* What one device is told at once (mp/notify/news.h). *ret is malloc'ed. */
MUST_USE enum result mp_documents_notification(struct mp_site *site, const struct mp_audience *whose, int64_t sequence,
                                               int64_t life_s, json_t *content, char **ret, struct error *err);

/* Would gateways and connectors read what the store now says? To be asked inside the transaction of a change, so that
 * nothing is published that they would refuse. */
MUST_USE enum result mp_documents_check(struct mp_site *site, struct error *err);

/* Half of a bundle's life: what is older is made anew. */
MUST_USE enum result mp_documents_refresh(struct mp_site *site, int64_t now, struct error *err);

#endif
