/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of what joins: what is made, with which modes, and what is there already and stays. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host/file.h"
#include "join/place.h"
#include "pki/issue/issue.h"

static struct join_place opened(struct kit *k)
{
    struct join_place p;
    if (join_place_open(&k->report, "connector", k->dir, &p, &k->err) != OK)
        fail_msg("%s", k->err.text);
    kit_forget(k);
    return p;
}

static void put(const char *path, const char *text, mode_t mode)
{
    assert_int_equal(file_write(path, slice_of(text), mode, NULL), OK);
}

/* --- opening --- */

static void a_folder_of_ones_own_holds_everything(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    static const char *const names[] = {"connector.yaml", "connector.bootstrap.json", "connector-state",
                                        "connector.joining.key"};
    const char *const paths[] = {p.config, p.bootstrap, p.state, p.pending_key};
    assert_false(p.usual);
    assert_string_equal(p.dir, k->dir);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *expected = file_join(k->dir, names[i]);
        assert_string_equal(paths[i], expected);
        free(expected);
    }
    join_place_free(&p);
    assert_null(p.config);
}

static void folders_that_are_missing_are_made_for_their_owner_alone(void **state)
{
    struct kit *k = *state;
    struct join_place p;
    char *dir = file_join(k->dir, "new");
    assert_int_equal(join_place_open(&k->report, "gateway", dir, &p, &k->err), OK);
    assert_int_equal(kit_mode(dir), 0700);
    assert_int_equal(kit_mode(p.state), 0700);
    assert_int_equal(json_array_size(k->report.done), 2);
    join_place_free(&p);
    kit_forget(k);
    assert_int_equal(join_place_open(&k->report, "gateway", dir, &p, &k->err), OK);
    assert_string_equal(kit_did(k), ""); /* both are there */
    join_place_free(&p);
    free(dir);
}

static void a_folder_is_told_by_its_whole_path(void **state)
{
    struct kit *k = *state;
    struct join_place p;
    char winding[128];
    (void)snprintf(winding, sizeof winding, "%s/../%s/.", k->dir, strrchr(k->dir, '/') + 1);
    assert_int_equal(join_place_open(&k->report, "connector", winding, &p, &k->err), OK);
    assert_string_equal(p.dir, k->dir);
    join_place_free(&p);
}

static void who_has_joined_already_is_told_as_what(void **state)
{
    struct kit *k = *state;
    struct join_place p;
    free(kit_put(k, "connector.bootstrap.json", "{}", 0600));
    assert_int_equal(join_place_open(&k->report, "connector", k->dir, &p, &k->err), R_CONFLICT);
    assert_non_null(strstr(k->err.text, "joined already, as connector ?"));
    assert_non_null(strstr(k->err.text, "/connector.bootstrap.json is there"));
    assert_non_null(strstr(k->err.remedy, "--dir"));
    assert_null(p.dir); /* nothing is left to free */
    char *state_folder = file_join(k->dir, "connector-state");
    assert_false(file_exists(state_folder));
    free(state_folder);
    assert_int_equal(join_place_open(&k->report, "gateway", k->dir, &p, &k->err), OK); /* which is another's file */
    join_place_free(&p);
}

static void a_folder_that_cannot_be_made_is_told_with_what_helps(void **state)
{
    struct kit *k = *state;
    struct join_place p;
    char *file = kit_put(k, "file", "", 0600), *below = file_join(file, "folder");
    assert_int_not_equal(join_place_open(&k->report, "connector", below, &p, &k->err), OK);
    assert_non_null(strstr(k->err.text, below));
    assert_non_null(strstr(k->err.remedy, "--dir"));
    assert_null(p.dir);
    free(below);
    free(file);
}

/* --- the key --- */

static EVP_PKEY *key_of(struct kit *k, const struct join_place *p)
{
    EVP_PKEY *key;
    if (join_place_key(p, &key, &k->err) != OK)
        fail_msg("%s", k->err.text);
    return key;
}

static void who_was_stopped_goes_on_with_the_same_key(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    EVP_PKEY *first = key_of(k, &p), *again = key_of(k, &p);
    assert_int_equal(EVP_PKEY_eq(first, again), 1);
    assert_int_equal(kit_mode(p.pending_key), 0600);
    EVP_PKEY_free(first);
    EVP_PKEY_free(again);
    join_place_free(&p);
}

