/* SPDX-License-Identifier: Apache-2.0 */
/* The encrypted file of a backup: whoever alters, cuts, swaps or adds anything is found out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "archive/archive.h"
#include "archive/crypt.h"
#include "archive/sealed.h"
#include "archive/tar.h"
#include "base/host/file.h"
#include "base/mem.h"

enum { FILE_MAX = 1024 * 1024, SEALED = SEALED_CHUNK + CRYPT_TAG, NONCE = 16 };

struct fixture {
    char dir[64], path[96];
    EVP_PKEY *key, *other;
    X509 *cert, *other_cert;
    struct error err;
    char *bytes; /* of the file, as they were */
    size_t len, header;
    size_t parts;
};

static X509 *certify(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    assert_non_null(cert);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_true(X509_gmtime_adj(X509_getm_notBefore(cert), 0) && X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                                (const unsigned char *)"backup", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(cert)), 1);
    assert_true(X509_sign(cert, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) > 0);
    return cert;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/opencmg-archive-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof f->path, "%s/site.backup", f->dir);
    f->key = EVP_EC_gen("P-256");
    f->other = EVP_EC_gen("P-256");
    f->cert = certify(f->key);
    f->other_cert = certify(f->other);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0); /* no temporary file is left */
    EVP_PKEY_free(f->key);
    EVP_PKEY_free(f->other);
    X509_free(f->cert);
    X509_free(f->other_cert);
    free(f->bytes);
    free(f);
    return 0;
}

#define ok(f, expression)                                                                                              \
    do {                                                                                                               \
        if ((expression) != OK)                                                                                        \
            fail_msg("%s: %s", #expression, (f)->err.text);                                                            \
    } while (0)

/* Three parts, three chunks. */
static const size_t sizes[] = {5, 0, 2 * SEALED_CHUNK + 77};

static void make(struct fixture *f, const struct archive_lock *lock)
{
    struct archive *a = NULL;
    struct archive_made made;
    char *data = mem_zalloc(FILE_MAX), name[16];
    ok(f, archive_make(f->path, false, lock, &a, &f->err));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        memset(data, 'a' + (int)i, sizes[i]);
        (void)snprintf(name, sizeof name, "part/%zu", i);
        ok(f, archive_add(a, name, slice_make(data, sizes[i]), &f->err));
    }
    ok(f, archive_end(a, &made, &f->err));
    archive_free(a);
    free(data);
    assert_int_equal(made.parts, ARRAY_LEN(sizes));
    enum archive_kind kind;
    ok(f, file_read(f->path, FILE_MAX, &f->bytes, &f->len, &f->err));
    assert_int_equal(made.bytes, f->len);
    ok(f, archive_lock_find(slice_make(f->bytes, f->len), &f->header, &kind, &f->err));
    assert_int_equal(kind, lock->count ? ARCHIVE_BY_CERTIFICATE : ARCHIVE_BY_PASSPHRASE);
}

static void make_for_certificate(struct fixture *f)
{
    X509 *certs[] = {f->cert};
    make(f, &(struct archive_lock){.certificates = certs, .count = 1});
}

static enum result count_part(void *ctx, const char *name, struct slice data, struct error *err UNUSED)
{
    struct fixture *f = ctx;
    char expected[16];
    (void)snprintf(expected, sizeof expected, "part/%zu", f->parts);
    assert_string_equal(name, expected);
    assert_int_equal(data.len, sizes[f->parts]);
    for (size_t i = 0; i < data.len; i++)
        assert_int_equal(data.ptr[i], 'a' + (int)f->parts);
    f->parts++;
    return OK;
}

static enum result read_with(struct fixture *f, const struct archive_key *key)
{
    f->parts = 0;
    f->err = (struct error){0};
    return archive_read(f->path, key, count_part, f, &f->err);
}

static enum result read_it(struct fixture *f)
{
    return read_with(f, &(struct archive_key){.key = f->key});
}

static void put(struct fixture *f, const void *bytes, size_t len)
{
    FILE *out = fopen(f->path, "wb");
    assert_true(out && fwrite(bytes, 1, len, out) == len && fclose(out) == 0);
}

