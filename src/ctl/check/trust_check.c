/* SPDX-License-Identifier: Apache-2.0 */
/* cmg trust check: is what the site trusts enough for a device with such a certificate? Judged by the gateway's own
 * code (pki/trust.h) over the bundle that gateways are given. */
#include "ctl/check/trust_check.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "ctl/check/check.h"
#include "ctl/request.h"
#include "net/url.h"
#include "pki/cert/cert.h"
#include "pki/trust.h"

enum { CERT_MAX = 1024 * 1024, SENT_MAX = 1024 /* as many as a file holds; pki/trust.h says how many are looked at */ };

struct check_options {
    struct ctl_common common;
    const char *sample;
};

static const struct opt opts[] = {
    {.name = "sample",
     .kind = OPT_TEXT,
     .offset = offsetof(struct check_options, sample),
     .value = "FILE",
     .help = "a device's certificate, PEM or DER, with what it sends along; required"},
    CTL_OPT_JSON(struct check_options),
    CTL_OPT_SOCKET(struct check_options),
    CTL_OPT_END,
};

struct check {
    const json_t *bundle; /* the content */
    struct pki_trust *paths, *whole;
};

/* --- the trust that gateways make of the bundle --- */

/* One that can't be used is left out, as gateways do. */
static void add_crls(const json_t *bundle, struct pki_trust *t)
{
    const json_t *list = json_object_get(bundle, "crls"), *item;
    size_t i;
    json_array_foreach(list, i, item) {
        size_t size = json_string_length(item) + 1, len;
        char *der = mem_zalloc(size);
        if (json_is_string(item) && decode_base64(slice_of(json_string_value(item)), der, size, &len))
            (void)!pki_trust_add_crl(t, slice_make(der, len), NULL);
        free(der);
    }
}

static enum result make_trust(const json_t *bundle, bool crl_check, struct pki_trust **ret, struct error *err)
{
    struct pki_trust_options o = {.crl_check = crl_check};
    const char *anchors = json_opt_str(bundle, "anchors_pem", ""),
               *more = json_opt_str(bundle, "intermediates_pem", "");
    struct pki_trust *t = *ret = pki_trust_new(&o);
    pki_trust_lists_remedy(t, PKI_REMEDY_UPLOADED);
    enum result r = anchors[0] ? pki_trust_add_anchors(t, slice_of(anchors), err) : OK;
    if (r == OK && more[0])
        r = pki_trust_add_intermediates(t, slice_of(more), err);
    if (crl_check)
        add_crls(bundle, t);
    pki_trust_seal(t, NULL);
    return r;
}

/* --- the answer --- */

static bool has_source(const json_t *bundle)
{
    const json_t *list = json_object_get(bundle, "sources"), *item;
    size_t i;
    json_array_foreach(list, i, item) {
        const char *kind = json_opt_str(item, "kind", "");
        if (strcmp(kind, "crl") == 0 || strcmp(kind, "ocsp") == 0)
            return true;
    }
    return false;
}

static bool checks_crls(const json_t *bundle)
{
    return !json_is_false(json_object_get(json_object_get(bundle, "settings"), "crl_check"));
}

/* May gateways fetch it for certificates below that anchor? */
static bool may_fetch(const json_t *bundle, const struct pki_list_place *place, const char *host)
{
    const json_t *item, *one;
    char anchor[PKI_HASH_HEX];
    size_t i, k;
    anchor[encode_hex(slice_make(place->anchor, PKI_SHA256), anchor)] = '\0';
    json_array_foreach(json_object_get(bundle, "fetch_hosts"), i, item) {
        if (strcmp(json_opt_str(item, "anchor", ""), anchor) != 0)
            continue;
        json_array_foreach(json_object_get(item, "hosts"), k, one) {
            if (json_is_string(one) && strcmp(json_string_value(one), host) == 0)
                return true;
        }
    }
    return false;
}

static void tell_way_out(const struct pki_list_place *place, char *ret, size_t size)
{
    memcpy(ret, "; ", 3);
    pki_list_place_way_out(place, ret + 2, size - 2);
}

