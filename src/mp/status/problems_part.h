/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of mp/status/problems.c: each adds to `list` what it finds in the site's status. */
#ifndef MP_STATUS_PROBLEMS_PART_H
#define MP_STATUS_PROBLEMS_PART_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mp/put.h"
#include "mp/status/problems.h"
#include "mp/status/report.h"
#include "json/json.h"

struct mp_problem {
    const char *cause, *remedy; /* constants */
};

/* --- problem.c --- */
void mp_problem_add(json_t *list, const struct mp_problem *p, const char *of, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Is this gateway or connector not heard of? */
bool mp_role_silent(const json_t *role, int64_t now);

/* --- problems_way.c: the ways between the parts of the site --- */
/* Returns how many connectors are heard of. */
size_t mp_problems_connectors(json_t *list, const json_t *status, int64_t now);
void mp_problems_gateways(json_t *list, const json_t *status, int64_t now);
void mp_problems_servers_inside(json_t *list, const json_t *status, int64_t now);

/* --- problems_clock.c --- */
void mp_problems_clocks(json_t *list, const json_t *status, int64_t now);

/* --- problems_devices.c --- */
void mp_problems_devices(json_t *list, const json_t *status, int64_t now);

/* --- refusals.c --- */
/* Of a gateway that is heard of (connectors have no such counts). */
void mp_problems_refusals(json_t *list, const json_t *gateway, const char *kind);

/* --- problems_trust.c: certificates, and what certificates are judged by --- */
void mp_problems_connector_certificates(json_t *list, const json_t *status);
void mp_problems_certificates(json_t *list, const json_t *status, int64_t now);
/* Of one that is heard of. */
void mp_problems_server_certificates(json_t *list, const json_t *gateway, const char *kind);
void mp_problems_trust(json_t *list, const json_t *status, int64_t now);
void mp_problems_sources(json_t *list, const json_t *status, int64_t now);

#endif
