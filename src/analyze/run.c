/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the steps, and the report. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/context.h"
#include "base/mem.h"
#include "base/text/name.h"
#include "net/url.h"

/* --- the gateway's name --- */

static enum result parse_role(struct slice path, struct analyze_gateway *ret, struct error *err)
{
    struct slice rest = slice_skip(path, 1), word = slice_cut(&rest, '/');
    if (path.len <= 1)
        return OK;
    if (!slice_eq_nocase(word, SLICE("CCM_Proxy_MutualAuth")) || !rest.ptr || !name_valid(NAME_ROLE, rest) ||
        !slice_to_cstr(rest, ret->role, sizeof ret->role))
        return error_set(err, R_INVALID, "after the name only /CCM_Proxy_MutualAuth/<role id> may stand");
    return OK;
}

enum result analyze_gateway_parse(struct slice text, struct analyze_gateway *ret, struct error *err)
{
    struct net_url url;
    struct buf whole;
    *ret = (struct analyze_gateway){.port = 443};
    buf_init(&whole, 1024);
    bool plain = slice_find_slice(text, SLICE("://")) == SIZE_MAX;
    enum result r = buf_printf(&whole, "%s%" PRIslice, plain ? "https://" : "", SLICE_ARG(text)) == OK
                        ? net_url_parse(buf_data(&whole), &url, err)
                        : error_set(err, R_LIMIT, "the gateway's name is too long");
    buf_free(&whole);
    if (r == OK && strcmp(url.scheme, "https") != 0)
        r = error_set(err, R_INVALID, "a gateway speaks https: write https://%s:%u, or %s alone for port 443", url.host,
                      url.port, url.host);
    if (r == OK && url.port == 0)
        r = error_set(err, R_INVALID, "the port must be 1 to 65535");
    if (r != OK)
        return r;
    (void)snprintf(ret->host, sizeof ret->host, "%s", url.host);
    ret->port = url.port;
    return parse_role(slice_of(url.path), ret, err);
}

void analyze_gateway_text(const struct analyze_gateway *g, char *ret, size_t size)
{
    if (g->host[0])
        (void)snprintf(ret, size, strchr(g->host, ':') ? "[%s]:%u" : "%s:%u", g->host, g->port);
    else
        (void)snprintf(ret, size, "no gateway");
}

/* --- the run --- */

static X509_STORE *new_store(const char *pem)
{
    X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *certs = NULL;
    struct error err;
    if (!store)
        fatal("OpenSSL can't make a store");
    if (!pem) {
        (void)X509_STORE_set_default_paths(store); /* none: all is untrusted, and is told so */
        return store;
    }
    if (pki_cert_read_all(slice_of(pem), 1000, &certs, &err) == OK) {
        for (int i = 0; i < sk_X509_num(certs); i++)
            (void)X509_STORE_add_cert(store, sk_X509_value(certs, i));
        sk_X509_pop_free(certs, X509_free);
    }
    return store;
}

static void step_settings(void *arg, struct analyze_result *r)
{
    const struct analyze *a = arg;
    if (a->c->local_cause)
        analyze_fail_as(r, a->c->local_cause, a->c->local_found, a->c->local_remedy);
    else
        analyze_found(r, "gateway %s, credential: %s (%s)", a->authority, analyze_kind_name(a->c->credential->kind),
                      a->c->credential->subject);
}

static const char *run_table(struct analyze *a, const struct analyze_step *steps, const char *first_needs)
{
    const char *last = first_needs;
    for (const struct analyze_step *s = steps; s->id; s++) {
        struct analyze_step step = *s;
        if (!step.needs)
            step.needs = first_needs;
        (void)analyze_step_run(a->report, &step, a, a->watch);
        last = s->id;
    }
    return last;
}

