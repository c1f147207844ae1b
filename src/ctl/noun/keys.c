/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmg keys new|activate|retire|list: another signing key without stranding anybody (PROTOCOL 1, 4). Of each use there
 * are at most two at once: sign-USE.pem signs; sign-USE.next.pem is told to everybody already and signs later;
 * sign-USE.old.pem signed before, and what it signed still counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/command.h"
#include "ctl/request.h"
#include "ctl/setup/pair.h"
#include "pki/key/key.h"
#include "json/json.h"

enum {
    PEM_MAX = 64 * 1024,
    SIGNING_DAYS = 5 * 365,
    TOLD_S = 3600,                /* how long a key is told before it signs */
    TOKENS_S = (90 + 90) * 86400, /* a device token's life and the longest usual grace */
};

struct keys_options {
    struct ctl_common common;
    const char *dir, *use, *root_key;
    bool force;
};

static const struct opt keys_opts[] = {
    {.name = "dir",
     .kind = OPT_TEXT,
     .offset = offsetof(struct keys_options, dir),
     .value = "DIR",
     .help = "the folder that cmg init made",
     .required = true},
    {.name = "use",
     .kind = OPT_CHOICE,
     .offset = offsetof(struct keys_options, use),
     .value = "token|bundle|policy",
     .choices = "token|bundle|policy",
     .help = "what it signs (default token)"},
    {.name = "root-key",
     .kind = OPT_TEXT,
     .offset = offsetof(struct keys_options, root_key),
     .value = "FILE",
     .help = "new: the site root's key, or the URI of one in an HSM (default DIR/offline/root.key)"},
    {.name = "force",
     .kind = OPT_FLAG,
     .offset = offsetof(struct keys_options, force),
     .help = "activate: although it was told for less than an hour; retire: although tokens of it may still count"},
    CTL_OPT_JSON(struct keys_options),
    CTL_OPT_SOCKET(struct keys_options),
    CTL_OPT_END,
};

/* --- files --- */

static char *key_path(const struct keys_options *o, const char *which, const char *ending)
{
    char name[64];
    (void)snprintf(name, sizeof name, "keys/sign-%s%s%s%s", o->use, *which ? "." : "", which, ending);
    return file_join(o->dir, name);
}

static bool there(const struct keys_options *o, const char *which, const char *ending)
{
    char *path = key_path(o, which, ending);
    bool ret = file_exists(path);
    free(path);
    return ret;
}

/* Seconds since the file was written. */
static int64_t age(const struct keys_options *o, const char *which)
{
    struct stat st;
    char *path = key_path(o, which, ".pem");
    int64_t ret = stat(path, &st) == 0 ? clock_wall_s() - (int64_t)st.st_mtime : 0;
    free(path);
    return ret;
}

static enum result move(const struct keys_options *o, const char *from, const char *to, const char *ending,
                        struct error *err)
{
    char *a = key_path(o, from, ending), *b = key_path(o, to, ending);
    enum result r = OK;
    if (rename(a, b) != 0)
        r = error_set(err, R_IO, "%s can't become %s", a, b);
    free(a);
    free(b);
    return r;
}

static enum result read_cert(const char *path, X509 **ret, struct error *err)
{
    char *text;
    size_t len;
    *ret = NULL;
    enum result r = file_read(path, PEM_MAX, &text, &len, err);
    if (r != OK)
        return r;
    r = pki_cert_read(slice_make(text, len), ret, err);
    free(text);
    return r == OK ? OK : error_prefix(err, "%s", path);
}

static enum result read_present(const struct keys_options *o, const char *which, X509 **ret, struct error *err)
{
    char *path = key_path(o, which, ".pem");
    enum result r = read_cert(path, ret, err);
    free(path);
    return r;
}

/* --- new --- */

static enum result read_root(const struct keys_options *o, struct ctl_pair *ret, struct error *err)
{
    char *pem = file_join(o->dir, "keys/root.pem"), *fallback = file_join(o->dir, "offline/root.key");
    const char *path = o->root_key ? o->root_key : fallback;
    enum result r = read_cert(pem, &ret->cert, err);
    if (r == OK)
        r = pki_key_take(path, &ret->key, NULL, err);
    if (r == OK && X509_check_private_key(ret->cert, ret->key) != 1)
        r = error_set(err, R_INVALID, "%s is not the key of %s", path, pem);
    free(pem);
    free(fallback);
    return r;
}

