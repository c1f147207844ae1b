/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-client: the device's agent. The table of commands, their options and exit codes: 0 ok, 1 refused or failed,
 * 2 usage. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/opt.h"
#include "base/host/owner.h"
#include "base/mem.h"
#include "base/text/nearest.h"
#include "client/client.h"
#include "client/join.h"
#include "client/operation.h"
#include "client/report.h"
#include "client/sign_in.h"
#include "json/json.h"

#define DIR_DEFAULT "/var/lib/opencmg-client"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, FILE_MAX_BYTES = 256 * 1024 };

struct options {
    const char *dir, *token_file;
    const char *scenario;
    bool json, once, no_start, full, show;
    uint64_t timeout;
};

#define OPT_DIR                                                                                                        \
    {                                                                                                                  \
        "dir", OPT_TEXT, offsetof(struct options, dir), "STATE", "state folder (/var/lib/opencmg-client)"              \
    }
#define OPT_JSON                                                                                                       \
    {                                                                                                                  \
        "json", OPT_FLAG, offsetof(struct options, json), NULL, "print JSON"                                           \
    }
#define OPT_TOKEN                                                                                                      \
    {                                                                                                                  \
        "token-file", OPT_TEXT, offsetof(struct options, token_file), "FILE",                                          \
            "bulk registration token (cmg1.…); - for standard input"                                                 \
    }

static const struct opt opts_common[] = {OPT_DIR, OPT_JSON, {0}};
static const struct opt opts_token[] = {OPT_TOKEN, OPT_DIR, OPT_JSON, {0}};
static const struct opt opts_join[] = {
    {"file", OPT_TEXT, offsetof(struct options, token_file), "FILE",
     "the join string is in this file (- for standard input), where others on the machine don't see it"},
    {"no-start", OPT_FLAG, offsetof(struct options, no_start), NULL, "don't start the service"},
    OPT_DIR,
    OPT_JSON,
    {0}};
static const struct opt opts_policy[] = {{.name = "scenario",
                                          .kind = OPT_CHOICE,
                                          .offset = offsetof(struct options, scenario),
                                          .help = "whose policy: the device's (default) or the signed-in user's",
                                          .choices = "device|user"},
                                         OPT_DIR,
                                         OPT_JSON,
                                         {0}};
static const struct opt opts_analyze[] = {{"timeout", OPT_NUMBER, offsetof(struct options, timeout), "S",
                                           "seconds to wait for each answer (10)", NULL, 1, 300},
                                          OPT_DIR,
                                          OPT_JSON,
                                          {0}};
static const struct opt opts_run[] = {
    {"once", OPT_FLAG, offsetof(struct options, once), NULL, "once, then end"}, OPT_TOKEN, OPT_DIR, OPT_JSON, {0}};

static const struct opt opts_inventory[] = {
    {"full", OPT_FLAG, offsetof(struct options, full), NULL,
     "report all of it, not what changed since the last report"},
    {"show", OPT_FLAG, offsetof(struct options, show), NULL, "print it, and report nothing"},
    OPT_DIR,
    OPT_JSON,
    {0}};

static const char *running = "COMMAND"; /* whose --help tells more */

static int tell_failure(const struct options *o, int code, const struct error *err)
{
    char remedy[256];
    (void)snprintf(remedy, sizeof remedy, "%s; see: cmg-client %s --help",
                   err->remedy ? err->remedy : result_remedy(err->code), running);
    if (o->json) {
        json_t *report = json_pack("{s:b, s:n, s:s, s:s, s:s}", "ok", 0, "code", "reason", result_name(err->code),
                                   "detail", err->text, "remedy", remedy);
        client_report_json(report, stdout);
        json_decref(report);
    } else {
        (void)fprintf(stderr, "cmg-client: %s\nWhat to do: %s\n", err->text, remedy);
    }
    return code;
}

/* --- set, get, enroll --- */

