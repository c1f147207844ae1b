/* SPDX-License-Identifier: Apache-2.0 */
/* A site without sockets (kit.h): what it is made of, and exchanges that note. */
#include "../store/where.h" /* before the kit, which has an err of its own */

#include "kit.h"

#include <unistd.h>

#include "base/host/file.h"
#include "jose/httpsig/httpsig.h"
#include "mp/answer/parked.h"
#include "mp/answer/router.h"
#include "mp/content/documents.h"
#include "mp/content/list.h"
#include "mp/notify/waiting.h"
#include "mp/sender/tenants.h"
#include "store/site/audit.h"

struct mp_site site;
struct mp_config_point point;
struct mp_peer peer;
struct arena *rows;
struct error err;

static struct store_where where;
static struct mp_config config;
static EVP_PKEY *root_key;

void ok(enum result r)
{
    if (r != OK)
        fail_msg("%s", err.text);
}

/* --- certificates --- */

static X509 *issue_until(enum pki_profile profile, const char *name, const char *uri, EVP_PKEY *key, X509 *ca,
                         EVP_PKEY *ca_key, int64_t not_after)
{
    X509 *cert;
    struct pki_request r = {.profile = profile,
                            .common_name = name,
                            .uri = uri,
                            .not_before = clock_wall_s() - 10,
                            .not_after = not_after,
                            .subject_key = key,
                            .issuer = ca,
                            .issuer_key = ca_key};
    if (r.not_before >= not_after)
        r.not_before = not_after - 10;
    ok(pki_issue(&r, &cert, &err));
    return cert;
}

X509 *kit_issue(enum pki_profile profile, const char *name, const char *uri, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    return issue_until(profile, name, uri, key, ca, ca_key, clock_wall_s() + 1000);
}

X509 *kit_role(const char *kind, const char *id, EVP_PKEY *key, int64_t not_after)
{
    char uri[128];
    (void)snprintf(uri, sizeof uri, "urn:opencmg:LAB:%s:%s", kind, id);
    return issue_until(PKI_ROLE, id, uri, key, site.keys.role_ca, site.keys.role_ca_key, not_after);
}

/* --- the site --- */

static struct document_signer *document_signer(const char *use)
{
    struct document_signer *signer;
    char uri[64];
    (void)snprintf(uri, sizeof uri, "urn:opencmg:LAB:signing:%s", use);
    EVP_PKEY *key = pki_key_new();
    X509 *cert = kit_issue(PKI_SIGNING, use, uri, key, site.keys.root, root_key);
    char *pem = pki_cert_pem(cert), *key_pem = pki_key_pem(key);
    ok(document_signer_new(slice_of(key_pem), slice_of(pem), slice_of(site.keys.root_pem), &signer, &err));
    mem_free_secret(key_pem, strlen(key_pem));
    free(pem);
    X509_free(cert);
    EVP_PKEY_free(key);
    return signer;
}

static void make_keys(void)
{
    struct mp_keys *k = &site.keys;
    EVP_PKEY *token_key = pki_key_new();
    root_key = pki_key_new();
    k->site = mem_strdup("LAB");
    k->root = issue_until(PKI_SITE_ROOT, "root", NULL, root_key, NULL, NULL, clock_wall_s() + 20 * 365 * 86400LL);
    k->root_pem = pki_cert_pem(k->root);
    pki_cert_sha256_hex(k->root, k->pin);
    k->role_ca_key = pki_key_new();
    k->role_ca =
        issue_until(PKI_ROLE_CA, "roles", NULL, k->role_ca_key, k->root, root_key, clock_wall_s() + 10 * 365 * 86400LL);
    k->role_ca_pem = pki_cert_pem(k->role_ca);
    k->bundle = document_signer("bundle");
    k->policy = document_signer("policy");
    ok(jose_signer_new(token_key, &k->token, &err));
    k->jwks = json_pack("{s:[o]}", "keys", jose_signer_public_jwk(k->token));
    ok(jose_keys_new(k->jwks, &k->token_keys, &err));
    EVP_PKEY_free(token_key);
}

