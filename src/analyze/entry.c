/* SPDX-License-Identifier: Apache-2.0 */
/* The way in: authentication, revocation, which management points there are for this method, connection points. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "analyze/context.h"
#include "base/clock.h"
#include "bundle/document.h"

/* --- authentication --- */

static bool take_location(struct analyze *a, const struct analyze_answer *answer, struct analyze_result *r)
{
    json_t *root = NULL;
    const char *text = NULL;
    struct error err;
    enum result result = json_parse(buf_data(&answer->http.body), WEB_ANSWER_MAX, &root, &err);
    if (result == OK)
        result = json_need_str(root, "signed", &text, &err);
    if (result != OK) {
        analyze_fail(r, ANALYZE_CAUSE_NOT_A_GATEWAY, "ServiceMetadata: %s", err.text);
    } else {
        result =
            analyze_document(a, slice_of(text), DOCUMENT_LOCATION, "all", &a->location, &a->location_verified, &err);
        if (result != OK)
            analyze_fail(r, ANALYZE_CAUSE_LOCATION_UNTRUSTED, "%s", err.text);
    }
    json_decref(root);
    return result == OK;
}

/* A certificate was shown and the gateway saw none. */
static bool was_stripped(const struct analyze *a, const struct analyze_answer *answer)
{
    return answer->reason == REASON_CERT_MISSING && a->c->credential->certificate_pem;
}

static void tell_stripped(const struct analyze *a, struct analyze_result *r)
{
    char issuer[200];
    pki_cert_issuer(a->peer.leaf, issuer, sizeof issuer);
    analyze_fail(r, ANALYZE_CAUSE_TLS_INTERCEPTED,
                 "a client certificate was shown, but the gateway saw none; the server certificate that came was "
                 "issued by '%s'",
                 issuer);
}

static void tell_in(const struct analyze *a, struct analyze_result *r)
{
    const struct analyze_credential *c = a->c->credential;
    const char *note = "";
    if (c->kind == ANALYZE_BULK)
        note = "; a bulk token proves no device: it only lets one register";
    else if (!a->location_verified)
        note = "; location data not verified: the site's key was not given (--site-key)";
    analyze_found(r, "let in by %s (%s)%s", analyze_kind_name(c->kind), c->subject, note);
}

void analyze_step_auth(void *arg, struct analyze_result *r)
{
    struct analyze *a = arg;
    const struct analyze_credential *c = a->c->credential;
    struct analyze_ask q = {.verb = "GET", .target = "/ServiceMetadata", .bearer = c->token};
    struct analyze_answer answer;
    if (c->kind == ANALYZE_NOTHING) {
        analyze_skip(
            r, "no credential was given; the gateway is there, and lets nobody in without one: give --cert and --key, "
               "--token-file, or --as-certificate");
        return;
    }
    analyze_ask(a, &q, &answer);
    if (was_stripped(a, &answer)) {
        tell_stripped(a, r);
    } else if (answer.fault == WEB_FAULT_NONE && verdict_reason_lacks_list(answer.reason)) { /* step CRL tells it */
        a->crl = answer.outcome;
        analyze_found(r, "the certificate's chain, usage and dates are good (%s); its revocation could not be judged",
                      c->subject);
    } else if (analyze_good(a, &answer, false, r) && take_location(a, &answer, r)) {
        a->proof->of[c->kind] = true;
        tell_in(a, r);
    }
    if (c->fresh_key && answer.reason == REASON_TOKEN_NOT_BOUND)
        (void)snprintf(r->remedy, sizeof r->remedy, "%s",
                       "give the device's own certificate and key with its token: --cert and --key");
    analyze_answer_free(&answer);
}

/* --- CRL --- */

