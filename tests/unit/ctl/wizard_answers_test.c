/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of `cmg setup`: each question's texts at their border, what is proposed, what is kept for the next run, and
 * the talk on a terminal that comes to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "ctl/ask/input.h"
#include "ctl/wizard/wizard.h"

static struct error err;
static char *said;
static size_t said_len;

static void give(struct wizard *w, enum wizard_id id, const char *text)
{
    if (wizard_take(w, id, text, &err) != OK)
        fail_msg("%s '%s': %s", wizard_questions[id].name, text, err.text);
}

static void done(struct wizard *w)
{
    for (size_t i = 0; i < ASK_COUNT; i++)
        free(w->text[i]);
    *w = (struct wizard){0};
}

/* --- one answer --- */

static void each_question_takes_what_is_one_and_nothing_else(void **state UNUSED)
{
    static const struct {
        enum wizard_id id;
        const char *good, *bad, *words;
    } rows[] = {{ASK_CLIENT, "pki", "pkis", "'pkis' is none of pki, entra, token"},
                {ASK_CLIENT, "pki, token", "pki,,token", "is none of"},
                {ASK_CLIENT, "PKI", "pki token", "is none of"},
                {ASK_SERVER_CERT, "internal", "intern", "is none of public, internal"},
                {ASK_MP, "ehttp", "http", "is none of https, ehttp"},
                {ASK_CRL, "ad", "public", "is none of internet, ad, internal, none"},
                {ASK_CRL_CHECK, "off", "unknown", "is none of on, off"},
                {ASK_CLIENT_VERSION, "1910", "1913", "is none of YYMM"},
                {ASK_SITE, "A", "a", "no site code"},
                {ASK_SITE, "ABCDEFG8", "ABCDEFG89", "1 to 8 capital letters"},
                {ASK_SITE, "LAB", "LA B", "no site code"},
                {ASK_GATEWAY, "gw.example:65535", "gw.example:65536", ""},
                {ASK_GATEWAY, "gw.example:1", "gw.example:0", "port 0"},
                {ASK_GATEWAY, "gw.example", "https://gw.example", ""},
                {ASK_MP_URL, "https://mp:8443", "http://mp:8443", "begins with https://"},
                {ASK_MP_URL, "https://mp", "https://mp:0", "port 0"},
                {ASK_CRL_URL, "http://crl.example/a.crl", "crl.example/a.crl", "is no URL of a list"},
                {ASK_CRL_URL, "LDAP://dc/CN=a", "ftp://crl.example/a.crl", "is no URL of a list"},
                {ASK_CRL_URL, "", "http:/crl.example/a.crl", "is no URL of a list"},
                {ASK_TENANT, "6a4b51c7-2b0a-4c7e-9a67-0c7b43b8a1f2", "contoso.onmicrosoft.com", "no id of an Entra"},
                {ASK_TENANT, "https://idp.example/realm", "http://idp.example/realm", "no id of an Entra"},
                {ASK_TENANT, "", "https://", ""},
                {ASK_MP_LISTEN, "0.0.0.0:8443", "8443x", ""},
                {ASK_GATEWAY_ID, "gw-1_a.b", "gw 1", "is no id"},
                {ASK_CONNECTOR_ID, "c", "c/1", "is no id"},
                {ASK_DEVICES, "1", "0", "from 1 to 1000000"},
                {ASK_DEVICES, "1000000", "1000001", "from 1 to 1000000"},
                {ASK_DEVICES, "10", "ten", "from 1 to 1000000"},
                {ASK_MP_PASSWORD, "/dev/null", "/nonexistent/password", "o such file"},
                {ASK_CLIENT_CA, "", "/dev/null", ""}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wizard w = {0};
        if (*rows[i].good)
            give(&w, rows[i].id, rows[i].good);
        if (wizard_take(&w, rows[i].id, rows[i].bad, &err) != R_INVALID && !strstr(rows[i].bad, "/nonexistent"))
            fail_msg("%s took '%s'", wizard_questions[rows[i].id].name, rows[i].bad);
        if (!strstr(err.text, rows[i].words))
            fail_msg("%s '%s': %s", wizard_questions[rows[i].id].name, rows[i].bad, err.text);
        assert_string_equal(wizard_text(&w, rows[i].id), rows[i].good);
        done(&w);
    }
}