static void run_all(struct analyze *a)
{
    const char *first = NULL;
    bool pki = a->c->credential->kind == ANALYZE_PKI;
    if (a->c->own_device) {
        struct analyze_step step = {"settings", "Settings of this device", NULL, step_settings};
        (void)analyze_step_run(a->report, &step, a, a->watch);
        first = "settings";
    }
    (void)run_table(a, analyze_reach_steps, first);
    (void)run_table(a, analyze_trust_steps, first);
    if (a->c->as_certificate) {
        a->c->more(a->c->more_arg, a->report, a->watch);
        return;
    }
    const struct analyze_step entry[] = {
        {"auth", "Client authentication", "gateway", analyze_step_auth},
        {"crl", "CRL", "auth", analyze_step_crl},
        {"points", "Management points", pki ? "crl" : "auth", analyze_step_points},
        {"connectors", "Connection points", "points", analyze_step_connectors},
        {NULL, NULL, NULL, NULL},
    };
    (void)run_table(a, entry, first);
    analyze_points_run(a);
}

void analyze_run(const struct analyze_config *c, const struct analyze_watch *watch, struct analyze_report *ret,
                 struct analyze_proof *ret_proof)
{
    struct analyze *a = mem_zalloc(sizeof *a); /* large */
    *ret = (struct analyze_report){.explain = c->explain, .explain_arg = c->explain_arg};
    *ret_proof = (struct analyze_proof){{false}};
    a->c = c;
    a->watch = watch;
    a->report = ret;
    a->proof = ret_proof;
    a->at = (struct web_endpoint){c->gateway.host, c->gateway.port};
    analyze_gateway_text(&c->gateway, a->authority, sizeof a->authority);
    a->http = web_http_new();
    a->anchors = new_store(c->anchors_pem);
    run_all(a);
    analyze_peer_done(&a->peer);
    analyze_answer_free(&a->first);
    json_decref(a->location);
    mem_free_secret(a->access_token, a->access_token ? strlen(a->access_token) : 0);
    X509_STORE_free(a->anchors);
    web_http_free(a->http);
    free(a);
}

/* --- the report --- */

static json_t *text_or_null(const char *text)
{
    return *text ? json_stringn_nocheck(text, strlen(text)) : json_null();
}

static json_t *step_json(const struct analyze_result *r)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "id", r->id, "title", r->title, "outcome",
                          analyze_outcome_name(r->outcome), "ms", (json_int_t)r->ms, "found", text_or_null(r->found),
                          "cause", text_or_null(r->cause), "remedy", text_or_null(r->remedy));
    if (!o || json_object_set_new(o, "needs", text_or_null(r->needs)) != 0 ||
        json_object_set_new(o, "code", text_or_null(r->code)) != 0 ||
        json_object_set_new(o, "request_id", text_or_null(r->request_id)) != 0)
        fatal("a step can't be put into JSON");
    return o;
}

static json_t *kinds_json(const struct analyze_proof *proof, bool proved)
{
    json_t *list = json_array();
    for (enum analyze_kind k = ANALYZE_PKI; k < ANALYZE_KINDS; k++) {
        if (proof->of[k] == proved)
            (void)json_array_append_new(list, json_string(analyze_kind_name(k)));
    }
    return list;
}

json_t *analyze_json(const struct analyze_config *c, const struct analyze_report *report,
                     const struct analyze_proof *proof)
{
    char gateway[300];
    json_t *steps = json_array();
    analyze_gateway_text(&c->gateway, gateway, sizeof gateway);
    for (size_t i = 0; i < report->count; i++)
        (void)json_array_append_new(steps, step_json(&report->items[i]));
    json_t *o = json_pack("{s:b, s:o, s:{s:s, s:o, s:o, s:o}, s:o}", "ok", analyze_report_fault(report) == NULL,
                          "gateway", text_or_null(c->gateway.host[0] ? gateway : ""), "credential", "method",
                          analyze_kind_name(c->credential->kind), "subject", text_or_null(c->credential->subject),
                          "proved", kinds_json(proof, true), "not_proved", kinds_json(proof, false), "steps", steps);
    if (!o)
        fatal("the analysis can't be put into JSON");
    return o;
}
