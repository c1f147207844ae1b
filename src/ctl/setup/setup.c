/* SPDX-License-Identifier: Apache-2.0 */
/* cmg init, quickstart, version: what there is before a management point runs. */
#include <stdlib.h>
#include <unistd.h>

#include "base/host/file.h"
#include "ctl/command.h"
#include "ctl/ctl.h"
#include "ctl/out.h"
#include "ctl/setup/quickstart.h"
#include "ctl/setup/site_init.h"
#include "join/place.h"

/* --- init --- */

struct init_options {
    struct ctl_common common;
    const char *dir, *site, *socket, *https, *https_url, *https_cert, *https_key, *https_password, *https_ca, *ehttp,
        *ehttp_url, *store, *root_key, *role_ca_key;
};

#define INIT(word, member_, value_, help_, required_)                                                                  \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct init_options, member_), .value = (value_),         \
        .help = (help_), .required = (required_)                                                                       \
    }

static const struct opt init_opts[] = {
    INIT("dir", dir, "DIR",
         "where keys and mp.yaml go; below /etc, the state goes to /var/lib/opencmg-mp and logs to /var/log/opencmg",
         true),
    INIT("site", site, "CODE", "the site's code: 1 to 8 of A-Z and 0-9", true),
    INIT("mp-https", https, "ADDRESS:PORT", "an https management point listens there", false),
    INIT("mp-https-url", https_url, "URL", "how connectors and devices reach it", false),
    INIT("mp-https-cert", https_cert, "FILE", "its server certificate, PEM; or PKCS#12 (.p12, .pfx) with its key",
         false),
    INIT("mp-https-key", https_key, "FILE", "its key, PEM; not with PKCS#12", false),
    INIT("mp-https-password-file", https_password, "FILE", "holds the password of the PKCS#12", false),
    INIT("mp-https-ca", https_ca, "FILE", "the CA that issued the certificate, PEM", false),
    INIT("mp-ehttp", ehttp, "ADDRESS:PORT", "an Enhanced HTTP management point listens there", false),
    INIT("mp-ehttp-url", ehttp_url, "URL", "how connectors and devices reach it", false),
    INIT("admin-socket", socket, "PATH",
         "cmg-mp's admin socket (default admin.sock in DIR; below /etc: " CTL_SOCKET_DEFAULT ")", false),
    INIT("root-key", root_key, "KEY",
         "the site root's key was made before and stays in an HSM: its URI, such as pkcs11:token=site;object=root",
         false),
    INIT("role-ca-key", role_ca_key, "KEY", "the same of the role CA's, which cmg-mp uses", false),
    INIT("store", store, "URL", "keep the site in PostgreSQL: postgresql://USER@HOST/DATABASE?passfile=FILE", false),
    CTL_OPT_JSON(struct init_options),
    CTL_OPT_END,
};

/* A management point needs all of its options; false with a message otherwise. */
static bool complete(const char *first, const char *const *names, const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i])
            continue;
        (void)ctl_usage("--%s needs --%s too", first, names[i]);
        return false;
    }
    return true;
}

static bool plan_https(const struct init_options *o, struct site_plan *plan)
{
    static const char *const names[] = {"mp-https-url", "mp-https-cert", "mp-https-ca"};
    const char *values[] = {o->https_url, o->https_cert, o->https_ca};
    if (!complete("mp-https", names, values, ARRAY_LEN(names)))
        return false;
    plan->mps[plan->mp_count++] = (struct site_mp){.mode = CHOICE_MP_HTTPS,
                                                   .listen = o->https,
                                                   .url = o->https_url,
                                                   .identity = {o->https_cert, o->https_key, o->https_password},
                                                   .ca = o->https_ca};
    return true;
}

static bool plan_ehttp(const struct init_options *o, struct site_plan *plan)
{
    static const char *const names[] = {"mp-ehttp-url"};
    const char *values[] = {o->ehttp_url};
    if (!complete("mp-ehttp", names, values, ARRAY_LEN(names)))
        return false;
    plan->mps[plan->mp_count++] = (struct site_mp){.mode = CHOICE_MP_EHTTP, .listen = o->ehttp, .url = o->ehttp_url};
    return true;
}

/* Without any: Enhanced HTTP under this machine's name. */
static void plan_default(struct site_plan *plan, char url[SITE_URL_SIZE])
{
    site_own_url(8443, url);
    plan->mps[plan->mp_count++] = (struct site_mp){.mode = CHOICE_MP_EHTTP, .listen = "0.0.0.0:8443", .url = url};
}

/* By its service, whose configuration is the machine's own; elsewhere by hand. */
static void print_start(const struct site_plan *plan)
{
    char *real = realpath(plan->dir, NULL);
    bool usual = real && strcmp(real, JOIN_DIR_DEFAULT) == 0;
    (void)printf("Start the management point: %scmg-mp --config %s/mp.yaml%s\n",
                 usual ? "systemctl enable --now cmg-mp   (without systemd: " : "", plan->dir, usual ? ")" : "");
    free(real);
}

/* Where cmg does not look by itself. */
static void print_socket(const struct site_plan *plan)
{
    const char *socket = plan->paths.admin_socket;
    if (strcmp(socket, CTL_SOCKET_DEFAULT) == 0)
        return;
    char *real = realpath(plan->dir, NULL), *path = file_join(real ? real : plan->dir, socket);
    (void)printf("Tell cmg where its socket is: export CMG_ADMIN_SOCKET=%s\n", *socket == '/' ? socket : path);
    free(path);
    free(real);
}