static void an_id_may_have_64_letters_and_an_answer_1024(void **state UNUSED)
{
    char text[1026];
    struct wizard w = {0};
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    give(&w, ASK_GATEWAY_ID, text + sizeof text - 1 - 64);
    assert_int_equal(wizard_take(&w, ASK_GATEWAY_ID, text + sizeof text - 1 - 65, &err), R_INVALID);
    give(&w, ASK_STORE, text + 1);
    assert_int_equal(wizard_take(&w, ASK_STORE, text, &err), R_INVALID);
    assert_string_equal(err.text, "it is too long");
    done(&w);
}

/* A link stays a link, for it leads to the renewed file later. */
static void a_file_is_kept_by_the_absolute_name_that_was_given(void **state)
{
    const char *dir = *state;
    char here[4096], *link = file_join(dir, "live.pem");
    struct wizard w = {.usual = true};
    scratch_put(dir, "mp.key", "key", 0600);
    assert_int_equal(symlink("mp.key", link), 0);
    give(&w, ASK_MP_KEY, link);
    assert_string_equal(wizard_text(&w, ASK_MP_KEY), link);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(dir), 0);
    give(&w, ASK_MP_KEY, "./live.pem");
    assert_int_equal(chdir(here), 0);
    assert_string_equal(wizard_text(&w, ASK_MP_KEY), link);
    give(&w, ASK_CONNECTOR_CERT, "");
    assert_string_equal(wizard_text(&w, ASK_CONNECTOR_CERT), "");
    free(link);
    done(&w);
}

static void what_has_no_proposal_must_be_given(void **state UNUSED)
{
    struct wizard w = {0};
    static const enum wizard_id must[] = {ASK_CLIENT, ASK_SERVER_CERT, ASK_MP, ASK_SITE, ASK_GATEWAY, ASK_CLIENT_CA};
    for (size_t i = 0; i < ARRAY_LEN(must); i++) {
        assert_int_equal(wizard_take(&w, must[i], "", &err), R_INVALID);
        assert_string_equal(err.text, "it must be given");
        assert_null(w.text[must[i]]);
    }
    give(&w, ASK_CONNECTOR_CERT, ""); /* none: what that means, the choices say */
    give(&w, ASK_SERVER_CA, "");
    done(&w);
}

