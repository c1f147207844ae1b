/* SPDX-License-Identifier: Apache-2.0 */
/* The pretended site of the client's tests. */
#include "fake_site.h"

#include <stdio.h>
#include <stdlib.h>

#include "../web/tls_server.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bundle/document.h"
#include "jose/httpsig/httpsig.h"
#include "jose/token.h"
#include "pki/issue/issue.h"
#include "json/json.h"

enum { DAY = 86400 };

struct authority {
    EVP_PKEY *key;
    X509 *cert;
};

struct signers {
    struct authority root;
    struct document_signer *bundle, *policy;
};

struct fake_site {
    struct tls_server *tls;
    struct authority ca, server;
    struct signers site, foreign;
    struct jose_signer *tokens;
    char pin[PKI_HASH_HEX];
    char *ca_pem;
    struct fake_knobs knobs;
    char *kept_answer;
    char seen[FAKE_SEEN_MAX][256];
    size_t seen_count;
    unsigned bad_signatures;
};

static struct authority issue(enum pki_profile profile, const char *name, const char *uri, const char *host,
                              const struct authority *issuer, int64_t from, int64_t to)
{
    const char *hosts[] = {host, NULL};
    struct authority a = {.key = pki_key_new()};
    struct error err;
    struct pki_request r = {.profile = profile,
                            .common_name = name,
                            .uri = uri,
                            .hosts = host ? hosts : NULL,
                            .not_before = from,
                            .not_after = to,
                            .subject_key = a.key,
                            .issuer = issuer ? issuer->cert : NULL,
                            .issuer_key = issuer ? issuer->key : NULL};
    if (pki_issue(&r, &a.cert, &err) != OK)
        fatal("%s", err.text);
    return a;
}

static void drop(struct authority *a)
{
    X509_free(a->cert);
    EVP_PKEY_free(a->key);
}

static struct document_signer *signer(const struct authority *root, const char *uri, int64_t now)
{
    struct authority a = issue(PKI_SIGNING, "signing", uri, NULL, root, now - DAY, now + DAY);
    char *key = pki_key_pem(a.key), *cert = pki_cert_pem(a.cert), *root_pem = pki_cert_pem(root->cert);
    struct document_signer *ret;
    struct error err;
    if (document_signer_new(slice_of(key), slice_of(cert), slice_of(root_pem), &ret, &err) != OK)
        fatal("%s", err.text);
    free(key);
    free(cert);
    free(root_pem);
    drop(&a);
    return ret;
}

static struct signers make_signers(int64_t now)
{
    struct signers s;
    s.root = issue(PKI_SITE_ROOT, "root", NULL, NULL, NULL, now - DAY, now + DAY);
    s.bundle = signer(&s.root, "urn:opencmg:LAB:signing:bundle", now);
    s.policy = signer(&s.root, "urn:opencmg:LAB:signing:policy", now);
    return s;
}

static void drop_signers(struct signers *s)
{
    document_signer_free(s->bundle);
    document_signer_free(s->policy);
    drop(&s->root);
}

/* --- answers --- */

static void put(struct buf *out, int status, const char *fields, const char *body)
{
    if (buf_printf(out, "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(body),
                   fields, body) != OK)
        fatal("the answer is too long");
}

static void put_problem(const struct fake_site *s, struct buf *out, int status, const char *code, const char *reason)
{
    char fields[256], body[512], date[CLOCK_TEXT_SIZE];
    clock_http_date(clock_wall_s() + s->knobs.clock, date);
    (void)snprintf(fields, sizeof fields, "CMG-Status-Text: %s\r\nDate: %s\r\n", code, date);
    (void)snprintf(body, sizeof body,
                   "{\"status\":%d,\"code\":\"%s\",\"reason\":\"%s\",\"detail\":\"as told\",\"request_id\":\"r1\"}",
                   status, code, reason);
    put(out, status, fields, body);
}

static const char *key_of(const struct fake_site *s, const struct tls_server_request *r, char ret[PKI_HASH_HEX])
{
    unsigned char hash[PKI_SHA256];
    if (s->knobs.key)
        return s->knobs.key;
    pki_cert_spki_sha256(r->peer, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), ret);
    return ret;
}