static void refused(struct fixture *f, const char *what, size_t at)
{
    enum result r = read_it(f);
    if (r == OK || r == R_EOF || !*f->err.text)
        fail_msg("%s at %zu: result %d, '%s'", what, at, r, f->err.text);
}

static void what_was_put_in_comes_out_with_the_right_key_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    make_for_certificate(f);
    ok(f, read_it(f));
    assert_int_equal(f->parts, ARRAY_LEN(sizes));
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(read_with(f, &(struct archive_key){.key = f->other}), R_DENIED);
    assert_int_equal(read_with(f, &(struct archive_key){.passphrase = SLICE("a passphrase")}), R_DENIED);
    assert_non_null(strstr(f->err.remedy, "--key"));
}

static void any_of_several_certificates_keys_opens_it(void **state)
{
    struct fixture *f = *state;
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    X509 *third = certify(rsa), *certs[] = {f->cert, f->other_cert, third};
    make(f, &(struct archive_lock){.certificates = certs, .count = 3});
    ok(f, read_it(f));
    ok(f, read_with(f, &(struct archive_key){.key = f->other}));
    ok(f, read_with(f, &(struct archive_key){.key = rsa}));
    EVP_PKEY *stranger = EVP_EC_gen("P-384");
    assert_int_equal(read_with(f, &(struct archive_key){.key = stranger}), R_DENIED);
    EVP_PKEY_free(stranger);
    EVP_PKEY_free(rsa);
    X509_free(third);
}

static void a_certificate_that_encrypts_nothing_is_refused(void **state)
{
    struct fixture *f = *state;
    struct archive *a = NULL;
    EVP_PKEY *keys[] = {EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), EVP_RSA_gen(1024)};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        X509 *cert = certify(keys[i]), *certs[] = {cert};
        assert_int_equal(
            archive_make(f->path, false, &(struct archive_lock){.certificates = certs, .count = 1}, &a, &f->err),
            R_INVALID);
        assert_non_null(strstr(f->err.text, "its key must be"));
        assert_false(file_exists(f->path));
        X509_free(cert);
        EVP_PKEY_free(keys[i]);
    }
}

static void its_passphrase_opens_it_and_no_other(void **state)
{
    struct fixture *f = *state;
    make(f, &(struct archive_lock){.passphrase = SLICE("correct horse battery")});
    ok(f, read_with(f, &(struct archive_key){.passphrase = SLICE("correct horse battery")}));
    assert_int_equal(f->parts, ARRAY_LEN(sizes));
    assert_int_equal(read_with(f, &(struct archive_key){.passphrase = SLICE("correct horse batterz")}), R_DENIED);
    assert_non_null(strstr(f->err.text, "another passphrase"));
    assert_int_equal(read_with(f, &(struct archive_key){.key = f->key}), R_DENIED);
    assert_non_null(strstr(f->err.text, "a passphrase opens it"));
}

static void a_file_is_written_over_only_when_that_is_said(void **state)
{
    struct fixture *f = *state;
    struct archive *a = NULL;
    X509 *certs[] = {f->cert};
    const struct archive_lock lock = {.certificates = certs, .count = 1};
    put(f, "kept", 4);
    assert_int_equal(archive_make(f->path, false, &lock, &a, &f->err), R_CONFLICT);
    ok(f, archive_make(f->path, true, &lock, &a, &f->err));
    archive_free(a); /* given up: the old one stays */
    char *text;
    size_t len;
    ok(f, file_read(f->path, FILE_MAX, &text, &len, &f->err));
    assert_string_equal(text, "kept");
    free(text);
}

static void a_byte_altered_anywhere_is_found(void **state)
{
    struct fixture *f = *state;
    make_for_certificate(f);
    for (size_t at = 0; at < f->len; at += at < f->header + 2 * NONCE || at + 2 * NONCE > f->len ? 1 : 1013) {
        f->bytes[at] ^= 1;
        put(f, f->bytes, f->len);
        refused(f, "altered", at);
        f->bytes[at] ^= 1;
    }
}

