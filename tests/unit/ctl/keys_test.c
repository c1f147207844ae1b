/* SPDX-License-Identifier: Apache-2.0 */
/* cmg keys: which files another signing key becomes and leaves, how long it is told before it signs, and that nothing
 * but a key of the site's own root ever does. Each test has a new site, whose files' ages it sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "ctl/setup/pair.h"
#include "ctl/setup/site_init.h"
#include "fake_mp.h"
#include "pki/role.h"

enum { HOUR_S = 3600, DAY_S = 86400 };

static struct fake_mp mp;
static struct ran ran;

static int start(void **state UNUSED)
{
    char pin[PKI_HASH_HEX];
    fake_mp_start(&mp);
    struct site_plan plan = {.dir = mp.dir,
                             .site = "LAB",
                             .paths = {"state", "admin.sock", "mp.log", "access.log"},
                             .mps = {{.mode = CHOICE_MP_EHTTP, .listen = "127.0.0.1:1", .url = "https://h:1"}},
                             .mp_count = 1};
    fake_mp_set(&mp, fake_mp_answer(200, "{}"));
    return site_init(&plan, pin, NULL) == OK ? 0 : 1;
}

static int stop(void **state UNUSED)
{
    fake_mp_stop(&mp);
    return 0;
}

/* --- files of the site --- */

static bool is_there(const char *name)
{
    char *path = file_join(mp.dir, name);
    bool ret = file_exists(path);
    free(path);
    return ret;
}

/* malloc'ed. */
static char *text_of(const char *name)
{
    char *path = file_join(mp.dir, name), *text;
    size_t len;
    assert_int_equal(file_read(path, 1 << 16, &text, &len, NULL), OK);
    free(path);
    return text;
}

static X509 *cert_of(const char *name)
{
    X509 *cert;
    char *text = text_of(name);
    assert_int_equal(pki_cert_read(slice_of(text), &cert, NULL), OK);
    free(text);
    return cert;
}

static void copy(const char *from, const char *to)
{
    char *text = text_of(from), *path = file_join(mp.dir, to);
    assert_int_equal(file_write(path, slice_of(text), 0600, NULL), OK);
    free(text);
    free(path);
}

static void move(const char *from, const char *to)
{
    char *a = file_join(mp.dir, from), *b = file_join(mp.dir, to);
    assert_int_equal(rename(a, b), 0);
    free(a);
    free(b);
}

