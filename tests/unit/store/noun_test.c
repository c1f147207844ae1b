/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk tokens, roles, endpoints, policies, trust, settings, nonces, audit. */
#include "fixture.h"

#include <pthread.h>

#include "base/clock.h"
#include "store/device/device.h"
#include "store/device/nonce.h"
#include "store/device/token.h"
#include "store/sequence.h"
#include "store/site/alert.h"
#include "store/site/audit.h"
#include "store/site/endpoint.h"
#include "store/site/join.h"
#include "store/site/role.h"
#include "store/site/setting.h"
#include "store/site/source.h"
#include "store/site/trust.h"
#include "store/targeting/collection.h"
#include "store/targeting/policy.h"

/* --- bulk tokens --- */

static void add_token(struct fixture *f, int64_t uses)
{
    struct store_token t = {.id = "t", .issued = 0, .expires = 1000, .uses = uses};
    ok(f, store_token_add(f->store, &t, &f->err));
}

static int64_t used(struct fixture *f)
{
    struct store_token t;
    ok(f, store_token_get(f->store, f->arena, "t", &t, &f->err));
    return t.used;
}

static void a_retry_with_the_same_key_costs_no_further_use(void **state)
{
    struct fixture *f = *state;
    add_token(f, 1);
    ok(f, store_token_use(f->store, "t", "key1", 10, &f->err));
    ok(f, store_token_use(f->store, "t", "key1", 20, &f->err));
    assert_int_equal(used(f), 1);
    assert_int_equal(store_token_use(f->store, "t", "key2", 20, &f->err), R_LIMIT);
    assert_int_equal(used(f), 1);
}

static void a_refused_use_is_not_remembered(void **state)
{
    struct fixture *f = *state;
    add_token(f, 2);
    ok(f, store_token_block(f->store, "t", true, &f->err));
    assert_int_equal(store_token_use(f->store, "t", "key1", 10, &f->err), R_DENIED);
    ok(f, store_token_block(f->store, "t", false, &f->err));
    ok(f, store_token_use(f->store, "t", "key1", 10, &f->err));
    assert_int_equal(used(f), 1);
}

static void an_ended_or_unknown_token_is_refused(void **state)
{
    struct fixture *f = *state;
    add_token(f, 2);
    assert_int_equal(store_token_use(f->store, "t", "key1", 2000, &f->err), R_TIMEOUT);
    assert_int_equal(store_token_use(f->store, "other", "key1", 10, &f->err), R_NOTFOUND);
}

static void a_blocked_token_is_told_until_it_ends(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    struct store_token *list;
    size_t count;
    add_token(f, 2);
    ok(f, store_token_block(f->store, "t", true, &f->err));
    assert_int_equal(sequence(f, "bundle"), 1);
    ok(f, store_token_blocked_list(f->store, f->arena, 500, &list, &count, &f->err));
    assert_int_equal(count, 1);
    ok(f, store_token_blocked_list(f->store, f->arena, 5000, &list, &count, &f->err));
    assert_int_equal(count, 0);
}

static void the_state_of_a_token_is_a_word(void **state)
{
    (void)state;
    struct store_token t = {.expires = 100, .uses = 1};
    assert_string_equal(store_token_state(&t, 50), "valid");
    assert_string_equal(store_token_state(&t, 101), "expired");
    t.used = 1;
    assert_string_equal(store_token_state(&t, 50), "used");
    t.blocked = true;
    assert_string_equal(store_token_state(&t, 50), "blocked");
}

enum { RACERS = 8, LIMIT = 3 };
struct racer {
    const char *url;
    char key[16];
    enum result result;
};
static void *race(void *arg)
{
    struct racer *r = arg;
    struct store *s;
    struct error err;
    r->result = store_open(r->url, true, &s, &err);
    if (r->result != OK)
        return NULL;
    r->result = store_token_use(s, "t", r->key, 10, &err);
    store_close(s);
    return NULL;
}