static void a_file_cut_off_anywhere_is_found(void **state)
{
    struct fixture *f = *state;
    make_for_certificate(f);
    for (size_t len = 0; len < f->len; len += len < f->header + 2 * NONCE || len + 2 * NONCE > f->len ? 1 : 1013) {
        put(f, f->bytes, len);
        refused(f, "cut off", len);
    }
    for (size_t chunk = 0; chunk < 3; chunk++) { /* between two chunks */
        put(f, f->bytes, f->header + NONCE + chunk * SEALED);
        refused(f, "cut off behind a chunk", chunk);
        assert_non_null(strstr(f->err.text, "missing"));
    }
}

static void a_chunk_that_is_swapped_dropped_repeated_or_added_is_found(void **state)
{
    struct fixture *f = *state;
    make_for_certificate(f);
    size_t body = f->header + NONCE, rest = f->len - body - 2 * SEALED;
    const char *first = f->bytes + body, *second = first + SEALED, *last = second + SEALED;
    const struct {
        const char *what;
        struct slice chunks[4];
    } cases[] = {
        {"swapped", {{second, SEALED}, {first, SEALED}, {last, rest}}},
        {"the first dropped", {{second, SEALED}, {last, rest}}},
        {"the second dropped", {{first, SEALED}, {last, rest}}},
        {"the last dropped", {{first, SEALED}, {second, SEALED}}},
        {"repeated", {{first, SEALED}, {second, SEALED}, {second, SEALED}, {last, rest}}},
        {"the last repeated", {{first, SEALED}, {second, SEALED}, {last, rest}, {last, rest}}},
        {"a byte added", {{first, SEALED}, {second, SEALED}, {last, rest}, {"", 1}}},
        {"none", {{NULL, 0}}},
    };
    char *copy = mem_zalloc(FILE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t at = body;
        memcpy(copy, f->bytes, body);
        for (size_t k = 0; k < 4; k++) {
            if (cases[i].chunks[k].len)
                memcpy(copy + at, cases[i].chunks[k].ptr, cases[i].chunks[k].len);
            at += cases[i].chunks[k].len;
        }
        put(f, copy, at);
        refused(f, cases[i].what, i);
    }
    free(copy);
}

/* Each replaces the first `old` of the header. */
static void each_field_of_the_header_is_looked_at(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *old, *new, *told;
    } cases[] = {
        {"age-encryption.org/v1", "age-encryption.org/v2", "newer than this program"},
        {"age-encryption.org/v1", "other-encryption.org/", "no backup"},
        {"opencmg.org/cms", "opencmg.org/cmt", "no backup"},
        {"-> opencmg.org/cms\n", "-> opencmg.org/cms a\n", "no backup"},
        {"-> opencmg.org/cms\n", "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\n", "a passphrase opens it"},
        {"-> opencmg.org/cms\n", "=> opencmg.org/cms\n", "damaged"},
        {"\n-> ", "\n-> grease\nAAAA\n-> ", "no backup"},
        {"\n--- ", "\n---", "damaged"},
        {"\n--- ", "\n-> grease\n\n--- ", "damaged"},
        {"\n--- ", "\n--- A", "damaged"},
        {"\n--- ", "=\n--- ", "damaged"},
    };
    make_for_certificate(f);
    char *copy = mem_zalloc(FILE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t at = slice_find_slice(slice_make(f->bytes, f->header), slice_of(cases[i].old)),
               added = strlen(cases[i].new), gone = strlen(cases[i].old);
        assert_true(at < f->header);
        memcpy(copy, f->bytes, at);
        memcpy(copy + at, cases[i].new, added);
        memcpy(copy + at + added, f->bytes + at + gone, f->len - at - gone);
        put(f, copy, f->len - gone + added);
        refused(f, cases[i].new, i);
        if (!strstr(f->err.text, cases[i].told))
            fail_msg("'%s' is told as '%s'", cases[i].new, f->err.text);
    }
    free(copy);
}

