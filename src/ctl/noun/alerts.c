/* SPDX-License-Identifier: Apache-2.0 */
/* cmg alerts add|list|remove|test: whom the site tells of its problems, by webhook or mail. Secrets come from files. */
#include <stdlib.h>
#include <string.h>

#include "base/host/file.h"
#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/secret.h"

struct add_options {
    struct ctl_common common;
    const char *webhook, *mail, *smtp, *from, *user, *auth, *secret, *ca, *remind;
    bool plain;
};

#define TEXT(name_, member_, value_, help_)                                                                            \
    {                                                                                                                  \
        .name = (name_), .kind = OPT_TEXT, .offset = offsetof(struct add_options, member_), .value = (value_),         \
        .help = (help_)                                                                                                \
    }

static const struct opt add_opts[] = {
    TEXT("webhook", webhook, "URL", "POST them as JSON there: https://… (http:// to this very machine)"),
    TEXT("mail", mail, "ADDRESSES", "mail them to these, with commas between; needs --smtp and --from"),
    TEXT("smtp", smtp, "URL", "the mail server: smtp://HOST[:PORT] (with STARTTLS), smtps://HOST[:PORT]"),
    TEXT("from", from, "ADDRESS", "whom mails come from"),
    TEXT("user", user, "NAME", "log in to the mail server as that user; its password: --secret-file"),
    {.name = "auth",
     .kind = OPT_CHOICE,
     .offset = offsetof(struct add_options, auth),
     .value = "bearer|hmac",
     .choices = "bearer|hmac",
     .help = "webhook: what the secret is for: Authorization: Bearer, or a signature (default hmac)"},
    TEXT("secret-file", secret, "FILE", "the secret, a file of mode 0600 with one line, or - for standard input"),
    TEXT("server-ca", ca, "FILE", "the CA of that server, PEM or DER (default: the CAs of the system)"),
    {.name = "plain",
     .kind = OPT_FLAG,
     .offset = offsetof(struct add_options, plain),
     .help = "mail: without STARTTLS (a login then only to this very machine)"},
    TEXT("remind", remind, "TIME", "tell again what lasts, after so long (default 24h), or never"),
    CTL_OPT_JSON(struct add_options),
    CTL_OPT_SOCKET(struct add_options),
    CTL_OPT_END,
};

static const struct ctl_column columns[] = {
    {"ID", "id", CTL_TEXT, NULL},        {"KIND", "kind", CTL_TEXT, NULL},
    {"SERVER", "url", CTL_TEXT, NULL},   {"TO", "to", CTL_LIST, ""},
    {"AUTH", "auth", CTL_TEXT, NULL},    {"REMIND", "remind_s", CTL_DURATION, "never"},
    {"SENT", "sent", CTL_TIME, "never"}, {"FAILURES", "failures", CTL_NUMBER, NULL},
    {"FAULT", "fault", CTL_TEXT, ""},    {NULL, NULL, CTL_TEXT, NULL}};

/* --- add --- */

/* The first line of the file. False: told. */
static bool read_secret(const struct ctl_common *common, const char *path, char **ret)
{
    struct error err;
    size_t len;
    if (strcmp(path, "-") != 0 && file_check_private(path, &err) != OK) {
        (void)ctl_fail_error(common, &err, NULL, NULL);
        return false;
    }
    if (!ctl_read_file(common, path, ret, &len))
        return false;
    (*ret)[strcspn(*ret, "\r\n")] = '\0';
    return true;
}

static bool put_secret(const struct add_options *o, json_t *body)
{
    char *secret = NULL;
    const char *auth = o->webhook ? (o->auth ? o->auth : "hmac") : "login";
    if (!o->secret)
        return true;
    if (!read_secret(&o->common, o->secret, &secret))
        return false;
    json_t *text = json_string(secret);
    explicit_bzero(secret, strlen(secret));
    free(secret);
    if (!text) {
        (void)ctl_usage("alerts add: the secret is not UTF-8");
        return false;
    }
    (void)json_object_set_new(body, "secret", text);
    (void)json_object_set_new(body, "auth", json_string(auth));
    return true;
}

