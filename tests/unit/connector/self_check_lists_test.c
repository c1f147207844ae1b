/* SPDX-License-Identifier: Apache-2.0 */
/* The self-check where a revocation list decides that this connector itself relays: it is fetched, off the loop, before
 * anything is said; and when the check is made anew. Lists come from the test, and so do both clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../http/fake_clock.h"
#include "../http/fake_loop.h"
#include "../pki/maker.h"
#include "base/mem.h"
#include "connector/site/relay_source.h"
#include "connector/site/self_check.h"
#include "connector/site/site.h"
#include "pki/own_check.h"

enum { SECOND = 1000, HOUR = 3600 * SECOND };

struct fixture {
    struct connector_config config;
    struct site_known known;
    struct connector_trust trust;
    struct bundle_source sources[3];
    struct connector_document document;
    struct pair ca, good;
    char *anchor_pem, *certificate_pem, *key_pem;
    struct self_check *s;
    struct slice list;      /* what a source brings; .ptr NULL: a failure */
    const char *list_fails; /* why */
    unsigned fetched, news;
};

static struct fixture *fix;

/* Stands in for the network. */
enum result relay_source_list(const struct connector_config *config UNUSED, const char *url UNUSED,
                              const char *ca_pem UNUSED, struct buf *ret, struct error *err)
{
    fix->fetched++;
    return fix->list.ptr ? buf_append(ret, fix->list) : error_set(err, R_IO, "%s", fix->list_fails);
}

/* None was kept. */
enum result site_link_kept(const struct connector_config *config UNUSED, struct connector_document **ret UNUSED,
                           struct error *err)
{
    return error_set(err, R_NOTFOUND, "none was kept");
}

static void on_news(void *ctx)
{
    ((struct fixture *)ctx)->news++;
}

static int setup(void **state)
{
    struct fixture *f = fix = mem_zalloc(sizeof *f);
    f->ca = MAKE(.cn = "Root", .ca = true, .from = NOW - 10 * DAY, .to = NOW + 100 * DAY);
    f->good = MAKE(.cn = "connector-1", .issuer = &f->ca, .from = NOW - 10 * DAY, .to = NOW + 10 * DAY);
    f->anchor_pem = pki_cert_pem(f->ca.cert);
    f->certificate_pem = pki_cert_pem(f->good.cert);
    f->key_pem = pki_key_pem(f->good.key);
    f->config.identity =
        (struct tls_identity_text){f->certificate_pem, f->key_pem, strlen(f->certificate_pem), strlen(f->key_pem)};
    f->trust =
        (struct connector_trust){.settings.crl_check = true, .anchors_pem = f->anchor_pem, .intermediates_pem = ""};
    f->sources[0] = (struct bundle_source){.id = "root-crl", .kind = BUNDLE_SOURCE_CRL, .url = "http://a.example/"};
    f->sources[1] = (struct bundle_source){.id = "keys", .kind = BUNDLE_SOURCE_JWKS, .url = "http://b.example/"};
    f->document = (struct connector_document){.trust = &f->trust, .sources = f->sources, .source_count = 2};
    f->known = (struct site_known){.loop = loop_new(), .config = &f->config, .on_news = on_news, .ctx = f};
    f->known.document = &f->document;
    f->list_fails = "the server is away";
    fake_wall_follow(f->known.loop, NOW);
    f->s = self_check_new(&f->known);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    self_check_free(f->s);
    fake_loop_settle(f->known.loop);
    loop_free(f->known.loop);
    drop(&f->ca);
    drop(&f->good);
    free((void *)(uintptr_t)f->list.ptr);
    free(f->anchor_pem);
    free(f->certificate_pem);
    free(f->key_pem);
    free(f);
    return 0;
}

static void publish(struct fixture *f, X509 *revoked, int64_t to)
{
    free((void *)(uintptr_t)f->list.ptr);
    f->list = MAKE_CRL(.issuer = &f->ca, .from = NOW - DAY, .to = to, .revoked = {revoked});
}

static void run(struct fixture *f)
{
    self_check_run(f->s);
    fake_loop_settle(f->known.loop);
}

/* This member of what the report says; "" when there is none. */
static const char *told(const struct fixture *f, const char *member)
{
    static char text[512];
    json_t *o = self_check_json(f->s);
    const char *value = json_string_value(json_object_get(o, member));
    cstr_copy(text, sizeof text, value ? value : "");
    json_decref(o);
    return text;
}

static void a_list_that_it_relays_is_fetched_and_decides(void **state)
{
    struct fixture *f = *state;
    publish(f, NULL, NOW + DAY);
    run(f);
    assert_int_equal(f->fetched, 1); /* keys are no list */
    assert_string_equal(told(f, "state"), "ok");
    assert_int_equal(f->news, 1);
}

