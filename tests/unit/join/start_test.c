/* SPDX-License-Identifier: Apache-2.0 */
/* How a join ends: the command line, the configuration that is checked, the service that is started. systemd and root
 * are the test's (--wrap). */
#include "kit.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "join/command.h"
#include "join/service.h"

/* --- a machine --- */

static struct machine {
    bool root, systemd, has_unit, starts, lacks_systemctl;
} machine;

uid_t __wrap_geteuid(void);
int __wrap_posix_spawnp(pid_t *ret, const char *file, const posix_spawn_file_actions_t *files,
                        const posix_spawnattr_t *attributes, char *const *arguments, char *const *environment);

uid_t __wrap_geteuid(void)
{
    return machine.root ? 0 : 1000;
}

static bool systemctl_says(char *const *arguments)
{
    if (strcmp(arguments[1], "cat") == 0)
        return machine.has_unit && strcmp(arguments[2], "cmg-test.service") == 0 && !arguments[3];
    return machine.starts && strcmp(arguments[1], "enable") == 0 && strcmp(arguments[2], "--now") == 0 &&
           strcmp(arguments[3], "cmg-test.service") == 0 && !arguments[4];
}

int __wrap_posix_spawnp(pid_t *ret, const char *file, const posix_spawn_file_actions_t *files,
                        const posix_spawnattr_t *attributes, char *const *arguments, char *const *environment)
{
    (void)files, (void)attributes, (void)environment;
    if (machine.lacks_systemctl || strcmp(file, "systemctl") != 0)
        return ENOENT;
    *ret = fork();
    if (*ret == 0)
        _exit(systemctl_says(arguments) ? 0 : 1);
    return 0;
}

int __wrap_lstat(const char *path, struct stat *ret);
int __wrap_lstat64(const char *path, struct stat *ret); /* the name of it with offsets of 64 bits */

int __wrap_lstat(const char *path, struct stat *ret)
{
    *ret = (struct stat){.st_mode = S_IFDIR};
    return machine.systemd && strcmp(path, "/run/systemd/system") == 0 ? 0 : -1;
}

int __wrap_lstat64(const char *path, struct stat *ret)
{
    return __wrap_lstat(path, ret);
}

/* --- starting --- */

static bool start(struct kit *k, struct machine m)
{
    machine = m;
    struct join_starter *s = join_starter_new("cmg-test.service");
    assert_int_equal(s != NULL, m.root);
    bool ok = join_starter_start(s, &k->report, "cmg-test --config x");
    join_starter_free(s);
    return ok;
}

static void a_service_that_systemd_has_is_started_and_told(void **state)
{
    struct kit *k = *state;
    assert_true(start(k, (struct machine){.root = true, .systemd = true, .has_unit = true, .starts = true}));
    assert_non_null(strstr(kit_did(k), "Started the service cmg-test.service"));
    assert_string_equal(kit_todo(k), "");
}

static void one_that_does_not_start_is_told_with_where_to_look(void **state)
{
    struct kit *k = *state;
    assert_false(start(k, (struct machine){.root = true, .systemd = true, .has_unit = true}));
    assert_non_null(strstr(kit_todo(k), "systemctl status cmg-test.service"));
    assert_string_equal(kit_did(k), "");
}

