/* SPDX-License-Identifier: Apache-2.0 */
/* Files of one folder, each named by its host; whoever else might have put something there is not believed. */
#include "gateway/obtain/challenge.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/gather.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "gateway/obtain/host.h"
#include "pki/cert/cert.h"
#include "pki/cert/host.h"
#include "pki/issue/issue.h"

enum { FILE_MAX = 8 * 1024, SKEW_S = 60 * 60 };

#define FOLDER "%s/acme/challenges"
#define END ".pem"

static bool path_of(const char *state, const char *host, char ret[PATH_MAX])
{
    int n = snprintf(ret, PATH_MAX, FOLDER "/%s" END, state, host);
    return n > 0 && n < PATH_MAX;
}

/* --- those who ask for a certificate --- */

/* Drops what a client that was killed has left, and counts the others. */
static size_t sweep(const char *folder)
{
    size_t count = 0;
    DIR *d = opendir(folder);
    struct dirent *e;
    struct stat st;
    while (d && (e = readdir(d))) {
        if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (st.st_mtime + CHALLENGE_S > clock_wall_s() || unlinkat(dirfd(d), e->d_name, 0) != 0)
            count++;
    }
    if (d)
        (void)closedir(d);
    return count;
}

static enum result make(const char *host, const unsigned char *digest, struct buf *ret, struct error *err)
{
    const char *hosts[] = {host, NULL};
    int64_t now = clock_wall_s();
    EVP_PKEY *key = pki_key_new();
    X509 *cert = NULL;
    const struct pki_request q = {.profile = PKI_ACME,
                                  .common_name = "ACME challenge",
                                  .hosts = hosts,
                                  .acme_digest = digest,
                                  .not_before = now - SKEW_S,
                                  .not_after = now + CHALLENGE_S,
                                  .subject_key = key};
    enum result r = pki_issue(&q, &cert, err);
    if (r == OK) {
        char *pem = pki_cert_pem(cert), *key_pem = pki_key_pem(key);
        r = buf_printf(ret, "%s%s", pem, key_pem);
        mem_free_secret(key_pem, strlen(key_pem));
        free(pem);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return r;
}

static enum result check(const char *host, const char *digest, unsigned char ret[PKI_ACME_DIGEST],
                         char ret_host[OBTAIN_HOST_SIZE], struct error *err)
{
    size_t len;
    if (!obtain_host(slice_of(host), ret_host))
        return error_set(err, R_INVALID, "a challenge for '%.100s', which is no DNS name", host);
    if (!decode_base64url(slice_of(digest), ret, PKI_ACME_DIGEST, &len) || len != PKI_ACME_DIGEST)
        return error_set(err, R_INVALID, "the challenge for %s has no SHA-256 in base64url (RFC 8737 3)", ret_host);
    return OK;
}

enum result challenge_begin(const char *state, const char *host, const char *digest, struct error *err)
{
    unsigned char bytes[PKI_ACME_DIGEST];
    char name[OBTAIN_HOST_SIZE], folder[PATH_MAX], path[PATH_MAX];
    enum result r = check(host, digest, bytes, name, err);
    if (r != OK)
        return r;
    if (!path_of(state, name, path))
        return error_set(err, R_LIMIT, "the path of the state folder is too long: %.100s…", state);
    (void)snprintf(folder, sizeof folder, FOLDER, state);
    r = file_make_dirs(folder, 0700, err);
    if (r == OK && sweep(folder) >= CHALLENGES_MAX)
        r = error_set(err, R_LIMIT, "%s: more than %d challenges are pending", folder, CHALLENGES_MAX);
    if (r != OK)
        return r;

    struct buf text;
    buf_init_secret(&text, FILE_MAX);
    r = make(name, bytes, &text, err);
    if (r == OK)
        r = file_write(path, buf_data(&text), 0600, err);
    buf_free(&text);
    return r;
}

void challenge_end(const char *state, const char *host)
{
    char name[OBTAIN_HOST_SIZE], path[PATH_MAX];
    if (obtain_host(slice_of(host), name) && path_of(state, name, path))
        (void)unlink(path);
}

/* --- who listens --- */

static bool has_critical_acme(X509 *cert)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(PKI_ACME_OID, 1);
    int at = oid ? X509_get_ext_by_OBJ(cert, oid, -1) : -1;
    ASN1_OBJECT_free(oid);
    return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(cert, at)) == 1;
}

static enum result judge(struct slice text, const char *host, struct error *err)
{
    X509 *cert;
    enum result r = pki_cert_read(text, &cert, err);
    if (r != OK)
        return r;
    if (!has_critical_acme(cert) || !pki_cert_is_for(cert, host))
        r = error_set(err, R_INVALID, "it is no answer to a challenge for this name");
    else if (pki_cert_not_after(cert) <= clock_wall_s())
        r = error_set(err, R_TIMEOUT, "it has ended");
    X509_free(cert);
    return r;
}

static enum result load(const char *path, const char *host, struct tls_context **ret, struct error *err)
{
    char *text;
    size_t len;
    enum result r = file_read(path, FILE_MAX, &text, &len, err);
    if (r != OK)
        return r;
    struct slice all = slice_make(text, len);
    r = judge(all, host, err);
    if (r == OK)
        r = tls_context_server(&(struct tls_server_options){.identity = {all, all}, .alpn = CHALLENGE_ALPN}, ret, err);
    mem_free_secret(text, len);
    return r;
}

struct tls_context *challenge_context(const char *state, struct slice sni)
{
    struct tls_context *ret = NULL;
    struct stat st;
    struct error err;
    char host[OBTAIN_HOST_SIZE], path[PATH_MAX];
    if (!obtain_host(sni, host) || !path_of(state, host, path) || lstat(path, &st) != 0)
        return NULL;
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)))
        (void)error_set(&err, R_DENIED, "it is no file of this user's alone (mode 0600)");
    else if (load(path, host, &ret, &err) == OK)
        return ret;
    LOG_GATHERED(LOG_WARN, "acme", "", "challenge", "a challenge's file is not believed", LOG_T("file", path),
                 LOG_T("reason", err.text));
    return NULL;
}
