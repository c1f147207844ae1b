/* SPDX-License-Identifier: Apache-2.0 */
/* The connector document: an endpoint leads to exactly the server that its URL names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bundle/bundle.h"

static const char example[] =
    "{\"endpoints\":["
    "{\"id\":\"720.ccm_sts\",\"url\":\"https://10.0.0.5:8443\",\"anchors_pem\":null,\"mp\":\"720\",\"mode\":\"ehttp\","
    "\"clients\":[\"token\",\"entra\"],\"answer_s\":0},"
    "{\"id\":\"git\",\"url\":\"HTTP://Git.Lab.Example/base/path/\",\"anchors_pem\":\"P\",\"mp\":null,\"mode\":null,"
    "\"host\":\"git.example.com\",\"answer_s\":60},"
    "{\"id\":\"v6\",\"url\":\"https://[FD00::1]:8443/x\"}],"
    "\"gateways\":[{\"id\":\"gw1\",\"host\":\"gw.example.com\",\"port\":8443},{\"id\":\"gw2\",\"host\":\"2001:db8::1\"}"
    "]}";

static enum result parse_content(json_t *content, struct connector_document **ret, struct error *err)
{
    struct document d = {.type = DOCUMENT_CONNECTOR, .sequence = 3, .content = content};
    enum result r = connector_document_parse(&d, ret, err);
    document_done(&d);
    return r;
}

static json_t *parsed(const char *text)
{
    json_error_t fault;
    json_t *o = json_loads(text, JSON_DECODE_ANY, &fault);
    if (!o)
        fail_msg("%s: %s", fault.text, text);
    return o;
}

static int setup(void **state)
{
    struct connector_document *d;
    struct error err = {.text = ""};
    if (parse_content(parsed(example), &d, &err) != OK)
        fail_msg("%s", err.text);
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    connector_document_free(*state);
    return 0;
}

/* The endpoint of this id, or NULL. */
static const struct connector_endpoint *find_endpoint(const struct connector_document *d, const char *id)
{
    for (size_t i = 0; i < d->endpoint_count; i++) {
        if (strcmp(d->endpoints[i].id, id) == 0)
            return &d->endpoints[i];
    }
    return NULL;
}

static void a_management_point_comes_with_its_mode(void **state)
{
    const struct connector_document *d = *state;
    const struct connector_endpoint *e = find_endpoint(d, "720.ccm_sts");
    assert_ptr_equal(e, &d->endpoints[0]);
    assert_true(d->sequence == 3);
    assert_true(e->tls);
    assert_string_equal(e->host, "10.0.0.5");
    assert_int_equal(e->port, 8443);
    assert_string_equal(e->base_path, "");
    assert_string_equal(e->authority, "10.0.0.5:8443");
    assert_null(e->anchors_pem);
    assert_string_equal(e->mp, "720");
    assert_int_equal(e->mode, CHOICE_MP_EHTTP);
    assert_int_equal(e->clients, CHOICE_BIT(CHOICE_TOKEN) | CHOICE_BIT(CHOICE_ENTRA));
    assert_null(find_endpoint(d, "720"));
}

static void other_servers_come_with_prefix_and_virtual_host(void **state)
{
    const struct connector_document *d = *state;
    const struct connector_endpoint *git = find_endpoint(d, "git");
    assert_false(git->tls);
    assert_string_equal(git->host, "git.lab.example");
    assert_int_equal(git->port, 80);
    assert_string_equal(git->base_path, "/base/path");
    assert_string_equal(git->authority, "git.example.com");
    assert_string_equal(git->anchors_pem, "P");
    assert_null(git->mp);
    assert_true(git->answer_s == 60);
    const struct connector_endpoint *v6 = find_endpoint(d, "v6");
    assert_string_equal(v6->host, "fd00::1");
    assert_string_equal(v6->authority, "[fd00::1]:8443");
    assert_int_equal(v6->port, 8443);
}

static void gateways_to_dial_are_listed(void **state)
{
    const struct connector_document *d = *state;
    assert_int_equal(d->gateway_count, 2);
    assert_string_equal(d->gateways[0].host, "gw.example.com");
    assert_int_equal(d->gateways[0].port, 8443);
    assert_string_equal(d->gateways[1].host, "2001:db8::1");
    assert_int_equal(d->gateways[1].port, 443);
}

static void an_authority_has_the_port_only_when_it_is_another(void **state UNUSED)
{
    static const struct {
        const char *url, *authority;
        uint16_t port;
    } cases[] = {
        {"https://a.b", "a.b", 443},
        {"https://a.b:443/", "a.b", 443},
        {"https://a.b:80", "a.b:80", 80},
        {"http://a.b", "a.b", 80},
        {"http://a.b:443", "a.b:443", 443},
        {"https://[::1]", "[::1]", 443},
        {"https://a.b:65535", "a.b:65535", 65535},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct connector_document *d;
        struct error err;
        json_t *content = json_pack("{s:[{s:s,s:s}]}", "endpoints", "id", "a", "url", cases[i].url);
        assert_int_equal(parse_content(content, &d, &err), OK);
        assert_string_equal(d->endpoints[0].authority, cases[i].authority);
        assert_int_equal(d->endpoints[0].port, cases[i].port);
        connector_document_free(d);
    }
}