static void where_nobody_starts_it_the_command_is_told(void **state)
{
    struct kit *k = *state;
    static const struct machine machines[] = {
        {.systemd = true, .has_unit = true, .starts = true}, /* not root */
        {.root = true, .has_unit = true, .starts = true},    /* a container */
        {.root = true, .systemd = true, .starts = true},     /* no such unit */
        {.root = true, .systemd = true, .has_unit = true, .starts = true, .lacks_systemctl = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
        assert_true(start(k, machines[i]));
        assert_string_equal(kit_todo(k), "start it: cmg-test --config x");
        assert_string_equal(kit_did(k), "");
        kit_forget(k);
    }
}

static void who_is_never_told_to_start_ends(void **state)
{
    (void)state;
    machine = (struct machine){.root = true, .systemd = true, .has_unit = true, .starts = true};
    join_starter_free(join_starter_new("cmg-test.service")); /* would wait for ever otherwise */
    join_starter_free(NULL);
}

/* --- the end --- */

static struct {
    size_t faults;
    char path[256];
} loading;

static enum result load(const char *path, struct conf_faults *faults)
{
    *faults = (struct conf_faults){0};
    (void)snprintf(loading.path, sizeof loading.path, "%s", path);
    for (size_t i = 0; i < loading.faults; i++)
        conf_fault_add(faults, 0, "fault %zu", i);
    return loading.faults ? R_INVALID : OK;
}

static enum result fits(uint64_t descriptors, struct error *err)
{
    (void)descriptors, (void)err;
    return OK;
}

static const struct conf_log *no_log(void)
{
    static const struct conf_log log = {0};
    return &log;
}

static const struct conf_daemon daemon_of_test = {.name = "cmg-test", .load = load, .fits = fits, .log = no_log};

static void finish(struct kit *k, size_t faults, bool usual, bool no_start)
{
    char path[] = "/etc/test.yaml";
    const struct join_place place = {.config = path, .usual = usual};
    loading.faults = faults;
    machine = (struct machine){0};
    join_finish(&k->report, &(struct join_options){.no_start = no_start}, &daemon_of_test, &place);
    assert_string_equal(loading.path, path);
}

static void a_configuration_without_faults_is_told_and_started(void **state)
{
    struct kit *k = *state;
    finish(k, 0, true, false);
    assert_non_null(strstr(kit_did(k), "no fault found"));
    assert_string_equal(kit_todo(k), "start it: cmg-test --config /etc/test.yaml");
}

static void each_fault_is_to_be_mended_before_it_is_started(void **state)
{
    struct kit *k = *state;
    finish(k, 2, true, false);
    assert_string_equal(kit_did(k), "");
    assert_int_equal(json_array_size(k->report.todo), 3);
    static const char *const lines[] = {"mend /etc/test.yaml: fault 0", "mend /etc/test.yaml: fault 1",
                                        "then start it: cmg-test --config /etc/test.yaml"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_string_equal(json_string_value(json_array_get(k->report.todo, i)), lines[i]);
}

/* --- the command line --- */

static bool parse(int argc, const char **argv, struct join_options *ret, int *ret_exit, char **ret_said)
{
    struct options {
        struct join_options common;
    } o = {0};
    static const struct opt opts[] = {JOIN_OPTS(struct options, common), {0}};
    static const struct opt_command cmd = {"cmg-test join STRING", "Joins.", opts, 0, 1};
    const char **args;
    size_t count;
    kit_print_here(2);
    bool ok = join_parse(&cmd, "cmg-test", argc, (char **)(uintptr_t)argv, &o, &args, &count, ret_exit);
    *ret_said = kit_printed();
    *ret = o.common;
    if (ok)
        assert_int_equal(count, 1);
    return ok;
}

static void the_options_that_all_have_are_read(void **state)
{
    struct join_options o;
    int code;
    char *said;
    (void)state;
    const char *argv[] = {"STRING", "--dir", "/d", "--no-start", "--json", "--file", "/f", NULL};
    assert_true(parse(7, argv, &o, &code, &said));
    assert_string_equal(o.dir, "/d");
    assert_string_equal(o.file, "/f");
    assert_true(o.no_start);
    assert_true(o.json);
    assert_string_equal(said, "");
    free(said);
}

static void an_option_that_is_none_is_told_with_a_remedy(void **state)
{
    struct join_options o;
    int code = 0;
    char *said;
    (void)state;
    const char *argv[] = {"--dri", "/d", NULL};
    assert_false(parse(2, argv, &o, &code, &said));
    assert_int_equal(code, JOIN_EXIT_USAGE);
    assert_non_null(strstr(said, "cmg-test: "));
    assert_non_null(strstr(said, "remedy: cmg-test join --help"));
    free(said);
}

static void who_asks_for_help_has_done_nothing_wrong(void **state)
{
    struct join_options o;
    int code = 9;
    char *said;
    (void)state;
    const char *argv[] = {"--help", NULL};
    int was = dup(1), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)fflush(stdout);
    (void)dup2(nowhere, 1);
    bool ok = parse(1, argv, &o, &code, &said);
    (void)fflush(stdout);
    (void)dup2(was, 1);
    (void)close(was);
    (void)close(nowhere);
    assert_false(ok);
    assert_int_equal(code, 0);
    assert_string_equal(said, "");
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_service_that_systemd_has_is_started_and_told),
        TEST(one_that_does_not_start_is_told_with_where_to_look),
        TEST(where_nobody_starts_it_the_command_is_told),
        TEST(who_is_never_told_to_start_ends),
        TEST(a_configuration_without_faults_is_told_and_started),
        TEST(each_fault_is_to_be_mended_before_it_is_started),
        cmocka_unit_test(the_options_that_all_have_are_read),
        cmocka_unit_test(an_option_that_is_none_is_told_with_a_remedy),
        cmocka_unit_test(who_asks_for_help_has_done_nothing_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
