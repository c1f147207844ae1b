/* SPDX-License-Identifier: Apache-2.0 */
/* A plan to read: as JSON, which text and HTML are made of. */
#ifndef PLAN_REPORT_H
#define PLAN_REPORT_H

#include "base/buf.h"
#include "plan/inventory.h"
#include "json/json.h"

/* Numbers, groups and steps, without the devices one by one:
 * {"inventory":
 * {"source","rows","devices","bad_rows","repeated_names","headings","ignored_columns","faults","faults_left_off"},
 *  "today": side, "proposed": side or null, "changes": null or {"moves","cut_off","unknown","rescued",
 *  "lose_user_policy","gain_user_policy"}, "unverified": [...], "steps": [{"order","id","title","text","devices",
 *  "examples"}]}, where a side is {"setup","methods": {"pki","entra","token"},"unknown","cut_off","user_policy",
 *  "cut_off_groups","unknown_groups"}. `i` is NULL for a fleet that is no file. The caller json_decref()s it. */
json_t *plan_report_json(const struct plan *p, const struct inventory *i, const char *source);

/* What came from an inventory may be of any encoding; JSON is UTF-8 alone. */
json_t *plan_text_json(struct slice s);

/* Appends {"name","today": {"method","reasons"},"proposed": …}; R_LIMIT when `out` is full. */
MUST_USE enum result plan_report_device(const struct plan *p, size_t index, struct buf *out);

/* The same as one HTML page without scripts or anything from elsewhere. Appends to `out`. R_LIMIT. */
MUST_USE enum result plan_report_html(const json_t *report, struct buf *out);

/* One line of CSV (RFC 4180) a device: name, today, its reasons, proposed, its reasons. Names that a spreadsheet would
 * take for formulas get a quote mark in front. Appends; R_LIMIT when `out` is full. */
#define PLAN_REPORT_HEAD "name,today,today_reasons,proposed,proposed_reasons\r\n"
MUST_USE enum result plan_report_line(const struct plan *p, size_t index, struct buf *out);

#endif
