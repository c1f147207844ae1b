/* SPDX-License-Identifier: Apache-2.0 */
/* What cmg makes on disk: a site's keys and mp.yaml, the evaluation PKI; and how quickstart takes failing programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/x509.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "ctl/setup/eval_pki.h"
#include "ctl/setup/ports.h"
#include "ctl/setup/site_init.h"
#include "fake_mp.h"
#include "pki/role.h"

static char dir[64];
static struct ran ran;

static int make_dir(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/cmg-site-test-XXXXXX");
    return mkdtemp(dir) ? 0 : 1;
}

static int remove_dir(void **state)
{
    (void)state;
    remove_tree(dir);
    return 0;
}

static char *read_text(const char *name)
{
    char *path = file_join(dir, name), *text;
    size_t len;
    struct error err;
    if (file_read(path, 1 << 20, &text, &len, &err) != OK)
        fail_msg("%s: %s", path, err.text);
    free(path);
    return text;
}

static X509 *read_cert(const char *name)
{
    char *text = read_text(name);
    X509 *cert = NULL;
    struct error err;
    if (pki_cert_read(slice_of(text), &cert, &err) != OK)
        fail_msg("%s: %s", name, err.text);
    free(text);
    return cert;
}

static mode_t mode_of(const char *name)
{
    char *path = file_join(dir, name);
    struct stat st;
    if (stat(path, &st) != 0)
        fail_msg("%s is missing", path);
    free(path);
    return st.st_mode & 0777;
}

static void make_site(void)
{
    struct site_plan plan = {.dir = dir,
                             .site = "LAB",
                             .paths = {"state", "a \"quoted\".sock", "mp.log", "access.log"},
                             .mps = {{.mode = CHOICE_MP_EHTTP, .listen = "127.0.0.1:1", .url = "https://h:1"}},
                             .mp_count = 1};
    char pin[PKI_HASH_HEX];
    struct error err;
    if (site_init(&plan, pin, &err) != OK)
        fail_msg("%s", err.text);
    X509 *root = read_cert("keys/root.pem");
    unsigned char hash[PKI_SHA256];
    char hex[PKI_HASH_HEX];
    pki_cert_sha256(root, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), hex);
    assert_string_equal(pin, hex);
    X509_free(root);
    assert_true(strlen(plan.mps[0].id) >= 17 && strlen(plan.mps[0].id) <= 20);
}

static void signing_keys_of_a_new_site_pass_the_judge_of_roles(void **state)
{
    (void)state;
    make_site();
    char *root = read_text("keys/root.pem");
    static const char *const uses[] = {"bundle", "policy", "token"};
    for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
        char kind[32], file[64], id[PKI_ROLE_ID_MAX];
        struct pki_role_judge *judge;
        struct error err;
        (void)snprintf(kind, sizeof kind, "signing:%s", uses[i]);
        (void)snprintf(file, sizeof file, "keys/sign-%s.pem", uses[i]);
        assert_int_equal(pki_role_judge_new(slice_of(root), "LAB", kind, &judge, &err), OK);
        X509 *cert = read_cert(file);
        if (pki_role_check(judge, cert, NULL, clock_wall_s(), id, &err) != OK)
            fail_msg("%s: %s", file, err.text);
        X509_free(cert);
        pki_role_judge_free(judge);
    }
    free(root);
}

static void keys_are_for_their_owner_alone(void **state)
{
    (void)state;
    (void)umask(0);
    make_site();
    static const char *const keys[] = {"offline/root.key", "keys/role-ca.key", "keys/sign-bundle.key",
                                       "keys/sign-policy.key", "keys/sign-token.key"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_int_equal(mode_of(keys[i]), 0600);
    assert_int_equal(mode_of("keys"), 0700);
    assert_int_equal(mode_of("offline"), 0700);
}

static void a_site_is_never_overwritten(void **state)
{
    (void)state;
    make_site();
    char *before = read_text("keys/root.pem");
    RUN(&ran, NULL, "init", "--dir", dir, "--site", "LAB");
    assert_int_equal(ran.code, CTL_FAILED);
    char *after = read_text("keys/root.pem");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void init_refuses_a_key_of_another_certificate(void **state)
{
    (void)state;
    struct error err;
    char site[96], cert[96], key[96], ca[96];
    assert_int_equal(eval_pki_make(dir, &err), OK);
    (void)snprintf(site, sizeof site, "%s/site", dir);
    (void)snprintf(cert, sizeof cert, "%s/mp.pem", dir);
    (void)snprintf(key, sizeof key, "%s/client.key", dir);
    (void)snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    RUN(&ran, NULL, "init", "--dir", site, "--site", "LAB", "--mp-https", "127.0.0.1:1", "--mp-https-url",
        "https://h:1", "--mp-https-cert", cert, "--mp-https-key", key, "--mp-https-ca", ca);
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "is another certificate's"));
    assert_false(file_exists(site));
    (void)snprintf(key, sizeof key, "%s/mp.key", dir);
    RUN(&ran, NULL, "init", "--dir", site, "--site", "LAB", "--mp-https", "127.0.0.1:1", "--mp-https-url",
        "https://h:1", "--mp-https-cert", cert, "--mp-https-key", key, "--mp-https-ca", ca, "--json");
    assert_int_equal(ran.code, CTL_DONE);
    char *yaml = read_text("site/mp.yaml");
    assert_non_null(strstr(yaml, "client_auth: [pki, entra, token]"));
    assert_non_null(strstr(yaml, cert)); /* absolute */
    free(yaml);
}