/* The new one says the same of itself as the present one. */
static enum result make_keys(const struct keys_options *o, const struct ctl_pair *root, struct error *err)
{
    X509 *present;
    static const char prefix[] = "urn:opencmg:";
    char uri[160], name[96], file[32], *dir = file_join(o->dir, "keys");
    struct ctl_pair made = {0};
    enum result r = read_present(o, "", &present, err);
    if (r == OK && !pki_cert_uri(present, prefix, uri, sizeof uri))
        r = error_set(err, R_INVALID, "the present signing certificate has no urn:opencmg: name");
    if (r == OK) {
        (void)snprintf(name, sizeof name, "OpenCMG %.40s signing", uri + strlen(prefix));
        (void)snprintf(file, sizeof file, "sign-%s.next", o->use);
        const struct ctl_pair_request request = {
            .profile = PKI_SIGNING, .common_name = name, .uri = uri, .days = SIGNING_DAYS, .issuer = root};
        r = ctl_pair_make(&request, &made, err);
    }
    if (r == OK)
        r = ctl_pair_save(&made, dir, file, NULL, err);
    ctl_pair_free(&made);
    X509_free(present);
    free(dir);
    return r;
}

static enum result make_next(const struct keys_options *o, struct error *err)
{
    struct ctl_pair root = {0};
    if (there(o, "next", ".pem") || there(o, "old", ".pem"))
        return error_set(err, R_CONFLICT, "there are two %s keys already: activate the next one, or retire the old one",
                         o->use);
    enum result r = read_root(o, &root, err);
    if (r == OK)
        r = make_keys(o, &root, err);
    ctl_pair_free(&root);
    return r;
}

/* --- activate, retire --- */

/* A copy first: at no moment is there no certificate of the present key. An attempt that broke off goes on here. */
static enum result keep_old(const struct keys_options *o, struct error *err)
{
    char *from = key_path(o, "", ".pem"), *to = key_path(o, "old", ".pem"), *text;
    size_t len;
    bool kept = file_exists(to);
    enum result r = kept ? OK : file_read(from, PEM_MAX, &text, &len, err);
    if (r == OK && !kept) {
        r = file_write(to, slice_make(text, len), 0644, err);
        free(text);
    }
    free(from);
    free(to);
    return r;
}

/* Certificate and key belong together and to this site's root. Without its own file, the key was moved already. */
static enum result check_next(const struct keys_options *o, struct error *err)
{
    char *root_path = file_join(o->dir, "keys/root.pem");
    char *path = key_path(o, there(o, "next", ".key") ? "next" : "", ".key");
    X509 *root = NULL, *next = NULL;
    EVP_PKEY *key = NULL;
    enum result r = read_cert(root_path, &root, err);
    if (r == OK)
        r = read_present(o, "next", &next, err);
    if (r == OK)
        r = pki_key_take(path, &key, NULL, err);
    if (r == OK && (X509_verify(next, X509_get0_pubkey(root)) != 1 || X509_check_private_key(next, key) != 1))
        r = error_set(err, R_INVALID, "sign-%s.next.pem was not issued by this site's root, or %s is not its key",
                      o->use, path);
    X509_free(root);
    X509_free(next);
    EVP_PKEY_free(key);
    free(root_path);
    free(path);
    return r;
}

static enum result activate(const struct keys_options *o, struct error *err)
{
    if (!there(o, "next", ".pem"))
        return error_set(err, R_NOTFOUND, "there is no next %s key: cmg keys new", o->use);
    if (strcmp(o->use, "token") == 0 && age(o, "next") < TOLD_S && !o->force)
        return error_set(
            err, R_AGAIN,
            "the next key is told for %lld minutes; wait for an hour, that gateways which were out of reach "
            "may know it (--force: now)",
            (long long)age(o, "next") / 60);
    enum result r = check_next(o, err);
    if (r == OK && strcmp(o->use, "token") == 0)
        r = keep_old(o, err);
    if (r == OK && there(o, "next", ".key"))
        r = move(o, "next", "", ".key", err);
    return r == OK ? move(o, "next", "", ".pem", err) : r;
}

static enum result retire(const struct keys_options *o, struct error *err)
{
    if (!there(o, "old", ".pem"))
        return error_set(err, R_NOTFOUND, "there is no old %s key", o->use);
    if (age(o, "old") < TOKENS_S && !o->force)
        return error_set(err, R_AGAIN,
                         "device tokens of the old key may still be renewed for %lld days; their devices would need a "
                         "bulk token (--force: now)",
                         (long long)(TOKENS_S - age(o, "old")) / 86400);
    char *path = key_path(o, "old", ".pem");
    enum result r = unlink(path) == 0 ? OK : error_set(err, R_IO, "%s can't be removed", path);
    free(path);
    return r;
}

