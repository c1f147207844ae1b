/* SPDX-License-Identifier: Apache-2.0 */
/* Links in place of files that are not there. What somebody put there is never touched. */
#include "gateway/obtain/links.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/host/file.h"

/* Where the link leads; "": it is no link. */
static void read_link(const char *path, char ret[PATH_MAX])
{
    ssize_t n = readlink(path, ret, PATH_MAX - 1);
    ret[n > 0 ? n : 0] = '\0';
}

static bool is_ours(const char *path, const char *state)
{
    char to[PATH_MAX], folder[PATH_MAX];
    read_link(path, to);
    return acme_path(state, "", folder) && *to && strncmp(to, folder, strlen(folder)) == 0;
}

static bool is_free(const char *path, const char *state)
{
    struct stat st;
    return path && (lstat(path, &st) != 0 || is_ours(path, state));
}

static enum result make_link(const char *to, const char *at, struct error *err)
{
    char old[PATH_MAX];
    if (strcmp(to, at) == 0)
        return OK;
    read_link(at, old);
    if (strcmp(old, to) == 0)
        return OK;
    if (*old)
        (void)unlink(at);
    enum result r = file_make_parent(at, 0755, err);
    if (r != OK || symlink(to, at) == 0)
        return r;
    r = error_set(err, R_IO, "%s can't be made a link to %s: %s", at, to, strerror(errno));
    error_remedy(err, "run it as root");
    return r;
}

enum result obtain_links_make(struct join_report *report, const struct gateway_config *c, const char *state,
                              const char *host, struct error *err)
{
    char certificate[PATH_MAX], key[PATH_MAX];
    if (!acme_certificate_path(state, host, certificate) || !acme_key_path(state, host, key))
        return error_set(err, R_LIMIT, "the path of the state folder is too long: %.100s…", state);
    const struct tls_identity_files *found = NULL;
    for (size_t i = 0; i < c->server_certificates.count; i++) {
        const struct tls_identity_files *f = gateway_certificate_files(c, i);
        if (f->certificate && f->key && strcmp(f->certificate, certificate) == 0 && strcmp(f->key, key) == 0)
            return OK;
        if (!found && is_free(f->certificate, state) && is_free(f->key, state))
            found = f;
    }
    if (!found) {
        join_todo(report,
                  "the configuration names other server certificates, which stay: write under server_certificates: "
                  "  - {certificate: \"%s\", key: \"%s\"}",
                  certificate, key);
        return OK;
    }
    enum result r = make_link(key, found->key, err);
    if (r == OK)
        r = make_link(certificate, found->certificate, err);
    if (r == OK)
        join_did(report, "Made links to what the CA will issue where the configuration looks for it: %s, %s",
                 found->certificate, found->key);
    return r;
}
