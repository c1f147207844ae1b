/* SPDX-License-Identifier: Apache-2.0 */
/* What a connector knows of its site, for all that talk with it: they see this, and no upstream or tunnel. */
#ifndef CONNECTOR_SITE_KNOWN_H
#define CONNECTOR_SITE_KNOWN_H

#include "bundle/bundle.h"
#include "connector/config.h"
#include "loop/loop.h"
#include "renew/renewer.h"

struct site_known {
    struct loop *loop;
    const struct connector_config *config;
    struct renewer *renewer;             /* holds the role certificate */
    struct connector_document *document; /* in use; NULL: none yet */
    bool has_document;
    void (*on_news)(void *ctx); /* what is reported to the site is another */
    void *ctx;
};

#endif