/* Who renews a certificate lets its link lead to the new file; what the link led to once is the old one for ever. */
static void a_link_that_was_given_for_a_certificate_stays_a_link(void **state)
{
    (void)state;
    struct error err;
    char site[96], link[96], key[96], ca[96];
    assert_int_equal(eval_pki_make(dir, &err), OK);
    (void)snprintf(site, sizeof site, "%s/site", dir);
    (void)snprintf(link, sizeof link, "%s/live.pem", dir);
    (void)snprintf(key, sizeof key, "%s/mp.key", dir);
    (void)snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    assert_int_equal(symlink("mp.pem", link), 0);
    RUN(&ran, NULL, "init", "--dir", site, "--site", "LAB", "--mp-https", "127.0.0.1:1", "--mp-https-url",
        "https://h:1", "--mp-https-cert", link, "--mp-https-key", key, "--mp-https-ca", ca, "--json");
    assert_int_equal(ran.code, CTL_DONE);
    char *yaml = read_text("site/mp.yaml");
    assert_non_null(strstr(yaml, link));
    free(yaml);
}

static void text_in_mp_yaml_is_quoted(void **state)
{
    (void)state;
    make_site();
    char *yaml = read_text("mp.yaml");
    assert_non_null(strstr(yaml, "admin_socket: \"a \\\"quoted\\\".sock\""));
    assert_non_null(strstr(yaml, "client_auth: [entra, token]"));
    free(yaml);
}

static void the_evaluation_pki_verifies_and_revokes_what_it_says(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(eval_pki_make(dir, &err), OK);
    static const char *const leaves[] = {"gateway.pem", "mp.pem", "connector.pem", "client.pem", "revoked.pem"};
    X509 *ca = read_cert("ca.pem");
    char *path = file_join(dir, "ca.crl");
    BIO *bio = BIO_new_file(path, "rb");
    X509_CRL *crl = d2i_X509_CRL_bio(bio, NULL);
    assert_non_null(crl);
    assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(ca)), 1);
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++) {
        X509 *leaf = read_cert(leaves[i]);
        X509_REVOKED *entry;
        assert_int_equal(X509_verify(leaf, X509_get0_pubkey(ca)), 1);
        assert_int_equal(X509_CRL_get0_by_cert(crl, &entry, leaf) == 1, strcmp(leaves[i], "revoked.pem") == 0);
        X509_free(leaf);
    }
    X509_CRL_free(crl);
    BIO_free(bio);
    X509_free(ca);
    free(path);
    assert_int_equal(mode_of("ca.key"), 0600);
}

static void taken_ports_differ_and_are_held(void **state)
{
    (void)state;
    struct port ports[20];
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        assert_int_equal(port_take(&ports[i], &err), OK);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(ports[i].number, ports[j].number);
    }
    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        port_release(&ports[i]);
        port_release(&ports[i]);
        assert_int_equal(ports[i].fd, -1);
    }
}

/* A program of this name that is a shell script. */
static void write_script(const char *name, const char *text)
{
    char *path = file_join(dir, name);
    struct error err;
    assert_int_equal(file_write(path, slice_of(text), 0755, &err), OK);
    free(path);
}

static void quickstart_tells_of_a_program_that_dies(void **state)
{
    (void)state;
    char site[96];
    (void)snprintf(site, sizeof site, "%s/site", dir);
    write_script("cmg-mp", "#!/bin/sh\necho a message from the deathbed >&2\nexit 7\n");
    RUN(&ran, NULL, "quickstart", "--dir", site, "--bin", dir);
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "cmg-mp ended with code 7"));
    assert_non_null(strstr(ran.err, "a message from the deathbed"));
    assert_string_equal(ran.out, "");
}

static void quickstart_tries_other_ports_when_one_is_taken(void **state)
{
    (void)state;
    char site[96];
    (void)snprintf(site, sizeof site, "%s/site", dir);
    /* Counts its starts beside itself; only the first says that its address is in use. */
    write_script("cmg-mp", "#!/bin/sh\nd=$(dirname \"$0\")\necho x >> $d/starts\n"
                           "[ $(wc -l < $d/starts) -gt 1 ] && { echo other trouble; exit 4; }\n"
                           "echo listen 127.0.0.1: address already in use\nexit 1\n");
    RUN(&ran, NULL, "quickstart", "--dir", site, "--bin", dir);
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "cmg-mp ended with code 4"));
    char *starts = read_text("starts");
    assert_string_equal(starts, "x\nx\n");
    free(starts);
}

static void quickstart_does_not_touch_the_folder_of_another_site(void **state)
{
    (void)state;
    make_site();
    RUN(&ran, NULL, "quickstart", "--dir", dir, "--bin", dir);
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "already"));
    char *yaml = read_text("mp.yaml");
    free(yaml);
}

static void quickstart_says_which_program_is_missing(void **state)
{
    (void)state;
    char site[96];
    (void)snprintf(site, sizeof site, "%s/site", dir);
    RUN(&ran, NULL, "quickstart", "--dir", site, "--bin", dir, "--json");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "cmg-mp"));
    assert_non_null(strstr(ran.err, "--bin"));
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        EACH(signing_keys_of_a_new_site_pass_the_judge_of_roles),
        EACH(keys_are_for_their_owner_alone),
        EACH(a_site_is_never_overwritten),
        EACH(init_refuses_a_key_of_another_certificate),
        EACH(a_link_that_was_given_for_a_certificate_stays_a_link),
        EACH(text_in_mp_yaml_is_quoted),
        EACH(the_evaluation_pki_verifies_and_revokes_what_it_says),
        EACH(taken_ports_differ_and_are_held),
        EACH(quickstart_tells_of_a_program_that_dies),
        EACH(quickstart_tries_other_ports_when_one_is_taken),
        EACH(quickstart_does_not_touch_the_folder_of_another_site),
        EACH(quickstart_says_which_program_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
