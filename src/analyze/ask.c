/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as a device makes them, and what the answers mean as causes. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/context.h"
#include "base/clock.h"
#include "bundle/document.h"

enum { URL_MAX = 2048 };

static void make_url(const struct analyze *a, const struct analyze_ask *q, char *ret, size_t size)
{
    bool pki = a->c->credential->kind == ANALYZE_PKI && !q->anonymous;
    (void)snprintf(ret, size, "https://%s/%s%s%s%s", a->authority,
                   pki ? "CCM_Proxy_MutualAuth" : "CCM_Proxy_ServerAuth", q->role ? "/" : "", q->role ? q->role : "",
                   q->target);
}

static bool make_lines(const struct analyze *a, const struct analyze_ask *q, struct web_lines *ret, struct error *err)
{
    struct web_signed_request s = {.verb = q->verb,
                                   .target = q->target,
                                   .body = q->body,
                                   .key = a->c->credential->key,
                                   .now = clock_wall_s() + a->offset,
                                   .content_type = q->content_type,
                                   .bearer = q->bearer};
    *ret = (struct web_lines){.count = 0};
    return q->anonymous || web_signed_lines(&s, ret, err) == OK;
}

static void read_refusal(struct analyze_answer *ret)
{
    struct web_outcome *o = &ret->outcome;
    web_outcome_answer(o, ret->http.status, slice_of(ret->http.status_text), buf_data(&ret->http.body));
    ret->reason = verdict_reason_find(slice_of(o->code), slice_of(o->reason));
}

void analyze_ask(struct analyze *a, const struct analyze_ask *q, struct analyze_answer *ret)
{
    char url[URL_MAX];
    struct web_lines lines;
    *ret = (struct analyze_answer){.fault = WEB_FAULT_NONE};
    make_url(a, q, url, sizeof url);
    const struct analyze_credential *c = a->c->credential;
    struct web_request r = {.method = q->verb,
                            .url = url,
                            .body = q->body,
                            .anchors_pem = slice_of(a->c->anchors_pem),
                            .timeout_ms = a->c->timeout_ms};
    if (!q->anonymous) {
        r.certificate_pem = slice_of(c->certificate_pem);
        r.key_pem = slice_of(c->key_pem);
    }
    if (make_lines(a, q, &lines, &ret->err)) {
        for (size_t i = 0; i < lines.count; i++)
            r.headers[i] = lines.items[i];
        ret->fault = web_http_do(a->http, &r, &ret->http, &ret->err);
    } else {
        ret->fault = WEB_FAULT_CREDENTIAL;
    }
    web_lines_free(&lines);
    if (ret->fault == WEB_FAULT_NONE && ret->http.status >= 400)
        read_refusal(ret);
}

void analyze_answer_free(struct analyze_answer *a)
{
    web_answer_free(&a->http);
}

const char *analyze_bearer(const struct analyze *a)
{
    return a->access_token ? a->access_token : a->c->credential->token;
}

/* --- what it means --- */

static void tell_fault(const struct analyze *a, const struct analyze_answer *answer, bool point,
                       struct analyze_result *r)
{
    const struct web_fault_info *info = web_fault_info(answer->fault);
    if (answer->fault == WEB_FAULT_TIMED_OUT)
        analyze_fail(r, point ? ANALYZE_CAUSE_MP_SLOW : ANALYZE_CAUSE_NO_ANSWER, "no answer within %ld s",
                     a->c->timeout_ms / 1000);
    else if (answer->fault == WEB_FAULT_STOPPED)
        analyze_fail(r, ANALYZE_CAUSE_STOPPED, NULL);
    else
        analyze_fail_as(r, info->word, answer->err.text, answer->err.remedy ? answer->err.remedy : info->remedy);
}

/* The texts of the table come first, then what was found in this case. */
static void tell_refusal(const struct analyze_answer *answer, bool point, struct analyze_result *r)
{
    const struct web_outcome *o = &answer->outcome;
    char found[sizeof r->found];
    if (answer->reason != REASON_OK) {
        const struct verdict_reason_info *info = verdict_reason_info(answer->reason);
        bool more = *o->detail && strcmp(o->detail, info->text) != 0;
        (void)snprintf(found, sizeof found, "%s%s%.500s", info->text, more ? ": " : "", more ? o->detail : "");
        analyze_fail_as(r, info->name, found, *o->remedy ? o->remedy : info->remedy);
    } else if (*o->remedy) {
        analyze_fail_as(r, o->reason, o->detail, o->remedy);
    } else if (point && answer->http.status >= 500) {
        analyze_fail(r, ANALYZE_CAUSE_MP_ERROR, "HTTP %ld %.64s: %.400s", o->status, o->code, o->detail);
    } else {
        analyze_fail(r, point ? ANALYZE_CAUSE_BAD_ANSWER : ANALYZE_CAUSE_NOT_A_GATEWAY, "HTTP %ld %.64s: %.400s",
                     o->status, o->code, o->detail);
    }
    (void)snprintf(r->code, sizeof r->code, "%s", o->code);
    (void)snprintf(r->request_id, sizeof r->request_id, "%s", o->request_id);
}

bool analyze_good(const struct analyze *a, const struct analyze_answer *answer, bool point, struct analyze_result *r)
{
    long status = answer->http.status;
    if (answer->fault != WEB_FAULT_NONE)
        tell_fault(a, answer, point, r);
    else if (status >= 400)
        tell_refusal(answer, point, r);
    else if (status >= 300)
        analyze_fail(r, point ? ANALYZE_CAUSE_MP_REDIRECTS : ANALYZE_CAUSE_NOT_A_GATEWAY, "HTTP %ld, to %.200s", status,
                     answer->http.location[0] ? answer->http.location : "nowhere");
    else if (point && answer->http.millis > ANALYZE_SLOW_MS)
        analyze_fail(r, ANALYZE_CAUSE_MP_SLOW, "its answer took %ld ms; more than %d ms is too slow",
                     answer->http.millis, ANALYZE_SLOW_MS);
    else
        return true;
    return false;
}

/* --- signed documents --- */

enum result analyze_document(const struct analyze *a, struct slice text, int type, const char *audience, json_t **ret,
                             bool *ret_verified, struct error *err)
{
    json_t *header = NULL, *payload = NULL;
    *ret = NULL;
    *ret_verified = false;
    enum result r = jose_peek(text, WEB_ANSWER_MAX, &header, &payload, err);
    if (r != OK)
        return r;
    if (a->c->has_pin) {
        struct document d = {0};
        struct document_expect e = {.type = (enum document_type)type,
                                    .audience = audience ? audience : json_opt_str(payload, "audience", "all"),
                                    .now = clock_wall_s() + a->offset};
        memcpy(e.root_sha256, a->c->pin, sizeof e.root_sha256);
        r = document_read(text, &e, &d, err);
        if (r == OK) {
            *ret = json_incref(d.content);
            *ret_verified = true;
            document_done(&d);
        }
    } else {
        *ret = json_incref(json_object_get(payload, "content"));
        if (!json_is_object(*ret)) {
            json_decref(*ret);
            *ret = NULL;
            r = error_set(err, R_INVALID, "the document has no content");
        }
    }
    json_decref(header);
    json_decref(payload);
    return r;
}
