/* SPDX-License-Identifier: Apache-2.0 */
/* The site of `cmg quickstart`: everything on disk first, then everything that is said by the admin API. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/api.h"
#include "ctl/secret.h"
#include "ctl/setup/eval_pki.h"
#include "ctl/setup/quick.h"
#include "ctl/setup/site_init.h"

#define SITE "LAB"
#define GATEWAY_ID "gw1"
#define CONNECTOR_ID "cp1"
#define HOST "localhost"

enum { TOKEN_LIFETIME_S = 7 * 86400, TOKEN_USES = 1000, SOCKET_PATH_MAX = 100 };

const char *const quick_names[] = {"pki",
                                   "keys",
                                   "offline",
                                   "state",
                                   "mp.yaml",
                                   "gateway.yaml",
                                   "connector.yaml",
                                   "gateway.bootstrap.json",
                                   "connector.bootstrap.json",
                                   "gateway-state",
                                   "connector-state",
                                   "enrollment.json",
                                   "bulk-token",
                                   "mp.log",
                                   "gateway.log",
                                   "connector.log",
                                   "access.log",
                                   "admin.sock",
                                   "quickstart.json",
                                   NULL};

char *quick_path(const struct quick *q, const char *name)
{
    return file_join(q->dir, name);
}

const char *quick_report_text(const struct quick *q, const char *member)
{
    return json_opt_str(q->report, member, "");
}

static enum result fault_from(struct ctl_fault *fault, const struct error *err, const char *where)
{
    fault->what = *err;
    (void)snprintf(fault->where, sizeof fault->where, "%s", where);
    return err->code;
}

/* --- on disk --- */

static enum result write_text(const struct quick *q, const char *name, struct buf *text, mode_t mode, struct error *err)
{
    char *path = quick_path(q, name);
    enum result r = file_write(path, buf_data(text), mode, err);
    free(path);
    return r;
}

static enum result write_gateway_yaml(const struct quick *q, struct error *err)
{
    struct buf b;
    buf_init(&b, 65536);
    enum result r = buf_printf(&b,
                               "listen: [\"127.0.0.1:%u\"]\n"
                               "server_certificates: [{certificate: pki/gateway.pem, key: pki/gateway.key}]\n"
                               "bootstrap: gateway.bootstrap.json\n"
                               "state: gateway-state\n"
                               "workers: 2\n"
                               "admin_listen: \"127.0.0.1:%u\"\n"
                               "log: {format: text, level: info, file: gateway.log}\n",
                               q->ports[PORT_GATEWAY].number, q->ports[PORT_ADMIN].number);
    if (r == OK)
        r = write_text(q, "gateway.yaml", &b, 0640, err);
    buf_free(&b);
    return r;
}

static enum result write_connector_yaml(const struct quick *q, struct error *err)
{
    struct buf b;
    buf_init(&b, 65536);
    enum result r = buf_append_str(&b, "bootstrap: connector.bootstrap.json\n"
                                       "state: connector-state\n"
                                       "client_certificate: {certificate: pki/connector.pem, key: pki/connector.key}\n"
                                       "allow_targets: [loopback]\n"
                                       "log: {format: text, level: info, file: connector.log}\n");
    if (r == OK)
        r = write_text(q, "connector.yaml", &b, 0640, err);
    buf_free(&b);
    return r;
}

/* Where the admin socket goes: in the folder, or, when its path is too long for a Unix socket, in one of its own. */
static enum result place_socket(struct quick *q, char **ret, struct error *err)
{
    *ret = quick_path(q, "admin.sock");
    if (strlen(*ret) <= SOCKET_PATH_MAX)
        return OK;
    char dir[] = "/tmp/opencmg-socket-XXXXXX";
    if (!mkdtemp(dir))
        return error_set(err, R_IO, "no temporary folder for the admin socket, and '%s' is too long", *ret);
    q->socket_dir = mem_strdup(dir);
    free(*ret);
    *ret = file_join(dir, "admin.sock");
    return OK;
}