static void refuses(json_t *content, const char *names)
{
    struct connector_document *d;
    struct error err = {.text = ""};
    char *text = json_dumps(content, JSON_COMPACT);
    if (parse_content(content, &d, &err) == OK) {
        connector_document_free(d);
        fail_msg("%s was taken", text);
    }
    if (!strstr(err.text, names))
        fail_msg("'%s' does not name '%s'", err.text, names);
    free(text);
}

static void urls_that_name_no_single_server_are_refused(void **state UNUSED)
{
    static const char *const urls[] = {
        "",
        "https://",
        "https:///x",
        "ftp://a",
        "a.b",
        "//a.b",
        "https:/a.b",
        "file:///etc/passwd",
        "https://a.b:0",
        "https://a.b:65536",
        "https://a.b:",
        "https://a.b:8x",
        "https://u:p@a.b",
        "https://u@a.b",
        "https://a.b?q",
        "https://a.b/x?q",
        "https://a.b/#f",
        "https://a.b/../x",
        "https://a.b/./x",
        "https://a.b/x//y",
        "https://a.b//x",
        "https://a.b/%2e%2e",
        "https://a.b/a b",
        "https://a.b\r\nX: 1",
        "https://a b",
        "https://a..b",
        "https://[::1",
        "https://[zz]",
        "https://[]",
        "https://[::1]x",
        "https://a.b\\@c",
        "https://a.b/\\x",
        "https://::1",
        " https://a.b",
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        refuses(json_pack("{s:[{s:s,s:s}]}", "endpoints", "id", "a", "url", urls[i]), "endpoints[0]: member 'url'");
}

static void endpoints_and_gateways_that_are_unclear_are_refused(void **state UNUSED)
{
    static const struct {
        const char *name, *value, *names;
    } bad[] = {
        {"id", "\"a b\"", "'id'"},
        {"id", "\"git\"", "'git' stands twice"},
        {"url", "1", "'url'"},
        {"mode", "\"http\"", "'mode'"},
        {"mode", "null", "'mode'"},
        {"mp", "\"a/b\"", "'mp'"},
        {"mp", "7", "'mp'"},
        {"clients", "[\"all\"]", "'clients'"},
        {"answer_s", "-1", "'answer_s'"},
        {"anchors_pem", "1", "'anchors_pem'"},
        {"host", "\"\"", "'host'"},
        {"host", "\"a b\"", "'host'"},
        {"host", "\"a\\r\\nb\"", "'host'"},
        {"host", "\"a:x\"", "'host'"},
        {"host", "\"a/b\"", "'host'"},
        {"url", "\"http://a.b\"", "without https"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *content = parsed(example);
        json_object_set_new(json_array_get(json_object_get(content, "endpoints"), 0), bad[i].name,
                            parsed(bad[i].value));
        refuses(content, bad[i].names);
    }
    static const char *const gateways[] = {"{}",
                                           "{\"id\":\"GW\",\"host\":\"a\"}",
                                           "{\"id\":\"g\",\"host\":\"\"}",
                                           "{\"id\":\"g\",\"host\":\"a b\"}",
                                           "{\"id\":\"g\",\"host\":\"a\",\"port\":0}",
                                           "{\"id\":\"g\",\"host\":\"a\",\"port\":65536}",
                                           "{\"id\":\"g\",\"host\":\"a:443\"}",
                                           "null"};
    for (size_t i = 0; i < ARRAY_LEN(gateways); i++) {
        json_t *content = parsed(example);
        json_array_set_new(json_object_get(content, "gateways"), 1, parsed(gateways[i]));
        refuses(content, "gateways[1]");
    }
    refuses(parsed("{\"endpoints\":{}}"), "'endpoints'");
    refuses(parsed("{\"gateways\":1}"), "'gateways'");
}

static void sources_lead_to_what_their_urls_name(void **state UNUSED)
{
    static const char *const good[] = {"http://crl.lab.example/root.crl", "https://[fd00::1]:8443/a?b=c",
                                       "LDAP://dc.lab.example/CN=Root%20CA,DC=lab?certificateRevocationList;binary",
                                       "ldaps://dc/", "file:///var/crl/root.crl"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct connector_document *d;
        json_t *o = json_pack("{s:[{s:s, s:s, s:s}]}", "sources", "id", "root-crl", "kind", "crl", "url", good[i]);
        assert_int_equal(parse_content(o, &d, NULL), OK);
        assert_int_equal(d->source_count, 1);
        assert_string_equal(d->sources[0].url, good[i]);
        connector_document_free(d);
    }
}

static void sources_that_are_unclear_are_refused(void **state UNUSED)
{
    static const char *const bad[] = {"{}",
                                      "{\"id\":\"a\",\"kind\":\"crl\"}",
                                      "{\"id\":\"A\",\"kind\":\"crl\",\"url\":\"http://a/\"}",
                                      "{\"id\":\"a\",\"kind\":\"CRL\",\"url\":\"http://a/\"}",
                                      "{\"id\":\"a\",\"kind\":\"crl\",\"url\":\"gopher://a/\"}",
                                      "{\"id\":\"a\",\"kind\":\"crl\",\"url\":\"file://host/x\"}",
                                      "{\"id\":\"a\",\"kind\":\"crl\",\"url\":\"http://user@a/\"}",
                                      "{\"id\":\"a\",\"kind\":\"crl\",\"url\":\"http://\"}",
                                      "{\"id\":\"a\",\"kind\":\"crl\",\"url\":\"http://a/b c\"}",
                                      "{\"id\":\"a\",\"kind\":\"crl\",\"url\":\"http://a/#b\"}",
                                      "{\"id\":\"a\",\"kind\":\"jwks\",\"url\":\"ldap://a/\"}",
                                      "{\"id\":\"a\",\"kind\":\"ocsp\",\"url\":\"file:///a\"}",
                                      "{\"id\":\"a\",\"kind\":\"crl\",\"url\":\"http://a/\",\"refresh_s\":-1}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refuses(json_pack("{s:[o]}", "sources", parsed(bad[i])), "sources[0]");
    const char *twice = "{\"id\":\"a\",\"kind\":\"crl\",\"url\":\"http://a/\"}";
    refuses(json_pack("{s:[o, o]}", "sources", parsed(twice), parsed(twice)), "sources[1]: id 'a' stands twice");
}

static void what_its_own_certificate_is_judged_by_comes_with_it(void **state UNUSED)
{
    struct connector_document *d;
    struct error err;
    json_t *content = parsed("{\"trust\": {\"settings\": {\"crl_check\": false}, \"anchors_pem\": \"P\", \"crls\": "
                             "[\"TUFU\"], \"lists_elsewhere\": 2}}");
    assert_int_equal(parse_content(content, &d, &err), OK);
    assert_false(d->trust->settings.crl_check);
    assert_string_equal(d->trust->anchors_pem, "P");
    assert_string_equal(d->trust->intermediates_pem, "");
    assert_int_equal(d->trust->crl_count, 1);
    assert_true(slice_eq(d->trust->crls[0], SLICE("MAT")));
    assert_int_equal(d->trust->lists_elsewhere, 2);
    connector_document_free(d);
}

static void trust_that_is_unclear_is_refused(void **state UNUSED)
{
    refuses(parsed("{\"trust\": []}"), "trust");
    refuses(parsed("{\"trust\": {\"crls\": [\"TUFU\", \"*\"]}}"), "crls[1]");
    refuses(parsed("{\"trust\": {\"crls\": [7]}}"), "crls[0]");
    refuses(parsed("{\"trust\": {\"crls\": [\"\"]}}"), "crls[0]");
    refuses(parsed("{\"trust\": {\"lists_elsewhere\": -1}}"), "lists_elsewhere");
    refuses(parsed("{\"trust\": {\"settings\": {\"on_unavailable\": \"maybe\"}}}"), "on_unavailable");
}

static void an_empty_document_leads_nowhere(void **state UNUSED)
{
    struct connector_document *d;
    struct error err;
    assert_int_equal(parse_content(json_object(), &d, &err), OK);
    assert_int_equal(d->endpoint_count + d->gateway_count, 0);
    assert_null(find_endpoint(d, "a"));
    connector_document_free(d);
    connector_document_free(NULL);
}

static void a_gateway_that_joins_says_until_when_and_whether_it_is_dialled(void **state)
{
    (void)state;
    struct connector_document *d;
    struct error err;
    json_t *o = parsed("{\"endpoints\":[],\"gateways\":[{\"id\":\"gw1\",\"host\":\"a.example\",\"joining\":1800000000,"
                       "\"unissued\":true},{\"id\":\"gw2\",\"host\":\"b.example\"}]}");
    assert_int_equal(parse_content(o, &d, &err), OK);
    assert_true(d->gateways[0].joining == 1800000000 && d->gateways[0].unissued);
    assert_true(d->gateways[1].joining == 0 && !d->gateways[1].unissued);
    connector_document_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_management_point_comes_with_its_mode),
        cmocka_unit_test(other_servers_come_with_prefix_and_virtual_host),
        cmocka_unit_test(gateways_to_dial_are_listed),
        cmocka_unit_test(an_authority_has_the_port_only_when_it_is_another),
        cmocka_unit_test(urls_that_name_no_single_server_are_refused),
        cmocka_unit_test(endpoints_and_gateways_that_are_unclear_are_refused),
        cmocka_unit_test(sources_lead_to_what_their_urls_name),
        cmocka_unit_test(sources_that_are_unclear_are_refused),
        cmocka_unit_test(what_its_own_certificate_is_judged_by_comes_with_it),
        cmocka_unit_test(trust_that_is_unclear_is_refused),
        cmocka_unit_test(an_empty_document_leads_nowhere),
        cmocka_unit_test(a_gateway_that_joins_says_until_when_and_whether_it_is_dialled),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