static void the_work_that_a_passphrase_asks_for_has_a_maximum(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *words, *told;
    } cases[] = {
        {"AAAAAAAAAAAAAAAAAAAAAA 21", "more work"}, {"AAAAAAAAAAAAAAAAAAAAAA 0", "damaged"},
        {"AAAAAAAAAAAAAAAAAAAAAA 01", "damaged"},   {"AAAAAAAAAAAAAAAAAAAAAA", "damaged"},
        {"AAAAAAAAAAAAAAAAAAAAA 10", "damaged"},    {"AAAAAAAAAAAAAAAAAAAAAA 10 ", "damaged"},
        {"AAAAAAAAAAAAAAAAAAAAAA 10 1", "damaged"}, {"AAAAAAAAAAAAAAAAAAAAAA 10", "another passphrase"},
        {"AAAAAAAAAAAAAAAAAAAAAA== 10", "damaged"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[512];
        (void)snprintf(text, sizeof text,
                       "age-encryption.org/v1\n-> scrypt %s\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n--- %s\n",
                       cases[i].words, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        put(f, text, strlen(text));
        enum result r = read_with(f, &(struct archive_key){.passphrase = SLICE("a passphrase")});
        if (r == OK || !strstr(f->err.text, cases[i].told))
            fail_msg("'%s' is told as '%s'", cases[i].words, f->err.text);
    }
}

static enum result pass_over(void *ctx UNUSED, const char *name UNUSED, struct slice data UNUSED,
                             struct error *err UNUSED)
{
    return OK;
}

/* Whoever knows the key, and is no cmg: the key does not make what is inside right. */
static void what_holds_something_else_is_refused(void **state)
{
    struct fixture *f = *state;
    X509 *certs[] = {f->cert};
    const struct archive_lock lock = {.certificates = certs, .count = 1};
    char good[TAR_BLOCK], link[TAR_BLOCK], zeros[TAR_BLOCK] = "", text[TAR_BLOCK] = "words";
    tar_head("part/0", 0, 1, good);
    memcpy(link, good, sizeof link);
    link[156] = '2'; /* and its sum is wrong, too */
    const struct {
        const char *blocks[3];
    } cases[] = {{{NULL}}, {{text}}, {{zeros, zeros}}, {{good, zeros, zeros}}, {{link, zeros, zeros}}, {{good}}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct file_draft *d = NULL;
        struct sealed_writer *w = NULL;
        struct buf header;
        unsigned char key[ARCHIVE_FILE_KEY];
        buf_init(&header, ARCHIVE_HEADER_MAX);
        ok(f, archive_lock_write(&lock, &header, key, &f->err));
        ok(f, file_draft_new(f->path, &d, &f->err));
        ok(f, file_draft_write(d, buf_data(&header), &f->err));
        ok(f, sealed_write_begin(d, key, &w, &f->err));
        for (size_t k = 0; k < 3 && cases[i].blocks[k]; k++)
            ok(f, sealed_write(w, slice_make(cases[i].blocks[k], TAR_BLOCK), &f->err));
        ok(f, sealed_write_end(w, &f->err));
        ok(f, file_draft_publish(d, 0600, &f->err));
        sealed_writer_free(w);
        file_draft_free(d);
        buf_free(&header);
        f->parts = 0;
        enum result r = archive_read(f->path, &(struct archive_key){.key = f->key}, pass_over, NULL, &f->err);
        if (r == OK || !strstr(f->err.text, "not made by"))
            fail_msg("case %zu is told as '%s'", i, f->err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(what_was_put_in_comes_out_with_the_right_key_alone),
        TEST(any_of_several_certificates_keys_opens_it),
        TEST(a_certificate_that_encrypts_nothing_is_refused),
        TEST(its_passphrase_opens_it_and_no_other),
        TEST(a_file_is_written_over_only_when_that_is_said),
        TEST(a_byte_altered_anywhere_is_found),
        TEST(a_file_cut_off_anywhere_is_found),
        TEST(a_chunk_that_is_swapped_dropped_repeated_or_added_is_found),
        TEST(each_field_of_the_header_is_looked_at),
        TEST(the_work_that_a_passphrase_asks_for_has_a_maximum),
        TEST(what_holds_something_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