static enum result init_site(struct quick *q, const char *socket, struct site_plan *plan, struct error *err)
{
    char https[32], ehttp[32], https_url[64], ehttp_url[64], pin[PKI_HASH_HEX];
    (void)snprintf(https, sizeof https, "127.0.0.1:%u", q->ports[PORT_HTTPS].number);
    (void)snprintf(ehttp, sizeof ehttp, "127.0.0.1:%u", q->ports[PORT_EHTTP].number);
    (void)snprintf(https_url, sizeof https_url, "https://" HOST ":%u", q->ports[PORT_HTTPS].number);
    (void)snprintf(ehttp_url, sizeof ehttp_url, "https://" HOST ":%u", q->ports[PORT_EHTTP].number);
    char *certificate = quick_path(q, "pki/mp.pem"), *key = quick_path(q, "pki/mp.key"),
         *ca = quick_path(q, "pki/ca.pem");
    *plan = (struct site_plan){.dir = q->dir,
                               .site = SITE,
                               .paths = site_paths_within,
                               .store = q->store,
                               .mps = {{.mode = CHOICE_MP_HTTPS,
                                        .listen = https,
                                        .url = https_url,
                                        .identity = {certificate, key, NULL},
                                        .ca = ca},
                                       {.mode = CHOICE_MP_EHTTP, .listen = ehttp, .url = ehttp_url}},
                               .mp_count = 2};
    plan->paths.admin_socket = socket;
    enum result r = site_init(plan, pin, err);
    free(certificate);
    free(key);
    free(ca);
    return r;
}

static void set_path(const struct quick *q, json_t *object, const char *member, const char *name)
{
    char *path = quick_path(q, name);
    (void)json_object_set_new(object, member, json_string(path));
    free(path);
}

static json_t *url_of(const char *scheme, const char *host, const struct port *port)
{
    return json_sprintf("%s://%s:%u", scheme, host, port->number);
}

/* Everything but the pids, in the order of SPEC 7. */
static json_t *make_report(const struct quick *q, const struct site_plan *plan, const char *socket)
{
    json_t *report = json_object(), *pki = json_object();
    (void)json_object_set_new(report, "gateway", url_of("https", HOST, &q->ports[PORT_GATEWAY]));
    set_path(q, report, "ca", "pki/ca.pem");
    (void)json_object_set_new(report, "roles",
                              json_pack("{s:s, s:s}", "https", plan->mps[0].id, "ehttp", plan->mps[1].id));
    (void)json_object_set_new(report, "admin_socket", json_string(socket));
    (void)json_object_set_new(report, "console", json_null());
    set_path(q, pki, "ca", "pki/ca.pem");
    set_path(q, pki, "ca_key", "pki/ca.key");
    set_path(q, pki, "certificate", "pki/client.pem");
    set_path(q, pki, "key", "pki/client.key");
    set_path(q, pki, "revoked_certificate", "pki/revoked.pem");
    set_path(q, pki, "revoked_key", "pki/revoked.key");
    set_path(q, pki, "crl", "pki/ca.crl");
    (void)json_object_set_new(report, "pki", pki);
    (void)json_object_set_new(report, "pids", json_object());
    (void)json_object_set_new(report, "dir", json_string(q->dir));
    (void)json_object_set_new(report, "site", json_string(SITE));
    (void)json_object_set_new(report, "mp_urls",
                              json_pack("{s:o, s:o}", "https", url_of("https", HOST, &q->ports[PORT_HTTPS]), "ehttp",
                                        url_of("https", HOST, &q->ports[PORT_EHTTP])));
    (void)json_object_set_new(report, "gateway_admin", url_of("http", "127.0.0.1", &q->ports[PORT_ADMIN]));
    set_path(q, report, "enrollment", "enrollment.json");
    set_path(q, report, "token_file", "bulk-token");
    return report;
}

static enum result make_all(struct quick *q, struct error *err)
{
    char *pki = quick_path(q, "pki"), *socket = NULL;
    struct site_plan plan;
    enum result r = OK;
    for (size_t i = 0; r == OK && i < QUICK_PORTS; i++)
        r = port_take(&q->ports[i], err);
    if (r == OK)
        r = eval_pki_make(pki, err);
    if (r == OK)
        r = place_socket(q, &socket, err);
    if (r == OK)
        r = init_site(q, socket, &plan, err);
    if (r == OK)
        r = write_gateway_yaml(q, err);
    if (r == OK)
        r = write_connector_yaml(q, err);
    if (r == OK)
        q->report = make_report(q, &plan, socket);
    free(socket);
    free(pki);
    return r;
}

