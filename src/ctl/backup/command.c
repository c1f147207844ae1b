/* SPDX-License-Identifier: Apache-2.0 */
/* cmg site backup, verify and restore: options, and what is told. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "ctl/backup/access.h"
#include "ctl/backup/backup.h"
#include "ctl/command.h"
#include "ctl/out.h"
#include "ctl/request.h"

enum { WIDTH = 100 };

struct backup_options {
    struct ctl_common common;
    const char *config, *passphrase_file, *key, *dir, *store;
    struct opt_list certificates;
    bool force, outside;
};

#define AT(member) offsetof(struct backup_options, member)
#define PASSPHRASE                                                                                                     \
    {                                                                                                                  \
        .name = "passphrase-file", .kind = OPT_TEXT, .offset = AT(passphrase_file), .value = "FILE",                   \
        .help = "its first line is the passphrase (mode 0600; - is standard input); without it the terminal asks"      \
    }
#define KEY                                                                                                            \
    {                                                                                                                  \
        .name = "key", .kind = OPT_TEXT, .offset = AT(key), .value = "FILE",                                           \
        .help = "private key (PEM) of a certificate that it was made for"                                              \
    }

static const struct opt backup_opts[] = {
    {.name = "config",
     .kind = OPT_TEXT,
     .offset = AT(config),
     .value = "FILE",
     .help = "the site's mp.yaml (default " BACKUP_CONFIG_DEFAULT ")"},
    PASSPHRASE,
    {.name = "certificate",
     .kind = OPT_LIST,
     .offset = AT(certificates),
     .value = "FILE",
     .help = "encrypt to this certificate (RSA or EC), so that only its private key opens it; may be repeated"},
    {.name = "force", .kind = OPT_FLAG, .offset = AT(force), .help = "write over FILE if it is there"},
    CTL_OPT_JSON(struct backup_options),
    CTL_OPT_END,
};
static const struct opt verify_opts[] = {PASSPHRASE, KEY, CTL_OPT_JSON(struct backup_options), CTL_OPT_END};
static const struct opt restore_opts[] = {
    {.name = "dir",
     .kind = OPT_TEXT,
     .offset = AT(dir),
     .value = "DIR",
     .help = "where mp.yaml and the keys go (default: where they were)"},
    {.name = "store",
     .kind = OPT_TEXT,
     .offset = AT(store),
     .value = "URL|sqlite",
     .help = "keep the site in this empty PostgreSQL database, or in SQLite (default: as it was)"},
    {.name = "outside",
     .kind = OPT_FLAG,
     .offset = AT(outside),
     .help = "with --key: write files outside of that folder, too, which anybody could have put into it"},
    PASSPHRASE,
    KEY,
    CTL_OPT_JSON(struct backup_options),
    CTL_OPT_END,
};
static const struct backup_options defaults = {.config = BACKUP_CONFIG_DEFAULT};

/* --- what it holds --- */

static json_t *outside_of(const json_t *about)
{
    json_t *ret = json_array();
    for (size_t i = 0; i < backup_about_count(about); i++) {
        const char *path = backup_about_file(about, i).path;
        if (*path == '/')
            (void)json_array_append_new(ret, json_string(path));
    }
    return ret;
}

static json_t *summary(const char *file, const json_t *about)
{
    static const char *const told[] = {"site", "pin", "made", "version", "host", "dir", "store", "root_key", "rows"};
    json_t *ret = json_pack("{s:s, s:I}", "file", file, "files", (json_int_t)backup_about_count(about));
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        (void)json_object_set(ret, told[i], json_object_get(about, told[i]));
    (void)json_object_set_new(ret, "outside", outside_of(about));
    return ret;
}

/* It goes to a terminal, and anybody may have made the file. */
static const char *shown(const char *text)
{
    return utf8_all_shown(slice_of(text)) ? text : "(what no terminal is to see)";
}

static void print_outside(const json_t *summary)
{
    const json_t *path;
    size_t i;
    json_array_foreach(json_object_get(summary, "outside"), i, path)
        (void)printf("Of another folder: %s\n", shown(json_string_value(path)));
}