static void racing_processes_use_a_token_no_more_often_than_allowed(void **state)
{
    struct fixture *f = *state;
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    int good = 0;
    add_token(f, LIMIT);
    for (size_t i = 0; i < RACERS; i++) {
        racers[i].url = f->where.url;
        (void)snprintf(racers[i].key, sizeof racers[i].key, "key%zu", i);
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(racers[i].result == OK || racers[i].result == R_LIMIT);
        good += racers[i].result == OK;
    }
    assert_int_equal(good, LIMIT);
    assert_int_equal(used(f), LIMIT);
}

/* --- roles --- */

static void a_removed_connector_is_revoked_and_its_id_not_reused(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    struct store_connector c = {.id = "cp1", .not_after = clock_wall_s() + 1000}, got;
    struct store_revoked *revoked;
    size_t count;
    ok(f, store_connector_add(f->store, &c, &f->err));
    assert_true(raw_sequence(f, "connector:cp1") > 0);
    assert_int_equal(store_connector_add(f->store, &c, &f->err), R_CONFLICT);
    int64_t before = sequence(f, "bundle");
    ok(f, store_connector_remove(f->store, "cp1", &f->err));
    assert_int_equal(sequence(f, "bundle"), before + 1);
    assert_int_equal(store_connector_get(f->store, f->arena, "cp1", &got, &f->err), R_NOTFOUND);
    ok(f, store_revoked_list(f->store, f->arena, clock_wall_s(), &revoked, &count, &f->err));
    assert_int_equal(count, 1);
    assert_string_equal(revoked[0].kind, "connector");
    assert_string_equal(revoked[0].id, "cp1");
    assert_int_equal(store_connector_add(f->store, &c, &f->err), R_CONFLICT);
    assert_int_equal(store_connector_remove(f->store, "cp1", &f->err), R_NOTFOUND);
}

static void a_connectors_old_certificates_are_withdrawn_and_it_stays(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    int64_t now = clock_wall_s();
    struct store_connector c = {.id = "cp1", .not_after = now + 1000}, got;
    struct store_revoked *revoked;
    size_t count;
    ok(f, store_connector_add(f->store, &c, &f->err));
    ok(f, store_role_renewed(f->store, STORE_CONNECTOR, "cp1", now + 2000, &f->err));
    assert_int_equal(
        store_connector_renew(f->store, &(struct store_connector){.id = "cp1", .not_after = now + 2000}, true, &f->err),
        R_CONFLICT);
    int64_t before = sequence(f, "bundle");
    c.not_after = now + 3000;
    ok(f, store_connector_renew(f->store, &c, true, &f->err));
    assert_int_equal(sequence(f, "bundle"), before + 1);
    ok(f, store_connector_get(f->store, f->arena, "cp1", &got, &f->err));
    assert_int_equal(got.withdrawn, now + 2000); /* with what it renewed itself meanwhile */
    assert_int_equal(got.not_after, now + 3000);
    ok(f, store_revoked_list(f->store, f->arena, now, &revoked, &count, &f->err));
    assert_int_equal(count, 1);
    assert_int_equal(revoked[0].until, now + 2000);
    ok(f, store_connector_remove(f->store, "cp1", &f->err));
    ok(f, store_revoked_list(f->store, f->arena, now, &revoked, &count, &f->err));
    assert_int_equal(count, 1);
    assert_int_equal(revoked[0].until, 0);
    c.id = "cp2";
    assert_int_equal(store_connector_renew(f->store, &c, true, &f->err), R_NOTFOUND);
}

static void a_gateways_old_certificates_are_withdrawn_only_when_that_was_said(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    int64_t now = clock_wall_s();
    struct store_gateway g = {.id = "gw1", .host = "h", .port = 443, .not_after = now + 1000}, got;
    ok(f, store_gateway_add(f->store, &g, &f->err));
    int64_t before = sequence(f, "bundle");
    g.not_after++;
    ok(f, store_gateway_renew(f->store, &g, false, &f->err));
    ok(f, store_gateway_get(f->store, f->arena, "gw1", &got, &f->err));
    assert_int_equal(got.withdrawn, 0);
    g.not_after++;
    ok(f, store_gateway_renew(f->store, &g, true, &f->err));
    ok(f, store_gateway_get(f->store, f->arena, "gw1", &got, &f->err));
    assert_int_equal(got.withdrawn, now + 1001);
    assert_int_equal(sequence(f, "bundle"), before + 2);
}