enum result quick_make_site(struct quick *q, struct ctl_fault *fault)
{
    struct error err;
    if (q->resumed)
        return OK;
    return make_all(q, &err) == OK ? OK : fault_from(fault, &err, q->dir);
}

bool quick_resume(struct quick *q, struct ctl_fault *fault)
{
    char *path = quick_path(q, "quickstart.json"), *text = NULL;
    size_t len;
    struct error err;
    bool found = false;
    if (file_exists(path) && file_read(path, 1024 * 1024, &text, &len, &err) == OK) {
        found = json_parse(slice_make(text, len), 1024 * 1024, &q->report, &err) == OK;
        if (found && !json_is_object(q->report)) {
            (void)error_set(&err, R_INVALID, "it is no JSON object");
            json_decref(q->report);
            q->report = NULL;
            found = false;
        }
        if (!found)
            (void)fault_from(fault, &err, path);
    }
    free(text);
    free(path);
    if (!found)
        return false;
    /* The socket's own folder does not outlive a restart of the machine. */
    char *dir = mem_strdup(quick_report_text(q, "admin_socket")), *slash = strrchr(dir, '/');
    if (slash)
        *slash = '\0';
    if (slash && slash != dir && !file_exists(dir) && mkdir(dir, 0700) != 0)
        (void)0; /* cmg-mp will say that it can't listen there */
    free(dir);
    q->resumed = true;
    return true;
}

/* --- by the admin API --- */

static enum result post(const struct quick *q, const char *path, json_t *body, json_t **ret, struct ctl_fault *fault)
{
    enum result r = api_call(quick_report_text(q, "admin_socket"), "POST", path, body, ret, fault);
    json_decref(body);
    return r;
}

/* What the site did not answer with. */
static enum result lacks(struct ctl_fault *fault, const char *path, const char *what)
{
    (void)snprintf(fault->where, sizeof fault->where, "%s", path);
    (void)snprintf(fault->remedy, sizeof fault->remedy, "use cmg and cmg-mp of the same version");
    return error_set(&fault->what, R_INVALID, "the management point answered without %s", what);
}

static enum result save_bootstrap(const struct quick *q, const json_t *answer, const char *name,
                                  struct ctl_fault *fault)
{
    const json_t *bootstrap = json_object_get(answer, "bootstrap");
    char *path = quick_path(q, name);
    struct error err;
    enum result r = bootstrap ? OK : lacks(fault, path, "a bootstrap file");
    if (r == OK) {
        char *text = json_is_string(bootstrap) ? mem_strdup(json_string_value(bootstrap)) : json_text(bootstrap);
        r = file_write(path, slice_of(text), 0600, &err);
        mem_free_secret(text, strlen(text));
        if (r != OK)
            (void)fault_from(fault, &err, path);
    }
    free(path);
    return r;
}

static enum result add_gateway(const struct quick *q, struct ctl_fault *fault)
{
    json_t *answer = NULL;
    json_t *body =
        json_pack("{s:s, s:s, s:i}", "id", GATEWAY_ID, "host", HOST, "port", (int)q->ports[PORT_GATEWAY].number);
    enum result r = post(q, "/v1/gateways", body, &answer, fault);
    if (r == OK)
        r = save_bootstrap(q, answer, "gateway.bootstrap.json", fault);
    json_decref(answer);
    return r;
}

/* A file made above, as text for JSON. */
static enum result read_own(const struct quick *q, const char *name, char **ret, size_t *ret_len,
                            struct ctl_fault *fault)
{
    char *path = quick_path(q, name);
    struct error err;
    enum result r = file_read(path, CTL_FILE_MAX, ret, ret_len, &err);
    if (r != OK)
        (void)fault_from(fault, &err, path);
    free(path);
    return r;
}

static enum result add_connector(const struct quick *q, struct ctl_fault *fault)
{
    char *pem;
    size_t len;
    json_t *answer = NULL;
    enum result r = read_own(q, "pki/connector.pem", &pem, &len, fault);
    if (r != OK)
        return r;
    r = post(q, "/v1/connectors", json_pack("{s:s, s:s}", "id", CONNECTOR_ID, "certificate_pem", pem), &answer, fault);
    free(pem);
    if (r == OK)
        r = save_bootstrap(q, answer, "connector.bootstrap.json", fault);
    json_decref(answer);
    return r;
}

