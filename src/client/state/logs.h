/* SPDX-License-Identifier: Apache-2.0 */
/* The device's logs under the field's names and in the field's format (cmtrace), in STATE/logs. One older file of each
 * is kept as NAME.lo_, as the field does. A log that can't be written is lost: it must not fail its caller. */
#ifndef CLIENT_STATE_LOGS_H
#define CLIENT_STATE_LOGS_H

#include "base/host/log.h"

enum client_log {
    CLIENT_LOG_LOCATION,     /* LocationServices.log: gateways, management points, reachability */
    CLIENT_LOG_REGISTRATION, /* ClientIDManagerStartup.log: credentials, method, registration, tokens */
    CLIENT_LOG_MESSAGING,    /* CcmMessaging.log: every request and its answer */
    CLIENT_LOG_POLICY,       /* PolicyAgent.log */
    CLIENT_LOGS
};

struct client_logs {
    char *dir;
};

/* Makes STATE/logs (0700). */
MUST_USE enum result client_logs_open(const char *state, struct client_logs *ret, struct error *err);
void client_logs_close(struct client_logs *l);

void client_logf(const struct client_logs *l, enum client_log which, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#endif
