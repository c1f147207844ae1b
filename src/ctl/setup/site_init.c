/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a site (site_init.h): site root, role CA, three signing keys, and the management point's configuration. */
#include "ctl/setup/site_init.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/host/owner.h"
#include "base/mem.h"
#include "base/rand.h"
#include "ctl/ctl.h"
#include "ctl/setup/pair.h"
#include "json/json.h"

enum { ROOT_DAYS = 20 * 365, ROLE_CA_DAYS = 10 * 365, SIGNING_DAYS = 5 * 365, PEM_MAX = 1024 * 1024 };

bool site_code_valid(const char *site)
{
    size_t n = strlen(site);
    return n >= 1 && n <= 8 && strspn(site, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == n;
}

void site_own_url(unsigned port, char ret[SITE_URL_SIZE])
{
    char host[256] = "localhost";
    if (gethostname(host, sizeof host - 1) != 0)
        (void)snprintf(host, sizeof host, "localhost");
    (void)snprintf(ret, SITE_URL_SIZE, "https://%s:%u", host, port);
}

char *yaml_quote(const char *text)
{
    json_t *value = json_string(text);
    char *ret = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
    json_decref(value);
    return ret ? ret : mem_strdup("\"\"");
}

/* --- places --- */

const struct site_paths site_paths_within = {"state", "admin.sock", "mp.log", "access.log"};
static const struct site_paths paths_of_machine = {"/var/lib/opencmg-mp", CTL_SOCKET_DEFAULT, "/var/log/opencmg/mp.log",
                                                   "/var/log/opencmg/access.log"};

/* The folder, or the nearest above it that is there, without links; malloc'ed. */
static char *real_folder(const char *dir)
{
    char *at = mem_strdup(dir), *real;
    while (!(real = realpath(at, NULL)) && strchr(at, '/') && *at)
        *strrchr(at, '/') = '\0';
    free(at);
    return real ? real : realpath(slice_starts(slice_of(dir), SLICE("/")) ? "/" : ".", NULL);
}

struct site_paths site_paths_for(const char *dir)
{
    char *real = real_folder(dir);
    bool is_machines = real && (strcmp(real, "/etc") == 0 || slice_starts(slice_of(real), SLICE("/etc/")));
    free(real);
    return is_machines ? paths_of_machine : site_paths_within;
}

/* --- what was given --- */

static enum result read_certificate(const char *path, X509 **ret, struct error *err)
{
    char *data;
    size_t len;
    enum result r = file_read_text(path, PEM_MAX, &data, &len, err);
    if (r != OK)
        return r;
    r = pki_cert_read(slice_make(data, len), ret, err);
    free(data);
    return r == OK ? OK : error_prefix(err, "%s", path);
}

/* The files of an https management point: there, readable, and belonging together. */
static enum result check_https(const struct site_mp *mp, struct error *err)
{
    X509 *ca = NULL;
    struct tls_identity_text text;
    enum result r = tls_identity_read(&mp->identity, &text, err);
    tls_identity_text_free(&text);
    if (r != OK)
        return error_prefix(err, "%s", mp->identity.certificate);
    r = read_certificate(mp->ca, &ca, err);
    X509_free(ca);
    return r;
}

static enum result check_plan(const struct site_plan *plan, struct error *err)
{
    if (!site_code_valid(plan->site))
        return error_set(err, R_INVALID, "'%s' is no site code: 1 to 8 capital letters and digits", plan->site);
    for (size_t i = 0; i < plan->mp_count; i++) {
        if (strncmp(plan->mps[i].url, "https://", 8) != 0)
            return error_set(err, R_INVALID, "the URL of a management point begins with https://, not '%s'",
                             plan->mps[i].url);
        enum result r = plan->mps[i].mode == CHOICE_MP_HTTPS ? check_https(&plan->mps[i], err) : OK;
        if (r != OK)
            return r;
    }
    return OK;
}

/* --- keys --- */

struct dirs {
    char *keys, *offline, *config;
};

static enum result make_signing(const struct site_plan *plan, const struct dirs *d, const struct ctl_pair *root,
                                struct error *err)
{
    static const char *const uses[] = {"bundle", "policy", "token"};
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        char uri[96], name[64], file[32];
        struct ctl_pair pair;
        (void)snprintf(uri, sizeof uri, "urn:opencmg:%s:signing:%s", plan->site, uses[i]);
        (void)snprintf(name, sizeof name, "OpenCMG %s %s signing", plan->site, uses[i]);
        (void)snprintf(file, sizeof file, "sign-%s", uses[i]);
        const struct ctl_pair_request request = {
            .profile = PKI_SIGNING, .common_name = name, .uri = uri, .days = SIGNING_DAYS, .issuer = root};
        enum result r = ctl_pair_make(&request, &pair, err);
        if (r != OK)
            return r;
        r = ctl_pair_save(&pair, d->keys, file, NULL, err);
        ctl_pair_free(&pair);
        if (r != OK)
            return r;
    }
    return OK;
}

