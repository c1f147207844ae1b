/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of mp.yaml and the checks that go beyond one key. */
#include "mp/config.h"

#include <inttypes.h>

#include <stdio.h>

#include "base/host/file.h"
#include "base/text/name.h"
#include "conf/sandbox.h"
#include "mp/certificate_files.h"
#include "mp/keys.h"
#include "net/address.h"
#include "net/url.h"
#include "store/store.h"

#define POINT(member) offsetof(struct mp_config_point, member)
#define AT(member) offsetof(struct mp_config, member)

enum {
    CONNECTIONS = 16000,
    FEWEST = 16,
    OWN_DESCRIPTORS = 512, /* the admin socket's callers, the store, files, what is being fetched */
};

static const struct conf_key point_keys[] = {
    {.name = "id",
     .kind = CONF_TEXT,
     .offset = POINT(id),
     .required = true,
     .help = "role id: a random decimal 64-bit number"},
    {.name = "mode",
     .kind = CONF_CHOICE,
     .offset = POINT(mode),
     .required = true,
     .choices = "https|ehttp",
     .help = "https: server certificate of an internal CA; ehttp: issued by the site"},
    {.name = "listen",
     .kind = CONF_TEXT,
     .offset = POINT(listen),
     .required = true,
     .help = "address, such as \":8443\""},
    {.name = "url",
     .kind = CONF_TEXT,
     .offset = POINT(url),
     .required = true,
     .help = "what clients inside and connectors use: https://host:port"},
    {.name = "certificate",
     .kind = CONF_PATH,
     .offset = POINT(identity.certificate),
     .help = "https: PEM, the certificate, then its intermediates; or PKCS#12 (.p12, .pfx) with the key, mode 0600; "
             "changed files are read anew"},
    {.name = "key",
     .kind = CONF_PATH,
     .offset = POINT(identity.key),
     .help = "https: PEM, its private key, mode 0600; not with PKCS#12"},
    {.name = "password_file",
     .kind = CONF_PATH,
     .offset = POINT(identity.password_file),
     .help = "https: file of mode 0600 whose first line is the password of the PKCS#12"},
    {.name = "anchors",
     .kind = CONF_PATHS,
     .offset = POINT(anchors),
     .help = "https: PEM files, the CA of `certificate`, given to connectors"},
    {.name = "client_auth",
     .kind = CONF_TEXTS,
     .offset = POINT(client_auth),
     .choices = "pki|entra|token",
     .help = "methods let in here; default: all that the mode allows"},
    {0},
};
static const struct conf_schema point_schema = {"management_points", sizeof(struct mp_config_point), point_keys};

static const struct conf_key keys[] = {
    {.name = "site", .kind = CONF_TEXT, .offset = AT(site), .required = true, .help = "site code: 1 to 8 of A-Z0-9"},
    {.name = "keys",
     .kind = CONF_PATH,
     .offset = AT(keys),
     .use = SANDBOX_READ_FOLDER,
     .fallback = "keys",
     .help = "folder of the role CA and the signing keys, made by cmg init"},
    {.name = "hsm_files",
     .kind = CONF_PATHS,
     .offset = AT(hsm_files),
     .use = SANDBOX_WRITE_THERE,
     .help = "files, folders and devices that the module of the HSM with the role CA's key wants besides /usr: in the "
             "sandbox it reaches no others"},
    {.name = "state",
     .kind = CONF_PATH,
     .offset = AT(state),
     .use = SANDBOX_WRITE_FOLDER,
     .fallback = "state",
     .help = "folder of site.db"},
    {.name = "store",
     .kind = CONF_TEXT,
     .offset = AT(store),
     .help = "PostgreSQL database instead of site.db: postgresql://USER@HOST/DATABASE?passfile=FILE"},
    {.name = "admin_socket",
     .kind = CONF_PATH,
     .offset = AT(admin_socket),
     .use = SANDBOX_WRITE_FILE,
     .fallback = "admin.sock",
     .help = "Unix socket of the admin API: for root, the user of cmg-mp and the three groups below, if they exist"},
    {.name = "reader_group",
     .kind = CONF_TEXT,
     .offset = AT(groups[MP_READER]),
     .fallback = "opencmg-reader",
     .help = "group (name or number) whose members may see everything there and change nothing"},
    {.name = "operator_group",
     .kind = CONF_TEXT,
     .offset = AT(groups[MP_OPERATOR]),
     .fallback = "opencmg-operator",
     .help = "group whose members may also change devices, tokens, collections, policies and client settings"},
    {.name = "admin_group",
     .kind = CONF_TEXT,
     .offset = AT(groups[MP_ADMINISTRATOR]),
     .fallback = "opencmg-admin",
     .help = "group whose members may do all, as root and the user of cmg-mp may"},
    {.name = "access_log",
     .kind = CONF_PATH,
     .offset = AT(access_log),
     .use = SANDBOX_WRITE_FILE,
     .help = "file with a line for each request that reached a management point; default: none"},
    {.name = "metrics_listen",
     .kind = CONF_TEXT,
     .offset = AT(metrics_listen),
     .help = "address of /metrics, /healthz and /readyz, such as 127.0.0.1:9182; default: none"},
    {.name = "max_connections",
     .kind = CONF_NUMBER,
     .offset = AT(max_connections),
     .max = 1000000,
     .fallback = "0",
     .help =
         "connections a management point holds, at least 16; 0: 16000, or as many as the descriptors allow. Over it "
         "who was never let in makes room, of the address that holds most; one address holds a fourth at most"},
    {.name = "management_points",
     .kind = CONF_BLOCKS,
     .offset = AT(points),
     .required = true,
     .block = &point_schema,
     .help = "the management points that this process serves"},
    CONF_SANDBOX_KEY(AT(sandbox)),
    {.name = "log", .kind = CONF_BLOCK, .offset = AT(log), .block = &conf_log_schema, .help = "the log"},
    {0},
};
static const struct conf_schema schema = {"mp.yaml", sizeof(struct mp_config), keys};