/* Where the certificate says that its CRL is: "http://…; ldap:///…", cut to size. */
static void crl_places(X509 *leaf, char *ret, size_t size)
{
    CRL_DIST_POINTS *points = X509_get_ext_d2i(leaf, NID_crl_distribution_points, NULL, NULL);
    ret[0] = '\0';
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;
        for (int k = 0; name && name->type == 0 && k < sk_GENERAL_NAME_num(name->name.fullname); k++) {
            const GENERAL_NAME *n = sk_GENERAL_NAME_value(name->name.fullname, k);
            char text[160];
            size_t used = strlen(ret);
            if (n->type != GEN_URI)
                continue;
            web_text_clean(slice_make(ASN1_STRING_get0_data(n->d.uniformResourceIdentifier),
                                      (size_t)ASN1_STRING_length(n->d.uniformResourceIdentifier)),
                           text, sizeof text);
            (void)snprintf(ret + used, size - used, "%s%s", used ? "; " : "", text);
        }
    }
    CRL_DIST_POINTS_free(points);
}

void analyze_step_crl(void *arg, struct analyze_result *r)
{
    const struct analyze *a = arg;
    const struct analyze_credential *c = a->c->credential;
    char places[360], found[sizeof r->found];
    if (c->kind != ANALYZE_PKI) {
        analyze_skip(r, "tokens have no CRL; blocks of devices take its place");
        return;
    }
    crl_places(c->leaf, places, sizeof places);
    if (!a->crl.status) {
        analyze_found(r, "not revoked as far as the gateway checks (CRL: %s)",
                      places[0] ? places : "the certificate names none; uploaded ones count");
        return;
    }
    (void)snprintf(found, sizeof found, "%s (the certificate's CRL: %s)", a->crl.detail,
                   places[0] ? places : "it names none");
    analyze_fail_as(r, a->crl.reason, found, a->crl.remedy);
    (void)snprintf(r->code, sizeof r->code, "%s", a->crl.code);
    (void)snprintf(r->request_id, sizeof r->request_id, "%s", a->crl.request_id);
}

/* --- management points --- */

static bool takes(const struct web_role *role, enum choice_client method)
{
    return choices_mode_allows(role->mode, method) && (role->clients & CHOICE_BIT(method));
}

static void list_roles(const struct web_roles *roles, enum choice_client method, bool yes, char *ret, size_t size)
{
    size_t used = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < roles->count && used + 1 < size; i++) {
        if (takes(&roles->items[i], method) != yes)
            continue;
        (void)snprintf(ret + used, size - used, "%s%s (%s)", used ? ", " : "", roles->items[i].id,
                       choices_mp_name(roles->items[i].mode));
        used = strlen(ret);
    }
}

/* Leaves the asked one alone, or as many as are looked at. */
static bool narrow(struct analyze *a, struct analyze_result *r)
{
    struct web_roles *roles = &a->roles;
    const char *wanted = a->c->gateway.role;
    char names[300];
    if (!*wanted) {
        roles->count = roles->count < ANALYZE_POINTS_MAX ? roles->count : ANALYZE_POINTS_MAX;
        return true;
    }
    for (size_t i = 0; i < roles->count; i++) {
        if (slice_eq_nocase(slice_of(roles->items[i].id), slice_of(wanted))) {
            roles->items[0] = roles->items[i];
            roles->count = 1;
            return true;
        }
    }
    names[0] = '\0';
    for (size_t i = 0; i < roles->count; i++) {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", roles->items[i].id);
    }
    analyze_fail(r, ANALYZE_CAUSE_NO_MANAGEMENT_POINT, "there is no '%s'; there are: %s", wanted,
                 names[0] ? names : "none");
    return false;
}