static void print_settings(const struct client_settings *s, const char *only, bool json)
{
    json_t *all = json_object();
    for (size_t i = 0; i < CLIENT_SETTINGS; i++) {
        const struct client_setting_info *info = client_setting_info((enum client_setting)i);
        const char *value = client_setting(s, (enum client_setting)i);
        if (only && !slice_eq_nocase(slice_of(only), slice_of(info->name)))
            continue;
        if (json_object_set_new(all, info->name, value ? json_string(value) : json_null()) != 0)
            fatal("a setting can't be put into JSON");
        if (!json && only)
            (void)printf("%s\n", value ? value : "");
        else if (!json)
            (void)printf("%s=%s%s\n", info->name, value ? value : "", value && !s->values[i] ? "   (default)" : "");
    }
    if (json)
        client_report_json(all, stdout);
    json_decref(all);
}

static enum result set_one(struct client_settings *s, const char *arg, struct error *err)
{
    struct slice value = slice_of(arg), name = slice_cut(&value, '=');
    if (!value.ptr)
        return error_set(err, R_INVALID, "'%s': write NAME=VALUE (nothing behind = unsets)", arg);
    return client_settings_set(s, name, value, err);
}

/* A slip of the keyboard would show much later, as a certificate that is missing. */
static void warn_of_files(const struct client_settings *s, const char **args, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct slice value = slice_of(args[i]), name = slice_cut(&value, '=');
        enum client_setting which;
        struct error err = {0};
        if (client_setting_find(name, &which) && client_setting_try(s, which, &err) != OK)
            (void)fprintf(stderr, "cmg-client: %s is set, but %s%s%s\n", client_setting_info(which)->name, err.text,
                          err.remedy ? "; " : "", err.remedy ? err.remedy : "");
    }
}

static int cmd_set(const struct options *o, const char **args, size_t count)
{
    struct client c;
    struct error err;
    int code = 0;
    if (client_open(o->dir, &c, &err) != OK)
        return tell_failure(o, EXIT_FAILED, &err);
    for (size_t i = 0; i < count && code == 0; i++) {
        if (set_one(&c.settings, args[i], &err) != OK)
            code = tell_failure(o, EXIT_USAGE, &err);
    }
    if (code == 0 && client_settings_save(o->dir, &c.settings, &err) != OK)
        code = tell_failure(o, EXIT_FAILED, &err);
    if (code == 0)
        warn_of_files(&c.settings, args, count);
    if (code == 0 && o->json)
        print_settings(&c.settings, NULL, true);
    client_close(&c);
    return code;
}

static int cmd_get(const struct options *o, const char **args, size_t count)
{
    struct client_settings s;
    struct error err;
    enum client_setting which;
    if (count && !client_setting_find(slice_of(args[0]), &which)) {
        client_settings_unknown(slice_of(args[0]), &err);
        return tell_failure(o, EXIT_USAGE, &err);
    }
    if (client_settings_load(o->dir, &s, &err) != OK)
        return tell_failure(o, EXIT_FAILED, &err);
    print_settings(&s, count ? args[0] : NULL, o->json);
    client_settings_free(&s);
    return 0;
}

static int cmd_enroll(const struct options *o, const char **args, size_t count)
{
    struct client c;
    struct error err;
    char *text = NULL;
    size_t len = 0;
    (void)count;
    if (client_open(o->dir, &c, &err) != OK)
        return tell_failure(o, EXIT_FAILED, &err);
    enum result r = file_read(args[0], FILE_MAX_BYTES, &text, &len, &err);
    if (r == OK)
        r = client_settings_enroll(o->dir, &c.settings, slice_make(text, len), &err);
    if (r == OK)
        r = client_settings_save(o->dir, &c.settings, &err);
    int code = r == OK ? 0 : tell_failure(o, EXIT_FAILED, &err);
    if (code == 0 && o->json)
        print_settings(&c.settings, NULL, true);
    else if (code == 0)
        (void)printf("Enrolled for site %s. Next: cmg-client register, or cmg-client run\n",
                     client_setting(&c.settings, SETTING_SITE_CODE));
    free(text);
    client_close(&c);
    return code;
}

