/* SPDX-License-Identifier: Apache-2.0 */
/* Adding a named source, for the commands that do. */
#ifndef CTL_NOUN_SOURCE_H
#define CTL_NOUN_SOURCE_H

#include "ctl/ctl.h"

struct ctl_source {
    const char *id, *kind, *url;
    const char *via;     /* NULL: internet for http and https, connector for all else */
    const char *refresh; /* a duration, or NULL */
    const char *ca;      /* file of CA certificates for its server; NULL: the system's CAs */
};

/* Sends it and prints the answer; an exit code. */
int ctl_source_add(const struct ctl_common *common, const struct ctl_source *s);

#endif