static void print_holdings(const json_t *summary)
{
    static const struct {
        const char *table, *one;
    } told[] = {{"device", "devices"},         {"gateway", "gateways"}, {"connector", "connectors"},
                {"endpoint", "endpoints"},     {"policy", "policies"},  {"bulk_token", "bulk tokens"},
                {"trust", "anchors and lists"}};
    const json_t *rows = json_object_get(summary, "rows");
    char made[CLOCK_TEXT_SIZE];
    clock_rfc3339(json_opt_int(summary, "made", 0), made);
    (void)printf("Site %s (pin %s)\nMade at %s on %s by version %s, from %s, store %s\nHolds",
                 shown(json_opt_str(summary, "site", "")), shown(json_opt_str(summary, "pin", "")), made,
                 shown(json_opt_str(summary, "host", "")), shown(json_opt_str(summary, "version", "")),
                 shown(json_opt_str(summary, "dir", "")), shown(json_opt_str(summary, "store", "")));
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        (void)printf("%s %lld %s", i ? "," : "", (long long)json_opt_int(rows, told[i].table, 0), told[i].one);
    (void)printf("; %lld files, the site root's key %s\n", (long long)json_opt_int(summary, "files", 0),
                 json_opt_bool(summary, "root_key", false) ? "among them" : "not among them");
    print_outside(summary);
}

/* Takes `whole`. */
static int tell(const struct backup_options *o, json_t *whole, const char *head)
{
    if (o->common.json) {
        ctl_print_answer(whole);
    } else {
        (void)printf("%s\n", head);
        print_holdings(whole);
    }
    json_decref(whole);
    return CTL_DONE;
}

static int fail(const struct backup_options *o, const struct error *err, const char *where)
{
    return ctl_fail_error(&o->common, err, where, err->remedy);
}

/* --- backup --- */

static enum result make(const struct backup_options *o, const char *file, const struct archive_lock *lock,
                        struct archive_made *made, json_t **about, struct error *err)
{
    struct archive *a = NULL;
    enum result r = archive_make(file, o->force, lock, &a, err);
    if (r != OK)
        return r;
    r = backup_write(o->config, a, about, err);
    if (r == OK)
        r = archive_end(a, made, err);
    archive_free(a);
    return r;
}

static int backup(const void *options, const char **args, size_t n UNUSED)
{
    const struct backup_options *o = options;
    struct backup_access access;
    struct archive_made made;
    struct error err = {0};
    json_t *about = NULL;
    if (strcmp(args[0], "-") == 0)
        return ctl_usage("a backup is read again when it is made: name a file, not -");
    int code = backup_access_new(&o->common, &o->certificates, o->passphrase_file, &access);
    const struct archive_lock lock = backup_access_lock(&access);
    enum result r = code == CTL_DONE ? make(o, args[0], &lock, &made, &about, &err) : R_INVALID;
    if (code == CTL_DONE && r != OK)
        code = fail(o, &err, args[0]);
    if (code == CTL_DONE) {
        json_t *whole = summary(args[0], about);
        (void)json_object_set_new(whole, "bytes", json_integer((json_int_t)made.bytes));
        (void)json_object_set_new(whole, "parts", json_integer((json_int_t)made.parts));
        code = tell(o, whole, "Backup made, read again and found whole");
    }
    json_decref(about);
    backup_access_free(&access);
    return code;
}

/* --- verify --- */

static int open_and_look(const struct backup_options *o, const char *file, struct backup_access *access, json_t **ret)
{
    struct error err = {0};
    int code = backup_access_open(&o->common, file, o->key, o->passphrase_file, access);
    if (code != CTL_DONE)
        return code;
    const struct archive_key key = backup_access_key(access);
    return backup_verify(file, &key, ret, &err) == OK ? CTL_DONE : fail(o, &err, file);
}