static void put_string(struct fixture *f, const char *kind, const char *jwk)
{
    int64_t now = clock_wall_s();
    struct store_join j = {.kind = kind, .id = "a", .jwk = jwk, .made = now, .expires = now + 100};
    ok(f, store_join_put(f->store, &j, &f->err));
}

static enum result use_string(struct fixture *f, const char *kind, const char *jwk, int64_t used)
{
    struct store_join j = {.kind = kind, .id = "a", .jwk = jwk, .used = used, .spki = "key", .answer = "said"};
    return store_join_use(f->store, &j, &f->err);
}

/* Between reading it and using it another process may have put another one there. */
static void a_join_string_is_used_once_while_it_is_the_one_that_counts(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_wall_s();
    put_string(f, "gateway", "old");
    put_string(f, "gateway", "new");
    assert_int_equal(use_string(f, "gateway", "old", now), R_NOTFOUND);
    assert_int_equal(use_string(f, "gateway", "new", now + 100), R_NOTFOUND);
    ok(f, use_string(f, "gateway", "new", now));
    assert_int_equal(use_string(f, "gateway", "new", now), R_NOTFOUND);
}

static void a_join_string_ends_with_the_certificates_before_a_new_one(void **state)
{
    struct fixture *f = *state;
    int64_t now = clock_wall_s();
    struct store_gateway g = {.id = "a", .host = "h", .port = 443, .not_after = 0};
    struct store_connector c = {.id = "a", .not_after = 0};
    ok(f, store_gateway_add(f->store, &g, &f->err));
    ok(f, store_connector_add(f->store, &c, &f->err));
    put_string(f, "gateway", "lost");
    put_string(f, "connector", "lost");
    g.not_after = c.not_after = now + 1000;
    ok(f, store_gateway_renew(f->store, &g, true, &f->err));
    ok(f, store_connector_renew(f->store, &c, true, &f->err));
    assert_int_equal(use_string(f, "gateway", "lost", now), R_NOTFOUND);
    assert_int_equal(use_string(f, "connector", "lost", now), R_NOTFOUND);
}

static void an_id_is_free_again_when_its_certificate_has_ended(void **state)
{
    struct fixture *f = *state;
    struct store_gateway g = {.id = "gw1", .host = "h", .port = 443, .not_after = clock_wall_s() - 10};
    ok(f, store_gateway_add(f->store, &g, &f->err));
    ok(f, store_gateway_remove(f->store, "gw1", &f->err));
    ok(f, store_gateway_add(f->store, &g, &f->err));
}

static void a_pki_certificate_belongs_to_one_connector(void **state)
{
    struct fixture *f = *state;
    struct store_connector c = {.id = "cp1", .pki_sha256 = "aa", .pki_subject = "CN=cp"}, got;
    ok(f, store_connector_add(f->store, &c, &f->err));
    ok(f, store_connector_by_pki(f->store, f->arena, "aa", &got, &f->err));
    assert_string_equal(got.id, "cp1");
    c.id = "cp2";
    assert_int_equal(store_connector_add(f->store, &c, &f->err), R_CONFLICT);
}