static int cmd_join(const struct options *o, const char **args, size_t count)
{
    const struct client_joining how = {.dir = o->dir,
                                       .argument = count ? args[0] : NULL,
                                       .file = o->token_file,
                                       .json = o->json,
                                       .start = !o->no_start && strcmp(o->dir, DIR_DEFAULT) == 0};
    return client_join(&how);
}

/* --- register, policy, run --- */

static enum result take_token(struct client *c, const char *file, struct error *err)
{
    char *text;
    size_t len;
    if (!file)
        return OK;
    enum result r = file_read(file, FILE_MAX_BYTES, &text, &len, err);
    if (r != OK)
        return r;
    r = client_bulk_take(c, slice_make(text, len), err);
    mem_free_secret(text, len);
    return r;
}

static int operate(const struct options *o, enum client_operation what)
{
    struct client c;
    struct error err;
    json_t *report;
    if (client_open(o->dir, &c, &err) != OK)
        return tell_failure(o, EXIT_FAILED, &err);
    if (take_token(&c, o->token_file, &err) != OK) {
        client_close(&c);
        return tell_failure(o, EXIT_FAILED, &err);
    }
    bool ok = client_operate(&c, what, &report);
    (o->json ? client_report_json : client_report_text)(report, stdout);
    json_decref(report);
    client_close(&c);
    return ok ? 0 : EXIT_FAILED;
}

static int cmd_register(const struct options *o, const char **args, size_t count)
{
    (void)args, (void)count;
    return operate(o, CLIENT_REGISTER);
}

static int cmd_policy(const struct options *o, const char **args, size_t count)
{
    (void)args, (void)count;
    return operate(o, o->scenario && strcmp(o->scenario, "user") == 0 ? CLIENT_USER_POLICY : CLIENT_POLICY);
}

static int cmd_inventory(const struct options *o, const char **args, size_t count)
{
    struct client c;
    struct error err;
    (void)args, (void)count;
    if (!o->show)
        return operate(o, o->full ? CLIENT_INVENTORY_FULL : CLIENT_INVENTORY);
    if (client_open(o->dir, &c, &err) != OK)
        return tell_failure(o, EXIT_FAILED, &err);
    enum result r = client_inventory_show(&c, &err);
    client_close(&c);
    return r == OK ? 0 : tell_failure(o, EXIT_FAILED, &err);
}

static int cmd_run(const struct options *o, const char **args, size_t count)
{
    struct client c;
    struct error err;
    (void)args, (void)count;
    if (o->once)
        return operate(o, CLIENT_RUN);
    if (client_open(o->dir, &c, &err) != OK)
        return tell_failure(o, EXIT_FAILED, &err);
    enum result r = take_token(&c, o->token_file, &err);
    client_close(&c);
    if (r == OK)
        r = client_run(o->dir, o->json, &err);
    return r == OK ? 0 : tell_failure(o, EXIT_FAILED, &err);
}

/* --- sign-in, sign-out --- */

static int cmd_sign_in(const struct options *o, const char **args, size_t count)
{
    (void)args, (void)count;
    return client_sign_in(o->dir, o->json) ? 0 : EXIT_FAILED;
}

static int cmd_sign_out(const struct options *o, const char **args, size_t count)
{
    struct client c;
    struct error err;
    bool was = false;
    (void)args, (void)count;
    if (client_open(o->dir, &c, &err) != OK)
        return tell_failure(o, EXIT_FAILED, &err);
    enum result r = client_sign_out(&c, &was, &err);
    client_close(&c);
    if (r != OK)
        return tell_failure(o, EXIT_FAILED, &err);
    if (o->json) {
        json_t *report = json_pack("{s:b, s:b}", "ok", 1, "was_signed_in", (int)was);
        client_report_json(report, stdout);
        json_decref(report);
    } else {
        (void)puts(was ? "Signed out" : "Nobody was signed in");
    }
    return 0;
}

