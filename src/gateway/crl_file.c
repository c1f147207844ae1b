/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/crl_file.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"

#define FOLDER "crls"

/* Half a file from a crash is never there (file_write); another file under this name is not possible. */
static bool is_there(const char *path, size_t len)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == len;
}

enum result crl_file_put(const char *state, struct slice der, char **ret_path, struct error *err)
{
    unsigned char hash[PKI_SHA256];
    char hex[PKI_HASH_HEX], name[PKI_HASH_HEX + 8];
    if (EVP_Digest(der.ptr, der.len, hash, NULL, EVP_sha256(), NULL) != 1)
        fatal("SHA-256 failed");
    (void)encode_hex(slice_make(hash, sizeof hash), hex);
    (void)snprintf(name, sizeof name, "%s.crl", hex);
    char *folder = file_join(state, FOLDER), *path = file_join(folder, name);
    enum result r = file_make_dirs(folder, 0700, err);
    if (r == OK && !is_there(path, der.len))
        r = file_write(path, der, 0600, err);
    free(folder);
    if (r != OK) {
        free(path);
        path = NULL;
    }
    *ret_path = path;
    return r;
}

static bool named(char *const *paths, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *slash = paths[i] ? strrchr(paths[i], '/') : NULL;
        if (slash && strcmp(slash + 1, name) == 0)
            return true;
    }
    return false;
}

void crl_file_clean(const char *state, char *const *paths, size_t count)
{
    char *folder = file_join(state, FOLDER);
    DIR *d = opendir(folder);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (e->d_name[0] != '.' && !named(paths, count, e->d_name))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        (void)closedir(d);
    free(folder);
}