/* The file was written so many seconds ago. */
static void set_age(const char *name, int64_t seconds)
{
    char *path = file_join(mp.dir, name);
    const struct timespec times[2] = {{.tv_sec = clock_wall_s() - seconds}, {.tv_sec = clock_wall_s() - seconds}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

static void assert_same_file(const char *name, const char *text)
{
    char *now = text_of(name);
    assert_string_equal(now, text);
    free(now);
}

/* A pair that somebody else's root issued, as keys/NAME.pem and .key. */
static void write_foreign_pair(const char *name)
{
    struct ctl_pair pair = {0};
    char *dir = file_join(mp.dir, "keys");
    const struct ctl_pair_request request = {
        .profile = PKI_SITE_ROOT, .common_name = "another", .uri = "urn:opencmg:XYZ:root", .days = 9};
    assert_int_equal(ctl_pair_make(&request, &pair, NULL), OK);
    assert_int_equal(ctl_pair_save(&pair, dir, name, NULL, NULL), OK);
    ctl_pair_free(&pair);
    free(dir);
}

/* --- commands --- */

/* `cmg keys VERB --dir … --use USE`, and one more word, NULL for none. */
static void run_keys(const char *verb, const char *use, const char *more)
{
    mp.request[0] = '\0';
    RUN(&ran, &mp, "keys", verb, "--dir", "{dir}", "--use", use, more);
}

static void assert_done(void)
{
    if (ran.code != CTL_DONE)
        fail_msg("%s", ran.err);
    assert_true(slice_starts(slice_of(mp.request), SLICE("POST /v1/keys/reload HTTP/1.1\r\n")));
}

/* Refused, and the management point was told of nothing. */
static void assert_refused(const char *why)
{
    if (ran.code != CTL_FAILED || !strstr(ran.err, why) || mp.request[0])
        fail_msg("exit %d: %s sent '%s'", ran.code, ran.err, mp.request);
    assert_non_null(strstr(ran.err, "remedy: "));
}

/* {"bundle signs"} … as one text. */
static void assert_listed(const char *wanted)
{
    char text[512] = "";
    size_t used = 0, i;
    json_t *key;
    RUN(&ran, &mp, "keys", "list", "--dir", "{dir}", "--json");
    assert_int_equal(ran.code, CTL_DONE);
    json_t *whole = json_loads(ran.out, 0, NULL);
    json_array_foreach(json_object_get(whole, "keys"), i, key)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s", i ? ", " : "",
                                 json_opt_str(key, "use", ""), json_opt_str(key, "state", ""));
    json_decref(whole);
    assert_string_equal(text, wanted);
}

/* --- new --- */

static void each_use_of_a_new_site_has_one_key_that_signs(void **state UNUSED)
{
    assert_listed("bundle signs, policy signs, token signs");
}

static void a_next_key_is_issued_by_the_sites_root_under_the_name_of_the_present_one(void **state UNUSED)
{
    char present_uri[160], next_uri[160];
    run_keys("new", "policy", NULL);
    assert_done();
    X509 *root = cert_of("keys/root.pem"), *present = cert_of("keys/sign-policy.pem"),
         *next = cert_of("keys/sign-policy.next.pem");
    assert_int_equal(X509_verify(next, X509_get0_pubkey(root)), 1);
    assert_true(pki_cert_uri(present, "urn:opencmg:", present_uri, sizeof present_uri));
    assert_true(pki_cert_uri(next, "urn:opencmg:", next_uri, sizeof next_uri));
    assert_string_equal(next_uri, present_uri);
    assert_int_not_equal(EVP_PKEY_eq(X509_get0_pubkey(next), X509_get0_pubkey(present)), 1);
    X509_free(root);
    X509_free(present);
    X509_free(next);
    assert_listed("bundle signs, policy signs, policy next, token signs");
}

static void a_next_key_is_for_its_owner_alone(void **state UNUSED)
{
    struct stat st;
    char *path = file_join(mp.dir, "keys/sign-token.next.key");
    run_keys("new", "token", NULL);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    free(path);
}

/* What a present one says of itself is not known then. */
static void without_the_present_certificate_there_is_no_next_key(void **state UNUSED)
{
    char *path = file_join(mp.dir, "keys/sign-policy.pem");
    assert_int_equal(unlink(path), 0);
    free(path);
    run_keys("new", "policy", NULL);
    assert_refused("sign-policy.pem");
    assert_false(is_there("keys/sign-policy.next.pem"));
}

static void without_a_use_it_is_the_key_of_tokens(void **state UNUSED)
{
    RUN(&ran, &mp, "keys", "new", "--dir", "{dir}", "--json");
    assert_done();
    assert_string_equal(ran.out, "{\"use\": \"token\"}\n");
    assert_true(is_there("keys/sign-token.next.pem"));
}

static void of_each_use_there_are_two_keys_at_most(void **state UNUSED)
{
    run_keys("new", "token", NULL);
    assert_done();
    run_keys("new", "token", NULL);
    assert_refused("there are two token keys already");
    run_keys("new", "bundle", NULL); /* another use counts for itself */
    assert_done();
    copy("keys/sign-policy.pem", "keys/sign-policy.old.pem");
    run_keys("new", "policy", NULL);
    assert_refused("there are two policy keys already");
    assert_false(is_there("keys/sign-policy.next.pem"));
}

static void a_key_that_is_not_the_roots_issues_nothing(void **state UNUSED)
{
    write_foreign_pair("foreign");
    run_keys("new", "token", "--root-key={dir}/keys/foreign.key");
    assert_refused("is not the key of");
    assert_false(is_there("keys/sign-token.next.pem"));
}

static void a_roots_key_that_others_may_read_is_not_used(void **state UNUSED)
{
    char *path = file_join(mp.dir, "offline/root.key");
    assert_int_equal(chmod(path, 0644), 0);
    free(path);
    run_keys("new", "token", NULL);
    assert_refused("root.key");
    assert_false(is_there("keys/sign-token.next.pem"));
}

static void a_roots_key_that_is_kept_elsewhere_is_named(void **state UNUSED)
{
    move("offline/root.key", "elsewhere.key");
    run_keys("new", "token", NULL);
    assert_refused("root.key");
    assert_non_null(strstr(ran.err, "--root-key FILE"));
    run_keys("new", "token", "--root-key={dir}/elsewhere.key");
    assert_done();
}

/* --- activate --- */

static void a_key_of_tokens_signs_when_it_was_told_for_an_hour(void **state UNUSED)
{
    char *present = text_of("keys/sign-token.pem");
    run_keys("new", "token", NULL);
    set_age("keys/sign-token.next.pem", HOUR_S - 60);
    run_keys("activate", "token", NULL);
    assert_refused("the next key is told for 59 minutes");
    assert_same_file("keys/sign-token.pem", present);
    set_age("keys/sign-token.next.pem", HOUR_S + 1);
    run_keys("activate", "token", NULL);
    assert_done();
    assert_listed("bundle signs, policy signs, token signs, token old");
    free(present);
}

static void what_signs_next_is_the_next_pair_and_the_present_certificate_is_kept(void **state UNUSED)
{
    char *present = text_of("keys/sign-token.pem");
    run_keys("new", "token", NULL);
    char *next = text_of("keys/sign-token.next.pem"), *key = text_of("keys/sign-token.next.key");
    run_keys("activate", "token", "--force");
    assert_done();
    assert_same_file("keys/sign-token.pem", next);
    assert_same_file("keys/sign-token.key", key);
    assert_same_file("keys/sign-token.old.pem", present);
    assert_false(is_there("keys/sign-token.next.pem"));
    assert_false(is_there("keys/sign-token.next.key"));
    assert_false(is_there("keys/sign-token.old.key")); /* nothing signs by it again */
    free(present);
    free(next);
    free(key);
}

static void a_key_of_bundles_or_policies_signs_at_once_and_leaves_no_old_one(void **state UNUSED)
{
    static const char *const uses[] = {"bundle", "policy"};
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        run_keys("new", uses[i], NULL);
        assert_done();
        run_keys("activate", uses[i], NULL);
        assert_done();
    }
    assert_listed("bundle signs, policy signs, token signs");
}