void mp_clients_text(unsigned clients, char ret[MP_CLIENTS_TEXT])
{
    size_t at = 0;
    ret[0] = '\0';
    for (enum choice_client c = CHOICE_PKI; c < CHOICE_CLIENTS; c++) {
        if (clients & CHOICE_BIT(c))
            at += (size_t)snprintf(ret + at, MP_CLIENTS_TEXT - at, "%s%s", at ? " " : "", choices_client_name(c));
    }
}

/* --- checks --- */

static void check_files(const struct mp_config_point *p, struct conf_faults *faults)
{
    const struct tls_identity_files *files = &p->identity;
    bool any = files->certificate || files->key || files->password_file || p->anchors.count,
         all = files->certificate && p->anchors.count;
    const struct choices_line *rule = choices_forbids_mp_certificate(p->choice, any);
    if (rule || any != all) {
        conf_fault_of(faults, p, "management point %s: %s certificate, key and anchors%s%s%s%s", p->id,
                      p->choice == CHOICE_MP_EHTTP ? "remove" : "https mode needs", rule ? "; rule " : "",
                      rule ? rule->id : "", rule ? ": " : "", rule ? rule->text : "");
        return;
    }
    if (!any)
        return; /* the site issues it */
    mp_certificate_check(p, faults);
}

static void check_choices(struct mp_config_point *p, struct conf_faults *faults)
{
    enum choice_client client;
    for (size_t i = 0; i < p->client_auth.count; i++) {
        if (choices_client_parse(slice_of(p->client_auth.items[i]), &client))
            p->clients |= CHOICE_BIT(client);
    }
    if (!p->client_auth.count)
        p->clients = choices_mode_clients(p->choice);
    const struct choices_line *rule = choices_forbids_mp(p->choice, p->clients);
    if (rule)
        conf_fault_of(faults, p, "management point %s: rule %s: %s", p->id, rule->id, rule->text);
}

static void check_point(struct mp_config_point *p, struct conf_faults *faults)
{
    struct net_address address;
    struct net_url url;
    struct error err;
    if (!p->id || !p->mode || !p->listen || !p->url)
        return; /* told already */
    if (!name_valid(NAME_ROLE, slice_of(p->id)))
        conf_fault_of(faults, &p->id, "management point '%.64s': an id is 1 to 40 of A-Za-z0-9._-", p->id);
    if (!choices_mp_parse(slice_of(p->mode), &p->choice))
        return;
    if (net_address_parse(slice_of(p->listen), &address, &err) != OK)
        conf_fault_of(faults, &p->listen, "management point %s: listen: %s", p->id, err.text);
    if (net_url_parse(slice_of(p->url), &url, &err) != OK)
        conf_fault_of(faults, &p->url, "management point %s: url: %s", p->id, err.text);
    else if (strcmp(url.scheme, "https") != 0 || strcmp(url.path, "/") != 0)
        conf_fault_of(faults, &p->url, "management point %s: url: must be https://host:port without a path", p->id);
    check_files(p, faults);
    check_choices(p, faults);
}

