/* SPDX-License-Identifier: Apache-2.0 */
/* cmg cert check: would this certificate be let in, and if not, why? Judged by the gateway's own code (pki/trust.h). */
#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/check/cert_trust.h"
#include "ctl/check/check.h"
#include "ctl/command.h"
#include "pki/cert/cert.h"

enum { CERT_MAX = 1024 * 1024, SENT_MAX = 1024 /* as many as a file holds; pki/trust.h says how many are looked at */ };

struct cert_options {
    struct ctl_common common;
    struct opt_list anchors, intermediates, crl, ocsp; /* for --help: taken before the others are parsed */
    const char *at, *crl_check, *purpose, *minimum_strength, *batch;
};

#define FILES(word, member_, value_, help_)                                                                            \
    {                                                                                                                  \
        .name = (word), .kind = OPT_LIST, .offset = offsetof(struct cert_options, member_), .value = (value_),         \
        .help = (help_)                                                                                                \
    }
#define CHOICE(word, member_, choices_, help_)                                                                         \
    {                                                                                                                  \
        .name = (word), .kind = OPT_CHOICE, .offset = offsetof(struct cert_options, member_), .value = (choices_),     \
        .choices = (choices_), .help = (help_)                                                                         \
    }

static const struct opt opts[] = {
    FILES("anchors", anchors, "DIR|FILE", "trusted certificates, PEM or DER; may repeat"),
    FILES("intermediates", intermediates, "DIR|FILE", "further certificates to build the path with; may repeat"),
    FILES("crl", crl, "DIR|FILE", "revocation lists, PEM or DER; may repeat"),
    FILES("ocsp", ocsp, "DIR|FILE", "OCSP responses, DER; may repeat"),
    {.name = "at",
     .kind = OPT_TEXT,
     .offset = offsetof(struct cert_options, at),
     .value = "TIME",
     .help = "judge as of then: 2026-11-23T04:05:06Z or seconds since 1970 (default now)"},
    CHOICE("crl-check", crl_check, "on|off", "is revocation checked (default on)"),
    CHOICE("purpose", purpose, "client|any", "any: the path alone, no clientAuth, no name (default client)"),
    CHOICE("minimum-strength", minimum_strength, "on|off",
           "off: weak keys and hashes pass, for collections of old certificates (default on)"),
    {.name = "batch",
     .kind = OPT_TEXT,
     .offset = offsetof(struct cert_options, batch),
     .value = "FILE",
     .help = "a JSON list of cases instead of CERT, each with the members anchors, intermediates, crl, ocsp, at, "
             "crl_check, purpose, minimum_strength, cert; answers a list"},
    CTL_OPT_JSON(struct cert_options),
    CTL_OPT_END,
};

/* --- a case --- */

static void judge_certs(const struct pki_trust *trust, STACK_OF(X509) * certs, int64_t now, struct pki_verdict *v)
{
    pki_trust_judge(trust, sk_X509_value(certs, 0), certs, now, v);
}

static json_t *malformed(const char *detail)
{
    return json_pack("{s:b, s:s, s:s, s:s, s:s}", "ok", 0, "reason", "malformed", "detail", detail, "identity", "",
                     "remedy", "issue the certificate anew");
}

/* The first certificate of the file is judged, the others count as sent with it. */
static json_t *judge_data(const struct cert_trust *t, struct slice data, int64_t now)
{
    STACK_OF(X509) * certs;
    struct pki_verdict v;
    struct error why = {0};
    if (pki_cert_read_given(data, SENT_MAX, &certs, &why) != OK)
        return malformed(why.text);
    judge_certs(t->trust, certs, now, &v);
    sk_X509_pop_free(certs, X509_free);
    return check_answer(v.reason, v.detail, v.identity, v.remedy);
}

static json_t *judge(void *arg, const json_t *c, struct error *err)
{
    const struct cert_trust *t;
    const char *path;
    char *data;
    size_t len;
    int64_t now;
    if (check_time_of(c, &now, err) != OK || json_need_str(c, "cert", &path, err) != OK ||
        cert_trusts_get(arg, c, &t, err) != OK)
        return NULL;
    enum result r = file_read_text(path, CERT_MAX, &data, &len, err);
    if (r != OK)
        return r == R_LIMIT ? malformed(err->text) : NULL;
    json_t *answer = judge_data(t, slice_make(data, len), now);
    if (answer && json_array_size(t->warnings) > 0)
        (void)json_object_set(answer, "warnings", t->warnings);
    free(data);
    return answer;
}

/* --- the command line as a case --- */

static const struct {
    const char *option, *member;
} lists[] = {{"--anchors", "anchors"}, {"--intermediates", "intermediates"}, {"--crl", "crl"}, {"--ocsp", "ocsp"}};

static const char *value_of(const char *option, int argc, char **argv, int *i)
{
    size_t len = strlen(option);
    if (strncmp(argv[*i], option, len) != 0)
        return NULL;
    if (argv[*i][len] == '=')
        return argv[*i] + len + 1;
    return !argv[*i][len] && *i + 1 < argc ? argv[++*i] : NULL;
}

/* A PKI may have more CRLs than the parser's lists hold: these options are moved out of argv into the case. */
static int take_lists(int argc, char **argv, json_t *c)
{
    int kept = 0;
    bool options = true;
    for (int i = 0; i < argc; i++) {
        const char *value = NULL;
        options = options && strcmp(argv[i], "--") != 0;
        for (size_t l = 0; options && !value && l < ARRAY_LEN(lists); l++) {
            value = value_of(lists[l].option, argc, argv, &i);
            json_t *list = json_object_get(c, lists[l].member);
            if (value && !list)
                (void)json_object_set_new(c, lists[l].member, list = json_array());
            if (value)
                (void)json_array_append_new(list, json_string(value));
        }
        if (!value)
            argv[kept++] = argv[i];
    }
    return kept;
}

static void set_member(json_t *c, const char *member, const char *value)
{
    if (value)
        (void)json_object_set_new(c, member, json_string(value));
}

static int run_check(const struct cert_options *o, json_t *c, const char *cert)
{
    set_member(c, "at", o->at);
    set_member(c, "crl_check", o->crl_check);
    set_member(c, "purpose", o->purpose);
    set_member(c, "minimum_strength", o->minimum_strength);
    set_member(c, "cert", cert);
    struct cert_trusts *trusts = cert_trusts_new();
    int code = o->batch ? check_batch(&o->common, o->batch, c, judge, trusts) : check_one(&o->common, c, judge, trusts);
    cert_trusts_free(trusts);
    return code;
}

static int check_certificate(int argc, char **argv)
{
    static const struct opt_command cmd = {
        "cmg cert check --anchors DIR|FILE --crl FILE… [options] CERT",
        "Would the gateway let this certificate in, and if not, why? Exit code 1: it "
        "would not.",
        opts, 0, 1};
    struct cert_options o = {0};
    const char **args;
    size_t n;
    int code;
    json_t *c = json_object();
    argc = take_lists(argc, argv, c);
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code)) {
        json_decref(c);
        return code;
    }
    if ((n == 1) == (o.batch != NULL))
        code = ctl_usage("give either a certificate or --batch FILE");
    else
        code = run_check(&o, c, n == 1 ? args[0] : NULL);
    json_decref(c);
    return code;
}

const struct ctl_command ctl_cert_commands[] = {
    {"cert check", "Would this certificate be let in, and if not, why?", check_certificate, NULL},
    {NULL, NULL, NULL, NULL},
};
