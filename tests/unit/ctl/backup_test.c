/* SPDX-License-Identifier: Apache-2.0 */
/* cmg site backup, verify and restore: what belongs to a site wherever its mp.yaml is named from, what a backup is
 * opened by, and that a site which is restored is the one that was backed up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/backup/about.h"
#include "ctl/backup/relocate.h"
#include "ctl/setup/site_init.h"
#include "lines.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"
#include "store/store.h"

static struct error err;

static char *within(const char *name)
{
    return file_join(mp.dir, name);
}

static void put(const char *name, const char *text, mode_t mode)
{
    char *path = within(name);
    assert_int_equal(file_write(path, slice_of(text), mode, NULL), OK);
    free(path);
}

static void link_to(const char *target, const char *name)
{
    char *path = within(name);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static char *contents(const char *name)
{
    char *path = within(name), *text;
    size_t len;
    if (file_read(path, 1 << 20, &text, &len, &err) != OK)
        fail_msg("%s", err.text);
    free(path);
    return text;
}

/* A certificate that backups are made for: for.pem and for.key. */
static void write_recipient(void)
{
    X509 *cert;
    EVP_PKEY *key = pki_key_new();
    const struct pki_request r = {.profile = PKI_TLS_CLIENT,
                                  .common_name = "keeper",
                                  .not_before = clock_wall_s() - 10,
                                  .not_after = clock_wall_s() + 1000,
                                  .subject_key = key};
    assert_int_equal(pki_issue(&r, &cert, NULL), OK);
    char *pem = pki_cert_pem(cert), *key_pem = pki_key_pem(key);
    put("for.pem", pem, 0644);
    put("for.key", key_pem, 0600);
    put("open.key", key_pem, 0644);
    free(pem);
    free(key_pem);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* The site site/, with its store. */
static void make_site(void)
{
    char pin[PKI_HASH_HEX], *dir = within("site"), *state = within("site/state"), *db = within("site/state/site.db");
    struct store *store;
    struct site_plan plan = {.dir = dir,
                             .site = "LAB",
                             .paths = site_paths_within,
                             .mps = {{.mode = CHOICE_MP_EHTTP, .listen = "127.0.0.1:1", .url = "https://h:1"}},
                             .mp_count = 1};
    assert_int_equal(site_init(&plan, pin, &err), OK);
    assert_int_equal(store_open(db, true, &store, &err), OK);
    store_close(store);
    free(dir);
    free(state);
    free(db);
}

static int start(void **state UNUSED)
{
    fake_mp_start(&mp);
    make_site();
    write_recipient();
    put("words", "five words or more of it\n", 0600);
    return 0;
}

static int stop(void **state UNUSED)
{
    fake_mp_stop(&mp);
    return 0;
}

/* --- what belongs to a site --- */

/* about.json of the site that this mp.yaml is of; the caller json_decref()s it. */
static json_t *about_of(const char *config)
{
    struct backup_place place;
    json_t *ret = NULL;
    if (backup_place_load(config, &place, &err) != OK || backup_about_make(config, &place, 1, &ret, &err) != OK)
        fail_msg("%s: %s", config, err.text);
    backup_place_free(&place);
    return ret;
}

static bool has_path(const json_t *about, const char *path)
{
    for (size_t i = 0; i < backup_about_count(about); i++) {
        if (strcmp(backup_about_file(about, i).path, path) == 0)
            return true;
    }
    return false;
}

static void expect_path(const json_t *about, const char *path)
{
    if (!has_path(about, path)) {
        char *text = json_text(about);
        fail_msg("%s is not in %s", path, text);
    }
}

static void a_site_is_its_configuration_its_keys_and_what_is_offline(void **state UNUSED)
{
    static const char *const paths[] = {"keys/root.pem",       "keys/role-ca.key",     "keys/role-ca.pem",
                                        "keys/sign-token.key", "keys/sign-bundle.pem", "offline/root.key",
                                        "offline/root.pem"};
    char *config = within("site/mp.yaml");
    json_t *about = about_of(config);
    assert_string_equal(backup_about_file(about, 0).path, "mp.yaml");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        expect_path(about, paths[i]);
    assert_false(has_path(about, "setup.json"));
    assert_true(json_opt_bool(about, "root_key", false));
    assert_string_equal(json_opt_str(about, "site", ""), "LAB");
    json_decref(about);
    put("site/setup.json", "{}", 0600);
    char *offline = within("site/offline");
    remove_tree(offline);
    free(offline);
    about = about_of(config);
    expect_path(about, "setup.json");
    assert_false(json_opt_bool(about, "root_key", true));
    json_decref(about);
    free(config);
}

/* Every list that is made can be restored from: whatever mp.yaml is called, from wherever it is named. */
static void a_site_is_found_by_each_name_of_its_configuration(void **state UNUSED)
{
    static const char *const names[] = {"{dir}/site/mp.yaml",         "{dir}/linked/mp.yaml", "{dir}/by-link/mp.yaml",
                                        "{dir}/site/../site/mp.yaml", "site/mp.yaml",         "{dir}/site/other.yaml"};
    char here[PATH_MAX], *config = contents("site/mp.yaml");
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(mp.dir), 0);
    link_to("site", "linked");
    char *by_link = within("by-link");
    assert_int_equal(mkdir(by_link, 0700), 0);
    link_to("../site/mp.yaml", "by-link/mp.yaml");
    link_to("../site/keys", "by-link/keys");
    link_to("../site/state", "by-link/state");
    put("site/other.yaml", config, 0640);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[256];
        bool in_dir = names[i][0] == '{';
        (void)snprintf(path, sizeof path, "%s%s", in_dir ? mp.dir : "", in_dir ? names[i] + 5 : names[i]);
        json_t *about = about_of(path), *taken = NULL;
        char *text = json_text(about);
        if (backup_about_read(slice_of(text), &taken, &err) != OK || !has_path(taken, "keys/root.pem"))
            fail_msg("%s: %s\n%s", names[i], err.text, text);
        json_decref(taken);
        json_decref(about);
        free(text);
    }
    assert_int_equal(chdir(here), 0);
    free(by_link);
    free(config);
}

