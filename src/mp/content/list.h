/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists as gateways fetch them: each is read out of the store once, however often it is asked for and
 * however slowly it is taken. */
#ifndef MP_CONTENT_LIST_H
#define MP_CONTENT_LIST_H

#include "base/error.h"
#include "mp/content/text.h"

struct mp_site;
struct mp_lists;

struct mp_lists *mp_lists_new(void);
void mp_lists_free(struct mp_lists *l); /* NULL allowed */

/* By the SHA-256 of its DER, in hex; the caller owns a reference. R_NOTFOUND: the site has no such list. */
MUST_USE enum result mp_lists_get(struct mp_site *site, const char *sha256, struct mp_text **ret, struct error *err);

#endif
