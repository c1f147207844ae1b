/* SPDX-License-Identifier: Apache-2.0 */
/* The analysis of a certificate alone, by a gateway that is asked through the site: the question is parked there, the
 * gateway fetches and answers it, and its verdict becomes a step. The key is not needed, so its possession is not
 * proved. */
#include "ctl/check/as_certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/api.h"
#include "ctl/request.h"
#include "ctl/secret.h"
#include "pki/trust.h"
#include "verdict/reason.h"
#include "web/http.h"

enum { FILE_SIZE_MAX = 128 * 1024, LOOK_MS = 150 };

/* --- the file --- */

enum result as_certificate_read(const char *path, struct as_certificate *ret, struct error *err)
{
    char *data;
    size_t len;
    STACK_OF(X509) *certs = NULL;
    if (file_read_text(path, FILE_SIZE_MAX, &data, &len, err) != OK)
        return err->code == R_LIMIT ? error_set(err, R_LIMIT,
                                                "--as-certificate %s: larger than %d bytes; expected one certificate, "
                                                "with its intermediates at most",
                                                path, FILE_SIZE_MAX)
                                    : error_prefix(err, "--as-certificate");
    enum result r = pki_cert_read_all(slice_make(data, len), PKI_SENT_MAX, &certs, err);
    if (r == OK) {
        pki_cert_subject(sk_X509_value(certs, 0), ret->subject, sizeof ret->subject);
        r = ctl_certificates_pem(slice_make(data, len), &ret->pem, err);
    } else if (r == R_LIMIT) {
        (void)error_set(err, r,
                        "--as-certificate %s: more than %d certificates; give the device's own and its "
                        "intermediates",
                        path, PKI_SENT_MAX);
    } else {
        (void)error_prefix(err, "--as-certificate %s: there is no certificate in it (expected PEM or DER)", path);
    }
    sk_X509_pop_free(certs, X509_free);
    free(data); /* a key that stood in it went nowhere */
    return r;
}

void as_certificate_done(struct as_certificate *a)
{
    free(a->pem);
    free(a->root_pem);
    json_decref(a->answers);
}

/* --- which gateways --- */

static bool is_meant(const json_t *gateway, const char *name, const struct analyze_gateway *address)
{
    const char *host = json_opt_str(gateway, "host", "");
    if (strcmp(json_opt_str(gateway, "id", ""), name) == 0)
        return true;
    return address->host[0] && slice_eq_nocase(slice_of(host), slice_of(address->host)) &&
           json_opt_int(gateway, "port", 0) == (int64_t)address->port;
}

static void none_meant(const json_t *gateways, const char *name, int *ret_exit)
{
    char names[512] = "none";
    size_t used = 0, i;
    const json_t *gateway;
    json_array_foreach(gateways, i, gateway) {
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s (%s:%lld)", i ? ", " : "",
                                     json_opt_str(gateway, "id", "?"), json_opt_str(gateway, "host", "?"),
                                     (long long)json_opt_int(gateway, "port", 0));
    }
    *ret_exit = ctl_usage("the site has no gateway '%s', neither by id nor by address; there are: %s", name, names);
}

static void choose_gateway(struct as_certificate *a, const json_t *gateways, const char *name,
                           struct analyze_gateway *ret)
{
    struct analyze_gateway address = {.port = 0};
    struct error err;
    const json_t *gateway;
    size_t i;
    if (analyze_gateway_parse(slice_of(name), &address, &err) != OK)
        address.host[0] = '\0';
    json_array_foreach(gateways, i, gateway) {
        if (!is_meant(gateway, name, &address) || a->count == AS_CERTIFICATE_GATEWAYS_MAX)
            continue;
        (void)snprintf(a->gateways[a->count++].id, sizeof a->gateways->id, "%s", json_opt_str(gateway, "id", ""));
        *ret = (struct analyze_gateway){.port = (unsigned)json_opt_int(gateway, "port", 443)};
        (void)snprintf(ret->host, sizeof ret->host, "%s", json_opt_str(gateway, "host", ""));
    }
}

/* Without it the way to the gateway is judged by this machine's roots, which need not be those of the devices. */
static void take_root(struct as_certificate *a)
{
    struct ctl_fault fault;
    json_t *file = NULL;
    if (api_call(api_socket(a->common), "GET", "/v1/enrollment", NULL, &file, &fault) != OK)
        return;
    const char *pem = json_opt_str(file, "gateway_ca_pem", NULL);
    a->root_pem = pem ? mem_strdup(pem) : NULL;
    json_decref(file);
}

bool as_certificate_gateways(struct as_certificate *a, const char *name, struct analyze_gateway *ret, int *ret_exit)
{
    struct ctl_fault fault;
    json_t *answer = NULL;
    if (api_call(api_socket(a->common), "GET", "/v1/gateways", NULL, &answer, &fault) != OK) {
        *ret_exit = ctl_fail(a->common, &fault);
        return false;
    }
    a->answers = json_array();
    choose_gateway(a, json_object_get(answer, "gateways"), name, ret);
    if (a->count > 0)
        take_root(a);
    else
        none_meant(json_object_get(answer, "gateways"), name, ret_exit);
    json_decref(answer);
    return a->count > 0;
}

/* --- asking --- */

struct asking {
    struct as_certificate *a;
    const char *gateway;
};

static void fault_of_site(const struct ctl_fault *fault, struct analyze_result *r)
{
    analyze_fail_as(r, fault->code[0] ? fault->code : "site_unreachable", fault->what.text,
                    fault->remedy[0] ? fault->remedy : "check that cmg-mp runs, and --socket");
}