/* --- status --- */

static int cmd_status(const struct options *o, const char **args, size_t count)
{
    struct client c = {.dir = o->dir, .lock = -1};
    struct error err;
    (void)args, (void)count;
    if (client_settings_load(o->dir, &c.settings, &err) != OK)
        return tell_failure(o, EXIT_FAILED, &err);
    if (client_identity_load(o->dir, &c.identity, &err) != OK) {
        client_close(&c);
        return tell_failure(o, EXIT_FAILED, &err);
    }
    json_t *status = client_status(&c, clock_wall_s());
    if (o->json)
        client_report_json(status, stdout);
    else
        client_status_text(status, stdout);
    json_decref(status);
    client_close(&c);
    return 0;
}

/* --- analyze --- */

static int cmd_analyze(const struct options *o, const char **args, size_t count)
{
    struct client_analysis how = {count ? args[0] : NULL, (long)(o->timeout * 1000), o->json};
    struct client c;
    struct error err;
    bool ok = false;
    if (client_open(o->dir, &c, &err) != OK)
        return tell_failure(o, EXIT_FAILED, &err);
    enum result r = client_analyze(&c, &how, &ok, &err);
    client_close(&c);
    if (r != OK)
        return tell_failure(o, EXIT_USAGE, &err);
    return ok ? 0 : EXIT_FAILED;
}

/* --- the table --- */

static const struct command {
    const char *name;
    int (*run)(const struct options *o, const char **args, size_t count);
    struct opt_command cmd;
} commands[] = {
    {"enroll",
     cmd_enroll,
     {"cmg-client enroll FILE [options]", "Take over a site's enrolment file.", opts_common, 1, 1}},
    {"join",
     cmd_join,
     {"cmg-client join STRING [options]   (or: join -, join @FILE)",
      "Join a site by one line (cmg enrollment --join): enrol, register, fetch policy, start the service.", opts_join,
      0, 1}},
    {"set",
     cmd_set,
     {"cmg-client set NAME=VALUE… [options]", "Change settings of this device; nothing behind = unsets.", opts_common,
      1, 64}},
    {"get", cmd_get, {"cmg-client get [NAME] [options]", "Show settings.", opts_common, 0, 1}},
    {"register", cmd_register, {"cmg-client register [options]", "Register the device at its site.", opts_token, 0, 0}},
    {"policy",
     cmd_policy,
     {"cmg-client policy [options]", "Fetch the device's or the user's policy, registering first if needed.",
      opts_policy, 0, 0}},
    {"inventory",
     cmd_inventory,
     {"cmg-client inventory [options]", "Report what this device is: system, disks, packages, certificates, scripts.",
      opts_inventory, 0, 0}},
    {"sign-in",
     cmd_sign_in,
     {"cmg-client sign-in [options]", "Let a user sign in with Entra, by a code in a browser, for the user's policy.",
      opts_common, 0, 0}},
    {"sign-out", cmd_sign_out, {"cmg-client sign-out [options]", "Forget the user who signed in.", opts_common, 0, 0}},
    {"run",
     cmd_run,
     {"cmg-client run [options]", "Register if needed, fetch policy, renew tokens: until stopped.", opts_run, 0, 0}},
    {"analyze",
     cmd_analyze,
     {"cmg-client analyze [GATEWAY] [options]",
      "Find out, step by step, why this device's connection fails, and what to do.", opts_analyze, 0, 1}},
    {"status",
     cmd_status,
     {"cmg-client status [options]", "Show gateway, method, tokens, policy and the last failure.", opts_common, 0, 0}},
};