/* CTL_DONE, or what was told. */
static int check_options(const struct add_options *o, int64_t *remind)
{
    if (!o->webhook == !o->mail)
        return ctl_usage("alerts add: either --webhook URL, or --mail ADDRESSES with --smtp URL and --from ADDRESS");
    if (o->webhook && (o->smtp || o->from || o->user || o->plain))
        return ctl_usage("alerts add: --smtp, --from, --user and --plain go with --mail");
    if (o->mail && (!o->smtp || !o->from || o->auth))
        return ctl_usage("alerts add: --mail wants --smtp URL and --from ADDRESS, and no --auth");
    if (o->mail && !o->user != !o->secret)
        return ctl_usage("alerts add: --user and --secret-file go together");
    if (o->auth && !o->secret)
        return ctl_usage("alerts add: --auth wants --secret-file FILE");
    bool never = o->remind && strcmp(o->remind, "never") == 0;
    *remind = never ? 0 : 86400;
    return !o->remind || never || ctl_duration("remind", o->remind, remind) ? CTL_DONE : CTL_USAGE;
}

static int run_add(const void *options, const char **args, size_t n UNUSED)
{
    const struct add_options *o = options;
    int64_t remind;
    int code = check_options(o, &remind);
    if (code != CTL_DONE)
        return code;
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:b, s:I, s:s*, s:s*, s:o*}", "id", args[0], "kind", o->webhook ? "webhook" : "mail",
                  "url", o->webhook ? o->webhook : o->smtp, "plain", (int)o->plain, "remind_s", (json_int_t)remind,
                  "from", o->from, "user", o->user, "to", o->mail ? ctl_words(&(struct opt_list){{o->mail}, 1}) : NULL);
    if (!body)
        return ctl_usage("alerts add: something there is not UTF-8");
    if ((o->ca &&
         !ctl_put_certificates(&o->common, o->ca, "--server-ca names CA certificates, PEM or DER", body, "ca_pem")) ||
        !put_secret(o, body)) {
        json_decref(body);
        return CTL_FAILED;
    }
    json_t *answer;
    code = ctl_send(&o->common, "POST", "/v1/alerts", body, &answer);
    return code == CTL_DONE ? ctl_tell_row(&o->common, answer, "receiver", columns) : code;
}

/* --- test --- */

struct test_options {
    struct ctl_common common;
};
static const struct opt test_opts[] = {CTL_OPT_JSON(struct test_options), CTL_OPT_SOCKET(struct test_options),
                                       CTL_OPT_END};

static int run_test(const void *options, const char **args, size_t n UNUSED)
{
    const struct test_options *o = options;
    json_t *answer;
    char *path = ctl_request_path("/v1/alerts/%s/test", args[0]);
    int code = ctl_send(&o->common, "POST", path, NULL, &answer);
    free(path);
    if (code != CTL_DONE)
        return code;
    bool taken = json_opt_bool(answer, "taken", false);
    char fault[600];
    (void)snprintf(fault, sizeof fault, "%s", json_opt_str(answer, "fault", ""));
    if (taken)
        return ctl_tell(&o->common, answer, "%s took it: %s", args[0], json_opt_str(answer, "answer", ""));
    (void)ctl_tell(&o->common, answer, "%s did not take it: %s", args[0], fault);
    return CTL_FAILED;
}

const struct ctl_command ctl_alerts_commands[] = {
    {"alerts add", "Name whom the site tells of its problems",
     CTL_RUN(run_add, struct add_options,
             "cmg alerts add ID (--webhook URL | --mail ADDRESSES --smtp URL --from ADDRESS)",
             "Name whom the site tells of what cmg status calls problems: when one begins, while it lasts, and when it "
             "is over.",
             add_opts, 1, 1)},
    {"alerts list", "List them, with what was last sent and what failed", NULL,
     CTL_ROWS("/v1/alerts", "receivers", columns, "nobody is told of problems yet: cmg alerts add")},
    {"alerts remove", "Tell one of them no more", NULL,
     CTL_DO("DELETE", "/v1/alerts/%s", "ID", "%s is told of problems no more")},
    {"alerts test", "Send one of them a message now, and say what the server answered",
     CTL_RUN(run_test, struct test_options, "cmg alerts test ID",
             "Send a message now; exit code 1: the server did not take it.", test_opts, 1, 1)},
    {NULL, NULL, NULL, NULL},
};
