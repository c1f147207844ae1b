/* SPDX-License-Identifier: Apache-2.0 */
/* cmg analyze: the connection analyzer from the administrator's machine, with a credential that is at hand. */
#include <signal.h>
#include <stdlib.h>

#include "analyze/print.h"
#include "base/host/file.h"
#include "base/host/line.h"
#include "base/mem.h"
#include "base/text/name.h"
#include "ctl/ask/behind.h"
#include "ctl/check/as_certificate.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "tls/identity_file.h"
#include "web/http.h"

enum { PEM_MAX = 4 * 1024 * 1024, TOKEN_FILE_MAX = 64 * 1024 };

struct analyze_options {
    struct ctl_common common;
    const char *ca, *token_file, *site_key, *role, *as_certificate;
    struct tls_identity_files shown;
    uint64_t timeout;
};

#define TEXT(word, member_, value_, help_)                                                                             \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct analyze_options, member_), .value = (value_),      \
        .help = (help_)                                                                                                \
    }

static const struct opt opts[] = {
    TEXT(
        "ca", ca, "FILE",
        "roots (PEM) for the gateway's server certificate; default: the system's, with --as-certificate those that the "
        "site gives to its devices"),
    TEXT(
        "cert", shown.certificate, "FILE",
        "client certificate (PEM, leaf first; or PKCS#12 with its key): of the PKI, or the device's own for its token"),
    TEXT("key", shown.key, "FILE", "its private key (PEM)"),
    TEXT("password-file", shown.password_file, "FILE", "holds the password of the PKCS#12"),
    TEXT("token-file", token_file, "F",
         "a bulk, device or access token, or one of an Entra tenant; - for standard input"),
    TEXT("as-certificate", as_certificate, "FILE",
         "let the gateway itself judge this certificate of a device (PEM or DER), without its key"),
    TEXT("site-key", site_key, "PIN", "the site's pin (cmg status), to verify what the site signs"),
    TEXT("role", role, "ID", "this management point alone"),
    {.name = "timeout",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct analyze_options, timeout),
     .value = "S",
     .help = "seconds to wait for each answer (default 10)",
     .min = 1,
     .max = 300},
    CTL_OPT_JSON(struct analyze_options),
    CTL_OPT_SOCKET(struct analyze_options),
    CTL_OPT_END,
};

/* What the options name, read; all of it is freed and wiped together. */
struct inputs {
    char *ca, *token;
    struct tls_identity_text shown;
    struct analyze_credential credential;
};

static void wipe(char *secret)
{
    if (secret)
        mem_free_secret(secret, strlen(secret));
}

static void inputs_done(struct inputs *in)
{
    free(in->ca);
    tls_identity_text_free(&in->shown);
    wipe(in->token);
    analyze_credential_free(&in->credential);
}

static enum result read_shown(const struct tls_identity_files *files, struct tls_identity_text *ret, struct error *err)
{
    if (!files->certificate)
        return files->key ? error_set(err, R_INVALID, "--key goes with the certificate that it belongs to: --cert FILE")
                          : OK;
    enum result r = tls_identity_read(files, ret, err);
    return r == OK ? OK : error_prefix(err, "--cert %s", files->certificate);
}

static enum result read_inputs(const struct analyze_options *o, struct inputs *in, struct error *err)
{
    STACK_OF(X509) *certs = NULL;
    size_t len;
    enum result r = o->ca ? file_read_text(o->ca, PEM_MAX, &in->ca, &len, err) : OK;
    if (r == OK && in->ca) {
        r = pki_cert_read_all(slice_of(in->ca), 1000, &certs, err);
        sk_X509_pop_free(certs, X509_free);
        if (r != OK)
            return error_prefix(err, "--ca %s", o->ca);
    }
    if (r == OK)
        r = read_shown(&o->shown, &in->shown, err);
    if (r == OK)
        r = o->token_file ? line_read_token(o->token_file, TOKEN_FILE_MAX, &in->token, &len, err) : OK;
    const struct tls_identity shown = tls_identity_of(&in->shown);
    struct analyze_credential_text text = {shown.certificate_pem, shown.key_pem, slice_of(in->token)};
    return r == OK ? analyze_credential_read(&text, &in->credential, err) : r;
}

