/* SPDX-License-Identifier: Apache-2.0 */
/* See home.h. */
#include "home.h"

#include <ftw.h>
#include <unistd.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "bundle/document.h"
#include "pki/issue/issue.h"

/* --- the signer --- */

static X509 *issue(enum pki_profile profile, const char *uri, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *cert;
    struct error err;
    const struct pki_request r = {.profile = profile,
                                  .common_name = "test",
                                  .uri = uri,
                                  .not_before = NOW - DAY,
                                  .not_after = NOW + 300 * DAY,
                                  .subject_key = key,
                                  .issuer = issuer,
                                  .issuer_key = issuer_key};
    if (pki_issue(&r, &cert, &err) != OK)
        fail_msg("%s", err.text);
    return cert;
}

static struct document_signer *make_signer(EVP_PKEY *key, X509 *root, EVP_PKEY *root_key)
{
    struct document_signer *s;
    struct error err;
    X509 *cert = issue(PKI_SIGNING, "urn:opencmg:LAB:signing:bundle", key, root, root_key);
    char *key_pem = pki_key_pem(key), *cert_pem = pki_cert_pem(cert), *root_pem = pki_cert_pem(root);
    if (document_signer_new(slice_of(key_pem), slice_of(cert_pem), slice_of(root_pem), &s, &err) != OK)
        fail_msg("%s", err.text);
    mem_free_secret(key_pem, strlen(key_pem));
    free(cert_pem);
    free(root_pem);
    X509_free(cert);
    return s;
}

static char *sign(const struct document_signer *s, const struct home *h, int64_t sequence, const char *crls,
                  const char *more)
{
    char *text;
    struct error err;
    struct document d = {.type = DOCUMENT_BUNDLE,
                         .site = "LAB",
                         .audience = "gateway",
                         .sequence = sequence,
                         .issued = NOW,
                         .expires = NOW + DAY};
    d.content = kit_content(h->k, more);
    if (crls)
        assert_int_equal(json_object_set_new(d.content, "crls", json_loads(crls, 0, NULL)), 0);
    if (document_sign(s, &d, &text, &err) != OK)
        fail_msg("%s", err.text);
    document_done(&d);
    return text;
}

char *home_sign(const struct home *h, int64_t sequence, const char *crls, const char *more)
{
    return sign(h->signer, h, sequence, crls, more);
}

char *home_forge(const struct home *h, int64_t sequence)
{
    EVP_PKEY *key = pki_key_new();
    X509 *root = issue(PKI_SITE_ROOT, NULL, key, NULL, NULL);
    struct document_signer *other = make_signer(h->sign_key, root, key);
    char *text = sign(other, h, sequence, NULL, "");
    document_signer_free(other);
    X509_free(root);
    EVP_PKEY_free(key);
    return text;
}

/* --- life --- */

static void on_put(void *ctx)
{
    ((struct home *)ctx)->puts++;
}

int home_setup(void **state)
{
    struct home *h = mem_zalloc(sizeof *h);
    void *kit;
    cstr_copy(h->state, sizeof h->state, "/tmp/cmg-home-XXXXXX");
    if (!mkdtemp(h->state) || kit_setup(&kit) != 0)
        return -1;
    h->k = kit;
    h->loop = h->k->judge.loop;
    fake_wall_s = NOW;
    fake_mono_ms = loop_now_ms(h->loop);
    h->root_key = pki_key_new();
    h->sign_key = pki_key_new();
    h->root = issue(PKI_SITE_ROOT, NULL, h->root_key, NULL, NULL);
    h->signer = make_signer(h->sign_key, h->root, h->root_key);
    h->config.state = h->state;
    cstr_copy(h->config.bootstrap.site, sizeof h->config.bootstrap.site, "LAB");
    pki_cert_sha256(h->root, h->config.bootstrap.pin);
    h->inside.reaches = "site source";
    (void)!gateway_tunnels_add(&h->tunnels, &h->inside);
    snapshot_current_init(&h->current, on_put, h);
    h->home = (struct snapshot_home){h->loop, &h->tunnels, &h->config, &h->current};
    way_reset();
    *state = h;
    return 0;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int kind UNUSED, struct FTW *ftw UNUSED)
{
    return remove(path);
}

int home_teardown(void **state)
{
    struct home *h = *state;
    void *kit = h->k;
    fake_loop_settle(h->loop);
    if (h->current.snapshot != &h->k->snapshot)
        snapshot_unref(h->current.snapshot);
    document_signer_free(h->signer);
    X509_free(h->root);
    EVP_PKEY_free(h->root_key);
    EVP_PKEY_free(h->sign_key);
    way_reset();
    assert_int_equal(nftw(h->state, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(h);
    return kit_teardown(&kit);
}

void home_pass(struct home *h, uint64_t ms)
{
    fake_loop_pass(h->loop, ms);
    fake_mono_ms = loop_now_ms(h->loop);
}

bool home_has_file(const struct home *h, const char *name)
{
    char *path = file_join(h->state, name);
    bool ret = file_exists(path);
    free(path);
    return ret;
}

void home_write_file(const struct home *h, const char *name, const char *text)
{
    struct error err;
    char *path = file_join(h->state, name);
    if (file_write(path, slice_of(text), 0600, &err) != OK)
        fail_msg("%s", err.text);
    free(path);
}
