/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway that was broken into can make a device believe: nothing that the site did not sign for its key. */
#include "fixture.h"

#define OTHER_GUID "7f1c7e0a-0b1c-4d2e-8f3a-5b6c7d8e9f01"
#define OTHER_KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void refuse(struct fixture *f, const char *where, int status, const char *code, const char *reason)
{
    fake_site_knobs(f->site)->refuse = (struct fake_refusal){where, status, code, reason};
}

static void a_registered_pki_device(struct fixture *f)
{
    give_pki(f, clock_wall_s() + DAY);
    json_decref(operate(f, CLIENT_RUN, true));
}

static void assert_ends(struct fixture *f, enum client_operation what, const char *reason)
{
    json_t *report = operate(f, what, false);
    assert_member(report, "reason", reason);
    json_decref(report);
}

static void assert_guid(const struct fixture *f, const char *guid)
{
    assert_string_equal(f->c.identity.of[f->c.identity.method].guid, guid);
}

static void a_guid_that_the_site_did_not_sign_is_not_taken(void **state)
{
    struct fixture *f = *state;
    a_registered_pki_device(f);
    refuse(f, "?SETTINGS", 401, "MP_Not_Registered", "not_registered");
    fake_site_knobs(f->site)->guid = OTHER_GUID;
    fake_site_knobs(f->site)->answers = FAKE_UNSIGNED;
    assert_ends(f, CLIENT_RUN, "bad_answer");
    assert_guid(f, FAKE_GUID);
    assert_ends(f, CLIENT_REGISTER, "bad_answer");
    assert_guid(f, FAKE_GUID);
    refuse(f, NULL, 0, NULL, NULL);
    json_decref(operate(f, CLIENT_RUN, true));
}

static void an_answer_to_another_request_is_not_taken(void **state)
{
    struct fixture *f = *state;
    a_registered_pki_device(f);
    fake_site_knobs(f->site)->answers = FAKE_REPLAYED;
    assert_ends(f, CLIENT_REGISTER, "answer_untrusted");
    assert_guid(f, FAKE_GUID);
}

static void an_answer_for_another_key_is_not_taken(void **state)
{
    struct fixture *f = *state;
    give_pki(f, clock_wall_s() + DAY);
    fake_site_knobs(f->site)->key = OTHER_KEY;
    assert_ends(f, CLIENT_REGISTER, "answer_untrusted");
    assert_guid(f, "");
}

static void a_token_that_the_site_did_not_sign_for_the_device_strands_it_not(void **state)
{
    struct fixture *f = *state;

    give_bulk(f);
    json_decref(operate(f, CLIENT_REGISTER, true));
    char *held = strdup(f->c.identity.of[CHOICE_TOKEN].device_token);
    f->c.identity.of[CHOICE_TOKEN].device_renew = 1;
    fake_site_knobs(f->site)->answers = FAKE_UNSIGNED;
    assert_ends(f, CLIENT_RUN, "bad_answer");
    assert_string_equal(f->c.identity.of[CHOICE_TOKEN].device_token, held);
    free(held);
    fake_site_knobs(f->site)->answers = FAKE_SIGNED;
    json_decref(operate(f, CLIENT_RUN, true));
}

static void documents_for_another_key_are_refused_although_the_guid_is_right(void **state)
{
    struct fixture *f = *state;
    a_registered_pki_device(f);
    fake_site_knobs(f->site)->sequence++;
    fake_site_knobs(f->site)->key = OTHER_KEY;
    assert_ends(f, CLIENT_RUN, "policy_untrusted");
    fake_site_knobs(f->site)->settings = "{\"settings\":{\"allow_cmg\":false}}";
    assert_ends(f, CLIENT_RUN, "settings_untrusted");
}

static void an_older_policy_stays_refused_after_the_kept_one_is_gone_and_the_same_is_taken(void **state)
{
    struct fixture *f = *state;
    a_registered_pki_device(f);
    char *path = file_join(f->dir, "policy.jws");
    assert_int_equal(unlink(path), 0);
    free(path);
    fake_site_knobs(f->site)->sequence = 3;
    json_t *report = operate(f, CLIENT_RUN, false);
    assert_member(report, "reason", "policy_untrusted");
    json_decref(report);
    fake_site_knobs(f->site)->sequence = 5;
    json_decref(operate(f, CLIENT_RUN, true));
}

/* It takes the number just below ours for its own, and "not modified" would be its answer for ever. */
static void damage(const struct fixture *f, const char *name, const char *text)
{
    char *path = file_join(f->dir, name);
    assert_int_equal(file_write(path, slice_of(text), 0600, NULL), OK);
    free(path);
}

static bool is_there(const struct fixture *f, const char *name)
{
    char *path = file_join(f->dir, name);
    bool there = file_exists(path);
    free(path);
    return there;
}

/* What can be told from the documents that are kept is. */
static void damaged_sequences_are_set_aside_and_let_no_older_document_in_where_one_is_kept(void **state)
{
    static const char *const damaged[] = {"{\"policy\": {", "[]", "{\"policy\": 7}", "{\"policy\": {\"x\": \"7\"}}",
                                          ""};
    struct fixture *f = *state;
    a_registered_pki_device(f);
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        damage(f, "sequences.json", damaged[i]);
        fake_site_knobs(f->site)->sequence -= 1;
        assert_ends(f, CLIENT_RUN, "policy_untrusted");
        assert_true(is_there(f, "sequences.json.damaged"));
        fake_site_knobs(f->site)->sequence += 1;
        json_decref(operate(f, CLIENT_RUN, true));
        assert_true(is_there(f, "sequences.json"));
    }
}