static void check_unique(const struct mp_config *c, struct conf_faults *faults)
{
    const struct mp_config_point *points = mp_config_points(c);
    for (size_t i = 0; i < c->points.count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (points[i].id && points[k].id && slice_eq_nocase(slice_of(points[i].id), slice_of(points[k].id)))
                conf_fault_of(faults, &points[i].id, "management point %s is named twice", points[i].id);
        }
    }
}

static void check_store(const struct mp_config *c, struct conf_faults *faults)
{
    struct error err;
    if (c->store && store_check_url(c->store, &err) != OK)
        conf_fault_of(faults, &c->store, "store: %s", err.text);
}

enum result mp_config_load(const char *path, struct mp_config *ret, struct conf_faults *faults)
{
    if (conf_load(path, &schema, ret, faults) != OK && faults->unread)
        return R_INVALID;
    if (ret->site && !name_valid(NAME_SITE, slice_of(ret->site)))
        conf_fault_of(faults, &ret->site, "site: a site code is 1 to 8 of A-Z0-9");
    if (!ret->points.count && !faults->count)
        conf_fault_add(faults, 0, "management_points: name at least one");
    for (size_t i = 0; i < ret->points.count; i++)
        check_point(&mp_config_points(ret)[i], faults);
    if (ret->max_connections && ret->max_connections < FEWEST)
        conf_fault_of(faults, &ret->max_connections, "max_connections: at least %d, or 0", FEWEST);
    check_unique(ret, faults);
    check_store(ret, faults);
    return faults->count ? R_INVALID : OK;
}

static size_t room(const struct mp_config *c, uint64_t descriptors)
{
    uint64_t rest = descriptors > 2 * OWN_DESCRIPTORS ? descriptors - OWN_DESCRIPTORS : descriptors / 2;
    uint64_t each = rest / (c->points.count ? c->points.count : 1);
    return each < FEWEST ? FEWEST : (size_t)each;
}

size_t mp_config_connections(const struct mp_config *c, uint64_t descriptors)
{
    size_t fit = room(c, descriptors), wanted = c->max_connections ? (size_t)c->max_connections : CONNECTIONS;
    return wanted < fit ? wanted : fit;
}

enum result mp_config_fits(const struct mp_config *c, uint64_t descriptors, struct error *err)
{
    size_t fit = room(c, descriptors);
    if (c->max_connections <= fit)
        return OK;
    return error_set(
        err, R_LIMIT,
        "max_connections: %zu management points x %" PRIu64 " connections and %d descriptors of the site's "
        "own are more than the %" PRIu64 " that this process may open; %zu each fit. Lower it, leave it out "
        "(then it adapts), or raise the limit (LimitNOFILE= of the service, ulimit -Hn)",
        c->points.count, c->max_connections, OWN_DESCRIPTORS, descriptors, fit);
}

/* Among them may be one in an HSM, which must be there, and know the PIN. */
static void check_keys(const struct mp_config *c, struct conf_faults *faults)
{
    struct mp_keys loaded;
    struct error err = {0};
    if (mp_keys_load(c->keys, c->site, &loaded, &err) != OK)
        conf_fault_of(faults, &c->keys, "keys: %s%s%s", err.text, err.remedy ? "; " : "", err.remedy ? err.remedy : "");
    mp_keys_free(&loaded);
}

void mp_config_check(const struct mp_config *c, struct conf_faults *faults)
{
    if (c->site && c->keys)
        check_keys(c, faults);
    const struct {
        const char *name, *const *path;
        enum result (*can_make)(const char *path, struct error *err);
    } written[] = {{"state", (const char *const *)&c->state, file_can_make_dir},
                   {"admin_socket", (const char *const *)&c->admin_socket, file_can_make},
                   {"access_log", (const char *const *)&c->access_log, file_can_make}};
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(written); i++) {
        if (*written[i].path && written[i].can_make(*written[i].path, &err) != OK)
            conf_fault_of(faults, written[i].path, "%s: %s", written[i].name, err.text);
    }
}

void mp_config_free(struct mp_config *c)
{
    conf_free(&schema, c);
}

static void need_file(void *s, const char *path)
{
    sandbox_allow(s, SANDBOX_READ_FILE, path);
}

void mp_config_needs(const struct mp_config *c, struct sandbox *s)
{
    conf_sandbox_paths(&schema, c, s);
    if (c->store)
        store_files(c->store, need_file, s);
}

void mp_config_reference(FILE *out)
{
    conf_reference(&schema, out);
}