static void until_the_list_is_there_nothing_is_said(void **state)
{
    struct fixture *f = *state;
    publish(f, NULL, NOW + DAY);
    self_check_run(f->s);
    assert_string_equal(told(f, "state"), "");
    assert_int_equal(f->news, 0);
}

static void what_the_list_revokes_is_ruled_out_with_what_to_do(void **state)
{
    struct fixture *f = *state;
    publish(f, f->good.cert, NOW + DAY);
    run(f);
    assert_string_equal(told(f, "state"), "failed");
    assert_string_equal(told(f, "step"), pki_own_step_name(PKI_OWN_CRL));
    assert_non_null(strstr(told(f, "remedy"), "revoked"));
}

static void a_list_that_can_not_be_had_is_named_with_its_cause(void **state)
{
    struct fixture *f = *state;
    run(f);
    assert_string_equal(told(f, "state"), "failed");
    assert_non_null(strstr(told(f, "detail"), "source root-crl: the server is away"));
}

static void a_server_s_words_are_made_harmless(void **state)
{
    struct fixture *f = *state;
    f->list_fails = "a\x1b[31mb\nc";
    run(f);
    assert_non_null(strstr(told(f, "detail"), "a?[31mb?c"));
}

static void what_is_no_list_is_the_cause(void **state)
{
    struct fixture *f = *state;
    f->list = slice_make(mem_strdup("<html>"), 6);
    run(f);
    assert_string_equal(told(f, "state"), "failed");
    assert_non_null(strstr(told(f, "detail"), "source root-crl: "));
}

static void where_gateways_have_other_lists_a_failure_rules_nothing_out(void **state)
{
    struct fixture *f = *state;
    f->trust.lists_elsewhere = 2;
    run(f);
    assert_string_equal(told(f, "state"), "unknown");
    assert_non_null(strstr(told(f, "detail"), "the gateways have 2"));
}

static void a_list_of_the_document_needs_no_fetch(void **state)
{
    struct fixture *f = *state;
    publish(f, NULL, NOW + DAY);
    f->trust.crls = &f->list;
    f->trust.crl_count = 1;
    run(f);
    assert_int_equal(f->fetched, 0);
    assert_string_equal(told(f, "state"), "ok");
}

static void a_document_that_comes_meanwhile_is_judged_by(void **state)
{
    struct fixture *f = *state;
    struct connector_document next = f->document;
    struct connector_trust unchecked = f->trust;
    unchecked.settings.crl_check = false;
    next.trust = &unchecked;
    self_check_run(f->s); /* the fetch of its list is under way */
    f->known.document = &next;
    self_check_run(f->s);
    fake_loop_settle(f->known.loop);
    assert_string_equal(told(f, "state"), "ok");
    assert_int_equal(f->news, 1);
}

static void an_end_while_a_list_is_fetched_is_harmless(void **state)
{
    struct fixture *f = *state;
    self_check_run(f->s);
    self_check_free(f->s);
    f->s = NULL;
    fake_loop_settle(f->known.loop);
    assert_int_equal(f->fetched, 1);
    assert_int_equal(f->news, 0);
}

/* --- when it looks again --- */

static void it_says_so_the_second_after_the_certificate_has_expired(void **state)
{
    struct fixture *f = *state;
    f->trust.settings.crl_check = false;
    run(f);
    fake_loop_pass(f->known.loop, 10ULL * 24 * HOUR - 1 * SECOND);
    assert_string_equal(told(f, "state"), "ok");
    fake_loop_pass(f->known.loop, 2 * SECOND);
    assert_string_equal(told(f, "state"), "failed");
    assert_string_equal(told(f, "step"), pki_own_step_name(PKI_OWN_VALIDITY));
    assert_int_equal(f->news, 2);
}

static void it_looks_again_by_itself_for_what_changes_by_itself(void **state)
{
    struct fixture *f = *state;
    publish(f, NULL, NOW + 40 * DAY);
    run(f);
    fake_loop_pass(f->known.loop, 24ULL * HOUR);
    assert_true(f->fetched > 1);
    assert_int_equal(f->news, 1);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(a_list_that_it_relays_is_fetched_and_decides),
        HELD(until_the_list_is_there_nothing_is_said),
        HELD(what_the_list_revokes_is_ruled_out_with_what_to_do),
        HELD(a_list_that_can_not_be_had_is_named_with_its_cause),
        HELD(a_server_s_words_are_made_harmless),
        HELD(what_is_no_list_is_the_cause),
        HELD(where_gateways_have_other_lists_a_failure_rules_nothing_out),
        HELD(a_list_of_the_document_needs_no_fetch),
        HELD(a_document_that_comes_meanwhile_is_judged_by),
        HELD(an_end_while_a_list_is_fetched_is_harmless),
        HELD(it_says_so_the_second_after_the_certificate_has_expired),
        HELD(it_looks_again_by_itself_for_what_changes_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