static void files_that_the_configuration_names_belong_to_it_once(void **state UNUSED)
{
    char *config = contents("site/mp.yaml"), text[8192], *path = within("site/mp.yaml");
    (void)snprintf(text, sizeof text, "%s", config);
    char *end = strstr(text, "log: {");
    assert_non_null(end);
    (void)snprintf(
        end, sizeof text - (size_t)(end - text),
        "  - {id: \"1\", mode: https, listen: \"127.0.0.1:2\", url: \"https://h:2\", certificate: mp.pem, key: "
        "../for.key, anchors: [mp.pem, none.pem]}\n");
    put("site/mp.yaml", text, 0640);
    put("site/mp.pem", "a certificate", 0644);
    json_t *about = about_of(path);
    size_t times = 0;
    for (size_t i = 0; i < backup_about_count(about); i++) {
        const struct backup_file f = backup_about_file(about, i);
        times += strcmp(f.path, "mp.pem") == 0;
        assert_null(strstr(f.path, "none.pem"));
    }
    assert_int_equal(times, 1);
    json_decref(about);
    free(config);
    free(path);
}

static void modes_are_kept_but_nobody_else_may_write(void **state UNUSED)
{
    char *config = within("site/mp.yaml"), *key = within("site/keys/role-ca.key");
    assert_int_equal(chmod(config, 0666), 0);
    json_t *about = about_of(config);
    assert_int_equal(backup_about_file(about, 0).mode, 0644);
    for (size_t i = 0; i < backup_about_count(about); i++) {
        const struct backup_file f = backup_about_file(about, i);
        if (strcmp(f.path, "keys/role-ca.key") == 0)
            assert_int_equal(f.mode, 0600);
    }
    json_decref(about);
    free(config);
    free(key);
}

static void a_site_without_its_root_makes_no_backup(void **state UNUSED)
{
    char *config = within("site/mp.yaml"), *root = within("site/keys/root.pem");
    struct backup_place place;
    json_t *about = NULL;
    put("site/keys/root.pem", "no certificate", 0644);
    assert_int_equal(backup_place_load(config, &place, &err), OK);
    assert_int_not_equal(backup_about_make(config, &place, 1, &about, &err), OK);
    assert_non_null(strstr(err.text, "root.pem"));
    assert_int_equal(unlink(root), 0);
    assert_int_equal(backup_about_make(config, &place, 1, &about, &err), R_NOTFOUND);
    assert_null(about);
    backup_place_free(&place);
    free(config);
    free(root);
}

