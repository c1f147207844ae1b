/* SPDX-License-Identifier: Apache-2.0 */
/* The answers of `cmg setup`: what is asked, what is taken, what rules each other out, what follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ctl/wizard/wizard.h"

static struct error err;

static void give(struct wizard *w, enum wizard_id id, const char *text)
{
    assert_int_equal(wizard_take(w, id, text, &err), OK);
}

static void done(struct wizard *w)
{
    for (size_t i = 0; i < ASK_COUNT; i++)
        free(w->text[i]);
}

static void test_what_nobody_answered_rules_nothing_out(void **state)
{
    (void)state;
    struct wizard w = {0};
    struct wizard_lines lines;
    assert_int_equal(wizard_judge(&w, &err), OK);
    wizard_follows(&w, &lines);
    assert_int_equal(lines.count, 0);
    give(&w, ASK_CLIENT, "pki");
    assert_null(wizard_rules_out(&w, ASK_MP, SLICE("https")));
    done(&w);
}

static void test_a_value_is_ruled_out_by_the_rule_that_the_choices_have(void **state)
{
    (void)state;
    struct wizard w = {0};
    give(&w, ASK_CLIENT, "token,pki");
    const struct choices_condition *rule = wizard_rules_out(&w, ASK_MP, SLICE("ehttp"));
    assert_string_equal(rule->line.id, "ehttp-forbids-pki");
    assert_int_equal(wizard_take(&w, ASK_MP, "ehttp", &err), R_CONFLICT);
    assert_non_null(strstr(err.text, rule->line.text));
    assert_null(w.text[ASK_MP]);
    done(&w);
}

static void test_an_answer_that_does_not_go_leaves_the_one_before(void **state)
{
    (void)state;
    struct wizard w = {0};
    give(&w, ASK_CLIENT, "token");
    give(&w, ASK_MP, "ehttp");
    assert_int_equal(wizard_take(&w, ASK_CLIENT, "pki", &err), R_CONFLICT);
    assert_int_equal(wizard_take(&w, ASK_CLIENT, "none", &err), R_INVALID);
    assert_int_equal(wizard_take(&w, ASK_CLIENT, "", &err), R_INVALID);
    assert_string_equal(wizard_text(&w, ASK_CLIENT), "token");
    done(&w);
}

static void test_only_what_the_answers_call_for_is_asked(void **state)
{
    (void)state;
    static const struct {
        enum wizard_id id;
        const char *client, *server, *mp;
        bool wanted;
    } cases[] = {{ASK_SERVER_CA, "token", "internal", "ehttp", true},
                 {ASK_SERVER_CA, "token", "public", "ehttp", false},
                 {ASK_CRL, "pki", "public", "https", true},
                 {ASK_CRL, "entra", "public", "https", false},
                 {ASK_CONNECTOR_CERT, "pki", "public", "https", true},
                 {ASK_CONNECTOR_CERT, "token", "public", "https", false},
                 {ASK_MP_CERT, "token", "public", "https", true},
                 {ASK_MP_CERT, "token", "public", "ehttp", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct wizard w = {0};
        give(&w, ASK_CLIENT, cases[i].client);
        give(&w, ASK_SERVER_CERT, cases[i].server);
        give(&w, ASK_MP, cases[i].mp);
        assert_int_equal(wizard_wants(&w, cases[i].id), cases[i].wanted);
        done(&w);
    }
}

static void test_of_what_is_not_answered_yet_nothing_is_said(void **state)
{
    (void)state;
    struct wizard w = {0};
    struct wizard_lines lines;
    give(&w, ASK_CLIENT, "token");
    wizard_follows(&w, &lines);
    assert_true(wizard_lines_have(&lines, choices_condition_find(SLICE("token-start"))));
    assert_false(wizard_lines_have(&lines, choices_condition_find(SLICE("https-takes-all"))));
    assert_false(wizard_lines_have(&lines, choices_condition_find(SLICE("mp-certificate"))));
    give(&w, ASK_MP, "ehttp");
    wizard_follows(&w, &lines);
    assert_true(wizard_lines_have(&lines, choices_condition_find(SLICE("mp-ehttp"))));
    done(&w);
}

static void test_a_file_for_a_service_is_not_taken_from_a_home_folder(void **state)
{
    (void)state;
    struct wizard machine = {.usual = true}, trial = {0};
    assert_int_equal(wizard_take(&machine, ASK_MP_KEY, "/root/mp.key", &err), R_INVALID);
    assert_non_null(strstr(err.text, "services don't see these"));
    assert_int_not_equal(wizard_take(&trial, ASK_MP_KEY, "/root/no-such.key", &err), OK);
    assert_null(strstr(err.text, "services"));
}

static void test_where_it_listens_is_proposed_from_the_url(void **state)
{
    (void)state;
    struct wizard w = {0};
    give(&w, ASK_MP_URL, "https://mp.example:9443");
    char *proposal = wizard_proposal(&w, ASK_MP_LISTEN);
    assert_string_equal(proposal, "0.0.0.0:9443");
    free(proposal);
    char host[NET_HOST_MAX];
    uint16_t port;
    give(&w, ASK_GATEWAY, "gw.example:8443");
    wizard_gateway(&w, host, &port);
    assert_string_equal(host, "gw.example");
    assert_int_equal(port, 8443);
    done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_nobody_answered_rules_nothing_out),
        cmocka_unit_test(test_a_value_is_ruled_out_by_the_rule_that_the_choices_have),
        cmocka_unit_test(test_an_answer_that_does_not_go_leaves_the_one_before),
        cmocka_unit_test(test_only_what_the_answers_call_for_is_asked),
        cmocka_unit_test(test_of_what_is_not_answered_yet_nothing_is_said),
        cmocka_unit_test(test_a_file_for_a_service_is_not_taken_from_a_home_folder),
        cmocka_unit_test(test_where_it_listens_is_proposed_from_the_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
