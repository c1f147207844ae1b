/* SPDX-License-Identifier: Apache-2.0 */
/* cmg trust check: what gateways would say of a certificate, by the bundle that the site gives them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../pki/maker.h"
#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "lines.h"
#include "pki/cert/cert.h"

#define POINTS "URI:http://lists.example/a.crl"

static struct pair root, sub, stranger, leaf, old, pointing, by_https, by_ldap;
static char anchor[PKI_HASH_HEX]; /* the root's */
static int64_t now;

/* --- files and bundles --- */

static void write_certificates(const char *name, X509 *first, X509 *second)
{
    char *path = file_join(mp.dir, name), *one = pki_cert_pem(first), *two = second ? pki_cert_pem(second) : NULL;
    size_t size = strlen(one) + (two ? strlen(two) : 0) + 1;
    char *both = mem_zalloc(size);
    (void)snprintf(both, size, "%s%s", one, two ? two : "");
    assert_int_equal(file_write(path, slice_of(both), 0644, NULL), OK);
    free(both);
    free(one);
    free(two);
    free(path);
}

static struct pair device(const char *cn, const struct pair *issuer, int64_t to, const char *points)
{
    return MAKE(.cn = cn, .issuer = issuer, .from = now - DAY, .to = to,
                .ext = {{points ? NID_crl_distribution_points : 0, points}});
}

static struct pair authority(const char *cn, const struct pair *issuer)
{
    return MAKE(.cn = cn, .issuer = issuer, .ca = true, .from = now - 9 * DAY, .to = now + 9 * DAY);
}

static int start(void **state UNUSED)
{
    fake_mp_start(&mp);
    now = clock_wall_s();
    root = authority("Root", NULL);
    sub = authority("Sub", &root);
    stranger = authority("Stranger", NULL);
    leaf = device("leaf", &sub, now + DAY, NULL);
    old = device("old", &root, now - 60, NULL);
    pointing = device("pointing", &root, now + DAY, POINTS);
    by_https = device("by-https", &root, now + DAY, "URI:https://lists.example/a.crl");
    by_ldap = device("by-ldap", &root, now + DAY, "URI:ldap://dc.example/x");
    write_certificates("alone.pem", leaf.cert, NULL);
    write_certificates("chain.pem", leaf.cert, sub.cert);
    write_certificates("old.pem", old.cert, NULL);
    write_certificates("pointing.pem", pointing.cert, NULL);
    write_certificates("by-https.pem", by_https.cert, NULL);
    write_certificates("by-ldap.pem", by_ldap.cert, NULL);
    pki_cert_sha256_hex(root.cert, anchor);
    return 0;
}

static int stop(void **state UNUSED)
{
    struct pair *const all[] = {&root, &sub, &stranger, &leaf, &old, &pointing, &by_https, &by_ldap};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        drop(all[i]);
    fake_mp_stop(&mp);
    return 0;
}

static json_t *crl_of(const struct pair *issuer, X509 *revoked)
{
    struct slice der = MAKE_CRL(.issuer = issuer, .from = now - DAY, .to = now + DAY, .revoked = {revoked});
    char *text = mem_zalloc(BASE64_SIZE(der.len));
    (void)encode_base64(der, text);
    json_t *ret = json_string(text);
    free(text);
    free((void *)(uintptr_t)der.ptr);
    return ret;
}

/* What gateways are given: these anchors, and members beside them, taken over. */
static json_t *bundle(const struct pair *anchors, const char *more)
{
    char *pem = anchors ? pki_cert_pem(anchors->cert) : mem_strdup("");
    json_t *ret = json_loads(more, 0, NULL);
    assert_int_equal(json_object_set_new(ret, "anchors_pem", json_string(pem)), 0);
    free(pem);
    return ret;
}

/* Of an intermediate CA a list counts when the site has that CA's certificate. */
static json_t *with_sub(json_t *content)
{
    char *pem = pki_cert_pem(sub.cert);
    (void)json_object_set_new(content, "intermediates_pem", json_string(pem));
    free(pem);
    return content;
}

#define UNCHECKED "{\"settings\":{\"crl_check\":false}}"

/* Takes the bundle; the answer of `cmg trust check --sample FILE --json`, to be json_decref()ed. */
static json_t *check(json_t *content, const char *file)
{
    char line[128];
    json_t *whole = json_pack("{s:o}", "content", content);
    char *text = json_text(whole);
    fake_mp_set(&mp, fake_mp_answer(200, text));
    (void)snprintf(line, sizeof line, "trust check --json --sample {dir}/%s", file);
    run_line(line);
    json_decref(sent("GET /v1/bundle"));
    free(text);
    json_decref(whole);
    json_t *answer = json_loads(ran.out, 0, NULL);
    if (!answer)
        fail_msg("exit %d: %s%s", ran.code, ran.out, ran.err);
    return answer;
}