/* `key` "": for all. */
static char *document(struct fake_site *s, enum document_type type, const char *audience, const char *key,
                      json_t *content)
{
    struct signers *from = s->knobs.foreign_documents ? &s->foreign : &s->site;
    int64_t now = clock_wall_s() + (type == DOCUMENT_ANSWER ? s->knobs.clock : s->knobs.documents_clock);
    struct document d = {.type = type,
                         .site = "LAB",
                         .sequence = s->knobs.sequence,
                         .issued = now - 10,
                         .expires = now + DAY,
                         .content = content};
    struct error err;
    char *text;
    (void)snprintf(d.audience, sizeof d.audience, "%s", audience);
    (void)snprintf(d.key, sizeof d.key, "%s", key);
    if (document_sign(strcmp(document_signing_use(type), "policy") == 0 ? from->policy : from->bundle, &d, &text,
                      &err) != OK)
        fatal("%s", err.text);
    json_decref(content);
    return text;
}

static json_t *parse(const char *text)
{
    json_t *o;
    struct error err;
    if (json_parse(slice_of(text), 1 << 20, &o, &err) != OK)
        fatal("%s", err.text);
    return o;
}

static void answer_json(struct buf *out, int status, json_t *o)
{
    char *text = json_text(o);
    put(out, status, "", text);
    free(text);
    json_decref(o);
}

static void nonce_of(const struct tls_server_request *r, char ret[HTTPSIG_NONCE_MAX + 1])
{
    struct httpsig_received in = {tls_server_field(r, "CMG-Target"), tls_server_field(r, "Content-Digest"),
                                  tls_server_field(r, "Signature-Input"), tls_server_field(r, "Signature")};
    struct httpsig_params params = {.nonce = ""};
    struct error err;
    if (httpsig_params(&in, &params, &err) != OK)
        fatal("%s", err.text);
    (void)snprintf(ret, HTTPSIG_NONCE_MAX + 1, "%s", params.nonce);
}

/* Adds it to `o` as `name`. A gateway that was broken into can leave it out, or send one that it kept. */
static void sign_answer(struct fake_site *s, const struct tls_server_request *r, const char *audience, json_t *o,
                        const char *name)
{
    char nonce[HTTPSIG_NONCE_MAX + 1], key[PKI_HASH_HEX];
    json_t *content = json_copy(o);
    nonce_of(r, nonce);
    (void)json_object_set_new(content, "nonce", json_string(nonce));
    char *text = document(s, DOCUMENT_ANSWER, audience, key_of(s, r, key), content);
    if (s->knobs.answers == FAKE_REPLAYED && s->kept_answer)
        (void)json_object_set_new(o, name, json_string(s->kept_answer));
    else if (s->knobs.answers != FAKE_UNSIGNED)
        (void)json_object_set_new(o, name, json_string(text));
    free(s->kept_answer);
    s->kept_answer = text;
}

static void put_clock(struct fake_site *s, const struct tls_server_request *r, struct buf *out)
{
    char fields[256], date[CLOCK_TEXT_SIZE];
    json_t *o = json_pack("{s:i, s:s, s:s, s:s}", "status", 401, "code", "MP_Signature", "reason", "clock", "detail",
                          "as told");
    json_t *signed_time = json_object();
    clock_http_date(clock_wall_s() + s->knobs.clock, date);
    (void)snprintf(fields, sizeof fields, "CMG-Status-Text: MP_Signature\r\nDate: %s\r\n", date);
    sign_answer(s, r, "all", signed_time, "signed_time");
    (void)json_object_update(o, signed_time);
    char *text = json_text(o);
    put(out, 401, fields, text);
    free(text);
    json_decref(signed_time);
    json_decref(o);
}

static void metadata(struct fake_site *s, struct buf *out)
{
    char *text = document(s, DOCUMENT_LOCATION, "all", "", parse(s->knobs.location));
    answer_json(out, 200, json_pack("{s:I, s:s}", "time", (json_int_t)clock_wall_s(), "signed", text));
    free(text);
}

static char *token(struct fake_site *s, enum token_kind kind, int64_t life)
{
    int64_t now = clock_wall_s();
    struct token t = {.kind = kind,
                      .subject = FAKE_GUID,
                      .x5t = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                      .issued = now,
                      .not_before = now};
    struct error err;
    char *text;
    t.expires = now + life;
    if (token_issue(s->tokens, "LAB", &t, &text, &err) != OK)
        fatal("%s", err.text);
    return text;
}

static void registration(struct fake_site *s, const struct tls_server_request *r, struct buf *out)
{
    char *device = token(s, TOKEN_DEVICE, s->knobs.device_life);
    const char *guid = s->knobs.guid ? s->knobs.guid : FAKE_GUID;
    bool with_token = !s->knobs.pending && tls_server_field(r, "Authorization").ptr;
    json_t *o =
        json_pack("{s:s, s:s, s:o, s:n, s:n}", "guid", guid, "approval", s->knobs.pending ? "pending" : "approved",
                  "device_token", with_token ? json_string(device) : json_null(), "expires", "renew_after");
    sign_answer(s, r, guid, o, "signed");
    answer_json(out, 200, o);
    free(device);
}