static void an_activation_that_broke_off_goes_on_where_it_was(void **state UNUSED)
{
    char *present = text_of("keys/sign-token.pem");
    run_keys("new", "token", NULL);
    char *next = text_of("keys/sign-token.next.pem");
    copy("keys/sign-token.pem", "keys/sign-token.old.pem"); /* after these two steps the power failed */
    move("keys/sign-token.next.key", "keys/sign-token.key");
    run_keys("activate", "token", "--force");
    assert_done();
    assert_same_file("keys/sign-token.pem", next);
    assert_same_file("keys/sign-token.old.pem", present);
    free(present);
    free(next);
}

static void a_certificate_of_another_root_never_signs(void **state UNUSED)
{
    char *present = text_of("keys/sign-bundle.pem");
    write_foreign_pair("sign-bundle.next");
    run_keys("activate", "bundle", "--force");
    assert_refused("was not issued by this site's root");
    assert_same_file("keys/sign-bundle.pem", present);
    free(present);
}

static void a_certificate_without_its_key_never_signs(void **state UNUSED)
{
    char *present = text_of("keys/sign-bundle.pem");
    run_keys("new", "bundle", NULL);
    copy("keys/sign-token.key", "keys/sign-bundle.next.key");
    run_keys("activate", "bundle", "--force");
    assert_refused("is not its key");
    assert_same_file("keys/sign-bundle.pem", present);
    free(present);
}