static enum result add_trust(const struct quick *q, struct ctl_fault *fault)
{
    char *data;
    size_t len;
    enum result r = read_own(q, "pki/ca.pem", &data, &len, fault);
    if (r != OK)
        return r;
    r = post(q, "/v1/trust", json_pack("{s:s, s:s}", "kind", "anchor", "data", data), NULL, fault);
    free(data);
    if (r == OK)
        r = read_own(q, "pki/ca.crl", &data, &len, fault);
    if (r != OK)
        return r;
    char *crl = mem_zalloc(BASE64_SIZE(len));
    (void)encode_base64(slice_make(data, len), crl);
    free(data);
    r = post(q, "/v1/trust", json_pack("{s:s, s:s}", "kind", "crl", "data", crl), NULL, fault);
    free(crl);
    return r;
}

static enum result add_policy(const struct quick *q, struct ctl_fault *fault)
{
    return post(
        q, "/v1/policies",
        json_pack("{s:s, s:s}", "name", "welcome", "content", "# An example policy\nmotd: managed by OpenCMG\n"), NULL,
        fault);
}

/* The site is told the CA of the gateway's certificate, so that every enrolment file holds it. */
static enum result set_gateway_ca(const struct quick *q, struct ctl_fault *fault)
{
    char *pem;
    size_t len;
    enum result r = read_own(q, "pki/ca.pem", &pem, &len, fault);
    if (r != OK)
        return r;
    json_t *body = json_pack("{s:s}", "value", pem);
    r = api_call(quick_report_text(q, "admin_socket"), "PUT", "/v1/settings/gateway_ca_pem", body, NULL, fault);
    json_decref(body);
    free(pem);
    return r;
}

static enum result save_json(const struct quick *q, const char *name, const json_t *value, struct ctl_fault *fault)
{
    char *text = json_text(value), *path = quick_path(q, name);
    struct error err;
    enum result r = file_write(path, slice_of(text), 0644, &err);
    if (r != OK)
        (void)fault_from(fault, &err, path);
    free(path);
    free(text);
    return r;
}

static enum result save_enrollment(const struct quick *q, struct ctl_fault *fault)
{
    json_t *enrollment = NULL;
    enum result r = api_call(quick_report_text(q, "admin_socket"), "GET", "/v1/enrollment", NULL, &enrollment, fault);
    if (r == OK)
        r = enrollment ? save_json(q, "enrollment.json", enrollment, fault)
                       : lacks(fault, "GET /v1/enrollment", "an enrolment file");
    json_decref(enrollment);
    return r;
}

/* Kept last: from then on the folder can be started again. */
static enum result save_report(const struct quick *q, struct ctl_fault *fault)
{
    return save_json(q, "quickstart.json", q->report, fault);
}

enum result quick_configure_site(struct quick *q, struct ctl_fault *fault)
{
    static enum result (*const steps[])(const struct quick *q, struct ctl_fault *fault) = {
        add_gateway, add_connector, add_trust, add_policy, set_gateway_ca, save_enrollment, save_report};
    for (size_t i = 0; !q->resumed && i < ARRAY_LEN(steps); i++) {
        enum result r = steps[i](q, fault);
        if (r != OK)
            return r;
    }
    return OK;
}

enum result quick_make_token(struct quick *q, struct ctl_fault *fault)
{
    json_t *answer = NULL;
    struct error err;
    const char *path = quick_report_text(q, "token_file");
    enum result r = post(q, "/v1/tokens", json_pack("{s:i, s:i}", "lifetime_s", TOKEN_LIFETIME_S, "uses", TOKEN_USES),
                         &answer, fault);
    if (r != OK)
        return r;
    const char *token = json_opt_str(answer, "token", NULL);
    r = token ? file_write(path, slice_of(token), 0600, &err) : lacks(fault, path, "a token");
    if (token && r != OK)
        (void)fault_from(fault, &err, path);
    json_decref(answer);
    return r;
}