/* --- commands --- */

/* The management point takes over what changed on disk. */
static int tell_done(const struct keys_options *o, const char *done)
{
    json_t *answer;
    int code = ctl_send(&o->common, "POST", "/v1/keys/reload", NULL, &answer);
    json_decref(answer);
    if (code != CTL_DONE)
        return code;
    if (o->common.json)
        (void)printf("{\"use\": \"%s\"}\n", o->use);
    else
        (void)printf(done, o->use);
    return CTL_DONE;
}

typedef enum result change_fn(const struct keys_options *o, struct error *err);

static const struct keys_options keys_defaults = {.use = "token"};

static int run_change(const struct keys_options *o, change_fn *change, const char *done, const char *remedy)
{
    struct error err;
    if (change(o, &err) != OK)
        return ctl_fail_error(&o->common, &err, o->dir, remedy);
    return tell_done(o, done);
}

static int new_key(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    return run_change(options, make_next,
                      "the next %s key is told to gateways and devices; activate it in an hour: cmg keys activate\n",
                      "the site root's key is needed: --root-key FILE");
}

static int activate_key(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    return run_change(options, activate,
                      "the new %s key signs from now on; what the old one signed counts until it is retired\n",
                      "see: cmg keys list");
}

static int retire_key(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    return run_change(options, retire, "the old %s key counts no more\n", "see: cmg keys list");
}

static void list_one(const struct keys_options *o, const char *which, const char *state, json_t *list)
{
    X509 *cert;
    struct error err;
    if (!there(o, which, ".pem") || read_present(o, which, &cert, &err) != OK)
        return;
    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "use", o->use, "state", state, "age",
                                                (json_int_t)age(o, which), "not_after",
                                                (json_int_t)pki_cert_not_after(cert)));
    X509_free(cert);
}

static const struct ctl_column columns[] = {{"USE", "use", CTL_TEXT, NULL},
                                            {"STATE", "state", CTL_TEXT, NULL},
                                            {"UNTIL", "not_after", CTL_TIME, NULL},
                                            {NULL, NULL, CTL_TEXT, NULL}};

static int list_keys(const void *options, const char **args UNUSED, size_t n UNUSED)
{
    static const char *const uses[] = {"bundle", "policy", "token"};
    struct keys_options o = *(const struct keys_options *)options;
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        o.use = uses[i];
        list_one(&o, "", "signs", list);
        list_one(&o, "next", "next", list);
        list_one(&o, "old", "old", list);
    }
    if (json_array_size(list) == 0) {
        struct error err;
        json_decref(list);
        (void)error_set(&err, R_NOTFOUND, "there are no signing keys below it");
        return ctl_fail_error(&o.common, &err, o.dir, "--dir is the folder that cmg init made");
    }
    if (o.common.json) {
        json_t *whole = json_pack("{s:O}", "keys", list);
        ctl_print_answer(whole);
        json_decref(whole);
    } else {
        ctl_table(stdout, list, columns, "");
    }
    json_decref(list);
    return CTL_DONE;
}

const struct ctl_command ctl_keys_commands[] = {
    {"keys new", "Make the next signing key and tell everybody",
     CTL_RUN_FROM(&keys_defaults, new_key, struct keys_options, "cmg keys new --dir DIR [options]",
                  "Make the next signing key, and let everybody know it.", keys_opts, 0, 0)},
    {"keys activate", "Sign with the next key from now on",
     CTL_RUN_FROM(&keys_defaults, activate_key, struct keys_options, "cmg keys activate --dir DIR [options]",
                  "Sign with the next key from now on.", keys_opts, 0, 0)},
    {"keys retire", "Let what the old key signed count no more",
     CTL_RUN_FROM(&keys_defaults, retire_key, struct keys_options, "cmg keys retire --dir DIR [options]",
                  "Let what the old key signed count no more.", keys_opts, 0, 0)},
    {"keys list", "List the signing keys",
     CTL_RUN(list_keys, struct keys_options, "cmg keys list --dir DIR [options]", "List the signing keys.", keys_opts,
             0, 0)},
    {NULL, NULL, NULL, NULL},
};
