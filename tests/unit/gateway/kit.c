/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "base/mem.h"

/* --- the bundle and what is made of it --- */

/* clang-format off */
static const char usual[] =
    "{\"settings\":{\"crl_check\":false,\"bundle_max_age\":100,\"renewal_grace\":0},\"anchors_pem\":\"\","
    "\"intermediates_pem\":\"\",\"crls\":[],\"token_keys\":%s,"
    "\"roles\":[{\"id\":\"mp-ehttp\",\"mode\":\"ehttp\",\"clients\":[\"token\"]},"
    "{\"id\":\"mp-https\",\"mode\":\"https\",\"clients\":[\"pki\"]}],\"endpoints\":["
    "{\"id\":\"mp-https\",\"role\":\"mp-https\",\"name\":\"\",\"auth\":[\"pki\"],\"purpose\":\"general\","
    "\"management_point\":true},"
    "{\"id\":\"both\",\"role\":\"both\",\"name\":\"\",\"auth\":[\"pki\",\"token\"],\"purpose\":\"general\"},"
    "{\"id\":\"certificates\",\"role\":\"certificates\",\"name\":\"\",\"auth\":[\"pki\"],\"purpose\":\"general\"},"
    "{\"id\":\"tokens\",\"role\":\"tokens\",\"name\":\"\",\"auth\":[\"token\"],\"purpose\":\"general\"},"
    "{\"id\":\"sts\",\"role\":\"sts\",\"name\":\"\",\"auth\":[\"pki\",\"token\",\"entra\"],\"purpose\":\"sts\"},"
    "{\"id\":\"mp-ehttp\",\"role\":\"mp-ehttp\",\"name\":\"\",\"auth\":[\"pki\",\"token\"],\"purpose\":\"general\","
    "\"management_point\":true},"
    "{\"id\":\"below-other\",\"role\":\"below-other\",\"name\":\"\",\"auth\":[\"pki\"],\"purpose\":\"general\","
    "\"client_anchors\":[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]},"
    "{\"id\":\"narrow\",\"role\":\"narrow\",\"name\":\"\",\"auth\":[\"pki\"],\"purpose\":\"general\","
    "\"methods\":[\"GET\",\"PUT\"],\"max_body\":100},"
    "{\"id\":\"slashes\",\"role\":\"slashes\",\"name\":\"\",\"auth\":[\"pki\"],\"purpose\":\"general\","
    "\"allow_encoded_slash\":true},"
    "{\"id\":\"web\",\"host\":\"web.example\",\"auth\":[\"pki\",\"token\"],\"purpose\":\"general\","
    "\"upgrade\":\"websocket\"},"
    "{\"id\":\"own\",\"host\":\"own.example\",\"auth\":[\"pki\"],\"purpose\":\"general\"}"
    "]%s}";
/* clang-format on */

static char *token_keys(const struct kit *k)
{
    json_t *set = json_pack("{s:[o]}", "keys", jose_signer_public_jwk(k->signer));
    char *text = json_dumps(set, 0);
    json_decref(set);
    return text;
}

json_t *kit_content(const struct kit *k, const char *more)
{
    json_error_t fault;
    char *keys = token_keys(k), *text = forge_text(usual, keys, more);
    json_t *content = json_loads(text, 0, &fault);
    if (!content)
        fail_msg("%s: %s", fault.text, text);
    free(text);
    free(keys);
    return content;
}

void kit_bundle(struct kit *k, const char *more)
{
    struct error err = {.text = ""};
    struct document d = {.type = DOCUMENT_BUNDLE, .sequence = 7, .issued = NOW, .expires = NOW + DAY};
    d.content = kit_content(k, more);
    bundle_free(k->snapshot.bundle);
    if (bundle_parse(&d, &k->snapshot.bundle, &err) != OK)
        fail_msg("%s", err.text);
    document_done(&d);
    k->snapshot.tenants = (struct entra_tenant *)(uintptr_t)k->snapshot.bundle->tenants;

    struct pki_trust *trust = pki_trust_new(&k->trusts);
    struct slice der = der_of(k->root.cert);
    assert_int_equal(pki_trust_add_anchors(trust, der, &err), OK);
    pki_trust_seal(trust, NULL);
    free((void *)(uintptr_t)der.ptr);
    pki_trust_unref(k->snapshot.trust);
    k->snapshot.trust = trust;
    k->snapshot.generation++;
}

/* --- hooks --- */

static void want_lists(void *ctx, const struct bundle *b UNUSED, const struct pki_list_places *places UNUSED,
                       struct pki_verdict *v UNUSED)
{
    ((struct kit *)ctx)->lists_wanted++;
}

static void unknown_key(void *ctx, size_t tenant UNUSED, const char *source)
{
    struct kit *k = ctx;
    k->keys_wanted++;
    cstr_copy(k->key_source, sizeof k->key_source, source);
}