static void a_key_is_proposed_to_be_within_pkcs12_alone(void **state UNUSED)
{
    static const struct {
        const char *file;
        bool within;
    } rows[] = {{"/a/mp.p12", true}, {"/a/mp.pfx", true}, {"/a/mp.pem", false}, {"", false}, {"/a/p12", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wizard w = {.text = {[ASK_MP_CERT] = strdup(rows[i].file)}};
        char *proposal = wizard_proposal(&w, ASK_MP_KEY);
        assert_int_equal(proposal != NULL, rows[i].within);
        free(proposal);
        done(&w);
    }
}

static void proposals_are_what_their_own_questions_take(void **state UNUSED)
{
    for (unsigned id = 0; id < ASK_COUNT; id++) {
        struct wizard w = {0};
        char *proposal = wizard_proposal(&w, (enum wizard_id)id);
        if (proposal)
            give(&w, (enum wizard_id)id, proposal);
        free(proposal);
        done(&w);
    }
}

/* A list that lies inside is fetched by the connector; one that nobody checks, or on the Internet, by nobody of ours.
 */
static void relaying_is_asked_only_of_lists_inside_that_are_checked(void **state UNUSED)
{
    static const struct {
        const char *client, *crl, *check;
        bool wanted;
    } rows[] = {{"pki", "ad", "on", true},       {"pki", "internal", "on", true}, {"pki", "internet", "on", false},
                {"pki", "none", "off", false},   {"pki", "ad", "off", false},     {"token", "ad", "on", false},
                {"token,pki", "ad", NULL, true}, {"pki", NULL, "on", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wizard w = {.text = {[ASK_CLIENT] = strdup(rows[i].client)}};
        w.text[ASK_CRL] = rows[i].crl ? strdup(rows[i].crl) : NULL;
        w.text[ASK_CRL_CHECK] = rows[i].check ? strdup(rows[i].check) : NULL;
        if (wizard_wants(&w, ASK_CRL_RELAY) != rows[i].wanted)
            fail_msg("row %zu", i);
        done(&w);
    }
}

/* As long as nobody said whether the connector relays it, a list inside is within reach. */
static void a_list_inside_rules_nothing_out_before_relaying_is_answered(void **state UNUSED)
{
    struct wizard w = {0};
    give(&w, ASK_CLIENT, "pki");
    give(&w, ASK_SERVER_CERT, "public");
    give(&w, ASK_MP, "https");
    give(&w, ASK_CRL, "ad");
    give(&w, ASK_CRL_CHECK, "on");
    assert_int_equal(wizard_judge(&w, &err), OK);
    const struct choices_condition *rule = wizard_rules_out(&w, ASK_CRL_RELAY, SLICE("off"));
    assert_ptr_equal(rule, choices_condition_find(SLICE("crl-unreachable")));
    assert_null(wizard_rules_out(&w, ASK_CRL_RELAY, SLICE("on")));
    assert_int_equal(wizard_take(&w, ASK_CRL_RELAY, "off", &err), R_CONFLICT);
    assert_null(w.text[ASK_CRL_RELAY]);
    give(&w, ASK_CRL_CHECK, "off"); /* what nobody looks at need not be in reach */
    assert_null(wizard_rules_out(&w, ASK_CRL_RELAY, SLICE("off")));
    done(&w);
}

/* Its own certificate is the connector's when devices show theirs to a management point of https. */
static void a_connector_without_a_certificate_goes_only_where_none_is_needed(void **state UNUSED)
{
    static const struct {
        const char *client, *mp;
        bool needed;
    } rows[] = {
        {"pki", "https", true}, {"token,pki", "https", true}, {"token", "https", false}, {"token", "ehttp", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wizard w = {0};
        give(&w, ASK_CLIENT, rows[i].client);
        assert_false(wizard_cert_needed(&w)); /* the mode is not known yet */
        give(&w, ASK_MP, rows[i].mp);
        assert_int_equal(wizard_cert_needed(&w), rows[i].needed);
        assert_int_equal(wizard_take(&w, ASK_CONNECTOR_CERT, "", &err), rows[i].needed ? R_CONFLICT : OK);
        done(&w);
    }
}

static void methods_and_modes_are_read_from_their_texts(void **state UNUSED)
{
    struct wizard w = {0};
    char host[NET_HOST_MAX];
    uint16_t port;
    assert_int_equal(wizard_clients(&w), 0);
    assert_int_equal(wizard_mode(&w), CHOICE_MP_HTTPS);
    assert_false(wizard_cert_needed(&w));
    wizard_gateway(&w, host, &port);
    assert_string_equal(host, "");
    give(&w, ASK_CLIENT, " token , entra");
    assert_int_equal(wizard_clients(&w), CHOICE_BIT(CHOICE_TOKEN) | CHOICE_BIT(CHOICE_ENTRA));
    give(&w, ASK_MP, "ehttp");
    assert_int_equal(wizard_mode(&w), CHOICE_MP_EHTTP);
    give(&w, ASK_GATEWAY, "gw");
    wizard_gateway(&w, host, &port);
    assert_string_equal(host, "gw");
    assert_int_equal(port, 443);
    done(&w);
}

static void every_value_that_a_question_names_is_taken_by_it(void **state UNUSED)
{
    static const char *const names[] = {
        "mp",        "client",    "server-cert",     "join",           "scenario",    "crl",
        "crl-check", "crl-relay", "client-has-root", "connector-cert", "cmg-allowed", "user-sign-in"};
    char shown[CTL_INPUT_WORDS];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct ctl_input *input = ctl_input_find(names[i]);
        struct slice rest = slice_of(input->values);
        while (rest.ptr) {
            struct choices_question q = {0};
            struct slice value = slice_cut(&rest, '|');
            if (!input->set(&q, value))
                fail_msg("%s: %.*s", names[i], (int)value.len, value.ptr);
        }
        struct choices_question q = {0};
        assert_false(input->set(&q, SLICE("")));
        assert_false(input->set(&q, SLICE("nothing")));
    }
    ctl_input_values(ctl_input_find("crl"), shown);
    assert_string_equal(shown, "internet, ad, internal, none");
    assert_null(ctl_input_find("crls"));
    assert_null(ctl_input_find(""));
}

/* --- kept answers --- */

static struct wizard in_folder(const char *dir)
{
    return (struct wizard){.dir = (char *)(uintptr_t)dir};
}

static void answers_come_back_with_the_next_run_and_an_option_counts_more(void **state)
{
    struct wizard w = in_folder(*state), next = in_folder(*state);
    struct stat st;
    char *path = file_join(*state, "setup.json");
    give(&w, ASK_CLIENT, "token");
    give(&w, ASK_SITE, "LAB");
    give(&w, ASK_SERVER_CA, "");
    w.devices_until = 4711;
    assert_int_equal(wizard_keep(&w, &err), OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    next.text[ASK_SITE] = strdup("NEW");
    assert_int_equal(wizard_recall(&next, &err), OK);
    assert_false(next.there);
    assert_string_equal(next.text[ASK_CLIENT], "token");
    assert_string_equal(next.text[ASK_SITE], "NEW");
    assert_string_equal(next.text[ASK_SERVER_CA], ""); /* none is an answer */
    assert_null(next.text[ASK_MP]);
    assert_int_equal(next.devices_until, 4711);
    done(&w);
    done(&next);
    free(path);
}

static void of_a_site_that_is_there_the_answers_stand(void **state)
{
    struct wizard w = in_folder(*state), other = in_folder(*state), same = in_folder(*state);
    give(&w, ASK_SITE, "LAB");
    give(&w, ASK_DEVICES, "10");
    assert_int_equal(wizard_keep(&w, &err), OK);
    scratch_put(*state, "mp.yaml", "x", 0600);
    other.text[ASK_SITE] = strdup("NEW");
    assert_int_equal(wizard_recall(&other, &err), R_CONFLICT);
    assert_non_null(strstr(err.text, "--site LAB, not NEW"));
    same.text[ASK_SITE] = strdup("LAB");
    same.text[ASK_DEVICES] = strdup("20"); /* how many is asked anew each time */
    assert_int_equal(wizard_recall(&same, &err), OK);
    assert_true(same.there);
    assert_string_equal(same.text[ASK_DEVICES], "20");
    done(&w);
    done(&other);
    done(&same);
}

static void a_site_of_other_making_is_not_gone_on_with(void **state)
{
    struct wizard w = in_folder(*state);
    assert_int_equal(wizard_recall(&w, &err), OK); /* nothing is there */
    scratch_put(*state, "mp.yaml", "x", 0600);
    assert_int_equal(wizard_recall(&w, &err), R_CONFLICT);
    assert_non_null(strstr(err.text, "which cmg setup did not make"));
}

/* Taken for no answers, it would be asked all over again and written over. */
static void damaged_answers_are_named_and_not_taken_for_none(void **state)
{
    static const char *const damaged[] = {
        "", "{", "[]", "7", "{}", "{\"answers\": []}", "{\"answers\": {\"site\": 7}}"};
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        struct wizard w = in_folder(*state);
        scratch_put(*state, "setup.json", damaged[i], 0600);
        if (wizard_recall(&w, &err) == OK)
            fail_msg("taken: %s", damaged[i]);
        if (!strstr(err.text, "setup.json"))
            fail_msg("%s: %s", damaged[i], err.text);
        done(&w);
    }
}

/* --- the talk --- */

/* What wizard_ask() or wizard_confirm() does to these lines; what it says is in `said`. */
static enum result hear(struct wizard *w, enum result (*ask)(struct wizard *), const char *lines)
{
    FILE *before = stdin;
    free(said);
    said = NULL;
    w->talk = open_memstream(&said, &said_len);
    stdin = fmemopen((void *)(uintptr_t)lines, strlen(lines), "r");
    assert_non_null(stdin);
    enum result r = ask(w);
    (void)fclose(stdin);
    (void)fclose(w->talk);
    stdin = before;
    return r;
}

#define TOKENS_OVER_EHTTP "token\npublic\nehttp\nLAB\ngw.example\n\n\n"

static void answers_are_taken_in_turn_and_enter_takes_the_proposal(void **state UNUSED)
{
    struct wizard w = {0};
    assert_int_equal(hear(&w, wizard_ask, TOKENS_OVER_EHTTP), OK);
    assert_string_equal(w.text[ASK_CLIENT], "token");
    assert_string_equal(w.text[ASK_MP], "ehttp");
    assert_string_equal(w.text[ASK_GATEWAY], "gw.example");
    assert_string_equal(w.text[ASK_MP_LISTEN], "0.0.0.0:8443");
    assert_null(w.text[ASK_CRL]); /* nobody shows a certificate */
    assert_null(w.text[ASK_STORE]);
    assert_non_null(strstr(said, "mp-listen [0.0.0.0:8443]: "));
    for (const char *told = strstr(said, "  needs: "); told; told = strstr(told + 1, "  needs: ")) {
        char line[256]; /* what follows from an answer is said once */
        (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(told, "\n"), told);
        if (strstr(told + 1, line))
            fail_msg("said twice: %s", line);
    }
    done(&w);
}

static void what_is_no_answer_is_told_and_asked_again(void **state UNUSED)
{
    struct wizard w = {0};
    assert_int_equal(hear(&w, wizard_ask, "magic\n\n  token  \npublic\nehttp\nlab\nLAB\ngw.example\n\n\n"), OK);
    assert_string_equal(w.text[ASK_CLIENT], "token");
    assert_string_equal(w.text[ASK_SITE], "LAB");
    assert_non_null(strstr(said, "no: 'magic' is none of pki, entra, token"));
    assert_non_null(strstr(said, "no: it must be given"));
    assert_non_null(strstr(said, "no: 'lab' is no site code"));
    done(&w);
}

static void back_forgets_the_answer_before_and_asks_it_again(void **state UNUSED)
{
    struct wizard w = {0};
    assert_int_equal(hear(&w, wizard_ask,
                          "back\nentra\nback\ntoken\npublic\nback\ninternal\n\nback\n\nehttp\nLAB\n"
                          "gw.example\n\n\n"),
                     OK);
    assert_non_null(strstr(said, "This is the first one."));
    assert_string_equal(w.text[ASK_CLIENT], "token");
    assert_string_equal(w.text[ASK_SERVER_CERT], "internal");
    assert_string_equal(w.text[ASK_SERVER_CA], "");
    done(&w);
}

static void an_answer_that_does_not_go_with_others_says_by_which_rule(void **state UNUSED)
{
    struct wizard w = {0};
    assert_int_equal(
        hear(&w, wizard_ask, "pki\npublic\nehttp\nback\nback\ntoken\npublic\nehttp\nLAB\ngw.example\n\n\n"), OK);
    assert_non_null(strstr(said, "(ehttp-forbids-pki)"));
    assert_non_null(strstr(said, "go back to the question before: back"));
    assert_non_null(strstr(said, "does not go with the answers above"));
    assert_string_equal(w.text[ASK_CLIENT], "token");
    done(&w);
}

static void what_was_given_as_an_option_is_not_asked(void **state UNUSED)
{
    struct wizard w = {.text = {[ASK_CLIENT] = strdup("token"), [ASK_SITE] = strdup("LAB")}};
    assert_int_equal(hear(&w, wizard_ask, "public\nehttp\ngw.example\n\n\n"), OK);
    assert_null(strstr(said, "How do devices prove"));
    assert_string_equal(w.text[ASK_SITE], "LAB");
    done(&w);
}

static void the_end_of_the_terminal_stops_it(void **state UNUSED)
{
    struct wizard w = {0};
    assert_int_equal(hear(&w, wizard_ask, "token\npublic\n"), R_EOF);
    assert_null(w.text[ASK_MP]);
    done(&w);
}

static void a_line_longer_than_any_answer_is_one_answer(void **state UNUSED)
{
    struct wizard w = {0};
    char text[5000];
    memset(text, 'x', 4500);
    (void)snprintf(text + 4500, sizeof text - 4500, "\n%s", TOKENS_OVER_EHTTP);
    assert_int_equal(hear(&w, wizard_ask, text), OK);
    const char *first = strstr(said, "no: ");
    assert_non_null(first);
    assert_null(strstr(first + 1, "no: "));
    done(&w);
}

static void it_is_done_after_yes_or_enter_and_not_after_no(void **state UNUSED)
{
    static const struct {
        const char *lines;
        enum result r;
    } rows[] = {{"\n", OK},          {"y\n", OK},    {"yes\n", OK}, {" yes \n", OK},
                {"no\n", R_EOF},     {"n\n", R_EOF}, {"x", R_EOF},  {"perhaps\nno\n", R_EOF},
                {"what?\nyes\n", OK}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wizard w = {0};
        assert_int_equal(hear(&w, wizard_confirm, rows[i].lines), rows[i].r);
    }
}

static void the_summary_names_what_was_answered_and_what_it_means(void **state UNUSED)
{
    struct wizard w = {.dir = (char *)(uintptr_t) "/srv/lab"};
    give(&w, ASK_CLIENT, "token");
    give(&w, ASK_SERVER_CERT, "public");
    give(&w, ASK_MP, "ehttp");
    free(said);
    w.text[ASK_CRL] = strdup("ad"); /* not asked of tokens: not told either */
    w.talk = open_memstream(&said, &said_len);
    wizard_summary(&w);
    (void)fclose(w.talk);
    assert_non_null(strstr(said, "in /srv/lab:"));
    assert_non_null(strstr(said, "  client           token\n"));
    assert_null(strstr(said, "  crl "));
    assert_non_null(strstr(said, "\n  needs: "));
    assert_null(strstr(said, "\n  no: "));
    done(&w);
    free(said);
    said = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_drop)
        cmocka_unit_test(each_question_takes_what_is_one_and_nothing_else),
        cmocka_unit_test(an_id_may_have_64_letters_and_an_answer_1024),
        cmocka_unit_test_setup_teardown(a_file_is_kept_by_the_absolute_name_that_was_given, scratch_make, scratch_drop),
        cmocka_unit_test(what_has_no_proposal_must_be_given),
        cmocka_unit_test(a_key_is_proposed_to_be_within_pkcs12_alone),
        cmocka_unit_test(proposals_are_what_their_own_questions_take),
        cmocka_unit_test(relaying_is_asked_only_of_lists_inside_that_are_checked),
        cmocka_unit_test(a_list_inside_rules_nothing_out_before_relaying_is_answered),
        cmocka_unit_test(a_connector_without_a_certificate_goes_only_where_none_is_needed),
        cmocka_unit_test(methods_and_modes_are_read_from_their_texts),
        cmocka_unit_test(every_value_that_a_question_names_is_taken_by_it),
        IN_FOLDER(answers_come_back_with_the_next_run_and_an_option_counts_more),
        IN_FOLDER(of_a_site_that_is_there_the_answers_stand),
        IN_FOLDER(a_site_of_other_making_is_not_gone_on_with),
        IN_FOLDER(damaged_answers_are_named_and_not_taken_for_none),
        cmocka_unit_test(answers_are_taken_in_turn_and_enter_takes_the_proposal),
        cmocka_unit_test(what_is_no_answer_is_told_and_asked_again),
        cmocka_unit_test(back_forgets_the_answer_before_and_asks_it_again),
        cmocka_unit_test(an_answer_that_does_not_go_with_others_says_by_which_rule),
        cmocka_unit_test(what_was_given_as_an_option_is_not_asked),
        cmocka_unit_test(the_end_of_the_terminal_stops_it),
        cmocka_unit_test(a_line_longer_than_any_answer_is_one_answer),
        cmocka_unit_test(it_is_done_after_yes_or_enter_and_not_after_no),
        cmocka_unit_test(the_summary_names_what_was_answered_and_what_it_means),
#undef IN_FOLDER
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