static void a_key_that_is_none_gives_way_to_a_new_one(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    EVP_PKEY *first = key_of(k, &p);
    char *text = kit_text(k, p.pending_key);
    text[strlen(text) / 2] = '\0';
    put(p.pending_key, text, 0600);
    EVP_PKEY *other = key_of(k, &p), *again = key_of(k, &p);
    assert_int_not_equal(EVP_PKEY_eq(first, other), 1);
    assert_int_equal(EVP_PKEY_eq(other, again), 1);
    EVP_PKEY_free(first);
    EVP_PKEY_free(other);
    EVP_PKEY_free(again);
    free(text);
    join_place_free(&p);
}

static void a_key_that_others_can_read_is_not_used(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    EVP_PKEY *key = key_of(k, &p);
    EVP_PKEY_free(key);
    assert_int_equal(chmod(p.pending_key, 0640), 0);
    assert_int_equal(join_place_key(&p, &key, &k->err), R_DENIED);
    assert_non_null(strstr(k->err.text, "chmod 600"));
    join_place_free(&p);
}

static void a_key_that_cannot_be_kept_is_none(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    EVP_PKEY *key = NULL;
    free(p.pending_key);
    p.pending_key = file_join(k->dir, "nowhere/key");
    assert_int_not_equal(join_place_key(&p, &key, &k->err), OK);
    assert_null(key);
    join_place_free(&p);
}

/* --- files --- */

static void a_bootstrap_file_that_is_kept_ends_the_key_that_waited(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    EVP_PKEY_free(key_of(k, &p));
    assert_int_equal(join_place_keep(&k->report, &p, "{\"a\": 1}", &k->err), OK);
    char *text = kit_text(k, p.bootstrap);
    assert_string_equal(text, "{\"a\": 1}");
    assert_int_equal(kit_mode(p.bootstrap), 0600);
    assert_false(file_exists(p.pending_key));
    assert_non_null(strstr(kit_did(k), p.bootstrap));
    free(text);
    join_place_free(&p);
}

static void a_bootstrap_file_that_is_not_kept_leaves_the_key(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    EVP_PKEY_free(key_of(k, &p));
    free(p.bootstrap);
    p.bootstrap = file_join(k->dir, "nowhere/file");
    assert_int_not_equal(join_place_keep(&k->report, &p, "{}", &k->err), OK);
    assert_true(file_exists(p.pending_key));
    assert_string_equal(kit_did(k), "");
    join_place_free(&p);
}

static void a_configuration_is_written_where_there_is_none(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    assert_int_equal(join_place_configure(&k->report, &p, "bootstrap: x\n", &k->err), OK);
    char *text = kit_text(k, p.config);
    assert_string_equal(text, "bootstrap: x\n");
    assert_int_equal(kit_mode(p.config), 0644);
    assert_non_null(strstr(kit_did(k), "Wrote the configuration"));
    assert_string_equal(kit_todo(k), "");
    free(text);
    join_place_free(&p);
}