static void registering_an_unchanged_management_point_bumps_nothing(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    struct store_mp m = {"1", "https", "https://mp:8443", "pki token", "PEM"};
    struct store_endpoint e = {.id = "1.ccm_sts",
                               .role = "1",
                               .name = "CCM_STS",
                               .host = "",
                               .auth = "token",
                               .purpose = "sts",
                               .methods = "POST",
                               .headers = "cmg",
                               .management_point = true,
                               .url = "",
                               .upstream_host = ""};
    ok(f, store_mp_put(f->store, &m, &f->err));
    ok(f, store_endpoint_put(f->store, &e, &f->err));
    int64_t before = sequence(f, "bundle");
    ok(f, store_mp_put(f->store, &m, &f->err));
    ok(f, store_endpoint_put(f->store, &e, &f->err));
    assert_int_equal(sequence(f, "bundle"), before);
    m.anchors_pem = NULL;
    ok(f, store_mp_put(f->store, &m, &f->err));
    e.auth = "pki token";
    ok(f, store_endpoint_put(f->store, &e, &f->err));
    assert_int_equal(sequence(f, "bundle"), before + 2);
    ok(f, store_mp_remove(f->store, "1", &f->err));
    assert_int_equal(store_endpoint_get(f->store, f->arena, "1.ccm_sts", &e, &f->err), R_NOTFOUND);
}

/* --- endpoints --- */

static void a_path_or_host_is_published_once(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    struct store_endpoint e = {.id = "git",
                               .role = "git",
                               .name = "",
                               .host = "",
                               .auth = "pki",
                               .purpose = "general",
                               .methods = "",
                               .headers = "cmg",
                               .url = "https://git",
                               .upstream_host = ""};
    ok(f, store_endpoint_add(f->store, &e, &f->err));
    e.id = "git2";
    e.role = "GIT";
    assert_int_equal(store_endpoint_add(f->store, &e, &f->err), R_CONFLICT);
    e.role = "";
    e.host = "apt.example.com";
    ok(f, store_endpoint_add(f->store, &e, &f->err));
    e.id = "git3";
    e.host = "APT.example.com";
    assert_int_equal(store_endpoint_add(f->store, &e, &f->err), R_CONFLICT);
    assert_int_equal(sequence(f, "bundle"), 2);
}

/* --- policies --- */

static void a_policy_gets_a_version_for_each_content(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    struct store_policy p,
        first = {.name = "base",
                 .users = "",
                 .collections = "",
                 .content = "a",
                 .sha256 = "h1",
                 .content_name = "",
                 .content_version = "",
                 .handler = ""},
        second = first;
    second.content = "b";
    second.sha256 = "h2";
    ok(f, store_policy_put(f->store, &first, &f->err));
    ok(f, store_policy_put(f->store, &first, &f->err));
    ok(f, store_policy_get(f->store, f->arena, "base", &p, &f->err));
    assert_int_equal(p.version, 1);
    assert_int_equal(sequence(f, "policy"), 1);
    ok(f, store_policy_put(f->store, &second, &f->err));
    const char *id = p.id;
    ok(f, store_policy_get(f->store, f->arena, "base", &p, &f->err));
    assert_int_equal(p.version, 2);
    assert_string_equal(p.content, "b");
    assert_string_equal(p.id, id);
    ok(f, store_policy_remove(f->store, "base", &f->err));
    assert_int_equal(sequence(f, "policy"), 3);
    assert_int_equal(store_policy_remove(f->store, "base", &f->err), R_NOTFOUND);
}

#define GUID_A "00000000-0000-4000-8000-00000000000a"