static void make_store(void)
{
    ok(store_where_new(&where, &err));
    ok(store_open(where.url, true, &site.store, &err));
    config = (struct mp_config){.site = mem_strdup("LAB"), .state = file_join(where.dir, "state")};
    ok(file_make_dirs(config.state, 0700, &err));
}

static void make_peer(void)
{
    point = (struct mp_config_point){
        .id = (char *)(uintptr_t) "mp1", .choice = CHOICE_MP_EHTTP, .clients = choices_mode_clients(CHOICE_MP_EHTTP)};
    peer = (struct mp_peer){.site = &site, .point = &point, .address = "10.0.0.1:5", .group = "10.0.0.1"};
}

int kit_open(void **state)
{
    (void)state;
    site = (struct mp_site){.config = &config, .access_fd = -1, .loop = loop_new()};
    rows = arena_new(16 * 1024 * 1024);
    make_keys();
    make_store();
    ok(pki_role_judge_new(slice_of(site.keys.root_pem), "LAB", "connector", &site.connectors, &err));
    ok(pki_role_judge_new(slice_of(site.keys.root_pem), "LAB", "gateway", &site.gateways, &err));
    site.documents = mp_documents_new();
    site.lists = mp_lists_new();
    site.answers = crowd_new(NULL, 0);
    site.askers = mp_router_askers();
    site.parked = mp_parked_new(&site);
    site.waiting = mp_waiting_new(&site);
    ok(mp_tenants_open(&site, &err));
    make_peer();
    return 0;
}

static void remove_state(void)
{
    char *folder = file_join(config.state, "tenant-keys");
    (void)rmdir(folder);
    (void)rmdir(config.state);
    free(folder);
}

int kit_close(void **state)
{
    (void)state;
    X509_free(peer.certificate);
    pki_trust_unref(peer.judged_by);
    mp_waiting_free(site.waiting);
    mp_parked_free(site.parked);
    mp_documents_free(site.documents);
    mp_lists_free(site.lists);
    crowd_free(site.answers);
    crowd_free(site.askers);
    pki_trust_unref(site.trust);
    mp_tenants_close(&site);
    pki_role_judge_free(site.connectors);
    pki_role_judge_free(site.gateways);
    store_close(site.store);
    mp_keys_free(&site.keys);
    EVP_PKEY_free(root_key);
    loop_free(site.loop);
    remove_state();
    store_where_remove(&where);
    free(config.site);
    free(config.state);
    arena_free(rows);
    return 0;
}

/* --- devices --- */

static void take_certificate(struct kit_device *d, X509 *certificate)
{
    d->certificate = certificate;
    d->pem = pki_cert_pem(certificate);
    pki_cert_spki_hex(certificate, d->spki);
    pki_cert_sha256_hex(certificate, d->sha256);
    guid_new(d->guid);
}

void kit_device_new(struct kit_device *d)
{
    d->key = pki_key_new();
    take_certificate(d, kit_issue(PKI_DEVICE, "device", NULL, d->key, NULL, NULL));
}

void kit_device_of_ca(struct kit_device *d, const char *name, X509 *ca, EVP_PKEY *ca_key)
{
    d->key = pki_key_new();
    take_certificate(d, kit_issue(PKI_TLS_CLIENT, name, NULL, d->key, ca, ca_key));
}

void kit_device_record(struct kit_device *d, const char *name, enum store_device_state state)
{
    struct store_device record = {.guid = d->guid,
                                  .name = name,
                                  .hardware_id = "",
                                  .method = "token",
                                  .state = state,
                                  .spki = d->spki,
                                  .client_version = 2403,
                                  .registered = clock_wall_s() - 1000};
    struct store_certificate certificate = {.guid = d->guid,
                                            .sha256 = d->sha256,
                                            .subject = "CN=device",
                                            .pem = d->pem,
                                            .not_after = pki_cert_not_after(d->certificate),
                                            .added = record.registered};
    bool new_one;
    ok(store_device_add(site.store, &record, &err));
    ok(store_certificate_put(site.store, &certificate, &new_one, &err));
}

