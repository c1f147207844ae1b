/* SPDX-License-Identifier: Apache-2.0 */
/* See served.h. */
#include "served.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "pki/cert/cert.h"

void served_init(struct served *s)
{
    memset(s, 0, sizeof *s);
    cstr_copy(s->folder, sizeof s->folder, "/tmp/cmg-served-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    s->root = MAKE(.cn = "Public root", .ca = true);
    s->config.server_certificates.items = s->files;
}

void served_done(struct served *s)
{
    for (size_t i = 0; i < s->config.server_certificates.count; i++) {
        (void)unlink(s->certificates[i]);
        (void)unlink(s->keys[i]);
        free(s->certificates[i]);
        free(s->keys[i]);
        drop(&s->pairs[i]);
    }
    drop(&s->root);
    (void)rmdir(s->folder);
}

static void write_text(const char *path, const char *text)
{
    struct error err;
    if (file_write(path, slice_of(text), 0600, &err) != OK)
        fail_msg("%s", err.text);
}

static void make_pair(struct served *s, size_t i, const char *names, const char *key, int64_t to)
{
    s->pairs[i] = MAKE(.cn = "server", .issuer = &s->root, .key = key, .to = to,
                       .ext = {{NID_subject_alt_name, names}, {NID_ext_key_usage, "serverAuth"}});
    char *certificate = pki_cert_pem(s->pairs[i].cert), *secret = pki_key_pem(s->pairs[i].key);
    write_text(s->certificates[i], certificate);
    write_text(s->keys[i], secret);
    mem_free_secret(secret, strlen(secret));
    free(certificate);
}

void served_add(struct served *s, const char *names, const char *key, int64_t to)
{
    size_t i = s->config.server_certificates.count++;
    char name[32];
    assert_true(i < SERVED_MAX);
    (void)snprintf(name, sizeof name, "%zu.pem", i);
    s->certificates[i] = file_join(s->folder, name);
    (void)snprintf(name, sizeof name, "%zu.key", i);
    s->keys[i] = file_join(s->folder, name);
    s->files[i] = (struct tls_identity_files){.certificate = s->certificates[i], .key = s->keys[i]};
    make_pair(s, i, names, key, to);
}

void served_renew(struct served *s, size_t i, const char *names, int64_t to)
{
    drop(&s->pairs[i]);
    make_pair(s, i, names, NULL, to);
}

void served_spoil(struct served *s, size_t i)
{
    write_text(s->certificates[i], "no certificate\n");
}