static void sts(struct fake_site *s, const struct tls_server_request *r, struct buf *out)
{
    bool renewal = slice_find_slice(r->body, SLICE("urn%3Aopencmg%3Atoken-type%3Adevice")) != SIZE_MAX;
    char *text = token(s, renewal ? TOKEN_DEVICE : TOKEN_ACCESS, renewal ? 90 * DAY : 8 * 3600);
    json_t *o = json_pack("{s:s, s:s, s:i}", "access_token", text, "token_type", "Bearer", "expires_in",
                          renewal ? 90 * DAY : 8 * 3600);
    sign_answer(s, r, FAKE_GUID, o, "signed");
    answer_json(out, 200, o);
    free(text);
}

static void policy(struct fake_site *s, const struct tls_server_request *r, struct buf *out)
{
    char etag[64], key[PKI_HASH_HEX];
    (void)snprintf(etag, sizeof etag, "\"%lld\"", (long long)s->knobs.sequence);
    if (s->knobs.never_modified || slice_eq(tls_server_field(r, "If-None-Match"), slice_of(etag))) {
        put(out, 304, "", "");
        return;
    }
    char *text = document(s, DOCUMENT_POLICY, s->knobs.audience ? s->knobs.audience : FAKE_GUID, key_of(s, r, key),
                          json_pack("{s:o}", "policies", parse(s->knobs.policy)));
    put(out, 200, "ETag: \"1\"\r\n", text);
    free(text);
}

static void settings(struct fake_site *s, const struct tls_server_request *r, struct buf *out)
{
    char key[PKI_HASH_HEX];
    if (!s->knobs.settings) {
        put_problem(s, out, 404, "MP_Not_Found", "not_found");
        return;
    }
    char *text = document(s, DOCUMENT_SETTINGS, FAKE_GUID, key_of(s, r, key), parse(s->knobs.settings));
    put(out, 200, "ETag: \"1\"\r\n", text);
    free(text);
}

/* --- requests --- */

static void see(struct fake_site *s, const struct tls_server_request *r)
{
    struct slice bearer = tls_server_field(r, "Authorization");
    json_t *header = NULL, *payload = NULL;
    const char *kind = "";
    if (slice_starts(bearer, SLICE("Bearer ")))
        kind = jose_peek(slice_skip(bearer, 7), JOSE_TOKEN_MAX, &header, &payload, NULL) == OK
                   ? json_opt_str(header, "typ", "?")
                   : "?";
    if (s->seen_count < FAKE_SEEN_MAX)
        (void)snprintf(s->seen[s->seen_count++], sizeof s->seen[0], "%" PRIslice " %" PRIslice "%s%s",
                       SLICE_ARG(r->verb), SLICE_ARG(r->target), *kind ? " " : "", kind);
    json_decref(header);
    json_decref(payload);
}

/* By the last request noted. */
static bool is_spared(const struct fake_site *s)
{
    return s->knobs.refuse_but && s->seen_count && strstr(s->seen[s->seen_count - 1], s->knobs.refuse_but);
}

/* OK, R_TIMEOUT by the clock, or what else is wrong. */
static enum result check_signature(const struct fake_site *s, const struct tls_server_request *r)
{
    struct httpsig_received in = {tls_server_field(r, "CMG-Target"), tls_server_field(r, "Content-Digest"),
                                  tls_server_field(r, "Signature-Input"), tls_server_field(r, "Signature")};
    struct slice inside = slice_skip(r->target, 1);
    (void)slice_cut(&inside, '/');
    if (slice_find_slice(r->target, SLICE("/ServiceMetadata")) == SIZE_MAX)
        (void)slice_cut(&inside, '/');
    struct httpsig_message m = {r->verb, slice_make(inside.ptr - 1, inside.len + 1), r->body};
    EVP_PKEY *key = r->peer ? X509_get0_pubkey(r->peer) : NULL;
    struct error err;
    return key ? httpsig_verify(key, &m, &in, clock_wall_s() + s->knobs.clock, &err) : R_DENIED;
}