/* Sequences move for the devices that a change of membership can touch, and only while a policy looks at membership. */
static void a_policy_of_collections_follows_membership(void **state)
{
    struct fixture *f = *state;
    int64_t before, after;
    struct store_device d = {
        .guid = GUID_A, .name = "a", .hardware_id = "", .spki = "sa", .method = "pki", .state = STORE_APPROVED};
    struct store_policy p = {.name = "base",
                             .users = "",
                             .collections = "lab",
                             .content = "a",
                             .sha256 = "h1",
                             .content_name = "",
                             .content_version = "",
                             .handler = ""};
    ok(f, store_device_add(f->store, &d, &f->err));
    assert_int_equal(store_policy_put(f->store, &p, &f->err), R_NOTFOUND);
    ok(f, store_collection_put(f->store, "lab", "", &f->err));
    ok(f, store_collection_member(f->store, "lab", GUID_A, true, &f->err));
    count_sequences(f);
    ok(f, store_sequence_policy(f->store, GUID_A, &before, &f->err));
    assert_int_equal(before, 0); /* no policy looks at it yet */
    ok(f, store_policy_put(f->store, &p, &f->err));
    ok(f, store_sequence_policy(f->store, GUID_A, &before, &f->err));
    ok(f, store_collection_member(f->store, "lab", GUID_A, true, &f->err)); /* again: nothing changed */
    ok(f, store_sequence_policy(f->store, GUID_A, &after, &f->err));
    assert_int_equal(after, before);
    ok(f, store_collection_member(f->store, "lab", GUID_A, false, &f->err));
    ok(f, store_sequence_policy(f->store, GUID_A, &after, &f->err));
    assert_int_equal(after, before + 1);
    ok(f, store_collection_put(f->store, "lab", "name=a*", &f->err));
    d.vouched_name = "b";
    ok(f, store_device_update(f->store, &d, &f->err));
    ok(f, store_sequence_policy(f->store, GUID_A, &after, &f->err));
    assert_int_equal(after, before + 3);
    assert_int_equal(store_collection_remove(f->store, "lab", &f->err), R_CONFLICT);
    ok(f, store_policy_remove(f->store, "base", &f->err));
    ok(f, store_collection_remove(f->store, "lab", &f->err));
}

/* --- trust --- */

static void a_crl_is_never_replaced_by_an_older_one(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    struct store_trust t = {.id = "ca", .kind = STORE_CRL, .subject = "CN=ca", .number = "02", .data = "two"};
    struct store_trust *list;
    size_t count;
    ok(f, store_trust_put(f->store, &t, &f->err));
    t.number = "01";
    assert_int_equal(store_trust_put(f->store, &t, &f->err), R_CONFLICT);
    t.number = "0100"; /* 256: longer, although its text sorts lower */
    t.data = "new";
    ok(f, store_trust_put(f->store, &t, &f->err));
    t.number = "ff";
    assert_int_equal(store_trust_put(f->store, &t, &f->err), R_CONFLICT);
    ok(f, store_trust_list(f->store, INT64_MAX, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].data, "new");
    assert_int_equal(sequence(f, "bundle"), 2);
}

static void an_anchor_keeps_its_hosts_until_others_are_named(void **state)
{
    struct fixture *f = *state;
    struct store_trust t = {
        .id = "ca", .kind = STORE_ANCHOR, .subject = "CN=ca", .number = "", .fetch_hosts = "a", .data = "1"};
    struct store_trust crl = {.id = "list", .kind = STORE_CRL, .subject = "CN=ca", .number = "01", .data = "two"};
    struct store_trust *list;
    size_t count;
    ok(f, store_trust_put(f->store, &t, &f->err));
    ok(f, store_trust_put(f->store, &crl, &f->err));
    t.fetch_hosts = "";
    ok(f, store_trust_put(f->store, &t, &f->err));
    ok(f, store_trust_list(f->store, INT64_MAX, f->arena, &list, &count, &f->err));
    assert_string_equal(list[0].fetch_hosts, "a");
    ok(f, store_trust_set_fetch_hosts(f->store, "ca", "", &f->err));
    ok(f, store_trust_list(f->store, INT64_MAX, f->arena, &list, &count, &f->err));
    assert_string_equal(list[0].fetch_hosts, "");
    assert_int_equal(store_trust_set_fetch_hosts(f->store, "list", "b", &f->err), R_NOTFOUND);
    assert_int_equal(store_trust_set_fetch_hosts(f->store, "nobody", "b", &f->err), R_NOTFOUND);
}

/* --- settings --- */