static void expect(json_t *content, const char *file, const char *reason, const char *detail)
{
    json_t *answer = check(content, file);
    bool ok = strcmp(reason, "ok") == 0;
    if (json_opt_bool(answer, "ok", !ok) != ok || ran.code != (ok ? CTL_DONE : CTL_FAILED) ||
        strcmp(json_opt_str(answer, "reason", ""), reason) != 0 || !strstr(json_opt_str(answer, "detail", ""), detail))
        fail_msg("%s: exit %d, %s", file, ran.code, ran.out);
    json_decref(answer);
}

/* --- the chain --- */

static void a_chain_is_made_of_what_the_device_sends_and_what_the_site_has(void **state UNUSED)
{
    expect(bundle(&root, UNCHECKED), "chain.pem", "ok", "this chain is complete");
    expect(bundle(&root, UNCHECKED), "alone.pem", "incomplete_chain", "issued by 'CN=Sub', which was neither sent");
    expect(with_sub(bundle(&root, UNCHECKED)), "alone.pem", "ok", "this chain is complete");
}

static void another_root_no_root_and_no_bundle_let_nobody_in(void **state UNUSED)
{
    expect(bundle(&stranger, UNCHECKED), "chain.pem", "incomplete_chain", "issued by 'CN=Root'");
    expect(bundle(NULL, UNCHECKED), "chain.pem", "incomplete_chain", "issued by 'CN=Root'");
    expect(json_null(), "chain.pem", "incomplete_chain", "issued by 'CN=Root'");
}

/* What is wrong with the certificate itself is told before its lists are missed. */
static void a_certificate_that_has_expired_is_told_so_whatever_the_lists(void **state UNUSED)
{
    expect(bundle(&root, "{}"), "old.pem", "expired", "");
    expect(bundle(&root, UNCHECKED), "old.pem", "expired", "");
}

/* --- its lists --- */

static void lists_that_the_site_holds_are_looked_at(void **state UNUSED)
{
    json_t *content = with_sub(bundle(&root, "{}"));
    (void)json_object_set_new(content, "crls", json_pack("[o,o]", crl_of(&root, NULL), crl_of(&sub, NULL)));
    expect(json_incref(content), "chain.pem", "ok", "this chain is complete");
    (void)json_object_set_new(content, "crls", json_pack("[o,o]", crl_of(&root, NULL), crl_of(&sub, leaf.cert)));
    expect(json_incref(content), "chain.pem", "revoked", "this chain is complete, but ");
    (void)json_object_set_new(content, "crls", json_pack("[o,o]", crl_of(&root, sub.cert), crl_of(&sub, NULL)));
    expect(content, "chain.pem", "revoked", "this chain is complete, but ");
}

static void where_revocation_is_not_checked_a_list_says_nothing(void **state UNUSED)
{
    json_t *content = with_sub(bundle(&root, UNCHECKED));
    (void)json_object_set_new(content, "crls", json_pack("[o,o]", crl_of(&root, NULL), crl_of(&sub, leaf.cert)));
    expect(content, "chain.pem", "ok", "this chain is complete");
}

/* Gateways leave such a list out, and so the check has none. */
static void a_list_that_is_none_is_left_out(void **state UNUSED)
{
    expect(bundle(&root, "{\"crls\":[7,\"\",\"no base64!\",\"aGVsbG8=\"]}"), "chain.pem", "crl_unavailable",
           "this chain is complete, but ");
}

/* The setting is on unless it is off: one that is missing opens nothing. */
static void a_missing_list_is_missing_when_nothing_says_otherwise(void **state UNUSED)
{
    static const char *const checked[] = {"{}", "{\"settings\":{}}", "{\"settings\":{\"crl_check\":true}}",
                                          "{\"settings\":{\"crl_check\":null}}", "{\"settings\":7}"};
    for (size_t i = 0; i < ARRAY_LEN(checked); i++)
        expect(bundle(&root, checked[i]), "chain.pem", "crl_unavailable", "this chain is complete, but ");
}