static void without_a_next_key_there_is_nothing_to_activate(void **state UNUSED)
{
    run_keys("activate", "token", "--force");
    assert_refused("there is no next token key: cmg keys new");
}

/* --- retire --- */

static void an_old_key_is_retired_when_no_token_of_it_can_be_renewed(void **state UNUSED)
{
    copy("keys/sign-token.pem", "keys/sign-token.old.pem");
    set_age("keys/sign-token.old.pem", 180 * DAY_S - HOUR_S);
    run_keys("retire", "token", NULL);
    assert_refused("may still be renewed for 0 days");
    set_age("keys/sign-token.old.pem", DAY_S * 10);
    run_keys("retire", "token", NULL);
    assert_refused("may still be renewed for 170 days");
    assert_true(is_there("keys/sign-token.old.pem"));
    set_age("keys/sign-token.old.pem", 180 * DAY_S);
    run_keys("retire", "token", NULL);
    assert_done();
    assert_listed("bundle signs, policy signs, token signs");
}

static void an_old_key_is_retired_at_once_when_that_is_meant(void **state UNUSED)
{
    copy("keys/sign-token.pem", "keys/sign-token.old.pem");
    run_keys("retire", "token", "--force");
    assert_done();
    assert_false(is_there("keys/sign-token.old.pem"));
}

static void without_an_old_key_there_is_nothing_to_retire(void **state UNUSED)
{
    run_keys("retire", "token", "--force");
    assert_refused("there is no old token key");
}

/* --- what is told --- */

static void a_management_point_that_does_not_take_the_keys_is_a_failure(void **state UNUSED)
{
    fake_mp_set(&mp, fake_mp_answer(500, "{\"title\":\"keys can't be read\"}"));
    run_keys("new", "policy", NULL);
    assert_int_equal(ran.code, CTL_FAILED);
    assert_string_equal(ran.out, "");
    assert_true(is_there("keys/sign-policy.next.pem")); /* it is made; what failed is the telling */
}

static void a_folder_that_is_no_site_has_no_keys(void **state UNUSED)
{
    RUN(&ran, &mp, "keys", "list", "--dir", "{dir}/offline");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "there are no signing keys below it"));
    assert_non_null(strstr(ran.err, "remedy: --dir is the folder that cmg init made"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_use_of_a_new_site_has_one_key_that_signs),
        TEST(a_next_key_is_issued_by_the_sites_root_under_the_name_of_the_present_one),
        TEST(a_next_key_is_for_its_owner_alone),
        TEST(without_the_present_certificate_there_is_no_next_key),
        TEST(without_a_use_it_is_the_key_of_tokens),
        TEST(of_each_use_there_are_two_keys_at_most),
        TEST(a_key_that_is_not_the_roots_issues_nothing),
        TEST(a_roots_key_that_others_may_read_is_not_used),
        TEST(a_roots_key_that_is_kept_elsewhere_is_named),
        TEST(a_key_of_tokens_signs_when_it_was_told_for_an_hour),
        TEST(what_signs_next_is_the_next_pair_and_the_present_certificate_is_kept),
        TEST(a_key_of_bundles_or_policies_signs_at_once_and_leaves_no_old_one),
        TEST(an_activation_that_broke_off_goes_on_where_it_was),
        TEST(a_certificate_of_another_root_never_signs),
        TEST(a_certificate_without_its_key_never_signs),
        TEST(without_a_next_key_there_is_nothing_to_activate),
        TEST(an_old_key_is_retired_when_no_token_of_it_can_be_renewed),
        TEST(an_old_key_is_retired_at_once_when_that_is_meant),
        TEST(without_an_old_key_there_is_nothing_to_retire),
        TEST(a_management_point_that_does_not_take_the_keys_is_a_failure),
        TEST(a_folder_that_is_no_site_has_no_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