static void a_source_with_a_known_name_takes_its_place(void **state)
{
    struct fixture *f = *state;
    struct store_source *list;
    size_t count;
    struct store_source s = {
        .id = "root", .kind = "crl", .url = "http://a/", .via = STORE_VIA_INTERNET, .refresh_s = 60};
    ok(f, store_source_put(f->store, &s, &f->err));
    s.url = "ldap://a/";
    s.via = STORE_VIA_CONNECTOR;
    ok(f, store_source_put(f->store, &s, &f->err));
    ok(f, store_source_list(f->store, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].url, "ldap://a/");
    assert_int_equal(list[0].via, STORE_VIA_CONNECTOR);
    assert_int_equal(list[0].refresh_s, 60);
    ok(f, store_source_remove(f->store, "root", &f->err));
    assert_int_equal(store_source_remove(f->store, "root", &f->err), R_NOTFOUND);
}

static void a_setting_takes_only_what_it_knows(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    bool is;
    int64_t number;
    ok(f, store_setting_is(f->store, "approval", "auto", &is, &f->err));
    assert_true(is);
    assert_int_equal(store_setting_put(f->store, "approval", SLICE("perhaps"), &f->err), R_INVALID);
    ok(f, store_setting_put(f->store, "approval", SLICE("manual"), &f->err));
    ok(f, store_setting_is(f->store, "approval", "manual", &is, &f->err));
    assert_true(is);
    assert_int_equal(sequence(f, "bundle"), 1);
    assert_int_equal(store_setting_put(f->store, "renewal_grace", SLICE("-1"), &f->err), R_INVALID);
    ok(f, store_setting_put(f->store, "renewal_grace", SLICE("0"), &f->err));
    ok(f, store_setting_get_int(f->store, "renewal_grace", &number, &f->err));
    assert_int_equal(number, 0);
    assert_int_equal(store_setting_put(f->store, "unheard", SLICE("x"), &f->err), R_NOTFOUND);
}

/* --- nonces --- */

static void a_nonce_counts_once_in_ten_minutes(void **state)
{
    struct fixture *f = *state;
    ok(f, store_nonce_use(f->store, "key", "n", 1000, &f->err));
    assert_int_equal(store_nonce_use(f->store, "key", "n", 1000 + STORE_NONCE_KEEP_S, &f->err), R_CONFLICT);
    ok(f, store_nonce_use(f->store, "other", "n", 1000, &f->err));
    ok(f, store_nonce_use(f->store, "key", "n", 1001 + STORE_NONCE_KEEP_S, &f->err));
}

/* --- audit --- */

static void the_audit_tells_the_newest_first(void **state)
{
    struct fixture *f = *state;
    struct store_audit *list;
    size_t count;
    ok(f, store_audit_add(f->store, &(struct store_audit){.caller = "uid:0", .action = "a", .object = "o"}, &f->err));
    ok(f, store_audit_add(f->store, &(struct store_audit){.caller = "uid:0", .action = "b"}, &f->err));
    ok(f,
       store_audit_list(f->store, f->arena, &(struct store_audit_search){.limit = 10}, &list, &count, NULL, &f->err));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].action, "b");
    assert_string_equal(list[1].object, "o");
    ok(f, store_audit_list(f->store, f->arena, &(struct store_audit_search){.limit = 1}, &list, &count, NULL, &f->err));
    assert_int_equal(count, 1);
}

static size_t rows_of(struct fixture *f, const char *object)
{
    struct store_audit *list;
    size_t count, found = 0;
    ok(f,
       store_audit_list(f->store, f->arena, &(struct store_audit_search){.limit = 1000}, &list, &count, NULL, &f->err));
    for (size_t i = 0; i < count; i++)
        found += strcmp(list[i].object, object) == 0;
    return found;
}

static void no_device_takes_the_rows_of_another(void **state)
{
    struct fixture *f = *state;
    const struct store_audit loud = {
        .caller = "device", .action = "a", .object = "11111111-1111-4111-8111-111111111111"};
    const struct store_audit other = {
        .caller = "device", .action = "a", .object = "22222222-2222-4222-8222-222222222222"};
    for (int i = 0; i < 4 * STORE_AUDIT_GATHERED; i++)
        ok(f, store_audit_add_of_one(f->store, &loud, &f->err));
    ok(f, store_audit_add_of_one(f->store, &other, &f->err));
    assert_int_equal(rows_of(f, loud.object), 2 * STORE_AUDIT_GATHERED); /* its own, and those that devices share */
    assert_int_equal(rows_of(f, other.object), 1);
}