static int verify(const void *options, const char **args, size_t n UNUSED)
{
    const struct backup_options *o = options;
    struct backup_access access;
    json_t *about = NULL;
    int code = open_and_look(o, args[0], &access, &about);
    backup_access_free(&access);
    if (code == CTL_DONE)
        code = tell(o, summary(args[0], about), "The backup is whole");
    json_decref(about);
    return code;
}

/* --- restore --- */

static json_t *what_is_left(const json_t *about)
{
    char made[CLOCK_TEXT_SIZE];
    clock_rfc3339(json_opt_int(about, "made", 0), made);
    json_t *todo = json_array();
    (void)json_array_append_new(
        todo, json_sprintf("See that the site which this is a copy of (on %s) does not run any more: two with the same "
                           "keys and names contradict each other.",
                           json_opt_str(about, "host", "")));
    (void)json_array_append_new(
        todo, json_string("Does this machine have another name or address? Correct url and listen in mp.yaml, and a "
                          "certificate for that name; or lead the old name here."));
    (void)json_array_append_new(todo, json_string("Start the site: systemctl start cmg-mp"));
    (void)json_array_append_new(
        todo, json_sprintf("What was done since %s is gone, make it again: first device, gateway and connector blocks "
                           "and removals, then endpoints, policies and tokens.",
                           made));
    (void)json_array_append_new(
        todo,
        json_string("Gateways and connectors that joined since are unknown, and one that ran on the lost machine "
                    "itself is not in the backup: cmg gateway add (cmg connector add) with the same id and --join "
                    "(--renew where the site knows it), and let it join again. Devices that registered since "
                    "register again."));
    (void)json_array_append_new(
        todo, json_string("Gateways and connectors follow within a minute. While cmg status tells store_went_back, "
                          "look at what is named there; then: cmg restore done"));
    return todo;
}

static void print_left(const json_t *todo)
{
    const json_t *line;
    size_t i;
    (void)printf("\nNow:\n");
    json_array_foreach(todo, i, line) {
        (void)printf("  %zu. ", i + 1);
        ctl_wrap(stdout, json_string_value(line), 5, WIDTH);
    }
}

static int tell_restored(const struct backup_options *o, const char *file, const json_t *about)
{
    json_t *whole = summary(file, about), *todo = what_is_left(about);
    (void)json_object_set(whole, "todo", todo);
    int code = tell(o, whole, "Restored");
    if (!o->common.json)
        print_left(todo);
    json_decref(todo);
    return code;
}

static int restore(const void *options, const char **args, size_t n UNUSED)
{
    const struct backup_options *o = options;
    const struct backup_target to = {o->dir, o->store, o->outside || !o->key}; /* a passphrase is its maker's, too */
    struct backup_access access;
    struct error err = {0};
    json_t *about = NULL;
    int code = open_and_look(o, args[0], &access, &about);
    const struct archive_key key = backup_access_key(&access);
    if (code == CTL_DONE && backup_restore(args[0], &key, about, &to, &err) != OK)
        code = fail(o, &err, args[0]);
    if (code == CTL_DONE)
        code = tell_restored(o, args[0], about);
    backup_access_free(&access);
    json_decref(about);
    return code;
}

const struct ctl_command ctl_backup_commands[] = {
    {"site backup", "Write all that makes the site to one encrypted file",
     CTL_RUN_FROM(&defaults, backup, struct backup_options, "cmg site backup FILE [options]",
                  "Write all that makes the site, keys and store, to one encrypted file; the site may run meanwhile.",
                  backup_opts, 1, 1)},
    {"site verify", "Look at a backup: is it whole, of what and when",
     CTL_RUN(verify, struct backup_options, "cmg site verify FILE [options]",
             "Open a backup, look at all of it and tell what it holds; nothing is written.", verify_opts, 1, 1)},
    {"site restore", "Make the site again from a backup",
     CTL_RUN(restore, struct backup_options, "cmg site restore FILE [options]",
             "Make the site again from a backup, where none is; then say what is left to do.", restore_opts, 1, 1)},
    {NULL, NULL, NULL, NULL},
};
