/* SPDX-License-Identifier: Apache-2.0 */
/* What a connector says of its own client certificate, by the document at hand; and that it says so once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../pki/maker.h"
#include "base/mem.h"

#include "base/clock.h"
#include "connector/site/self_check.h"
#include "pki/own_check.h"

struct fixture {
    struct connector_config config;
    struct site_known known;
    struct connector_trust trust;
    struct connector_endpoint endpoint;
    struct connector_document document;
    struct pair ca, good, ended, stranger;
    char *anchor_pem, *certificate_pem, *key_pem;
    unsigned news;
};

static void on_news(void *ctx)
{
    ((struct fixture *)ctx)->news++;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    int64_t now = clock_wall_s(), from = now - 10 * DAY, to = now + 100 * DAY;
    f->ca = MAKE(.cn = "Root", .ca = true, .from = from, .to = to);
    f->good = MAKE(.cn = "connector-1", .issuer = &f->ca, .from = from, .to = to);
    f->ended = MAKE(.cn = "connector-1", .issuer = &f->ca, .from = from, .to = now - DAY);
    f->stranger = MAKE(.cn = "connector-1", .from = from, .to = to);
    f->anchor_pem = pki_cert_pem(f->ca.cert);
    f->trust = (struct connector_trust){.anchors_pem = f->anchor_pem, .intermediates_pem = ""};
    f->document.trust = &f->trust;
    f->document.endpoints = &f->endpoint;
    f->document.endpoint_count = 1;
    f->known = (struct site_known){.loop = loop_new(), .config = &f->config, .on_news = on_news, .ctx = f};
    *state = f;
    return 0;
}

static void forget_identity(struct fixture *f)
{
    free(f->certificate_pem);
    free(f->key_pem);
    f->certificate_pem = f->key_pem = NULL;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct pair *const pairs[] = {&f->ca, &f->good, &f->ended, &f->stranger};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        drop(pairs[i]);
    forget_identity(f);
    free(f->anchor_pem);
    loop_free(f->known.loop);
    free(f);
    return 0;
}

static void configure(struct fixture *f, const struct pair *p)
{
    forget_identity(f);
    f->certificate_pem = pki_cert_pem(p->cert);
    f->key_pem = pki_key_pem(p->key);
    f->config.identity =
        (struct tls_identity_text){f->certificate_pem, f->key_pem, strlen(f->certificate_pem), strlen(f->key_pem)};
}

/* What the report says of it: "state step". */
static void assert_told(const struct self_check *s, const char *state, const char *step)
{
    json_t *o = self_check_json(s);
    assert_string_equal(json_string_value(json_object_get(o, "state")), state);
    if (step)
        assert_string_equal(json_string_value(json_object_get(o, "step")), step);
    json_decref(o);
}

static void a_connector_without_a_client_certificate_has_nothing_to_tell(void **state)
{
    struct fixture *f = *state;
    struct self_check *s = self_check_new(&f->known);
    self_check_run(s);
    json_t *o = self_check_json(s);
    assert_false(json_boolean_value(json_object_get(o, "configured")));
    assert_null(json_object_get(o, "state"));
    assert_int_equal(f->news, 0);
    json_decref(o);
    self_check_free(s);
}

static void a_good_certificate_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct self_check *s = self_check_new(&f->known);
    configure(f, &f->good);
    f->known.document = &f->document;
    self_check_run(s);
    assert_told(s, "ok", NULL);
    self_check_run(s);
    assert_int_equal(f->news, 1);
    self_check_free(s);
}

static void without_a_document_the_chain_is_not_known_and_rules_nothing_out(void **state)
{
    struct fixture *f = *state;
    struct self_check *s = self_check_new(&f->known);
    configure(f, &f->good);
    self_check_run(s);
    assert_told(s, "unknown", pki_own_step_name(PKI_OWN_CHAIN));
    f->known.document = &f->document;
    self_check_run(s);
    assert_told(s, "ok", NULL);
    assert_int_equal(f->news, 2);
    self_check_free(s);
}

static void the_step_that_rules_it_out_is_named(void **state)
{
    struct fixture *f = *state;
    struct self_check *s = self_check_new(&f->known);
    f->known.document = &f->document;
    configure(f, &f->ended);
    self_check_run(s);
    assert_told(s, "failed", pki_own_step_name(PKI_OWN_VALIDITY));
    configure(f, &f->stranger);
    self_check_run(s);
    assert_told(s, "failed", pki_own_step_name(PKI_OWN_CHAIN));
    f->config.identity.key = NULL;
    f->config.identity.key_len = 0;
    self_check_run(s);
    assert_told(s, "failed", pki_own_step_name(PKI_OWN_PRIVATE_KEY));
    assert_int_equal(f->news, 3);
    self_check_free(s);
}

static void a_list_that_only_gateways_have_rules_nothing_out(void **state)
{
    struct fixture *f = *state;
    struct self_check *s = self_check_new(&f->known);
    f->known.document = &f->document;
    f->trust.settings.crl_check = true;
    configure(f, &f->good);
    self_check_run(s);
    assert_told(s, "failed", pki_own_step_name(PKI_OWN_CRL));
    f->trust.lists_elsewhere = 1;
    self_check_run(s);
    assert_told(s, "unknown", pki_own_step_name(PKI_OWN_CRL));
    self_check_free(s);
}

static void it_is_needed_for_a_management_point_that_takes_certificates_by_https(void **state)
{
    struct fixture *f = *state;
    struct self_check *s = self_check_new(&f->known);
    f->known.document = &f->document;
    f->endpoint = (struct connector_endpoint){.mp = "mp1", .mode = CHOICE_MP_HTTPS, .clients = CHOICE_BIT(CHOICE_PKI)};
    for (int needed = 1; needed >= 0; needed--) {
        json_t *o = self_check_json(s);
        assert_int_equal(json_boolean_value(json_object_get(o, "needed")), needed);
        json_decref(o);
        f->endpoint.clients = CHOICE_BIT(CHOICE_TOKEN);
    }
    self_check_free(s);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(a_connector_without_a_client_certificate_has_nothing_to_tell),
        HELD(a_good_certificate_is_told_once),
        HELD(without_a_document_the_chain_is_not_known_and_rules_nothing_out),
        HELD(the_step_that_rules_it_out_is_named),
        HELD(a_list_that_only_gateways_have_rules_nothing_out),
        HELD(it_is_needed_for_a_management_point_that_takes_certificates_by_https),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
