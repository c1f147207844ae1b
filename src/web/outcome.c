/* SPDX-License-Identifier: Apache-2.0 */
/* Turns answers that refuse into an outcome. */
#include "web/outcome.h"

#include <stdio.h>

#include "base/utf8.h"
#include "verdict/remedy.h"
#include "json/json.h"

enum { PROBLEM_MAX = 64 * 1024 };

void web_text_clean(struct slice text, char *ret, size_t size)
{
    size_t used = 0;
    while (text.len) {
        size_t len = utf8_shown(text), taken = len ? len : 1;
        if (used + taken >= size)
            break;
        memcpy(ret + used, len ? text.ptr : "?", taken);
        used += taken;
        text = slice_skip(text, taken);
    }
    ret[used] = '\0';
}

static void set(char *at, size_t size, const char *text)
{
    web_text_clean(slice_of(text ? text : ""), at, size);
}

void web_outcome_local(struct web_outcome *o, const char *reason, const char *detail, const char *remedy)
{
    *o = (struct web_outcome){.ending = WEB_LOCAL};
    set(o->reason, sizeof o->reason, reason);
    set(o->detail, sizeof o->detail, detail);
    set(o->remedy, sizeof o->remedy, remedy);
}

static void take_problem(struct web_outcome *o, const json_t *p)
{
    const char *oauth = json_opt_str(p, "error", NULL);
    const char *code = json_opt_str(p, "code", NULL);
    const char *detail = json_opt_str(p, "detail", NULL);
    if (code)
        set(o->code, sizeof o->code, code);
    set(o->reason, sizeof o->reason, json_opt_str(p, "reason", oauth));
    set(o->detail, sizeof o->detail,
        detail ? detail : json_opt_str(p, "error_description", json_opt_str(p, "title", NULL)));
    set(o->remedy, sizeof o->remedy, json_opt_str(p, "remedy", NULL));
    set(o->request_id, sizeof o->request_id, json_opt_str(p, "request_id", NULL));
}

/* The table's own words win over a peer's, but for a detail that the peer gave; it says which of the reason's causes it
 * was by a remedy that the table has. */
static void take_table(struct web_outcome *o)
{
    enum verdict_reason reason = verdict_reason_find(slice_of(o->code), slice_of(o->reason));
    if (reason == REASON_OK)
        return;
    const struct verdict_reason_info *info = verdict_reason_info(reason);
    if (!*o->detail)
        set(o->detail, sizeof o->detail, info->text);
    set(o->reason, sizeof o->reason, info->name);
    if (!verdict_remedy_known(reason, o->remedy))
        set(o->remedy, sizeof o->remedy, info->remedy);
}

void web_outcome_answer(struct web_outcome *o, long status, struct slice status_text, struct slice body)
{
    json_t *problem = NULL;
    *o = (struct web_outcome){.ending = WEB_REFUSED, .status = status};
    web_text_clean(status_text, o->code, sizeof o->code);
    if (json_parse(body, PROBLEM_MAX, &problem, NULL) == OK && json_is_object(problem))
        take_problem(o, problem);
    json_decref(problem);
    take_table(o);
    if (!*o->reason)
        (void)snprintf(o->reason, sizeof o->reason, "http_%ld", status);
    if (!*o->detail)
        (void)snprintf(o->detail, sizeof o->detail, "the answer was HTTP %ld without an explanation", status);
}

bool web_outcome_forbids_method(const struct web_outcome *o)
{
    return o->ending == WEB_REFUSED && strcmp(o->reason, "mode_forbids_pki") == 0;
}

bool web_outcome_final(const struct web_outcome *o)
{
    return o->ending == WEB_REFUSED && (strcmp(o->reason, "revoked") == 0 || strcmp(o->reason, "blocked") == 0);
}
