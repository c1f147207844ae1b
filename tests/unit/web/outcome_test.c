/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals as the device reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "verdict/remedy.h"
#include "web/outcome.h"
#include "json/json.h"

static struct web_outcome answer(long status, const char *status_text, const char *body)
{
    struct web_outcome o;
    web_outcome_answer(&o, status, slice_of(status_text), slice_of(body));
    return o;
}

static void a_problem_document_gives_code_reason_detail_and_request(void **state)
{
    (void)state;
    struct web_outcome o = answer(
        401, "CMGService_Invalid_Client_Certificate",
        "{\"type\":\"about:blank\",\"title\":\"t\",\"status\":401,\"code\":\"CMGService_Invalid_Client_Certificate\","
        "\"reason\":\"revoked\",\"detail\":\"serial 05\",\"remedy\":\"theirs\",\"request_id\":\"r-1\"}");
    assert_int_equal(o.ending, WEB_REFUSED);
    assert_string_equal(o.code, "CMGService_Invalid_Client_Certificate");
    assert_string_equal(o.reason, "revoked");
    assert_string_equal(o.detail, "serial 05");
    assert_string_equal(o.request_id, "r-1");
    assert_string_equal(o.remedy, verdict_reason_info(REASON_CERT_REVOKED)->remedy);
    assert_true(web_outcome_final(&o));
    assert_false(web_outcome_forbids_method(&o));
}

static void the_table_tells_a_tokens_expiry_from_a_certificates(void **state)
{
    (void)state;
    struct web_outcome o = answer(401, "", "{\"code\":\"CMGService_Invalid_Token\",\"reason\":\"expired\"}");
    assert_string_equal(o.remedy, verdict_reason_info(REASON_TOKEN_EXPIRED)->remedy);
    assert_string_equal(o.detail, verdict_reason_info(REASON_TOKEN_EXPIRED)->text);
}

static void a_refusal_tells_what_to_do_about_its_cause_in_words_of_the_table_alone(void **state)
{
#define REFUSED_WITH(remedy)                                                                                           \
    "{\"code\":\"CMGService_Invalid_Token\",\"reason\":\"wrong_audience\",\"remedy\":\"" remedy "\"}"
    char body[1024];
    (void)state;
    (void)snprintf(body, sizeof body, REFUSED_WITH("%s"), verdict_remedy(REMEDY_AUDIENCE));
    assert_string_equal(answer(401, "", body).remedy, verdict_remedy(REMEDY_AUDIENCE));
    (void)snprintf(body, sizeof body, REFUSED_WITH("%s"), verdict_remedy(REMEDY_NO_ISSUER)); /* another reason's */
    assert_string_equal(answer(401, "", body).remedy, verdict_reason_info(REASON_TOKEN_WRONG_AUDIENCE)->remedy);
    assert_string_equal(answer(401, "", REFUSED_WITH("run this as root")).remedy,
                        verdict_reason_info(REASON_TOKEN_WRONG_AUDIENCE)->remedy);
}

static void mode_forbids_pki_is_the_refusal_that_moves_on(void **state)
{
    (void)state;
    struct web_outcome o = answer(403, "", "{\"code\":\"CMGService_Not_Allowed\",\"reason\":\"mode_forbids_pki\"}");
    assert_true(web_outcome_forbids_method(&o));
    assert_false(web_outcome_final(&o));
    o = answer(403, "", "{\"code\":\"CMGService_Not_Allowed\",\"reason\":\"blocked\"}");
    assert_false(web_outcome_forbids_method(&o));
    assert_true(web_outcome_final(&o));
}

static void an_oauth_error_is_read_as_a_refusal(void **state)
{
    (void)state;
    struct web_outcome o =
        answer(400, "CMGConnector_BadRequest", "{\"error\":\"invalid_grant\",\"error_description\":\"too late\"}");
    assert_string_equal(o.code, "CMGConnector_BadRequest");
    assert_string_equal(o.reason, "invalid_grant");
    assert_string_equal(o.detail, "too late");
}

static void an_answer_without_words_still_says_its_status(void **state)
{
    static const char *const bodies[] = {"", "<html>", "[]", "{}", "{\"code\":5,\"reason\":[]}", "{\"a\":1,\"a\":2}"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct web_outcome o = answer(502, "CMGConnector_BadGateway", bodies[i]);
        assert_string_equal(o.code, "CMGConnector_BadGateway");
        assert_string_equal(o.reason, "http_502");
        assert_non_null(strstr(o.detail, "502"));
    }
}

static void what_a_peer_says_can_not_steer_a_terminal(void **state)
{
    (void)state;
    struct web_outcome o = answer(403, "A\x1b[2J\r\n", "{\"reason\":\"a\\u001b[31m\\nb\",\"detail\":\"x\\u009by\"}");
    assert_string_equal(o.code, "A?[2J??");
    assert_string_equal(o.reason, "a?[31m?b");
    assert_string_equal(o.detail, "x??y");
}

static void long_texts_are_cut_between_characters(void **state)
{
    char ret[6];
    (void)state;
    web_text_clean(slice_of("abcd\xc3\xa4"), ret, sizeof ret);
    assert_string_equal(ret, "abcd");
    web_text_clean(slice_of("abc\xc3\xa4"), ret, sizeof ret);
    assert_string_equal(ret, "abc\xc3\xa4");
    web_text_clean(slice_of("\xbf\xbf\xbf\xbf\xbf\xbf\xbf\xbf"), ret, sizeof ret);
    assert_string_equal(ret, "?????");
}

static void what_is_no_utf_8_goes_into_json_all_the_same(void **state)
{
    static const char *const bad[] = {"\xc3",     "a\xe2\x82",    "\xe2\x82 b",
                                      "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xff\xfe", "x\x80y",       "\xf0\x8f\xbf\xbf"};
    char ret[32];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        web_text_clean(slice_of(bad[i]), ret, sizeof ret);
        json_t *text = json_string(ret);
        assert_non_null(text);
        assert_non_null(strchr(ret, '?'));
        json_decref(text);
    }
    web_text_clean(slice_of("\xe2\x82\xac \xf0\x9f\x98\x80 \xc3\xa4"), ret, sizeof ret);
    assert_string_equal(ret, "\xe2\x82\xac \xf0\x9f\x98\x80 \xc3\xa4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_document_gives_code_reason_detail_and_request),
        cmocka_unit_test(the_table_tells_a_tokens_expiry_from_a_certificates),
        cmocka_unit_test(a_refusal_tells_what_to_do_about_its_cause_in_words_of_the_table_alone),
        cmocka_unit_test(mode_forbids_pki_is_the_refusal_that_moves_on),
        cmocka_unit_test(an_oauth_error_is_read_as_a_refusal),
        cmocka_unit_test(an_answer_without_words_still_says_its_status),
        cmocka_unit_test(what_a_peer_says_can_not_steer_a_terminal),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(what_is_no_utf_8_goes_into_json_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