static void print_site(const struct init_options *o, const struct site_plan *plan, const char *pin)
{
    json_t *mps = json_array();
    for (size_t i = 0; i < plan->mp_count; i++)
        (void)json_array_append_new(mps, json_pack("{s:s, s:s, s:s}", "id", plan->mps[i].id, "mode",
                                                   choices_mp_name(plan->mps[i].mode), "url", plan->mps[i].url));
    if (o->common.json) {
        json_t *whole = json_pack("{s:s, s:s, s:s, s:O}", "site", plan->site, "dir", plan->dir, "pin", pin,
                                  "management_points", mps);
        ctl_print_json(stdout, whole, false);
        json_decref(whole);
    } else {
        static const struct ctl_column columns[] = {{"MANAGEMENT POINT", "id", CTL_TEXT, NULL},
                                                    {"MODE", "mode", CTL_TEXT, NULL},
                                                    {"URL", "url", CTL_TEXT, NULL},
                                                    {NULL, NULL, CTL_TEXT, NULL}};
        (void)printf("Site %s is set up in %s.\nPin of its root: %s\n\n", plan->site, plan->dir, pin);
        ctl_table(stdout, mps, columns, "");
        if (plan->root_key)
            (void)printf("\nThe site root's key stays where it is: it is needed only to make new signing keys.\n");
        else
            (void)printf("\nMove %s/offline/root.key to a safe place: it is needed only to make new signing keys.\n",
                         plan->dir);
        print_start(plan);
        print_socket(plan);
    }
    json_decref(mps);
}

static int init(int argc, char **argv)
{
    static const struct opt_command cmd = {"cmg init --dir DIR --site CODE [options]",
                                           "Make a site's keys and its management point's configuration.", init_opts, 0,
                                           0};
    struct init_options o = {0};
    const char **args;
    size_t n;
    int code;
    char url[SITE_URL_SIZE], pin[PKI_HASH_HEX];
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    if (!site_code_valid(o.site))
        return ctl_usage("--site: '%s' is no site code: 1 to 8 capital letters and digits", o.site);
    struct site_plan plan = {.dir = o.dir,
                             .site = o.site,
                             .paths = site_paths_for(o.dir),
                             .store = o.store,
                             .root_key = o.root_key,
                             .role_ca_key = o.role_ca_key};
    if (o.socket)
        plan.paths.admin_socket = o.socket;
    if ((o.https && !plan_https(&o, &plan)) || (o.ehttp && !plan_ehttp(&o, &plan)))
        return CTL_USAGE;
    if (plan.mp_count == 0)
        plan_default(&plan, url);
    struct error err;
    if (site_init(&plan, pin, &err) != OK)
        return ctl_fail_error(&o.common, &err, o.dir,
                              err.code == R_CONFLICT ? "a site is never overwritten: name another folder with --dir"
                                                     : NULL);
    print_site(&o, &plan, pin);
    return CTL_DONE;
}

/* --- quickstart --- */

struct quickstart_options {
    struct ctl_common common;
    const char *dir, *bin, *store;
};

static const struct opt quickstart_opts[] = {
    {.name = "dir",
     .kind = OPT_TEXT,
     .offset = offsetof(struct quickstart_options, dir),
     .value = "DIR",
     .help = "keep the site there (default: a temporary folder, removed at the end)"},
    {.name = "bin",
     .kind = OPT_TEXT,
     .offset = offsetof(struct quickstart_options, bin),
     .value = "DIR",
     .help = "where cmg-mp, cmg-gateway and cmg-connector are (default: beside cmg)"},
    {.name = "store",
     .kind = OPT_TEXT,
     .offset = offsetof(struct quickstart_options, store),
     .value = "URL",
     .help = "keep the site in this empty PostgreSQL database (default: SQLite)"},
    CTL_OPT_JSON(struct quickstart_options),
    CTL_OPT_END,
};

static int quickstart(int argc, char **argv)
{
    static const struct opt_command cmd = {
        "cmg quickstart [options]", "Run a whole evaluation site on loopback until Ctrl-C.", quickstart_opts, 0, 0};
    struct quickstart_options o = {0};
    const char **args;
    size_t n;
    int code;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    return ctl_quickstart(&o.common, o.dir, o.bin, o.store);
}

/* --- version --- */

struct version_options {
    struct ctl_common common;
};
static const struct opt version_opts[] = {CTL_OPT_JSON(struct version_options), CTL_OPT_END};

static int version(int argc, char **argv)
{
    static const struct opt_command cmd = {"cmg version [options]", "Print the version.", version_opts, 0, 0};
    struct version_options o = {0};
    const char **args;
    size_t n;
    int code;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    (void)printf(o.common.json ? "{\"version\": \"%s\"}\n" : "cmg %s\n", CMG_VERSION);
    return CTL_DONE;
}

const struct ctl_command ctl_setup_commands[] = {
    {"init", "Make a site's keys and its management point's configuration", init, NULL},
    {"quickstart", "Run a whole evaluation site on loopback", quickstart, NULL},
    {"version", "Print the version", version, NULL},
    {NULL, NULL, NULL, NULL},
};