static void answer(void *arg, const struct tls_server_request *r, struct buf *out)
{
    static const struct {
        const char *part;
        void (*full)(struct fake_site *s, const struct tls_server_request *r, struct buf *out);
    } routes[] = {{"/CCM_Client/registration", registration},
                  {"/CCM_STS", sts},
                  {"/SMS_MP/.sms_pol?MACHINE", policy},
                  {"/SMS_MP/.sms_pol?SETTINGS", settings}};
    struct fake_site *s = arg;
    const struct fake_refusal *no = &s->knobs.refuse;
    see(s, r);
    enum result signature = check_signature(s, r);
    if (signature != OK) {
        s->bad_signatures += signature != R_TIMEOUT;
        if (signature == R_TIMEOUT)
            put_clock(s, r, out);
        else
            put_problem(s, out, 401, "MP_Signature", "signature");
        return;
    }
    if (no->where && !is_spared(s) && slice_find_slice(r->target, slice_of(no->where)) != SIZE_MAX) {
        put_problem(s, out, no->status, no->code, no->reason);
        return;
    }
    if (s->knobs.nonsense.where && slice_find_slice(r->target, slice_of(s->knobs.nonsense.where)) != SIZE_MAX) {
        put(out, 200, "", s->knobs.nonsense.body);
        return;
    }
    if (slice_ends(r->target, SLICE("/ServiceMetadata"))) {
        metadata(s, out);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (slice_ends(r->target, slice_of(routes[i].part))) {
            routes[i].full(s, r, out);
            return;
        }
    }
    put_problem(s, out, 404, "CMGService_Unknown_Endpoint", "unknown_endpoint");
}

/* --- life --- */

struct fake_site *fake_site_start(void)
{
    struct fake_site *s = mem_zalloc(sizeof *s);
    int64_t now = clock_wall_s();
    unsigned char hash[PKI_SHA256];
    struct authority signing = {.key = pki_key_new()};
    struct error err;
    s->ca = issue(PKI_TLS_CA, "Lab CA", NULL, NULL, NULL, now - 400 * DAY, now + 400 * DAY);
    s->server = issue(PKI_TLS_SERVER, "gw", NULL, "127.0.0.1", &s->ca, now - DAY, now + DAY);
    s->site = make_signers(now);
    s->foreign = make_signers(now);
    if (jose_signer_new(signing.key, &s->tokens, &err) != OK)
        fatal("%s", err.text);
    EVP_PKEY_free(signing.key);
    pki_cert_sha256(s->site.root.cert, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), s->pin);
    s->ca_pem = pki_cert_pem(s->ca.cert);
    s->knobs = (struct fake_knobs){
        .location = "{\"roles\":[{\"id\":\"e1\",\"mode\":\"ehttp\",\"clients\":[\"entra\",\"token\"]},"
                    "{\"id\":\"h1\",\"mode\":\"https\",\"clients\":[\"pki\",\"token\"]}],\"gateways\":[]}",
        .sequence = 5,
        .policy = "[{\"id\":\"1\",\"name\":\"wallpaper\",\"version\":1,\"sha256\":\"ab\",\"content\":\"x\"}]",
        .device_life = 90 * DAY};
    s->tls = tls_server_start(s->server.cert, s->server.key, answer, s);
    return s;
}

void fake_site_end(struct fake_site *s)
{
    tls_server_end(s->tls);
    drop_signers(&s->site);
    drop_signers(&s->foreign);
    drop(&s->ca);
    drop(&s->server);
    jose_signer_free(s->tokens);
    free(s->ca_pem);
    free(s->kept_answer);
    free(s);
}

struct fake_knobs *fake_site_knobs(struct fake_site *s)
{
    return &s->knobs;
}

unsigned fake_site_port(const struct fake_site *s)
{
    return tls_server_port(s->tls);
}

const char *fake_site_pin(const struct fake_site *s)
{
    return s->pin;
}

const char *fake_site_server_ca(const struct fake_site *s)
{
    return s->ca_pem;
}

char *fake_site_pki_client(struct fake_site *s, int64_t not_before, int64_t not_after)
{
    struct authority a = issue(PKI_TLS_CLIENT, "device1", NULL, NULL, &s->ca, not_before, not_after);
    char *cert = pki_cert_pem(a.cert), *key = pki_key_pem(a.key);
    struct buf text;
    buf_init(&text, 64 * 1024);
    if (buf_printf(&text, "%s%s", cert, key) != OK)
        fatal("a certificate is too long");
    free(cert);
    free(key);
    drop(&a);
    return buf_take_str(&text);
}

const char *fake_site_seen(const struct fake_site *s, size_t i)
{
    return i < s->seen_count ? s->seen[i] : NULL;
}

void fake_site_forget(struct fake_site *s)
{
    s->seen_count = 0;
}

unsigned fake_site_bad_signatures(const struct fake_site *s)
{
    return s->bad_signatures;
}
