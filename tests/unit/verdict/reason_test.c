/* SPDX-License-Identifier: Apache-2.0 */
/* The table of refusals is what clients, logs and documents rely on: complete, unambiguous, and as PROTOCOL says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verdict/reason.h"

static void every_reason_is_complete(void **state UNUSED)
{
    for (enum verdict_reason r = REASON_OK + 1; r < REASON_COUNT; r++) {
        const struct verdict_reason_info *i = verdict_reason_info(r);
        assert_true(i->name[0] && i->text[0] && i->remedy[0]);
        for (const char *c = i->name; *c; c++)
            assert_true((*c >= 'a' && *c <= 'z') || *c == '_');
        const struct verdict_refusal_info *refusal = verdict_refusal_info(i->refusal);
        assert_true(refusal->status >= 400 && refusal->status < 600);
        assert_true(strncmp(refusal->code, "CMGService_", 11) == 0 || strncmp(refusal->code, "CMGConnector_", 13) == 0);
    }
    assert_string_equal(verdict_reason_info(REASON_OK)->name, "ok");
}

static void a_reason_is_found_by_code_and_name(void **state UNUSED)
{
    for (enum verdict_reason r = REASON_OK + 1; r < REASON_COUNT; r++) {
        const struct verdict_reason_info *i = verdict_reason_info(r);
        const char *code = verdict_refusal_info(i->refusal)->code;
        assert_int_equal(verdict_reason_find(slice_of(code), slice_of(i->name)), r); /* also: no two are the same */
    }
    assert_int_equal(verdict_reason_find(SLICE("CMGService_Invalid_Token"), SLICE("untrusted_root")), REASON_OK);
    assert_int_equal(verdict_reason_find(SLICE("CMGConnector_Clientcertificaterequired"), SLICE("")),
                     REASON_UPSTREAM_CLIENT_CERTIFICATE); /* the code has no other */
    assert_int_equal(verdict_reason_find(SLICE("CMGService_Invalid_Token"), SLICE("")), REASON_OK);
    assert_int_equal(verdict_reason_find(SLICE(""), SLICE("")), REASON_OK);
    assert_int_equal(verdict_reason_find(SLICE_NONE, SLICE_NONE), REASON_OK);
}

static void the_same_word_of_certificate_and_token_are_two_reasons(void **state UNUSED)
{
    assert_int_equal(verdict_reason_find(SLICE("CMGService_Invalid_Client_Certificate"), SLICE("expired")),
                     REASON_CERT_EXPIRED);
    assert_int_equal(verdict_reason_find(SLICE("CMGService_Invalid_Token"), SLICE("expired")), REASON_TOKEN_EXPIRED);
}

static void the_statuses_are_those_of_the_protocol(void **state UNUSED)
{
    static const struct {
        enum verdict_reason reason;
        int status;
        const char *code;
    } wanted[] = {
        {REASON_CERT_REVOKED, 401, "CMGService_Invalid_Client_Certificate"},
        {REASON_TOKEN_NOT_BOUND, 401, "CMGService_Invalid_Token"},
        {REASON_BLOCKED, 403, "CMGService_Not_Allowed"},
        {REASON_MODE_FORBIDS_PKI, 403, "CMGService_Not_Allowed"},
        {REASON_CMG_DISALLOWED, 403, "CMGService_Not_Allowed"},
        {REASON_METHOD_NOT_ALLOWED_HERE, 403, "CMGService_Not_Allowed"},
        {REASON_BAD_REQUEST, 400, "CMGService_Bad_Request"},
        {REASON_UNKNOWN_ENDPOINT, 404, "CMGService_Unknown_Endpoint"},
        {REASON_BAD_METHOD, 405, "CMGService_Method_Not_Allowed"},
        {REASON_REQUEST_TIMEOUT, 408, "CMGService_Request_Timeout"},
        {REASON_TARGET_TOO_LONG, 414, "CMGService_Too_Long"},
        {REASON_HEAD_TOO_LONG, 431, "CMGService_Too_Long"},
        {REASON_MISDIRECTED, 421, "CMGService_Misdirected"},
        {REASON_BODY_TOO_LARGE, 413, "CMGService_Too_Large"},
        {REASON_TOO_MANY_REQUESTS, 429, "CMGService_Too_Many_Requests"},
        {REASON_NO_CONNECTOR, 503, "CMGService_No_Connection_Point"},
        {REASON_STALE_BUNDLE, 503, "CMGService_Stale_Bundle"},
        {REASON_UPSTREAM_TIMEOUT, 504, "CMGConnector_Timeout"},
        {REASON_UPSTREAM_REFUSED, 502, "CMGConnector_BadGateway"},
        {REASON_UPSTREAM_CLIENT_CERTIFICATE, 403, "CMGConnector_Clientcertificaterequired"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        const struct verdict_refusal_info *r = verdict_refusal_info(verdict_reason_info(wanted[i].reason)->refusal);
        assert_int_equal(r->status, wanted[i].status);
        assert_string_equal(r->code, wanted[i].code);
    }
}

static void the_words_for_certificates_are_those_of_the_specification(void **state UNUSED)
{
    static const char *const words[] = {
        "missing",          "expired",       "not_yet_valid",   "untrusted_root",     "revoked",
        "incomplete_chain", "bad_signature", "crl_unavailable", "crl_expired",        "ocsp_unavailable",
        "wrong_usage",      "weak_key",      "name_missing",    "constraint_violated"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        assert_int_not_equal(verdict_reason_find(SLICE("CMGService_Invalid_Client_Certificate"), slice_of(words[i])),
                             REASON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_is_complete),
        cmocka_unit_test(a_reason_is_found_by_code_and_name),
        cmocka_unit_test(the_same_word_of_certificate_and_token_are_two_reasons),
        cmocka_unit_test(the_statuses_are_those_of_the_protocol),
        cmocka_unit_test(the_words_for_certificates_are_those_of_the_specification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