static const struct judge_hooks hooks = {want_lists, unknown_key};

static void review(struct judge_client *c)
{
    container_of(c, struct kit, client)->reviews++;
}

/* --- life --- */

int kit_setup(void **state)
{
    struct kit *k = mem_zalloc(sizeof *k);
    struct error err;
    k->root = MAKE(.cn = "Root", .ca = true);
    k->other_root = MAKE(.cn = "Other root", .ca = true);
    k->leaf = MAKE(.cn = "device-1", .issuer = &k->root);
    k->stranger = MAKE(.cn = "device-x", .issuer = &k->other_root);
    k->token_key = forge_key("P-256");
    assert_int_equal(jose_signer_new(k->token_key, &k->signer, &err), OK);
    k->snapshot.refs = 1;
    k->arena = arena_new(64 * 1024);
    k->judge = (struct gateway_judge){.loop = loop_new(),
                                      .snapshot = &k->snapshot,
                                      .verdicts = verdict_cache_new(64),
                                      .metrics = &k->metrics,
                                      .site = "LAB",
                                      .hooks = &hooks,
                                      .ctx = k};
    k->client.judge = &k->judge;
    k->client.review = review;
    cstr_copy(k->client.peer, sizeof k->client.peer, "192.0.2.1");
    kit_bundle(k, "");
    *state = k;
    return 0;
}

void kit_keep(void *what)
{
    static struct kept {
        struct kept *next;
        void *what;
    } * all;
    struct kept *one = mem_zalloc(sizeof *one);
    *one = (struct kept){all, what};
    all = one;
}

int kit_teardown(void **state)
{
    struct kit *k = *state;
    kit_keep(k->judge.judging);
    struct pair *const pairs[] = {&k->root, &k->other_root, &k->leaf, &k->stranger};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        drop(pairs[i]);
    credential_done(&k->client.credential);
    grant_unref(k->client.token);
    verdict_cache_free(k->judge.verdicts);
    loop_free(k->judge.loop);
    pki_trust_unref(k->snapshot.trust);
    bundle_free(k->snapshot.bundle);
    arena_free(k->arena);
    jose_signer_free(k->signer);
    EVP_PKEY_free(k->token_key);
    free(k);
    return 0;
}

/* --- the client --- */

void kit_show(struct kit *k, const struct pair *p)
{
    credential_done(&k->client.credential);
    if (!p)
        return;
    STACK_OF(X509) *chain = sk_X509_new_null();
    sk_X509_push(chain, p->cert);
    credential_init_chain(&k->client.credential, chain);
    sk_X509_free(chain);
}

void kit_field(struct kit *k, const char *name, const char *value)
{
    struct slice kept = arena_join(k->arena, (const struct slice[]){slice_of(value)}, 1);
    assert_int_equal(http_fields_add(&k->request.fields, k->arena, slice_of(name), kept), OK);
}

void kit_token(struct kit *k, const struct token *t)
{
    char *text, *field;
    struct error err = {.text = ""};
    if (token_issue(k->signer, "LAB", t, &text, &err) != OK)
        fail_msg("%s", err.text);
    field = forge_text("Bearer %s", text);
    (void)http_fields_remove(&k->request.fields, SLICE("authorization"));
    kit_field(k, "authorization", field);
    free(field);
    free(text);
}

struct token kit_device_token(const struct kit *k)
{
    struct token t = {.kind = TOKEN_ACCESS, .issued = NOW, .not_before = NOW, .expires = NOW + 3600};
    cstr_copy(t.subject, sizeof t.subject, KIT_GUID);
    cstr_copy(t.id, sizeof t.id, "jti-1");
    cstr_copy(t.x5t, sizeof t.x5t, k->client.credential.x5t);
    return t;
}

enum verdict_reason kit_ask(struct kit *k, enum judge_route route, const char *endpoint)
{
    const struct bundle_endpoint *e = endpoint ? bundle_endpoint_by_id(k->snapshot.bundle, slice_of(endpoint)) : NULL;
    assert_true(e || !endpoint);
    const struct authenticate_question q = {.route = route,
                                            .endpoint = e,
                                            .purpose = e ? e->purpose : PURPOSE_METADATA,
                                            .request = &k->request,
                                            .now = NOW};
    return authenticate(&k->client, &q, &k->who, &k->detail);
}

long long kit_counted(const struct kit *k, enum gateway_metric which)
{
    return atomic_load(&k->metrics.values[which]);
}

void kit_assert_reason(const struct kit *k, enum verdict_reason found, enum verdict_reason wanted)
{
    if (found != wanted)
        fail_msg("%s (%s), wanted %s", verdict_reason_info(found)->name, k->detail.text,
                 verdict_reason_info(wanted)->name);
}