static void a_list_that_is_too_large_is_refused(void **state)
{
    struct fixture *f = *state;
    struct arena *small = arena_new(128);
    struct store_audit *list;
    size_t count;
    for (int i = 0; i < 10; i++)
        ok(f, store_audit_add(f->store, &(struct store_audit){.caller = "uid:0", .action = "a"}, &f->err));
    assert_int_equal(
        store_audit_list(f->store, small, &(struct store_audit_search){.limit = 100}, &list, &count, NULL, &f->err),
        R_LIMIT);
    arena_free(small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
/* A clock that was a year ahead, and was set right. */
static void alerts_go_on_after_a_clock_was_wrong(void **state)
{
    struct fixture *f = *state;
    struct store_receiver to = {.id = "r",
                                .kind = "webhook",
                                .url = "https://h/",
                                .ca_pem = "",
                                .auth = "none",
                                .user = "",
                                .secret = "",
                                .from = "",
                                .to = "",
                                .added = 1};
    const struct store_alert x = {.cause = "clock_skew", .of = "gw1", .found = "", .remedy = ""};
    struct store_alert *list;
    size_t count;
    int64_t now = clock_wall_s(), ahead = now + 365 * 86400;
    ok(f, store_receiver_add(f->store, &to, &f->err));
    ok(f, store_alert_lease(f->store, "before", ahead, ahead + 120, &f->err));
    ok(f, store_alert_seen(f->store, &x, ahead, &f->err));
    ok(f, store_alert_told(f->store, "r", 1, false, ahead, &f->err));

    ok(f, store_alert_lease(f->store, "after", now, now + 120, &f->err));
    assert_int_equal(store_alert_lease(f->store, "another", now, now + 120, &f->err), R_CONFLICT);
    ok(f, store_alert_settle(f->store, now - 90, now, &f->err));
    ok(f, store_alert_due(f->store, f->arena, &to, now, 10, &list, &count, &f->err));
    assert_int_equal(count, 1);
    assert_int_equal(list[0].ended, now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_retry_with_the_same_key_costs_no_further_use),
        TEST(a_refused_use_is_not_remembered),
        TEST(an_ended_or_unknown_token_is_refused),
        TEST(a_blocked_token_is_told_until_it_ends),
        TEST(the_state_of_a_token_is_a_word),
        TEST(racing_processes_use_a_token_no_more_often_than_allowed),
        TEST(a_removed_connector_is_revoked_and_its_id_not_reused),
        TEST(a_connectors_old_certificates_are_withdrawn_and_it_stays),
        TEST(a_gateways_old_certificates_are_withdrawn_only_when_that_was_said),
        TEST(a_join_string_is_used_once_while_it_is_the_one_that_counts),
        TEST(a_join_string_ends_with_the_certificates_before_a_new_one),
        TEST(an_id_is_free_again_when_its_certificate_has_ended),
        TEST(a_pki_certificate_belongs_to_one_connector),
        TEST(registering_an_unchanged_management_point_bumps_nothing),
        TEST(a_path_or_host_is_published_once),
        TEST(a_policy_gets_a_version_for_each_content),
        TEST(a_policy_of_collections_follows_membership),
        TEST(a_crl_is_never_replaced_by_an_older_one),
        TEST(an_anchor_keeps_its_hosts_until_others_are_named),
        TEST(a_source_with_a_known_name_takes_its_place),
        TEST(a_setting_takes_only_what_it_knows),
        TEST(a_nonce_counts_once_in_ten_minutes),
        TEST(the_audit_tells_the_newest_first),
        TEST(no_device_takes_the_rows_of_another),
        TEST(a_list_that_is_too_large_is_refused),
        TEST(alerts_go_on_after_a_clock_was_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
