/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway may ask the site through a tunnel (docs/protocol/wire.md 4). The connector's own document is not among
 * it: it names the servers inside. Pure. */
#ifndef CONNECTOR_SITE_SITE_QUESTION_H
#define CONNECTOR_SITE_SITE_QUESTION_H

#include "base/slice.h"

/* What a gateway says of itself gets its id into the path, as the tunnel's certificate proved it: under the bare path
 * the connector speaks for itself. */
struct site_question {
    struct slice method, path;
    const char *named; /* the path then; NULL: the target is passed on as it is */
    bool of_list; /* what follows is the SHA-256 of a revocation list, 64 lower-case hex digits, and nothing else */
};

/* NULL: this is not for gateways. */
const struct site_question *site_question_find(struct slice method, struct slice target);

#endif