static void one_that_is_there_stays_and_what_it_lacks_is_told(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    static const struct {
        const char *text;
        bool names_it;
    } cases[] = {
        {"bootstrap: /a", true},
        {"\nbootstrap: /a", true},
        {"state: /b\n\nbootstrap:", true},
        {"state: /b\r\nbootstrap: /a\r\n", true},
        {"", false},
        {"\n", false},
        {"state: /b\n", false},
        {"# bootstrap: /a\n", false},
        {"x:\n  bootstrap: /a\n", false},
        {"bootstrap_of: /a\n", false},
        {"xbootstrap: /a\n", false},
        {"state: bootstrap: /a\n", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put(p.config, cases[i].text, 0600);
        assert_int_equal(join_place_configure(&k->report, &p, "bootstrap: new\n", &k->err), OK);
        char *text = kit_text(k, p.config);
        assert_string_equal(text, cases[i].text);
        assert_non_null(strstr(kit_did(k), "Left the configuration"));
        if (!*kit_todo(k) != cases[i].names_it)
            fail_msg("case %zu: %s", i, kit_todo(k));
        assert_true(cases[i].names_it || strstr(kit_todo(k), p.bootstrap));
        kit_forget(k);
        free(text);
    }
    join_place_free(&p);
}

static void a_configuration_that_cannot_be_read_is_told(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    assert_int_equal(mkdir(p.config, 0700), 0);
    assert_int_not_equal(join_place_configure(&k->report, &p, "x", &k->err), OK);
    assert_non_null(strstr(k->err.text, p.config));
    join_place_free(&p);
}

/* --- the service's user --- */

static struct stat owned(uid_t user, gid_t group, mode_t mode)
{
    return (struct stat){.st_uid = user, .st_gid = group, .st_mode = S_IFREG | mode};
}

static void a_services_user_reads_what_its_owner_group_or_everybody_may(void **state)
{
    (void)state;
    const struct stat folder = owned(900, 901, 0700);
    const struct {
        struct stat file;
        bool may;
    } cases[] = {
        {owned(900, 0, 0600), true},    {owned(0, 0, 0600), false},   {owned(0, 0, 0604), true},
        {owned(0, 901, 0640), true},    {owned(0, 901, 0600), false}, {owned(0, 902, 0640), false},
        {owned(900, 901, 0044), false}, /* an owner is not asked as one of the group or of all */
        {owned(0, 901, 0604), false},   /* nor one of the group as one of all */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (join_place_may_read(&cases[i].file, &folder) != cases[i].may)
            fail_msg("case %zu", i);
    }
}

static void root_reads_everything(void **state)
{
    (void)state;
    const struct stat folder = owned(0, 0, 0700), file = owned(5, 5, 0);
    assert_true(join_place_may_read(&file, &folder));
}

static void of_what_is_not_there_nothing_is_said(void **state)
{
    struct kit *k = *state;
    struct join_place p = opened(k);
    assert_true(join_place_readable(&k->report, &p, "/nowhere/file"));
    char *own = kit_put(k, "own", "", 0600);
    assert_true(join_place_readable(&k->report, &p, own));
    assert_string_equal(kit_todo(k), "");
    free(own);
    join_place_free(&p);
}

static void a_file_that_the_services_user_cannot_read_is_to_be_given_to_it(void **state)
{
    struct kit *k = *state;
    if (geteuid() != 0)
        skip(); /* who is not root gives nothing away */
    struct join_place p = opened(k);
    char *file = kit_put(k, "server.key", "", 0600);
    assert_int_equal(chown(p.state, 900, 901), 0);
    assert_false(join_place_readable(&k->report, &p, file));
    assert_non_null(strstr(kit_todo(k), "chown --reference="));
    assert_non_null(strstr(kit_todo(k), file));
    free(file);
    join_place_free(&p);
}

static void a_bootstrap_file_is_given_to_the_services_user(void **state)
{
    struct kit *k = *state;
    struct stat st;
    if (geteuid() != 0)
        skip();
    struct join_place p = opened(k);
    assert_int_equal(chown(p.state, 900, 901), 0);
    assert_int_equal(join_place_keep(&k->report, &p, "{}", &k->err), OK);
    assert_int_equal(stat(p.bootstrap, &st), 0);
    assert_int_equal(st.st_uid, 900);
    assert_int_equal(st.st_gid, 901);
    join_place_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_folder_of_ones_own_holds_everything),
        TEST(folders_that_are_missing_are_made_for_their_owner_alone),
        TEST(a_folder_is_told_by_its_whole_path),
        TEST(who_has_joined_already_is_told_as_what),
        TEST(a_folder_that_cannot_be_made_is_told_with_what_helps),
        TEST(who_was_stopped_goes_on_with_the_same_key),
        TEST(a_key_that_is_none_gives_way_to_a_new_one),
        TEST(a_key_that_others_can_read_is_not_used),
        TEST(a_key_that_cannot_be_kept_is_none),
        TEST(a_bootstrap_file_that_is_kept_ends_the_key_that_waited),
        TEST(a_bootstrap_file_that_is_not_kept_leaves_the_key),
        TEST(a_configuration_is_written_where_there_is_none),
        TEST(one_that_is_there_stays_and_what_it_lacks_is_told),
        TEST(a_configuration_that_cannot_be_read_is_told),
        cmocka_unit_test(a_services_user_reads_what_its_owner_group_or_everybody_may),
        cmocka_unit_test(root_reads_everything),
        TEST(of_what_is_not_there_nothing_is_said),
        TEST(a_file_that_the_services_user_cannot_read_is_to_be_given_to_it),
        TEST(a_bootstrap_file_is_given_to_the_services_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
