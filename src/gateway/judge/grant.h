/* SPDX-License-Identifier: Apache-2.0 */
/* What a token let in: kept with each request that it opened, so that the request ends with it, whatever its connection
 * shows later. Counted; a worker's own. */
#ifndef GATEWAY_JUDGE_GRANT_H
#define GATEWAY_JUDGE_GRANT_H

#include "gateway/judge/verdict_cache.h"
#include "gateway/snapshot/snapshot.h"

struct grant;

/* Of a token that was let in; `key` names it. NULL `old`, or one that is no longer this token's: unreferenced, and a
 * new one is made. */
struct grant *grant_of(struct grant *old, const unsigned char key[VERDICT_KEY_SIZE], const struct cached_verdict *v);
struct grant *grant_ref(struct grant *g); /* NULL allowed */
void grant_unref(struct grant *g);        /* NULL allowed */

const char *grant_client(const struct grant *g); /* the device's GUID; "": it names none */

enum choice_client grant_method(const struct grant *g); /* token or entra */

/* NULL while the token still lets in at this endpoint (NULL: anywhere), else what ended it. */
const char *grant_ended(const struct grant *g, const struct snapshot *s, const char *endpoint, int64_t now);

/* A device that changed its method has a certificate of the PKI and a key of its own. The PKI takes back the device,
 * not a key: tokens end with the last of its certificates. false of none. */
bool grant_all_revoked(const struct snapshot *s, const struct pki_cert_ref *list, size_t count, int64_t now);

#endif
