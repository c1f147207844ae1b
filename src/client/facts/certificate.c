/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that the device has for itself, with their ends: its own, and those that its settings name. */
#include <dirent.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "client/facts/part.h"
#include "pki/cert/cert.h"

enum { CERTIFICATES_MAX = 64, FILE_MAX = 256 * 1024, A_FILE = 8 };

static void put_certificate(json_t *all, X509 *cert, const char *path)
{
    char hash[PKI_HASH_HEX], subject[512], issuer[512];
    pki_cert_sha256_hex(cert, hash);
    pki_cert_subject(cert, subject, sizeof subject);
    pki_cert_issuer(cert, issuer, sizeof issuer);
    json_t *o = json_object();
    client_facts_put_text(o, "subject", slice_of(subject));
    client_facts_put_text(o, "issuer", slice_of(issuer));
    client_facts_put_text(o, "file", slice_of(path));
    client_facts_put(o, "not_after", json_integer(pki_cert_not_after(cert)));
    client_facts_put(all, hash, o);
}

/* The first of a file is the device's, what follows are CAs. */
static void put_file(json_t *all, const char *path)
{
    char *text;
    size_t len;
    STACK_OF(X509) *list = NULL;
    if (json_object_size(all) >= CERTIFICATES_MAX || file_read(path, FILE_MAX, &text, &len, NULL) != OK)
        return;
    if (pki_cert_read_all(slice_make(text, len), A_FILE, &list, NULL) == OK && sk_X509_num(list) > 0)
        put_certificate(all, sk_X509_value(list, 0), path);
    sk_X509_pop_free(list, X509_free);
    free(text);
}

static void put_folder(json_t *all, const char *folder)
{
    DIR *d = opendir(folder);
    const struct dirent *e;
    while (d && (e = readdir(d))) {
        char *path = file_join(folder, e->d_name);
        if (slice_ends(slice_of(e->d_name), SLICE(".pem")) || slice_ends(slice_of(e->d_name), SLICE(".crt")))
            put_file(all, path);
        free(path);
    }
    if (d)
        (void)closedir(d);
}

json_t *client_facts_certificate(const struct client_facts_of *of)
{
    json_t *all = json_object();
    const char *set = client_setting(of->settings, SETTING_CERTIFICATE),
               *folder = client_setting(of->settings, SETTING_CERTIFICATE_DIR);
    char *own = file_join(of->dir, "certificate.pem");
    put_file(all, own);
    if (set)
        put_file(all, set);
    if (folder)
        put_folder(all, folder);
    free(own);
    return all;
}