static void sources_of_lists_stand_for_lists_and_others_do_not(void **state UNUSED)
{
    static const struct {
        const char *kind;
        bool counts;
    } rows[] = {{"crl", true}, {"ocsp", true}, {"oidc", false}, {"", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char more[96];
        (void)snprintf(more, sizeof more, "{\"sources\":[7,{\"kind\":\"%s\"}]}", rows[i].kind);
        expect(bundle(&root, more), "chain.pem", rows[i].counts ? "ok" : "crl_unavailable",
               rows[i].counts ? "gateways learn from the site's sources: cmg source list" : ", but ");
    }
}

static void what_a_source_stands_for_is_a_missing_list_and_no_revoked_certificate(void **state UNUSED)
{
    json_t *content = with_sub(bundle(&root, "{\"sources\":[{\"kind\":\"crl\"}]}"));
    (void)json_object_set_new(content, "crls", json_pack("[o,o]", crl_of(&root, NULL), crl_of(&sub, leaf.cert)));
    expect(content, "chain.pem", "revoked", ", but ");
}

/* --- lists that certificates point to --- */

static json_t *fetching(const char *of_anchor, const char *host)
{
    json_t *ret = bundle(&root, "{}");
    (void)json_object_set_new(ret, "fetch_hosts", json_pack("[{s:s,s:[i,s]}]", "anchor", of_anchor, "hosts", 7, host));
    return ret;
}

static void a_list_that_is_pointed_to_stands_for_one_where_gateways_may_fetch_it(void **state UNUSED)
{
    expect(fetching(anchor, "lists.example"), "pointing.pem", "ok", "gateways learn from the list that it points to");
}

static void one_that_they_may_not_fetch_is_told_with_the_command_that_lets_them(void **state UNUSED)
{
    char command[256], of_stranger[PKI_HASH_HEX];
    (void)snprintf(command, sizeof command, "; it points to http://lists.example/a.crl: cmg trust fetch-hosts %s %s",
                   anchor, "lists.example");
    pki_cert_sha256_hex(stranger.cert, of_stranger);
    expect(fetching(anchor, "lists.example.org"), "pointing.pem", "crl_unavailable", command);
    expect(fetching(of_stranger, "lists.example"), "pointing.pem", "crl_unavailable", command);
    expect(bundle(&root, "{}"), "pointing.pem", "crl_unavailable", command);
}

static void a_list_that_nobody_follows_is_told_with_the_way_to_have_it(void **state UNUSED)
{
    expect(bundle(&root, "{}"), "by-ldap.pem", "crl_unavailable",
           "; it points to a list (ldap is not followed): cmg trust add --crl-source crl-582fc866 --via connector "
           "--url 'ldap://dc.example/x'");
    expect(fetching(anchor, "lists.example"), "by-https.pem", "crl_unavailable", "https is not followed");
    expect(fetching(anchor, "dc.example"), "by-ldap.pem", "crl_unavailable", "ldap is not followed");
}

/* --- what is no check --- */

static void a_sample_must_be_named_and_hold_certificates(void **state UNUSED)
{
    static const struct {
        const char *line;
        int code;
        const char *told;
    } cases[] = {{"trust check", CTL_USAGE, "which certificate?"},
                 {"trust check --sample {dir}/none.pem", CTL_USAGE, "none.pem"},
                 {"trust check --sample {dir}/junk", CTL_USAGE, "/junk"},
                 {"trust check --sample {dir}/chain.pem more", CTL_USAGE, "more"}};
    char *path = file_join(mp.dir, "junk");
    assert_int_equal(file_write(path, SLICE("no certificate\n"), 0644, NULL), OK);
    free(path);
    fake_mp_set(&mp, fake_mp_answer(200, "{\"content\":{}}"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        run_line(cases[i].line);
        if (ran.code != cases[i].code || !strstr(ran.err, cases[i].told) || *ran.out)
            fail_msg("cmg %s: exit %d\n%s%s", cases[i].line, ran.code, ran.out, ran.err);
    }
}

static void anchors_that_are_none_are_a_fault_of_the_sites_answer(void **state UNUSED)
{
    fake_mp_set(&mp, fake_mp_answer(200, "{\"content\":{\"anchors_pem\":\"junk\"}}"));
    run_line("trust check --sample {dir}/chain.pem");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "GET /v1/bundle"));
    fake_mp_set(&mp, fake_mp_answer(403, "{\"detail\":\"readers may not\"}"));
    run_line("trust check --sample {dir}/chain.pem");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "readers may not"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_made_of_what_the_device_sends_and_what_the_site_has),
        cmocka_unit_test(another_root_no_root_and_no_bundle_let_nobody_in),
        cmocka_unit_test(a_certificate_that_has_expired_is_told_so_whatever_the_lists),
        cmocka_unit_test(lists_that_the_site_holds_are_looked_at),
        cmocka_unit_test(where_revocation_is_not_checked_a_list_says_nothing),
        cmocka_unit_test(a_list_that_is_none_is_left_out),
        cmocka_unit_test(a_missing_list_is_missing_when_nothing_says_otherwise),
        cmocka_unit_test(sources_of_lists_stand_for_lists_and_others_do_not),
        cmocka_unit_test(what_a_source_stands_for_is_a_missing_list_and_no_revoked_certificate),
        cmocka_unit_test(a_list_that_is_pointed_to_stands_for_one_where_gateways_may_fetch_it),
        cmocka_unit_test(one_that_they_may_not_fetch_is_told_with_the_command_that_lets_them),
        cmocka_unit_test(a_list_that_nobody_follows_is_told_with_the_way_to_have_it),
        cmocka_unit_test(a_sample_must_be_named_and_hold_certificates),
        cmocka_unit_test(anchors_that_are_none_are_a_fault_of_the_sites_answer),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