static enum result configure(const struct analyze_options *o, const char *gateway, const struct inputs *in,
                             struct analyze_config *ret, struct error *err)
{
    size_t len;
    *ret = (struct analyze_config){.anchors_pem = in->ca,
                                   .anchors_from = o->ca,
                                   .credential = &in->credential,
                                   .timeout_ms = (long)(o->timeout * 1000),
                                   .has_pin = in->credential.has_pin};
    memcpy(ret->pin, in->credential.pin, sizeof ret->pin);
    enum result r = analyze_gateway_parse(slice_of(gateway), &ret->gateway, err);
    struct error found = *err;
    if (r != OK)
        return error_set(err, r,
                         "'%.100s': %.250s; a gateway is written gw.example.com, gw.example.com:8443 or "
                         "[2001:db8::1]:443",
                         gateway, found.text);
    if (o->role && (!name_valid(NAME_ROLE, slice_of(o->role)) ||
                    !slice_to_cstr(slice_of(o->role), ret->gateway.role, sizeof ret->gateway.role)))
        return error_set(err, R_INVALID, "--role: a role id is 1 to 40 of A-Z a-z 0-9 . _ -");
    if (o->site_key) {
        ret->has_pin = decode_hex(slice_of(o->site_key), ret->pin, sizeof ret->pin, &len) && len == sizeof ret->pin;
        if (!ret->has_pin)
            return error_set(err, R_INVALID, "--site-key: a pin is 64 hex digits; see: cmg status");
    }
    return OK;
}

static void on_signal(int number)
{
    (void)number;
    web_http_stop();
}

static int run_analysis(const struct analyze_options *o, const struct analyze_config *config,
                        const struct as_certificate *as)
{
    struct analyze_report report;
    struct analyze_proof proof;
    struct analyze_print print;
    struct analyze_watch watch = {NULL, NULL, NULL};
    struct sigaction stop = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    if (!o->common.json) {
        analyze_print_begin(&print, stdout, config);
        watch = analyze_print_watch(&print);
    }
    analyze_run(config, &watch, &report, &proof);
    if (o->common.json) {
        json_t *json = analyze_json(config, &report, &proof);
        if (as->subject[0])
            (void)json_object_set_new(json, "as_certificate",
                                      json_pack("{s:s, s:O}", "subject", as->subject, "answers", as->answers));
        ctl_print_json(stdout, json, true);
        json_decref(json);
    } else {
        analyze_print_end(&print, config, &report, &proof);
    }
    int code = analyze_report_fault(&report) ? CTL_FAILED : CTL_DONE;
    analyze_report_free(&report);
    return code;
}

/* false: told, with *ret_exit. */
static bool judge_as(struct as_certificate *as, const char *gateway, struct analyze_config *config, int *ret_exit)
{
    config->as_certificate = as->subject;
    config->more = as_certificate_steps;
    config->more_arg = as;
    if (!as_certificate_gateways(as, gateway, &config->gateway, ret_exit))
        return false;
    if (!config->anchors_pem && as->root_pem) {
        config->anchors_pem = as->root_pem;
        config->anchors_from = "the root that the site gives to its devices";
    }
    return true;
}

static int ctl_analyze(const void *options, const char **args, size_t n UNUSED)
{
    const struct analyze_options *o = options;
    int code;
    struct analyze_config config;
    struct inputs in = {.ca = NULL};
    struct error err;
    if (o->as_certificate && (o->shown.certificate || o->shown.key || o->token_file || o->role))
        return ctl_usage("--as-certificate stands alone: no --cert, --key, --token-file or --role beside it");
    struct behind behind = {&o->common, &config.gateway};
    struct as_certificate as = {.common = &o->common, .timeout_ms = (long)(o->timeout * 1000)};
    enum result r = read_inputs(o, &in, &err);
    if (r == OK)
        r = configure(o, args[0], &in, &config, &err);
    if (r == OK && o->as_certificate)
        r = as_certificate_read(o->as_certificate, &as, &err);
    config.explain = behind_explain;
    config.explain_arg = &behind;
    if (r != OK)
        code = ctl_usage("%s", err.text);
    else if (!o->as_certificate || judge_as(&as, args[0], &config, &code))
        code = run_analysis(o, &config, &as);
    as_certificate_done(&as);
    inputs_done(&in);
    return code;
}

static const struct analyze_options ctl_analyze_defaults = {.timeout = 10};

const struct ctl_command ctl_analyze_commands[] = {
    {.words = "analyze",
     .summary = "Find out why a connection through a gateway fails",
     CTL_RUN_FROM(&ctl_analyze_defaults, ctl_analyze, struct analyze_options, "cmg analyze GATEWAY [options]",
                  "Ask a gateway as a device does, step by step, and name the first thing that fails, its cause and "
                  "what to do. Exit code 0: nothing failed, 1: something did, 2: wrong usage.",
                  opts, 1, 1)},
    {.words = NULL},
};