static enum result make_role_ca(const struct site_plan *plan, const struct dirs *d, const struct ctl_pair *root,
                                struct error *err)
{
    char name[64];
    struct ctl_pair pair;
    (void)snprintf(name, sizeof name, "OpenCMG %s role CA", plan->site);
    const struct ctl_pair_request request = {
        .profile = PKI_ROLE_CA, .common_name = name, .days = ROLE_CA_DAYS, .issuer = root, .key = plan->role_ca_key};
    enum result r = ctl_pair_make(&request, &pair, err);
    if (r != OK)
        return r;
    r = ctl_pair_save(&pair, d->keys, "role-ca", NULL, err);
    ctl_pair_free(&pair);
    return r;
}

static enum result make_keys(const struct site_plan *plan, const struct dirs *d, char ret_pin[PKI_HASH_HEX],
                             struct error *err)
{
    char name[64];
    struct ctl_pair root;
    (void)snprintf(name, sizeof name, "OpenCMG %s site root", plan->site);
    const struct ctl_pair_request request = {
        .profile = PKI_SITE_ROOT, .common_name = name, .days = ROOT_DAYS, .key = plan->root_key};
    enum result r = ctl_pair_make(&request, &root, err);
    if (r != OK)
        return r;
    unsigned char hash[PKI_SHA256];
    pki_cert_sha256(root.cert, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), ret_pin);
    r = ctl_pair_save(&root, d->offline, "root", NULL, err);
    if (r == OK)
        r = ctl_pair_save_certificate(&root, d->keys, "root", NULL, err);
    if (r == OK)
        r = make_role_ca(plan, d, &root, err);
    if (r == OK)
        r = make_signing(plan, d, &root, err);
    ctl_pair_free(&root);
    return r;
}

/* --- mp.yaml --- */

static void new_role_id(char ret[SITE_ROLE_ID_SIZE])
{
    /* 17 to 20 digits, as in the field; the lowest would need a leading zero otherwise. */
    uint64_t n = 10000000000000000u + rand_below(UINT64_MAX - 10000000000000000u);
    (void)snprintf(ret, SITE_ROLE_ID_SIZE, "%llu", (unsigned long long)n);
}

/* "    name: "quoted"": files are made absolute, since mp.yaml's own folder is what relative ones are taken from. */
static enum result add_text(struct buf *b, const char *name, const char *text)
{
    char *quoted = yaml_quote(text);
    enum result r = buf_printf(b, "    %s: %s\n", name, quoted);
    free(quoted);
    return r;
}

static enum result add_path(struct buf *b, const char *name, const char *path, bool is_list)
{
    char *whole = file_absolute(path), *quoted = yaml_quote(whole);
    enum result r = buf_printf(b, is_list ? "    %s: [%s]\n" : "    %s: %s\n", name, quoted);
    free(quoted);
    free(whole);
    return r;
}