static void a_site_that_went_back_by_one_hears_of_the_number_that_we_took(void **state)
{
    struct fixture *f = *state;
    a_registered_pki_device(f);
    char *path = file_join(f->dir, "policy.jws");
    assert_int_equal(unlink(path), 0);
    free(path);
    fake_site_knobs(f->site)->sequence = 4;
    json_t *report = operate(f, CLIENT_RUN, false);
    assert_member(report, "reason", "policy_untrusted"); /* this site does not go above it, as a real one does */
    json_decref(report);
}

static void damaged_files_of_the_state_heal_with_the_next_run(void **state)
{
    static const char *const names[] = {"policy.jws", "settings.jws", "location.jws", "sequences.json", "state.json"};
    static const char zeros[10];
    struct fixture *f = *state;
    struct error err;
    fake_site_knobs(f->site)->settings = "{\"settings\":{\"allow_cmg\":true}}";
    a_registered_pki_device(f);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = file_join(f->dir, names[i]);
        assert_int_equal(file_write(path, slice_make(zeros, sizeof zeros), 0600, &err), OK);
        json_decref(operate(f, CLIENT_RUN, true));
        assert_int_equal(unlink(path), 0);
        json_decref(operate(f, CLIENT_RUN, true));
        free(path);
    }
}

/* Whatever the site answers for "not modified": what it signed lives as long as it said. */
static void not_modified_lets_no_document_live_on(void **state)
{
    struct fixture *f = *state;
    fake_site_knobs(f->site)->documents_clock = -20 * 3600; /* four hours are left of its day */
    a_registered_pki_device(f);
    fake_site_knobs(f->site)->never_modified = true;
    assert_ends(f, CLIENT_RUN, "bad_answer");
    fake_site_knobs(f->site)->never_modified = false;
    fake_site_knobs(f->site)->documents_clock = 0;
    json_decref(operate(f, CLIENT_RUN, true)); /* the same sequence, issued anew */
    fake_site_knobs(f->site)->never_modified = true;
    json_decref(operate(f, CLIENT_RUN, true));
}

static void a_policy_past_its_end_is_in_force_no_more(void **state)
{
    struct fixture *f = *state;
    a_registered_pki_device(f);
    json_t *status = client_status(&f->c, clock_wall_s());
    assert_int_equal(json_array_size(json_object_get(status, "policies")), 1);
    json_decref(status);
    struct document d = {.issued = 100, .expires = 200};
    assert_false(client_document_ended(&d, 199));
    assert_true(client_document_ended(&d, 200));
    assert_false(client_document_aged(&d, 149));
    assert_true(client_document_aged(&d, 150));
}

static void a_date_far_from_our_clock_is_believed_only_when_the_site_signed_it(void **state)
{
    static const struct {
        int64_t clock;
        enum fake_answers answers;
        bool good;
    } cases[] = {
        {400, FAKE_UNSIGNED, true},   {-400, FAKE_UNSIGNED, true}, {700, FAKE_UNSIGNED, false},
        {-700, FAKE_UNSIGNED, false}, {40000, FAKE_SIGNED, true},  {40000, FAKE_REPLAYED, false},
    };
    struct fixture *f = *state;
    a_registered_pki_device(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fake_site_knobs(f->site)->clock = cases[i].clock;
        fake_site_knobs(f->site)->answers = cases[i].answers;
        json_decref(operate(f, CLIENT_POLICY, cases[i].good));
        if (!cases[i].good)
            assert_null(fake_site_seen(f->site, 1)); /* it signed nothing for another time */
    }
}

/* What a gateway says of the time is a hint; one that says nothing, or nonsense, hints at nothing. */
static void an_answer_without_a_time_does_not_doubt_our_clock(void **state)
{
    static const char *const bodies[] = {"{\"signed\": \"x\"}", "{\"signed\": \"x\", \"time\": \"now\"}",
                                         "{\"signed\": \"x\", \"time\": -9223372036854775807}"};
    struct fixture *f = *state;
    give_bulk(f);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        fake_site_knobs(f->site)->nonsense = (struct fake_nonsense){"ServiceMetadata", bodies[i]};
        assert_ends(f, CLIENT_RUN, "location_untrusted");
    }
    char *path = file_join(f->dir, "logs/LocationServices.log"), *text;
    size_t len;
    assert_int_equal(file_read_text(path, 1 << 20, &text, &len, NULL), OK);
    assert_non_null(strstr(text, "Asking cloud management gateway"));
    assert_null(strstr(text, "clock differs"));
    free(text);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_guid_that_the_site_did_not_sign_is_not_taken),
        CASE(an_answer_to_another_request_is_not_taken),
        CASE(an_answer_for_another_key_is_not_taken),
        CASE(a_token_that_the_site_did_not_sign_for_the_device_strands_it_not),
        CASE(documents_for_another_key_are_refused_although_the_guid_is_right),
        CASE(an_older_policy_stays_refused_after_the_kept_one_is_gone_and_the_same_is_taken),
        CASE(damaged_sequences_are_set_aside_and_let_no_older_document_in_where_one_is_kept),
        CASE(a_site_that_went_back_by_one_hears_of_the_number_that_we_took),
        CASE(damaged_files_of_the_state_heal_with_the_next_run),
        CASE(not_modified_lets_no_document_live_on),
        CASE(a_policy_past_its_end_is_in_force_no_more),
        CASE(a_date_far_from_our_clock_is_believed_only_when_the_site_signed_it),
        CASE(an_answer_without_a_time_does_not_doubt_our_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
