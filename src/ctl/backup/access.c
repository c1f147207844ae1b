/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases from files and from people, certificates and keys from files (access.h). */
#include "ctl/backup/access.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "pki/cert/cert.h"

enum { PEM_MAX = 256 * 1024 };

void backup_access_free(struct backup_access *a)
{
    for (size_t i = 0; i < a->count; i++)
        X509_free(a->certificates[i]);
    EVP_PKEY_free(a->key);
    explicit_bzero(a, sizeof *a);
}

struct archive_lock backup_access_lock(const struct backup_access *a)
{
    return (struct archive_lock){slice_of(a->passphrase), a->certificates, a->count};
}

struct archive_key backup_access_key(const struct backup_access *a)
{
    return (struct archive_key){.passphrase = slice_of(a->passphrase), .key = a->key};
}

/* --- passphrases --- */

#define REMEDY_PASSPHRASE "write it into a file of mode 0600 and name that with --passphrase-file; - is standard input"

static enum result read_file(const char *path, char ret[BACKUP_PASSPHRASE_SIZE], struct error *err)
{
    char *text;
    size_t len;
    enum result r = strcmp(path, "-") == 0 ? OK : file_check_private(path, err);
    if (r == OK)
        r = file_read_text(path, BACKUP_PASSPHRASE_SIZE, &text, &len, err);
    if (r != OK)
        return r;
    struct slice rest = slice_make(text, len), line = slice_cut(&rest, '\n');
    if (slice_ends(line, SLICE("\r")))
        line.len--;
    if (!slice_to_cstr(line, ret, BACKUP_PASSPHRASE_SIZE))
        r = error_set(err, R_INVALID, "its first line is no passphrase: it is too long, or holds a NUL");
    mem_free_secret(text, len);
    return r;
}

static enum result ask(const char *words, char ret[BACKUP_PASSPHRASE_SIZE], struct error *err)
{
    if (readpassphrase(words, ret, BACKUP_PASSPHRASE_SIZE, RPP_REQUIRE_TTY))
        return OK;
    (void)error_set(err, R_INVALID, "there is no terminal to ask for the passphrase at");
    error_remedy(err, REMEDY_PASSPHRASE);
    return R_INVALID;
}

static enum result ask_twice(char ret[BACKUP_PASSPHRASE_SIZE], struct error *err)
{
    char again[BACKUP_PASSPHRASE_SIZE];
    enum result r = ask("Passphrase for the backup: ", ret, err);
    if (r == OK)
        r = ask("The same once more: ", again, err);
    if (r == OK && strcmp(ret, again) != 0)
        r = error_set(err, R_INVALID, "the two passphrases differ");
    explicit_bzero(again, sizeof again);
    return r;
}

static enum result check(const char *passphrase, struct error *err)
{
    if (strlen(passphrase) >= BACKUP_PASSPHRASE_MIN)
        return OK;
    (void)error_set(err, R_INVALID, "the passphrase has less than %d bytes", BACKUP_PASSPHRASE_MIN);
    error_remedy(err, "take five words or more, such as: openssl rand -base64 24");
    return R_INVALID;
}

/* --- certificates and keys --- */

static enum result read_certificate(const char *path, X509 **ret, struct error *err)
{
    char *text;
    size_t len;
    enum result r = file_read_text(path, PEM_MAX, &text, &len, err);
    if (r != OK)
        return r;
    r = pki_cert_read(slice_make(text, len), ret, err);
    free(text);
    return r == OK ? OK : error_prefix(err, "%s", path);
}

static enum result read_key(const char *path, EVP_PKEY **ret, struct error *err)
{
    char *text;
    size_t len;
    enum result r = file_check_private(path, err);
    if (r == OK)
        r = file_read_text(path, PEM_MAX, &text, &len, err);
    if (r != OK)
        return r;
    r = pki_key_read(slice_make(text, len), ret, err);
    mem_free_secret(text, len);
    return r == OK ? OK : error_prefix(err, "%s", path);
}

static enum result read_certificates(const struct opt_list *files, struct backup_access *ret, struct error *err)
{
    enum result r = OK;
    for (; ret->count < files->count && r == OK; ret->count += r == OK)
        r = read_certificate(files->items[ret->count], &ret->certificates[ret->count], err);
    return r;
}

/* --- both --- */

int backup_access_new(const struct ctl_common *common, const struct opt_list *certificates, const char *passphrase_file,
                      struct backup_access *ret)
{
    struct error err = {0};
    enum result r;
    *ret = (struct backup_access){0};
    if (certificates->count && passphrase_file)
        return ctl_usage("--certificate or --passphrase-file, not both");
    if (certificates->count > ARCHIVE_CERTIFICATES_MAX)
        return ctl_usage("at most %d certificates", ARCHIVE_CERTIFICATES_MAX);
    if (certificates->count) {
        r = read_certificates(certificates, ret, &err);
    } else {
        r = passphrase_file ? read_file(passphrase_file, ret->passphrase, &err) : ask_twice(ret->passphrase, &err);
        if (r == OK)
            r = check(ret->passphrase, &err);
    }
    return r == OK ? CTL_DONE : ctl_fail_error(common, &err, NULL, err.remedy);
}

int backup_access_open(const struct ctl_common *common, const char *path, const char *key_file,
                       const char *passphrase_file, struct backup_access *ret)
{
    struct error err = {0};
    enum archive_kind kind;
    *ret = (struct backup_access){0};
    if (key_file && passphrase_file)
        return ctl_usage("--key or --passphrase-file, not both");
    enum result r = archive_kind(path, &kind, &err);
    if (r == OK && kind == ARCHIVE_BY_CERTIFICATE && !key_file) {
        r = error_set(&err, R_DENIED, "the key of a certificate opens it");
        error_remedy(&err, "name that key: --key FILE");
    } else if (r == OK && kind == ARCHIVE_BY_PASSPHRASE && key_file) {
        r = error_set(&err, R_DENIED, "a passphrase opens it");
        error_remedy(&err, "leave --key out");
    } else if (r == OK && key_file) {
        r = read_key(key_file, &ret->key, &err);
    } else if (r == OK) {
        r = passphrase_file ? read_file(passphrase_file, ret->passphrase, &err)
                            : ask("Passphrase of the backup: ", ret->passphrase, &err);
    }
    return r == OK ? CTL_DONE : ctl_fail_error(common, &err, path, err.remedy);
}
