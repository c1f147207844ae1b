/* SPDX-License-Identifier: Apache-2.0 */
/* cmg trust check: is what the site trusts enough for a device with such a certificate? Judged by the gateway's own
 * code (pki/trust.h) over the bundle that gateways are given. */
#include "ctl/trust_check.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/mem.h"
#include "ctl/check.h"
#include "ctl/request.h"
#include "pki/cert.h"
#include "pki/trust.h"

enum { CERT_MAX = 1024 * 1024, SENT_MAX = 32 };

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
    json_array_foreach(list, i, item)
    {
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
    json_array_foreach(list, i, item)
    {
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

/* Only gateways hold what sources give: here their lists are missing, and that alone is no fault. */
static bool left_to_sources(enum verdict_reason reason, const json_t *bundle)
{
    return reason == REASON_CERT_CRL_UNAVAILABLE && has_source(bundle);
}

static json_t *judge(void *arg, const json_t *c, struct error *err)
{
    const struct check *check = arg;
    const char *path;
    char *data, detail[400];
    size_t len;
    STACK_OF(X509) * certs;
    struct pki_verdict v;
    if (json_need_str(c, "cert", &path, err) != OK || file_read(path, CERT_MAX, &data, &len, err) != OK)
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
        pki_trust_judge(check->whole, leaf, certs, clock_wall_s(), &v);
        bool later = left_to_sources(v.reason, check->bundle);
        (void)snprintf(detail, sizeof detail, "this chain is complete%s%s",
                       later ? "; whether it is revoked, gateways learn from the site's sources: cmg source list"
                       : v.reason == REASON_OK ? ""
                                               : ", but ",
                       later ? "" : v.detail);
        if (later)
            v.reason = REASON_OK;
    }
    sk_X509_pop_free(certs, X509_free);
    return check_answer(v.reason, detail, v.identity);
}

static int run(const struct check_options *o, const json_t *bundle)
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

int ctl_trust_check(int argc, char **argv)
{
    static const struct opt_command cmd = {"cmg trust check --sample FILE [options]",
                                           "Is what the site trusts enough for a device with this certificate? Exit "
                                           "code 1: it is not, and what is missing.",
                                           opts, 0, 0};
    struct check_options o = {0};
    const char **args;
    size_t n;
    int code;
    json_t *answer;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    if (!o.sample)
        return ctl_usage("which certificate? usage: %s", cmd.usage);
    code = ctl_send(&o.common, "GET", "/v1/bundle", NULL, &answer);
    if (code != CTL_DONE)
        return code;
    code = run(&o, json_object_get(answer, "content"));
    json_decref(answer);
    return code;
}
