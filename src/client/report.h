/* SPDX-License-Identifier: Apache-2.0 */
/* What an operation's result looks like, as JSON and for people. */
#ifndef CLIENT_REPORT_H
#define CLIENT_REPORT_H

#include <stdio.h>

#include "client/session/session.h"

/* {"ok","device","name","method","management_point","gateway","network","approval","code","reason","detail","remedy",
 * "passed_over","policies","changed","scenario","user"}; the caller json_decref()s. */
json_t *client_report(const struct client_session *s, bool ok);
/* One line of it, flushed at once. */
void client_report_json(const json_t *report, FILE *out);
void client_report_text(const json_t *report, FILE *out);

/* One screen: which gateway, which method and why not the others, tokens, last policy, last failure and what to do. */
json_t *client_status(const struct client *c, int64_t now);
void client_status_text(const json_t *status, FILE *out);

#endif
