/* SPDX-License-Identifier: Apache-2.0 */
/* What gateways and connectors tell of themselves (docs/protocol/wire.md 4), reduced to the members that are known,
 * each of its kind and size: it is kept and shown to administrators, and a gateway stands in the open. */
#ifndef MP_STATUS_REPORT_H
#define MP_STATUS_REPORT_H

#include "json/json.h"

/* A new object; the caller json_decref()s it. What is missing or wrong is left out. */
json_t *mp_report_of_gateway(const json_t *report);
json_t *mp_report_of_connector(const json_t *report);
/* How far ahead of `now` the reporter's clock is (behind: negative), seconds, also as "ahead_s" in `clean`; 0 when the
 * report does not tell. More than MP_SKEW_S either way is an alert (PROTOCOL 5). */
enum { MP_SKEW_S = 30 };
int64_t mp_report_clock(const json_t *report, int64_t now, json_t *clean);
/* What a part did with a request, an array. */
json_t *mp_report_of_trail(const json_t *steps);
/* A gateway's answer to the question whether it would let a certificate in. */
json_t *mp_report_of_verdict(const json_t *verdict);

#endif