/* false: told in *r. */
static bool put_question(const struct asking *q, json_t **ret, struct analyze_result *r)
{
    struct ctl_fault fault;
    json_t *body = json_pack("{s:s, s:s}", "certificate_pem", q->a->pem, "gateway", q->gateway);
    bool ok = api_call(api_socket(q->a->common), "POST", "/v1/questions", body, ret, &fault) == OK;
    if (!ok)
        fault_of_site(&fault, r);
    json_decref(body);
    return ok;
}

/* NULL: none yet, or a fault that is told in *r. */
static json_t *look(const struct asking *q, const char *path, struct analyze_result *r)
{
    struct ctl_fault fault;
    json_t *answer = NULL, *verdict;
    if (api_call(api_socket(q->a->common), "GET", path, NULL, &answer, &fault) != OK) {
        fault_of_site(&fault, r);
        return NULL;
    }
    verdict = json_incref(json_array_get(json_object_get(answer, "answers"), 0));
    json_decref(answer);
    return verdict;
}

static json_t *wait_for(const struct asking *q, int64_t id, struct analyze_result *r)
{
    static const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    uint64_t end = clock_mono_ms() + (uint64_t)q->a->timeout_ms;
    char path[64];
    json_t *verdict = NULL;
    (void)snprintf(path, sizeof path, "/v1/questions/%lld", (long long)id);
    while (!(verdict = look(q, path, r)) && r->outcome == ANALYZE_OK && !web_http_stopped()) {
        if (clock_mono_ms() >= end) {
            analyze_fail(r, ANALYZE_CAUSE_GATEWAY_SILENT, "gateway %s gave no answer within %ld s", q->gateway,
                         q->a->timeout_ms / 1000);
            return NULL;
        }
        (void)nanosleep(&pause, NULL);
    }
    if (!verdict && r->outcome == ANALYZE_OK)
        analyze_fail(r, ANALYZE_CAUSE_STOPPED, NULL);
    return verdict;
}

/* --- what it answered --- */

static void tell_lists(const json_t *verdict, char *ret, size_t size)
{
    const json_t *lists = json_object_get(verdict, "lists"), *list;
    size_t i, used = 0;
    (void)snprintf(ret, size, "%s",
                   json_opt_bool(verdict, "crl_check", true) ? "no CRL of its issuer" : "crl_check is off");
    json_array_foreach(lists, i, list) {
        char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE] = "no end";
        clock_rfc3339(json_opt_int(list, "this_update", 0), from);
        if (json_opt_int(list, "next_update", 0))
            clock_rfc3339(json_opt_int(list, "next_update", 0), until);
        if (used < size)
            used += (size_t)snprintf(ret + used, size - used, "%s%sCRL %.40s of %.120s, %s to %s", used ? "; " : "",
                                     json_opt_bool(list, "delta", false) ? "delta " : "",
                                     json_opt_str(list, "number", "?"), json_opt_str(list, "issuer", "?"), from, until);
    }
}

static void tell_verdict(const json_t *verdict, struct analyze_result *r)
{
    char lists[400], at[CLOCK_TEXT_SIZE], by[600], found[sizeof r->found];
    const char *code = json_opt_str(verdict, "code", ""), *reason = json_opt_str(verdict, "reason", "");
    const char *detail = json_opt_str(verdict, "detail", "");
    clock_rfc3339(json_opt_int(verdict, "at", 0), at);
    tell_lists(verdict, lists, sizeof lists);
    (void)snprintf(by, sizeof by, "judged %s by bundle %lld; %s", at, (long long)json_opt_int(verdict, "bundle", 0),
                   lists);
    if (json_opt_bool(verdict, "ok", false)) {
        analyze_found(r, "let in%s%.250s; %s",
                      json_opt_bool(verdict, "unchecked", false) ? " although its revocation could not be checked: "
                                                                 : "",
                      detail, by);
        return;
    }
    enum verdict_reason known = verdict_reason_find(slice_of(code), slice_of(reason));
    const struct verdict_reason_info *info = verdict_reason_info(known);
    const char *text = known == REASON_OK ? "refused" : info->text;
    bool more = *detail && strcmp(detail, text) != 0;
    (void)snprintf(found, sizeof found, "%s%s%.255s (%s)", text, more ? ": " : "", more ? detail : "", by);
    analyze_fail_as(r, reason, found,
                    json_opt_str(verdict, "remedy", known == REASON_OK ? "see cmg explain" : info->remedy));
    (void)snprintf(r->code, sizeof r->code, "%s", code);
}

static void ask_gateway(void *arg, struct analyze_result *r)
{
    const struct asking *q = arg;
    json_t *asked = NULL, *verdict;
    if (!put_question(q, &asked, r))
        return;
    verdict = wait_for(q, json_opt_int(asked, "id", 0), r);
    json_decref(asked);
    if (!verdict)
        return;
    tell_verdict(verdict, r);
    (void)json_array_append_new(q->a->answers, verdict);
}

void as_certificate_steps(void *arg, struct analyze_report *report, const struct analyze_watch *watch)
{
    struct as_certificate *a = arg;
    for (size_t i = 0; i < a->count; i++) {
        char id[80], title[96];
        struct asking q = {a, a->gateways[i].id};
        (void)snprintf(id, sizeof id, "as_certificate.%.60s", q.gateway);
        (void)snprintf(title, sizeof title, "Verdict of gateway %.60s", q.gateway);
        struct analyze_step step = {id, title, NULL, ask_gateway};
        (void)analyze_step_run(report, &step, &q, watch);
    }
}