static void a_configuration_that_is_none_is_told_with_its_line(void **state UNUSED)
{
    static const struct {
        const char *line;
        const char *told;
    } cases[] = {
        {"site backup {dir}/b --passphrase-file {dir}/words --config {dir}/none.yaml", "there is no such file"},
        {"site backup {dir}/b --passphrase-file {dir}/words --config {dir}/bad.yaml", "bad.yaml:3: "},
        {"site backup - --passphrase-file {dir}/words", "name a file, not -"}};
    put("bad.yaml", "site: LAB\nkeys: [\n", 0644);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        run_line(cases[i].line);
        if (ran.code == CTL_DONE || !strstr(ran.err, cases[i].told))
            fail_msg("cmg %s: exit %d\n%s", cases[i].line, ran.code, ran.err);
    }
    char *backup = within("b");
    assert_false(file_exists(backup));
    free(backup);
}

/* --- a list that is read --- */

static enum result read_list(const char *files)
{
    char text[2048];
    json_t *about = NULL;
    (void)snprintf(
        text, sizeof text,
        "{\"format\": 1, \"site\": \"LAB\", \"pin\": \"00\", \"made\": 1, \"version\": \"1\", \"schema\": 1, "
        "\"host\": \"h\", \"dir\": \"/etc/opencmg\", \"store\": \"sqlite\", \"files\": [%s]}",
        files);
    enum result r = backup_about_read(slice_of(text), &about, &err);
    json_decref(about);
    return r;
}

#define CONFIG "{\"part\": \"site/mp.yaml\", \"path\": \"mp.yaml\", \"mode\": 416, \"of\": \"group\"}"