/* Nowhere does the method work: the gateway says why in its own words, else the table does. */
static void tell_wrong_mode(struct analyze *a, enum choice_client method, struct analyze_result *r)
{
    const struct web_role *role = &a->roles.items[0];
    struct analyze_ask q = {
        .role = role->id, .verb = "GET", .target = "/SMS_MP/.sms_aut?MPLIST", .bearer = analyze_bearer(a)};
    struct analyze_answer answer;
    bool mode = !choices_mode_allows(role->mode, method);
    const struct verdict_reason_info *info =
        verdict_reason_info(mode ? REASON_MODE_FORBIDS_PKI : REASON_METHOD_NOT_ALLOWED_HERE);
    char found[sizeof r->found], names[300];
    analyze_ask(a, &q, &answer);
    list_roles(&a->roles, method, false, names, sizeof names);
    (void)snprintf(found, sizeof found, "no management point takes %s: %s. %.300s", choices_client_name(method), names,
                   answer.outcome.detail);
    analyze_fail_as(r, info->name, found,
                    mode ? info->remedy
                         : "name the method in client_auth of a management point in mp.yaml at the site, and restart "
                           "cmg-mp (cmg status shows what each takes); or use a method that one of them takes");
    (void)snprintf(r->code, sizeof r->code, "%s", answer.outcome.code);
    (void)snprintf(r->request_id, sizeof r->request_id, "%s", answer.outcome.request_id);
    analyze_answer_free(&answer);
}

void analyze_step_points(void *arg, struct analyze_result *r)
{
    struct analyze *a = arg;
    enum choice_client method = analyze_kind_method(a->c->credential->kind);
    char yes[300], no[300];
    struct error err;
    if (web_roles_read(a->location, &a->roles, &err) != OK) {
        analyze_fail(r, ANALYZE_CAUSE_NOT_A_GATEWAY, "location data: %s", err.text);
        return;
    }
    if (a->roles.count == 0) {
        analyze_fail(r, ANALYZE_CAUSE_NO_MANAGEMENT_POINT, "the site's location data name none");
        return;
    }
    if (!narrow(a, r))
        return;
    list_roles(&a->roles, method, true, yes, sizeof yes);
    list_roles(&a->roles, method, false, no, sizeof no);
    if (!yes[0])
        tell_wrong_mode(a, method, r);
    else
        analyze_found(r, "%s: %s%s%s", choices_client_name(method), yes, no[0] ? "; not at " : "", no);
}

/* --- connection points --- */

/* Harmless, and answered inside: no token is used up by it. */
static struct analyze_ask harmless(const struct analyze *a, const char *role)
{
    enum analyze_kind kind = a->c->credential->kind;
    struct analyze_ask q = {
        .role = role, .verb = "GET", .target = "/SMS_MP/.sms_aut?MPLIST", .bearer = analyze_bearer(a)};
    if (analyze_kind_exchanges(kind)) {
        q = (struct analyze_ask){role, "POST", "/CCM_STS", WEB_FORM_TYPE, SLICE("x=1"), q.bearer, false};
    } else if (kind == ANALYZE_BULK) {
        q = (struct analyze_ask){role,     "POST", "/CCM_Client/registration", "application/json", SLICE("{}"),
                                 q.bearer, false};
    }
    return q;
}

static bool nobody_there(const struct analyze_answer *answer)
{
    return answer->reason == REASON_NO_CONNECTOR || answer->reason == REASON_STALE_BUNDLE;
}

void analyze_step_connectors(void *arg, struct analyze_result *r)
{
    struct analyze *a = arg;
    enum choice_client method = analyze_kind_method(a->c->credential->kind);
    size_t reached = 0, asked = 0;
    for (size_t i = 0; i < a->roles.count && !web_http_stopped(); i++) {
        struct analyze_answer answer;
        if (!takes(&a->roles.items[i], method))
            continue;
        struct analyze_ask q = harmless(a, a->roles.items[i].id);
        analyze_ask(a, &q, &answer);
        asked++;
        reached += !nobody_there(&answer);
        if (nobody_there(&answer) && reached == 0)
            (void)!analyze_good(a, &answer, false, r); /* taken back when another one is reached */
        analyze_answer_free(&answer);
    }
    if (reached == 0 && r->outcome == ANALYZE_FAILED)
        return;
    r->outcome = ANALYZE_OK;
    r->cause[0] = r->remedy[0] = r->code[0] = r->request_id[0] = '\0';
    analyze_found(r, "reach %zu of %zu management points", reached, asked);
}
