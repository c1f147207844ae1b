/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine is, as facts (facts/facts.h), of which each section has a collector. It reads what the system tells
 * and runs the administrator's scripts; it never hears the network. */
#ifndef CLIENT_FACTS_COLLECT_H
#define CLIENT_FACTS_COLLECT_H

#include "client/state/settings.h"

/* Facts that facts_check() takes; what is too much of them is left out, and named in section "left_out". `dir` is the
 * state folder. The caller json_decref()s. */
json_t *client_facts_collect(const char *dir, const struct client_settings *s);

#endif