/* A list that the certificate points to and that gateways fetch; else *hint gets what would let them. */
static bool is_pointed_to(const json_t *bundle, const struct pki_list_places *places, char *hint, size_t size)
{
    struct net_url url;
    char host[NET_URL_HOST_SIZE], anchor[PKI_HASH_HEX];
    hint[0] = '\0';
    for (size_t i = 0; i < places->count; i++) {
        const struct pki_list_place *place = &places->list[i];
        if (place->unfollowed)
            tell_way_out(place, hint, size);
        if (place->unfollowed || net_url_parse_with_query(slice_of(place->url), &url, NULL) != OK)
            continue;
        net_url_host(&url, host);
        if (may_fetch(bundle, place, host))
            return true;
        anchor[encode_hex(slice_make(place->anchor, PKI_SHA256), anchor)] = '\0';
        (void)snprintf(hint, size, "; it points to %s: cmg trust fetch-hosts %s %s", place->url, anchor, host);
    }
    return false;
}

static json_t *judge(void *arg, const json_t *c, struct error *err)
{
    const struct check *check = arg;
    const char *path;
    char *data, detail[1400], hint[1000];
    struct pki_list_places places;
    size_t len;
    STACK_OF(X509) * certs;
    struct pki_verdict v;
    if (json_need_str(c, "cert", &path, err) != OK || file_read_text(path, CERT_MAX, &data, &len, err) != OK)
        return NULL;
    enum result r = pki_cert_read_all(slice_make(data, len), SENT_MAX, &certs, err);
    free(data);
    if (r != OK) {
        (void)error_prefix(err, "%s", path);
        return NULL;
    }
    X509 *leaf = sk_X509_value(certs, 0);
    pki_trust_judge(check->paths, leaf, certs, clock_wall_s(), &v);
    (void)snprintf(detail, sizeof detail, "%s", v.detail);
    if (v.reason == REASON_OK) {
        const struct pki_question q = {.leaf = leaf, .sent = certs, .now = clock_wall_s(), .ret_places = &places};
        pki_trust_answer(check->whole, &q, &v);
        /* Only gateways hold what is fetched: here such a list is missing, and that alone is no fault. */
        bool pointed = is_pointed_to(check->bundle, &places, hint, sizeof hint);
        bool later = v.reason == REASON_CERT_CRL_UNAVAILABLE && (pointed || has_source(check->bundle));
        (void)snprintf(detail, sizeof detail, "this chain is complete%s%s%s",
                       later && pointed ? "; whether it is revoked, gateways learn from the list that it points to"
                       : later ? "; whether it is revoked, gateways learn from the site's sources: cmg source list"
                       : v.reason == REASON_OK ? ""
                                               : ", but ",
                       later ? "" : v.detail, later || v.reason == REASON_OK ? "" : hint);
        if (later)
            v.reason = REASON_OK;
    }
    sk_X509_pop_free(certs, X509_free);
    return check_answer(v.reason, detail, v.identity, v.remedy);
}

static int run_check(const struct check_options *o, const json_t *bundle)
{
    struct check check = {.bundle = bundle};
    struct error err;
    int code = CTL_FAILED;
    if (make_trust(bundle, false, &check.paths, &err) == OK &&
        make_trust(bundle, checks_crls(bundle), &check.whole, &err) == OK) {
        json_t *c = json_pack("{s:s}", "cert", o->sample);
        code = c ? check_one(&o->common, c, judge, &check) : ctl_usage("the file's name is not UTF-8");
        json_decref(c);
    } else {
        code = ctl_fail_error(&o->common, &err, "GET /v1/bundle", NULL);
    }
    pki_trust_unref(check.paths);
    pki_trust_unref(check.whole);
    return code;
}

static int check_trust(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    const struct check_options *o = options;
    json_t *answer;
    if (!o->sample)
        return ctl_usage("which certificate? usage: %s", ctl_trust_check.takes.usage);
    int code = ctl_send(&o->common, "GET", "/v1/bundle", NULL, &answer);
    if (code != CTL_DONE)
        return code;
    code = run_check(o, json_object_get(answer, "content"));
    json_decref(answer);
    return code;
}

const struct ctl_form ctl_trust_check = {
    .takes = {"cmg trust check --sample FILE [options]",
              "Is what the site trusts enough for a device with this certificate? Exit "
              "code 1: it is not, and what is missing.",
              opts, 0, 0},
    .size = sizeof(struct check_options),
    .run = check_trust,
};
