/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts as they are written, and the secrets of who gets them. */
#include "cmocka_first.h"

#include <stdlib.h>

#include "mp/watch/message.h"
#include "mp/watch/seal.h"
#include "pki/issue/issue.h"
#include "json/json.h"

/* --- messages --- */

static const struct store_alert began = {.id = 1,
                                         .cause = "clock_skew",
                                         .of = "gw1",
                                         .found = "the clock of gateway gw1 is 1 h ahead",
                                         .remedy = "set it",
                                         .began = 1000},
                                ended = {.id = 2,
                                         .cause = "connector_silent",
                                         .of = "cp1",
                                         .found = "connector cp1 was last heard of: never",
                                         .remedy = "start it",
                                         .began = 1000,
                                         .ended = 2000,
                                         .told = 1001};

static void one_alert_is_named_by_the_subject_and_told_with_its_remedy(void **state UNUSED)
{
    struct mp_alert_message m;
    mp_alert_message("ABC", &began, 1, 1005, &m);
    assert_string_equal(m.subject, "OpenCMG ABC: clock_skew");
    assert_non_null(
        strstr(m.text, "New: clock_skew (gw1)\n  the clock of gateway gw1 is 1 h ahead\n  What to do: set it"));
    mp_alert_message_free(&m);
    mp_alert_message("ABC", &ended, 1, 2005, &m);
    assert_string_equal(m.subject, "OpenCMG ABC: connector_silent is over");
    assert_null(strstr(m.text, "What to do"));
    mp_alert_message_free(&m);
}

static void several_alerts_are_one_message_and_new_ones_come_first(void **state UNUSED)
{
    const struct store_alert list[] = {ended, began};
    struct mp_alert_message m;
    json_t *o;
    mp_alert_message("ABC", list, ARRAY_LEN(list), 2005, &m);
    assert_string_equal(m.subject, "OpenCMG ABC: 1 new, 0 still there, 1 over");
    assert_true(strstr(m.text, "clock_skew") < strstr(m.text, "connector_silent"));
    assert_int_equal(json_parse(slice_of(m.json), strlen(m.json), &o, NULL), OK);
    assert_int_equal(json_array_size(json_object_get(o, "alerts")), 2);
    assert_string_equal(json_opt_str(json_array_get(json_object_get(o, "alerts"), 0), "event", ""), "over");
    json_decref(o);
    mp_alert_message_free(&m);
}

static void a_test_says_that_it_is_one(void **state UNUSED)
{
    struct mp_alert_message m;
    mp_alert_message("ABC", NULL, 0, 5, &m);
    assert_non_null(strstr(m.subject, "test"));
    assert_non_null(strstr(m.json, "\"test\": true") ? m.json : strstr(m.json, "\"test\":true"));
    mp_alert_message_free(&m);
}

/* --- seals --- */

static void a_secret_comes_back_by_the_same_key_and_for_the_same_address_alone(void **state UNUSED)
{
    struct mp_keys keys = {.role_ca_key = pki_key_new()}, others = {.role_ca_key = pki_key_new()};
    char *sealed, *again, *secret;
    assert_int_equal(mp_seal(&keys, SLICE("to a"), SLICE("hunter2"), &sealed, NULL), OK);
    assert_int_equal(mp_seal(&keys, SLICE("to a"), SLICE("hunter2"), &again, NULL), OK);
    assert_string_not_equal(sealed, again);
    assert_null(strstr(sealed, "hunter2"));
    assert_int_equal(mp_unseal(&keys, SLICE("to a"), slice_of(sealed), &secret, NULL), OK);
    assert_string_equal(secret, "hunter2");
    free(secret);
    assert_int_equal(mp_unseal(&keys, SLICE("to b"), slice_of(sealed), &secret, NULL), R_DENIED);
    assert_int_equal(mp_unseal(&others, SLICE("to a"), slice_of(sealed), &secret, NULL), R_DENIED);
    sealed[20] = sealed[20] == 'A' ? 'B' : 'A';
    assert_int_equal(mp_unseal(&keys, SLICE("to a"), slice_of(sealed), &secret, NULL), R_DENIED);
    assert_int_equal(mp_unseal(&keys, SLICE("to a"), SLICE("AAAA"), &secret, NULL), R_DENIED);
    assert_int_equal(mp_unseal(&keys, SLICE("to a"), SLICE("no base64"), &secret, NULL), R_DENIED);
    free(sealed);
    free(again);
    EVP_PKEY_free(keys.role_ca_key);
    EVP_PKEY_free(others.role_ca_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_alert_is_named_by_the_subject_and_told_with_its_remedy),
        cmocka_unit_test(several_alerts_are_one_message_and_new_ones_come_first),
        cmocka_unit_test(a_test_says_that_it_is_one),
        cmocka_unit_test(a_secret_comes_back_by_the_same_key_and_for_the_same_address_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