static void a_list_gives_nobody_else_the_right_to_write(void **state UNUSED)
{
    static const struct {
        int mode;
        bool good;
    } rows[] = {{0600, true},  {0644, true},  {0755, true},   {0, true},      {0622, false},
                {0666, false}, {0733, false}, {04755, false}, {01000, false}, {-1, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char files[512];
        (void)snprintf(files, sizeof files, CONFIG ", {\"part\": \"files/1\", \"path\": \"a\", \"mode\": %d}",
                       rows[i].mode);
        if ((read_list(files) == OK) != rows[i].good)
            fail_msg("%o", (unsigned)rows[i].mode);
    }
}

static void a_list_begins_with_the_configuration_and_names_each_file_once(void **state UNUSED)
{
    static const char *const bad[] = {"",
                                      "7",
                                      "{\"part\": \"site/a\", \"path\": \"a/mp.yaml\"}",
                                      "{\"part\": \"site/a\", \"path\": \"/mp.yaml\"}",
                                      "{\"part\": \"\", \"path\": \"mp.yaml\"}",
                                      CONFIG ", " CONFIG,
                                      CONFIG ", {\"part\": \"files/1\", \"path\": \"mp.yaml\"}",
                                      CONFIG ", {\"part\": \"site/mp.yaml\", \"path\": \"a\"}",
                                      CONFIG ", {\"path\": \"a\"}",
                                      CONFIG ", {\"part\": \"files/1\"}"};
    assert_int_equal(read_list(CONFIG), OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (read_list(bad[i]) != R_INVALID)
            fail_msg("taken: %s", bad[i]);
    }
}

/* --- what opens it --- */

static void a_passphrase_is_the_first_line_of_a_private_file(void **state UNUSED)
{
    static const struct {
        const char *text;
        mode_t mode;
        const char *told;
    } rows[] = {{"twelve bytes\n", 0600, "no such file that this user can see"}, /* taken: the next thing fails */
                {"twelve bytes\r\nmore\n", 0600, "no such file that this user"},
                {"twelve byte\n", 0600, "less than 12 bytes"},
                {"twelve byte\r\n", 0600, "less than 12 bytes"},
                {"\ntwelve bytes\n", 0600, "less than 12 bytes"},
                {"twelve bytes\n", 0644, "/secret"},
                {"", 0600, "less than 12 bytes"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put("secret", rows[i].text, rows[i].mode);
        run_line("site backup {dir}/b --passphrase-file {dir}/secret --config {dir}/none.yaml");
        if (ran.code != CTL_FAILED || !strstr(ran.err, rows[i].told))
            fail_msg("%zu: exit %d, %s", i, ran.code, ran.err);
    }
}

static void what_a_backup_is_made_for_is_one_thing_that_is_there(void **state UNUSED)
{
    static const struct {
        const char *options;
        int code;
        const char *told;
    } rows[] = {{"--certificate {dir}/for.pem --passphrase-file {dir}/words", CTL_USAGE, "not both"},
                {"--certificate {dir}/none.pem", CTL_FAILED, "none.pem"},
                {"--certificate {dir}/words", CTL_FAILED, "/words"},
                {"--passphrase-file {dir}/none", CTL_FAILED, "none"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[256];
        (void)snprintf(line, sizeof line, "site backup {dir}/b %s --config {dir}/site/mp.yaml", rows[i].options);
        run_line(line);
        if (ran.code != rows[i].code || !strstr(ran.err, rows[i].told))
            fail_msg("cmg %s: exit %d, %s", line, ran.code, ran.err);
    }
}

/* --- there and back --- */

static void back_up(const char *config)
{
    char line[256];
    (void)snprintf(line, sizeof line, "site backup {dir}/b --certificate {dir}/for.pem --force --config %s", config);
    run_line(line);
    if (ran.code != CTL_DONE)
        fail_msg("%s", ran.err);
}

static void restore_into(const char *dir)
{
    char line[256];
    (void)snprintf(line, sizeof line, "site restore {dir}/b --key {dir}/for.key --dir {dir}/%s", dir);
    run_line(line);
    if (ran.code != CTL_DONE)
        fail_msg("%s", ran.err);
}

static void expect_same(const char *one, const char *other)
{
    char *a = contents(one), *b = contents(other);
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void a_backup_opens_by_its_key_alone(void **state UNUSED)
{
    static const struct {
        const char *options, *told;
    } rows[] = {{"", "name that key: --key FILE"},
                {" --passphrase-file {dir}/words", "name that key: --key FILE"},
                {" --key {dir}/open.key", "open.key"},
                {" --key {dir}/words", "/words"},
                {" --key {dir}/site/keys/role-ca.key", "that key does not open it"}};
    back_up("{dir}/site/mp.yaml");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[256];
        (void)snprintf(line, sizeof line, "site verify {dir}/b%s", rows[i].options);
        run_line(line);
        if (ran.code != CTL_FAILED || !strstr(ran.err, rows[i].told))
            fail_msg("cmg %s: exit %d, %s", line, ran.code, ran.err);
    }
    run_line("site verify {dir}/b --key {dir}/for.key --passphrase-file {dir}/words");
    assert_int_equal(ran.code, CTL_USAGE);
    run_line("site verify {dir}/b --key {dir}/for.key");
    assert_int_equal(ran.code, CTL_DONE);
    assert_true(slice_starts(slice_of(ran.out), SLICE("The backup is whole\nSite LAB (pin ")));
    assert_non_null(strstr(ran.out, "the site root's key among them"));
}

static void a_site_that_is_restored_is_the_one_that_was_backed_up(void **state UNUSED)
{
    static const char *const configs[] = {"{dir}/site/mp.yaml", "{dir}/linked/mp.yaml", "{dir}/site/other.yaml"};
    char *config = contents("site/mp.yaml");
    put("site/other.yaml", config, 0640);
    link_to("site", "linked");
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        char dir[16], path[64];
        (void)snprintf(dir, sizeof dir, "again%zu", i);
        back_up(configs[i]);
        restore_into(dir);
        (void)snprintf(path, sizeof path, "%s%s", dir, strrchr(configs[i], '/'));
        expect_same(path, "site/mp.yaml");
        (void)snprintf(path, sizeof path, "%s/keys/role-ca.key", dir);
        expect_same(path, "site/keys/role-ca.key");
        (void)snprintf(path, sizeof path, "%s/offline/root.key", dir);
        expect_same(path, "site/offline/root.key");
        (void)snprintf(path, sizeof path, "%s/state/site.db", dir);
        char *db = within(path);
        assert_true(file_exists(db));
        free(db);
    }
    free(config);
}

static size_t files_left;

static int count_file(const char *path UNUSED, const struct stat *st UNUSED, int kind, struct FTW *ftw UNUSED)
{
    files_left += kind != FTW_D;
    return 0;
}

/* Nothing is written over, and nothing of the half stays. */
static void a_site_is_not_restored_over_another(void **state UNUSED)
{
    static const char *const there[] = {"mp.yaml", "keys/role-ca.key", "offline/root.pem", "state/site.db"};
    char *config = contents("site/mp.yaml");
    back_up("{dir}/site/mp.yaml");
    for (size_t i = 0; i < 2 * ARRAY_LEN(there); i++) {
        char *dir = within("other"), *path = file_join(dir, there[i / 2]);
        assert_int_equal(file_make_parent(path, 0700, NULL), OK);
        assert_int_equal(file_write(path, i % 2 ? slice_of(config) : SLICE("another's"), 0600, NULL), OK);
        run_line("site restore {dir}/b --key {dir}/for.key --dir {dir}/other");
        if (ran.code != CTL_FAILED || !strstr(ran.err, "is there already"))
            fail_msg("%s: exit %d, %s", there[i / 2], ran.code, ran.err);
        files_left = 0;
        assert_int_equal(nftw(dir, count_file, 8, FTW_PHYS), 0);
        assert_int_equal(files_left, 1);
        remove_tree(dir);
        free(dir);
        free(path);
    }
    free(config);
}

static void what_is_left_to_do_names_where_and_when_it_was_made(void **state UNUSED)
{
    back_up("{dir}/site/mp.yaml");
    run_line("site restore {dir}/b --key {dir}/for.key --dir {dir}/again --json");
    json_t *told = json_loads(ran.out, 0, NULL);
    const json_t *todo = json_object_get(told, "todo");
    char made[CLOCK_TEXT_SIZE];
    clock_rfc3339(json_opt_int(told, "made", 0), made);
    assert_int_equal(json_array_size(todo), 6);
    assert_non_null(strstr(json_string_value(json_array_get(todo, 0)), json_opt_str(told, "host", "?")));
    assert_non_null(strstr(json_string_value(json_array_get(todo, 3)), made));
    json_decref(told);
}

static void a_backup_that_is_there_is_written_over_when_that_is_said(void **state UNUSED)
{
    put("b", "a backup of before", 0600);
    run_line("site backup {dir}/b --certificate {dir}/for.pem --config {dir}/site/mp.yaml");
    assert_int_equal(ran.code, CTL_FAILED);
    char *kept = contents("b");
    assert_string_equal(kept, "a backup of before");
    free(kept);
    back_up("{dir}/site/mp.yaml");
}

/* --- where it goes --- */

static void a_folder_is_absolute_and_without_a_slash_at_its_end(void **state UNUSED)
{
    static const char *const rows[][2] = {{"/", "/"}, {"//", "/"}, {"/a", "/a"}, {"/a/", "/a"}, {"/a//", "/a"}};
    char here[PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *dir = relocate_dir(rows[i][0]);
        assert_string_equal(dir, rows[i][1]);
        free(dir);
    }
    assert_non_null(getcwd(here, sizeof here));
    char *dir = relocate_dir("a/"), *expected = file_join(here, "a");
    assert_string_equal(dir, expected);
    free(dir);
    free(expected);
}

static void a_store_that_could_not_be_moved_in_the_configuration_is_told(void **state UNUSED)
{
    static const struct {
        const char *is, *wanted;
        bool good;
    } rows[] = {{NULL, NULL, true},
                {"postgresql:///d", NULL, true},
                {NULL, "sqlite", true},
                {"p", "sqlite", false},
                {"postgresql:///d", "postgresql:///d", true},
                {NULL, "p", false},
                {"postgresql:///d", "postgresql:///e", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct backup_place place = {.store = (char *)(uintptr_t)rows[i].is};
        assert_int_equal(relocate_check(&place, rows[i].wanted, &err), rows[i].good ? OK : R_INVALID);
    }
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_site_is_its_configuration_its_keys_and_what_is_offline),
        EACH(a_site_is_found_by_each_name_of_its_configuration),
        EACH(files_that_the_configuration_names_belong_to_it_once),
        EACH(modes_are_kept_but_nobody_else_may_write),
        EACH(a_site_without_its_root_makes_no_backup),
        EACH(a_configuration_that_is_none_is_told_with_its_line),
        cmocka_unit_test(a_list_gives_nobody_else_the_right_to_write),
        cmocka_unit_test(a_list_begins_with_the_configuration_and_names_each_file_once),
        EACH(a_passphrase_is_the_first_line_of_a_private_file),
        EACH(what_a_backup_is_made_for_is_one_thing_that_is_there),
        EACH(a_backup_opens_by_its_key_alone),
        EACH(a_site_that_is_restored_is_the_one_that_was_backed_up),
        EACH(a_site_is_not_restored_over_another),
        EACH(what_is_left_to_do_names_where_and_when_it_was_made),
        EACH(a_backup_that_is_there_is_written_over_when_that_is_said),
        cmocka_unit_test(a_folder_is_absolute_and_without_a_slash_at_its_end),
        cmocka_unit_test(a_store_that_could_not_be_moved_in_the_configuration_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
