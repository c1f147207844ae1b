/* SPDX-License-Identifier: Apache-2.0 */
/* Each management point: token service, location, policy; with a bulk token its registration alone. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/context.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bundle/document.h"

struct point {
    struct analyze *a;
    const struct web_role *role;
};

/* --- registration: asked with a body that registers nobody --- */

static void step_registration(void *arg, struct analyze_result *r)
{
    const struct point *p = arg;
    struct analyze_ask q = {.role = p->role->id,
                            .verb = "POST",
                            .target = "/CCM_Client/registration",
                            .content_type = "application/json",
                            .body = SLICE("{}"),
                            .bearer = analyze_bearer(p->a)};
    struct analyze_answer answer;
    analyze_ask(p->a, &q, &answer);
    bool empty = answer.fault == WEB_FAULT_NONE && strcmp(answer.outcome.code, "MP_Bad_Request") == 0 &&
                 answer.http.millis <= ANALYZE_SLOW_MS;
    if (empty || analyze_good(p->a, &answer, true, r))
        analyze_found(r, "answers; nothing was registered, and the token was not used");
    analyze_answer_free(&answer);
}

/* --- token service --- */

static void take_access_token(struct analyze *a, const struct analyze_answer *answer, struct analyze_result *r)
{
    json_t *root = NULL;
    const char *token = NULL;
    struct error err;
    enum result result = json_parse(buf_data(&answer->http.body), 256 * 1024, &root, &err);
    if (result == OK)
        result = json_need_str(root, "access_token", &token, &err);
    if (result == OK && !web_token_valid(slice_of(token)))
        result = error_set(&err, R_INVALID, "'access_token' is no token");
    if (result != OK) {
        analyze_fail(r, ANALYZE_CAUSE_BAD_ANSWER, "token service: %s", err.text);
    } else {
        a->access_token = mem_strdup(token); /* there is none yet at this management point */
        analyze_found(r, "gave an access token for %lld s", (long long)json_opt_int(root, "expires_in", 0));
    }
    json_decref(root);
}

static void step_sts(void *arg, struct analyze_result *r)
{
    const struct point *p = arg;
    struct analyze *a = p->a;
    const struct analyze_credential *c = a->c->credential;
    struct analyze_answer answer;
    if (!analyze_kind_exchanges(c->kind)) {
        analyze_skip(r, c->kind == ANALYZE_PKI ? "pki needs no tokens"
                                               : "it takes the device token, and an access token was given");
        return;
    }
    struct web_form form;
    web_exchange_form(&form, c->token, NULL, WEB_TYPE_ACCESS);
    struct analyze_ask q = {.role = p->role->id,
                            .verb = "POST",
                            .target = "/CCM_STS",
                            .content_type = WEB_FORM_TYPE,
                            .body = web_form_body(&form),
                            .bearer = c->token};
    analyze_ask(a, &q, &answer);
    web_form_free(&form);
    bool unknown = answer.fault == WEB_FAULT_NONE && strcmp(answer.outcome.reason, "not_registered") == 0;
    if (unknown && !a->c->own_device) /* of Entra: the token is good, and nobody has registered this key */
        analyze_skip(r, "the management point answers, but no device is registered with this key");
    else if (analyze_good(a, &answer, true, r))
        take_access_token(a, &answer, r);
    analyze_answer_free(&answer);
}

/* --- location and policy --- */

static void step_location(void *arg, struct analyze_result *r)
{
    const struct point *p = arg;
    struct analyze_ask q = {
        .role = p->role->id, .verb = "GET", .target = "/SMS_MP/.sms_aut?MPLIST", .bearer = analyze_bearer(p->a)};
    struct analyze_answer answer;
    struct error err;
    json_t *content = NULL;
    bool verified;
    analyze_ask(p->a, &q, &answer);
    if (analyze_good(p->a, &answer, true, r)) {
        if (analyze_document(p->a, buf_data(&answer.http.body), DOCUMENT_LOCATION, "all", &content, &verified, &err) !=
            OK)
            analyze_fail(r, p->a->c->has_pin ? ANALYZE_CAUSE_LOCATION_UNTRUSTED : ANALYZE_CAUSE_BAD_ANSWER, "%s",
                         err.text);
        else
            analyze_found(r, "%zu management points%s", json_array_size(json_object_get(content, "roles")),
                          verified ? ", signed by the site" : ", signature not checked");
        if (r->outcome == ANALYZE_OK)
            p->a->proof->of[p->a->access_token ? ANALYZE_ACCESS : p->a->c->credential->kind] = true;
    }
    json_decref(content);
    analyze_answer_free(&answer);
}