static void usage(FILE *out)
{
    (void)fprintf(out,
                  "Usage: cmg-client COMMAND [options]\n"
                  "The device's agent of OpenCMG " CMG_VERSION ". Exit codes: 0 ok, 1 refused or failed, 2 usage.\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].cmd.summary);
    (void)fprintf(out, "cmg-client COMMAND --help tells more. Logs are in STATE/logs.\n");
}

static void on_signal(int number)
{
    (void)number;
    web_http_stop();
}

static void set_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

/* What `set` may set, one a line. */
static void print_setting_names(void)
{
    (void)puts("Settings:");
    for (size_t i = 0; i < CLIENT_SETTINGS; i++) {
        const struct client_setting_info *info = client_setting_info((enum client_setting)i);
        (void)printf("  %-22s %s%s%s%s\n", info->name, info->help, info->fallback ? " (default " : "",
                     info->fallback ? info->fallback : "", info->fallback ? ")" : "");
    }
}

/* Root works as the owner of the state, whose daemon must be able to read what is left there. `file` (NULL: none) is
 * what the command reads besides. */
static enum result become_owner(const char *dir, const char *file, struct error *err)
{
    enum { READ = 4 }; /* access(2)'s own name for it is poisoned */
    bool was_readable = file && access(file, READ) == 0;
    enum result r = owner_become(dir, err);
    if (r != OK || !was_readable || access(file, READ) == 0)
        return r;
    return error_set(
        err, R_DENIED,
        "%s: can't be read by the owner of %s, as whom cmg-client works; name it - and give it on standard "
        "input: cmg-client … - <'%s'",
        file, dir, file);
}

static int dispatch(const struct command *c, int argc, char **argv)
{
    struct options o = {.dir = DIR_DEFAULT, .timeout = 10};
    struct error err;
    const char **args;
    size_t count;
    running = c->name;
    enum result r = opt_parse(&c->cmd, argc, argv, &o, &args, &count, &err);
    if (r == R_EOF && (c->run == cmd_set || c->run == cmd_get))
        print_setting_names();
    if (r == R_EOF)
        return 0;
    if (r != OK)
        return tell_failure(&o, EXIT_USAGE, &err);
    /* join starts the service, as root, and becomes the owner by itself */
    if (c->run != cmd_join && become_owner(o.dir, c->run == cmd_enroll ? args[0] : o.token_file, &err) != OK)
        return tell_failure(&o, EXIT_FAILED, &err);
    return c->run(&o, args, count);
}

static const struct command *find_command(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (slice_eq(name, slice_of(commands[i].name)))
            return &commands[i];
    }
    return NULL;
}

static int refuse_command(struct slice name)
{
    struct nearest n = nearest_to(name);
    char near[64];
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        nearest_try(&n, commands[i].name);
    if (name.len)
        (void)fprintf(stderr, "cmg-client: there is no command '%" PRIslice "'%s\n", SLICE_ARG(name),
                      nearest_text(&n, "cmg-client ", near, sizeof near));
    usage(stderr);
    return EXIT_USAGE;
}

static bool is_help(struct slice word)
{
    return slice_eq(word, SLICE("--help")) || slice_eq(word, SLICE("-h")) || slice_eq(word, SLICE("help"));
}

int main(int argc, char **argv)
{
    static char help[] = "--help";
    char *only_help[] = {help};
    (void)umask(0077);
    mem_keep_private();
    json_wipe_freed(true);
    set_signals();
    struct slice name = slice_of(argc > 1 ? argv[1] : ""), second = slice_of(argc > 2 ? argv[2] : "");
    if (is_help(name) && find_command(second))
        return dispatch(find_command(second), 1, only_help);
    if (is_help(name)) {
        usage(stdout);
        return 0;
    }
    if (slice_eq(name, SLICE("--version"))) {
        (void)printf("cmg-client " CMG_VERSION "\n");
        return 0;
    }
    const struct command *c = find_command(name);
    return c ? dispatch(c, argc - 2, argv + 2) : refuse_command(name);
}
