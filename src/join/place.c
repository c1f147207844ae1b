/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and files of the machine that joins. What is there already is never written over. */
#include "join/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/host/file.h"
#include "base/host/owner.h"
#include "base/mem.h"
#include "bundle/role/bootstrap.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"

enum { KEY_MAX = 16 * 1024, CONFIG_MAX = 256 * 1024 };

/* --- where --- */

static char *join_text(const char *dir, const char *kind, const char *end)
{
    char name[80];
    (void)snprintf(name, sizeof name, "%s%s", kind, end);
    return file_join(dir, name);
}

static enum result make_folder(struct join_report *report, const char *path, mode_t mode, struct error *err)
{
    if (file_exists(path))
        return OK;
    enum result r = file_make_dirs(path, mode, err);
    if (r == OK)
        join_did(report, "Made the folder %s", path);
    return r;
}

static enum result check_new(const struct join_place *p, struct error *err)
{
    struct bootstrap b;
    if (!file_exists(p->bootstrap))
        return OK;
    bool readable = bootstrap_read(p->bootstrap, p->kind, &b, NULL) == OK;
    (void)error_set(err, R_CONFLICT, "this machine has joined already, as %s %s of the site %s: %s is there", p->kind,
                    readable ? b.id : "?", readable ? b.site : "?", p->bootstrap);
    error_remedy(err, "nothing, if it is to stay that one; else move that file away (its role goes with: cmg gateway "
                      "remove, or cmg connector remove) and join again, or join in another folder with --dir");
    bootstrap_free(&b);
    return R_CONFLICT;
}

enum result join_place_open(struct join_report *report, const char *kind, const char *dir, struct join_place *ret,
                            struct error *err)
{
    char real[4096], usual_state[80];
    *ret = (struct join_place){.kind = kind, .usual = !dir};
    enum result r = dir ? owner_become_along(dir, err) : OK;
    if (r == OK)
        r = make_folder(report, dir ? dir : JOIN_DIR_DEFAULT, dir ? 0700 : 0755, err);
    if (r == OK && !realpath(dir ? dir : JOIN_DIR_DEFAULT, real))
        r = error_set(err, R_IO, "%s: %s", dir ? dir : JOIN_DIR_DEFAULT, strerror(errno));
    if (r != OK) {
        error_remedy(err, "run it as root; or name a folder of your own with --dir, for a trial");
        return r;
    }
    (void)snprintf(usual_state, sizeof usual_state, "/var/lib/opencmg-%s", kind);
    ret->dir = mem_strdup(real);
    ret->config = join_text(real, kind, ".yaml");
    ret->bootstrap = join_text(real, kind, ".bootstrap.json");
    ret->pending_key = join_text(real, kind, ".joining.key");
    ret->state = dir ? join_text(real, kind, "-state") : mem_strdup(usual_state);
    r = check_new(ret, err);
    if (r == OK && access(real, W_OK | X_OK) != 0) {
        r = error_set(err, R_DENIED, "%s can't be written to: %s", real, strerror(errno));
        error_remedy(err, "run it as root; or name a folder of your own with --dir, for a trial");
    }
    if (r == OK)
        r = make_folder(report, ret->state, 0700, err);
    if (r != OK)
        join_place_free(ret);
    return r;
}

void join_place_free(struct join_place *p)
{
    free(p->dir);
    free(p->config);
    free(p->bootstrap);
    free(p->pending_key);
    free(p->state);
    *p = (struct join_place){0};
}

/* --- the key --- */

static enum result make_key(const struct join_place *p, EVP_PKEY **ret, struct error *err)
{
    *ret = pki_key_new();
    char *pem = pki_key_pem(*ret);
    enum result r = file_write(p->pending_key, slice_of(pem), 0600, err);
    mem_free_secret(pem, strlen(pem));
    if (r != OK) {
        EVP_PKEY_free(*ret);
        *ret = NULL;
    }
    return r;
}

enum result join_place_key(const struct join_place *p, EVP_PKEY **ret, struct error *err)
{
    char *pem;
    size_t len;
    if (!file_exists(p->pending_key))
        return make_key(p, ret, err);
    enum result r = file_check_private(p->pending_key, err);
    if (r == OK)
        r = file_read(p->pending_key, KEY_MAX, &pem, &len, err);
    if (r != OK)
        return r;
    r = pki_key_read(slice_make(pem, len), ret, err);
    mem_free_secret(pem, len);
    return r == OK ? OK : make_key(p, ret, err); /* a half of one is of no use to anybody */
}

/* --- files --- */

enum result join_place_keep(struct join_report *report, const struct join_place *p, const char *bootstrap,
                            struct error *err)
{
    enum result r = file_write(p->bootstrap, slice_of(bootstrap), 0600, err);
    if (r == OK)
        r = owner_give(p->bootstrap, p->state, err);
    if (r != OK)
        return r;
    (void)unlink(p->pending_key);
    join_did(report, "Wrote the bootstrap file %s (mode 0600)", p->bootstrap);
    return OK;
}

/* By its own key, wherever it stands. */
static bool names_bootstrap(const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "bootstrap:", strlen("bootstrap:")) == 0)
            return true;
        if (!*line)
            break;
    }
    return false;
}

static enum result look_at_own(struct join_report *report, const struct join_place *p, struct error *err)
{
    char *text;
    size_t len;
    enum result r = file_read(p->config, CONFIG_MAX, &text, &len, err);
    if (r != OK)
        return r;
    join_did(report, "Left the configuration %s as it is", p->config);
    if (!names_bootstrap(text))
        join_todo(report, "write into %s: bootstrap: %s", p->config, p->bootstrap);
    free(text);
    return OK;
}

enum result join_place_configure(struct join_report *report, const struct join_place *p, const char *text,
                                 struct error *err)
{
    if (file_exists(p->config))
        return look_at_own(report, p, err);
    enum result r = file_write(p->config, slice_of(text), 0644, err);
    if (r == OK)
        join_did(report, "Wrote the configuration %s", p->config);
    return r;
}

/* As the kernel asks: the first of owner, group and all that fits decides. */
bool join_place_may_read(const struct stat *file, const struct stat *state)
{
    if (state->st_uid == 0)
        return true;
    mode_t bit = file->st_uid == state->st_uid ? S_IRUSR : file->st_gid == state->st_gid ? S_IRGRP : S_IROTH;
    return file->st_mode & bit;
}

bool join_place_readable(struct join_report *report, const struct join_place *p, const char *path)
{
    struct stat file, state;
    if (stat(path, &file) != 0 || stat(p->state, &state) != 0 || join_place_may_read(&file, &state))
        return true;
    join_todo(report, "give %s to the user that the service runs as: chown --reference=%s %s", path, p->state, path);
    return false;
}