static enum result add_mp(struct buf *b, const struct site_mp *mp)
{
    enum result r = buf_printf(b, "  - id: \"%s\"\n    mode: %s\n", mp->id, choices_mp_name(mp->mode));
    if (r == OK)
        r = add_text(b, "listen", mp->listen);
    if (r == OK)
        r = add_text(b, "url", mp->url);
    if (r == OK && mp->mode == CHOICE_MP_HTTPS)
        r = add_path(b, "certificate", mp->identity.certificate, false);
    if (r == OK && mp->identity.key)
        r = add_path(b, "key", mp->identity.key, false);
    if (r == OK && mp->identity.password_file)
        r = add_path(b, "password_file", mp->identity.password_file, false);
    if (r == OK && mp->mode == CHOICE_MP_HTTPS)
        r = add_path(b, "anchors", mp->ca, true);
    const char *separator = "    client_auth: [";
    for (unsigned c = 0; r == OK && c < CHOICE_CLIENTS; c++) {
        if (!choices_mode_allows(mp->mode, (enum choice_client)c) || (mp->clients && !(mp->clients & CHOICE_BIT(c))))
            continue;
        r = buf_printf(b, "%s%s", separator, choices_client_name((enum choice_client)c));
        separator = ", ";
    }
    return r == OK ? buf_append_str(b, "]\n") : r;
}

static enum result write_config(const struct site_plan *plan, const char *path, struct error *err)
{
    struct buf b;
    buf_init(&b, 65536);
    char *socket = yaml_quote(plan->paths.admin_socket);
    enum result r = buf_printf(&b,
                               "# Made by cmg init. Relative paths are taken from this file's folder.\n"
                               "site: \"%s\"\nkeys: keys\nstate: %s\nadmin_socket: %s\n",
                               plan->site, plan->paths.state, socket);
    free(socket);
    if (r == OK && plan->store) {
        char *store = yaml_quote(plan->store);
        r = buf_printf(&b, "store: %s\n", store);
        free(store);
    }
    if (r == OK)
        r = buf_append_str(&b, "management_points:\n");
    for (size_t i = 0; r == OK && i < plan->mp_count; i++)
        r = add_mp(&b, &plan->mps[i]);
    if (r == OK)
        r = buf_printf(&b, "log: {format: text, level: info, file: %s}\naccess_log: %s\n", plan->paths.log,
                       plan->paths.access_log);
    r = r == OK ? file_write(path, buf_data(&b), 0640, err) : error_set(err, r, "mp.yaml would be too long");
    if (r == OK)
        r = owner_give_group(path, plan->paths.state, err);
    buf_free(&b);
    return r;
}

/* --- all of it --- */

/* cmg-mp makes a store beside this mark alone, and takes it away then. */
static enum result mark_as_new(const struct site_plan *plan, struct error *err)
{
    const char *at = plan->paths.state;
    char *state = *at == '/' ? mem_strdup(at) : file_join(plan->dir, at), *mark = file_join(state, "new-site");
    enum result r = file_make_dirs(state, 0700, err);
    if (r == OK)
        r = file_write(mark, SLICE("cmg-mp makes a store here at its first start\n"), 0600, err);
    free(state);
    free(mark);
    return r;
}

static enum result make_site(struct site_plan *plan, const struct dirs *d, char ret_pin[PKI_HASH_HEX],
                             struct error *err)
{
    if (file_exists(d->config) || file_exists(d->keys))
        return error_set(err, R_CONFLICT, "there is a site in %s already", plan->dir);
    enum result r = file_make_dirs(d->keys, 0700, err);
    if (r == OK)
        r = owner_give(d->keys, plan->paths.state, err);
    if (r == OK)
        r = file_make_dirs(d->offline, 0700, err);
    if (r == OK)
        r = make_keys(plan, d, ret_pin, err);
    if (r == OK)
        r = mark_as_new(plan, err);
    for (size_t i = 0; i < plan->mp_count; i++)
        new_role_id(plan->mps[i].id);
    /* Last: a folder with mp.yaml is a complete site. */
    return r == OK ? write_config(plan, d->config, err) : r;
}

enum result site_init(struct site_plan *plan, char ret_pin[PKI_HASH_HEX], struct error *err)
{
    enum result r = check_plan(plan, err);
    if (r != OK)
        return r;
    struct dirs d = {file_join(plan->dir, "keys"), file_join(plan->dir, "offline"), file_join(plan->dir, "mp.yaml")};
    r = make_site(plan, &d, ret_pin, err);
    free(d.keys);
    free(d.offline);
    free(d.config);
    return r;
}
