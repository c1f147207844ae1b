/* SPDX-License-Identifier: Apache-2.0 */
/* What a device is told at once: which of the site's notifications are for it, as a document that the site signs for
 * its key alone, so that nobody on the way can make one, or use one twice. */
#ifndef MP_NOTIFY_NEWS_H
#define MP_NOTIFY_NEWS_H

#include "mp/content/documents.h"
#include "store/device/device.h"

/* *ret_text (malloc'ed) NULL: there is nothing over `after` for it. `key`: hex SHA-256 of its public key. */
MUST_USE enum result mp_news_of(struct mp_site *site, struct arena *a, const struct store_device *d, const char *key,
                                int64_t after, char **ret_text, struct error *err);

#endif