static void tell_policy(const struct point *p, const struct analyze_answer *answer, struct analyze_result *r)
{
    const char *guid = p->a->c->credential->guid;
    struct error err;
    json_t *content = NULL;
    bool verified;
    if (analyze_document(p->a, buf_data(&answer->http.body), DOCUMENT_POLICY, *guid ? guid : NULL, &content, &verified,
                         &err) != OK)
        analyze_fail(r, p->a->c->has_pin ? ANALYZE_CAUSE_POLICY_UNTRUSTED : ANALYZE_CAUSE_BAD_ANSWER, "%s", err.text);
    else
        analyze_found(r, "%zu policies%s", json_array_size(json_object_get(content, "policies")),
                      verified ? ", signed by the site" : ", signature not checked");
    json_decref(content);
}

/* Without a record at the site there is no policy to judge: of a device's own credential that is a fault, of one that
 * an administrator holds against the gateway it is to be expected. */
static void step_policy(void *arg, struct analyze_result *r)
{
    const struct point *p = arg;
    struct analyze_ask q = {
        .role = p->role->id, .verb = "GET", .target = "/SMS_MP/.sms_pol?MACHINE", .bearer = analyze_bearer(p->a)};
    struct analyze_answer answer;
    analyze_ask(p->a, &q, &answer);
    bool unknown = answer.fault == WEB_FAULT_NONE && strcmp(answer.outcome.reason, "not_registered") == 0;
    if (unknown && !p->a->c->own_device)
        analyze_skip(r, "the management point answers, but no device is registered with this key");
    else if (analyze_good(p->a, &answer, true, r))
        tell_policy(p, &answer, r);
    analyze_answer_free(&answer);
}

static void step_other_mode(void *arg, struct analyze_result *r)
{
    const struct point *p = arg;
    enum choice_client method = analyze_kind_method(p->a->c->credential->kind);
    analyze_skip(r, "%s does not work there: it runs in mode %s%s", choices_client_name(method),
                 choices_mp_name(p->role->mode),
                 choices_mode_allows(p->role->mode, method) ? " without this method" : "");
}

/* --- all of them --- */

static const struct analyze_result *run(struct point *p, const char *what, const char *title, const char *needs,
                                        analyze_fn *fn)
{
    char id[80], text[96], before[80];
    (void)snprintf(id, sizeof id, "mp.%s%s%s", p->role->id, *what ? "." : "", what);
    (void)snprintf(text, sizeof text, "MP %s%s%s", p->role->id, *title ? ": " : "", title);
    (void)snprintf(before, sizeof before, "mp.%s.%s", p->role->id, needs ? needs : "");
    struct analyze_step step = {id, text, needs ? before : "connectors", fn};
    return analyze_step_run(p->a->report, &step, p, p->a->watch);
}

static void run_point(struct analyze *a, const struct web_role *role)
{
    struct point p = {a, role};
    enum analyze_kind kind = a->c->credential->kind;
    enum choice_client method = analyze_kind_method(kind);
    if (!choices_mode_allows(role->mode, method) || !(role->clients & CHOICE_BIT(method))) {
        (void)run(&p, "", "", NULL, step_other_mode);
        return;
    }
    if (kind == ANALYZE_BULK) {
        (void)run(&p, "registration", "registration", NULL, step_registration);
        return;
    }
    mem_free_secret(a->access_token, a->access_token ? strlen(a->access_token) : 0);
    a->access_token = NULL; /* each management point's own */
    (void)run(&p, "sts", "token service", NULL, step_sts);
    (void)run(&p, "location", "location", analyze_kind_exchanges(kind) ? "sts" : NULL, step_location);
    (void)run(&p, "policy", "policy", "location", step_policy);
}

/* A device that still shows its bulk token gets no policy, however well all else goes. */
static void step_registered(void *arg, struct analyze_result *r)
{
    const struct analyze *a = arg;
    if (a->c->pending)
        analyze_fail(r, ANALYZE_CAUSE_APPROVAL_PENDING, "%s", analyze_cause_info(ANALYZE_CAUSE_APPROVAL_PENDING)->text);
    else if (a->c->refused_cause)
        analyze_fail_as(r, a->c->refused_cause, a->c->refused_found, a->c->refused_remedy);
    else
        analyze_fail_as(r, "not_registered", "the device has a bulk token, but has not registered with it yet",
                        "cmg-client register, or cmg-client run");
}

void analyze_points_run(struct analyze *a)
{
    struct analyze_step registered = {"registered", "Registration of this device", "connectors", step_registered};
    for (size_t i = 0; i < a->roles.count && !web_http_stopped(); i++)
        run_point(a, &a->roles.items[i]);
    if (a->roles.count == 0) { /* not known: told once, as what is not reached */
        struct analyze_step step = {"mp", "Management points: tokens, location, policy", "connectors", step_other_mode};
        (void)analyze_step_run(a->report, &step, a, a->watch);
    }
    if (a->c->own_device && a->c->credential->kind == ANALYZE_BULK)
        (void)analyze_step_run(a->report, &registered, a, a->watch);
}