void kit_device_free(struct kit_device *d)
{
    X509_free(d->certificate);
    EVP_PKEY_free(d->key);
    free(d->pem);
    *d = (struct kit_device){0};
}

/* --- exchanges that note --- */

static void note_respond(struct http_exchange *x, const struct http_response *head, bool end)
{
    struct kit_ask *a = container_of(x, struct kit_ask, x);
    (void)end;
    a->answers++;
    a->status = head->status;
    for (size_t i = 0; i < head->fields.count; i++) { /* whose values are the handler's, until it returns */
        const struct http_field *f = &head->fields.list[i];
        assert_int_equal(http_fields_add(&a->fields, x->arena, f->name, arena_dup(x->arena, f->value)), OK);
    }
}

static void note_write(struct http_exchange *x, struct slice data)
{
    assert_int_equal(buf_append(&container_of(x, struct kit_ask, x)->body, data), OK);
}

static void note_finish(struct http_exchange *x, const struct http_fields *trailers)
{
    (void)x, (void)trailers;
}

static const struct http_exchange_ops ops = {.respond = note_respond, .write = note_write, .finish = note_finish};

void kit_ask(struct kit_ask *a, const char *method, const char *target, const char *body)
{
    *a = (struct kit_ask){.x = {.ops = &ops,
                                .arena = arena_new(HTTP_ARENA_MAX),
                                .request = {.method = slice_of(method), .target = slice_of(target)}}};
    buf_init(&a->body, 4 * 1024 * 1024);
    a->r = mp_request_new(&site, NULL, &a->x);
    a->r->sender.peer = &peer;
    a->r->role = MP_ADMINISTRATOR;
    (void)snprintf(a->r->caller, sizeof a->r->caller, "uid:0");
    buf_init(&a->r->body, 4 * 1024 * 1024);
    assert_int_equal(buf_append_str(&a->r->body, body), OK);
}

void kit_field(struct kit_ask *a, const char *name, const char *value)
{
    struct slice copy = arena_dup(a->x.arena, slice_of(value));
    assert_int_equal(http_fields_add(&a->x.request.fields, a->x.arena, slice_of(name), copy), OK);
}

void kit_sign(struct kit_ask *a, EVP_PKEY *key, int64_t at)
{
    struct httpsig_fields f;
    const struct httpsig_message m = {a->x.request.method, a->x.request.target, buf_data(&a->r->body)};
    ok(httpsig_sign(key, &m, at, &f, &err));
    kit_field(a, "cmg-target", f.cmg_target);
    kit_field(a, "content-digest", f.content_digest);
    kit_field(a, "signature-input", f.signature_input);
    kit_field(a, "signature", f.signature);
    httpsig_fields_free(&f);
}

void kit_handle(struct kit_ask *a, mp_handler_fn *handle)
{
    handle(a->r);
    assert_int_equal(a->answers, 1);
    a->r = NULL;
    if (json_parse(buf_data(&a->body), a->body.max, &a->json, NULL) != OK)
        a->json = NULL;
}

const char *kit_said(const struct kit_ask *a, const char *name)
{
    return json_opt_str(a->json, name, "");
}

void kit_forget(struct kit_ask *a)
{
    json_decref(a->json);
    buf_free(&a->body);
    arena_free(a->x.arena);
}

size_t kit_audited(const char *action)
{
    struct store_audit *list;
    size_t count, found = 0;
    ok(store_audit_list(site.store, rows, &(struct store_audit_search){.limit = 1000}, &list, &count, NULL, &err));
    for (size_t i = 0; i < count; i++)
        found += strcmp(list[i].action, action) == 0;
    return found;
}
