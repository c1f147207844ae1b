/* SPDX-License-Identifier: Apache-2.0 */
/* Whole operations: locate, choose, register where needed, and policy; the next method where the rules say so; the
 * result recorded. */
#ifndef CLIENT_OPERATION_H
#define CLIENT_OPERATION_H

#include "client/session/session.h"

/* INVENTORY: a report of what the device is; FULL: of all of it, not of what changed. */
enum client_operation {
    CLIENT_REGISTER,
    CLIENT_POLICY,
    CLIENT_USER_POLICY,
    CLIENT_RUN,
    CLIENT_INVENTORY,
    CLIENT_INVENTORY_FULL
};

/* *ret_report: the result (report.h), the caller json_decref()s. true: it went well. */
MUST_USE bool client_operate(struct client *c, enum client_operation what, json_t **ret_report);

/* The same, and the session stays open: to be ended with client_session_end, whatever became of it. */
MUST_USE bool client_operate_on(struct client *c, struct client_session *s, enum client_operation what,
                                json_t **ret_report);

/* `inventory --show`: what would be reported, on standard output, without a request. */
MUST_USE enum result client_inventory_show(struct client *c, struct error *err);

/* Takes over the text of a bulk registration token ("cmg1.<pin>.<jwt>"): its pin must be SiteKey, or becomes it. */
MUST_USE enum result client_bulk_take(struct client *c, struct slice text, struct error *err);

/* `analyze`: step by step, printed to standard output; *ret_ok: nothing failed. R_INVALID: `gateway` is no gateway's
 * name. */
struct client_analysis {
    const char *gateway; /* NULL: the first of CMGFQDNs */
    long timeout_ms;
    bool json;
};
MUST_USE enum result client_analyze(struct client *c, const struct client_analysis *how, bool *ret_ok,
                                    struct error *err);

/* `run`: operates until SIGTERM or SIGINT, PolicyInterval apart, sooner with back-off after a failure. Opens and closes
 * the state folder each time, so that `set` works meanwhile. `json`: how each result is printed. */
MUST_USE enum result client_run(const char *dir, bool json, struct error *err);

#endif
