/* SPDX-License-Identifier: Apache-2.0 */
/* The header of an age file (lock.h): lines, of which each stanza leads to the file key, and their MAC. */
#include "archive/lock.h"

#include <stdio.h>
#include <stdlib.h>

#include "archive/cms.h"
#include "archive/crypt.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/text/encode.h"

#define FIRST "age-encryption.org/v1"
#define SCRYPT "scrypt"
#define CMS "opencmg.org/cms"
#define LABEL "age-encryption.org/v1/scrypt"

enum {
    SALT = 16,
    WRAPPED = ARCHIVE_FILE_KEY + CRYPT_TAG,
    LOG_N = 18,     /* 256 MiB, as age itself */
    LOG_N_MAX = 20, /* a file may ask for 1 GiB at most */
    COLUMNS = 64,
    BODY_MAX = 16 * 1024,
};

/* --- base64 without padding --- */

static size_t encode(struct slice bytes, char *ret)
{
    size_t len = encode_base64(bytes, ret);
    while (len && ret[len - 1] == '=')
        ret[--len] = '\0';
    return len;
}

static bool decode(struct slice text, void *ret, size_t size, size_t *ret_len)
{
    static const char *const padding[] = {"", NULL, "==", "="};
    struct buf b;
    buf_init(&b, BASE64_SIZE(BODY_MAX));
    const char *more = padding[text.len % 4];
    bool good = more && memchr(text.ptr ? text.ptr : "", '=', text.len) == NULL && buf_append(&b, text) == OK &&
                buf_append_str(&b, more) == OK && decode_base64(buf_data(&b), ret, size, ret_len);
    buf_free(&b);
    return good;
}

/* --- writing --- */

/* Lines of 64, the last one shorter, if need be empty. */
static enum result write_body(struct buf *b, struct slice bytes)
{
    char *text = mem_zalloc(BASE64_SIZE(bytes.len));
    struct slice rest = {text, encode(bytes, text)};
    enum result r = OK;
    while (r == OK && rest.len >= COLUMNS) {
        r = buf_printf(b, "%.*s\n", COLUMNS, rest.ptr);
        rest = slice_skip(rest, COLUMNS);
    }
    if (r == OK)
        r = buf_printf(b, "%s\n", rest.ptr);
    free(text);
    return r;
}

static enum result wrapping_key(struct slice passphrase, const unsigned char salt[SALT], unsigned log_n,
                                unsigned char ret[CRYPT_KEY], struct error *err)
{
    unsigned char labelled[sizeof LABEL - 1 + SALT];
    memcpy(labelled, LABEL, sizeof LABEL - 1);
    memcpy(labelled + sizeof LABEL - 1, salt, SALT);
    return crypt_scrypt(passphrase, slice_make(labelled, sizeof labelled), log_n, ret, err);
}

static const unsigned char no_nonce[CRYPT_NONCE]; /* each wrapping key is used once */

static enum result write_scrypt(struct slice passphrase, const unsigned char *file_key, struct buf *b,
                                struct error *err)
{
    unsigned char salt[SALT], key[CRYPT_KEY], wrapped[WRAPPED];
    char text[BASE64_SIZE(SALT)];
    rand_bytes(salt, sizeof salt);
    enum result r = wrapping_key(passphrase, salt, LOG_N, key, err);
    if (r != OK)
        return r;
    crypt_seal(key, no_nonce, slice_make(file_key, ARCHIVE_FILE_KEY), wrapped);
    explicit_bzero(key, sizeof key);
    (void)encode(slice_make(salt, sizeof salt), text);
    r = buf_printf(b, "-> " SCRYPT " %s %d\n", text, LOG_N);
    return r == OK ? write_body(b, slice_make(wrapped, sizeof wrapped)) : r;
}

static enum result write_cms(X509 *cert, const unsigned char *file_key, struct buf *b, struct error *err)
{
    char *der;
    size_t len;
    enum result r = archive_cms_envelop(cert, slice_make(file_key, ARCHIVE_FILE_KEY), &der, &len, err);
    if (r != OK)
        return r;
    r = len <= BODY_MAX ? buf_append_str(b, "-> " CMS "\n") : R_LIMIT;
    if (r == OK)
        r = write_body(b, slice_make(der, len));
    free(der);
    return r == OK ? OK : error_set(err, r, "the certificates are too long");
}

/* Over the header up to "---" and with it. */
static void mac_of(const unsigned char *file_key, struct slice text, unsigned char ret[CRYPT_KEY])
{
    unsigned char key[CRYPT_KEY];
    crypt_hkdf(slice_make(file_key, ARCHIVE_FILE_KEY), SLICE_NONE, "header", key);
    crypt_hmac(key, text, ret);
    explicit_bzero(key, sizeof key);
}

enum result archive_lock_write(const struct archive_lock *lock, struct buf *ret,
                               unsigned char ret_key[ARCHIVE_FILE_KEY], struct error *err)
{
    unsigned char mac[CRYPT_KEY];
    char text[BASE64_SIZE(CRYPT_KEY)];
    rand_bytes(ret_key, ARCHIVE_FILE_KEY);
    enum result r = buf_append_str(ret, FIRST "\n");
    if (r == OK && !lock->count)
        r = write_scrypt(lock->passphrase, ret_key, ret, err);
    for (size_t i = 0; i < lock->count && r == OK; i++)
        r = write_cms(lock->certificates[i], ret_key, ret, err);
    if (r == OK)
        r = buf_append_str(ret, "---");
    if (r != OK)
        return r;
    mac_of(ret_key, buf_data(ret), mac);
    (void)encode(slice_make(mac, sizeof mac), text);
    return buf_printf(ret, " %s\n", text);
}

/* --- reading --- */

static enum result malformed(struct error *err)
{
    (void)error_set(err, R_INVALID, "its header was altered or damaged");
    error_remedy(err, "take another copy of that backup, or an older backup");
    return R_INVALID;
}

static enum result no_backup(struct slice data, struct error *err)
{
    bool newer = slice_starts(data, SLICE("age-encryption.org/"));
    (void)error_set(err, R_INVALID, newer ? "its format is newer than this program" : "it is no backup of a site");
    error_remedy(err, newer ? "use the version of cmg that made it" : "name a file that cmg site backup made");
    return R_INVALID;
}

struct stanza {
    struct slice type, arguments;
    unsigned char body[BODY_MAX];
    size_t body_len;
};

static bool take_line(struct slice *rest, struct slice *ret)
{
    size_t end = slice_find(*rest, '\n');
    if (end >= rest->len)
        return false;
    *ret = (struct slice){rest->ptr, end};
    *rest = slice_skip(*rest, end + 1);
    return true;
}

/* R_EOF: the last one was there, and *rest begins with "---". */
static enum result take_stanza(struct slice *rest, struct stanza *ret)
{
    struct slice line, words;
    struct buf text;
    if (slice_starts(*rest, SLICE("---")))
        return R_EOF;
    if (!take_line(rest, &words) || !slice_starts(words, SLICE("-> ")))
        return R_INVALID;
    ret->arguments = slice_skip(words, 3);
    ret->type = slice_cut(&ret->arguments, ' ');
    buf_init(&text, BASE64_SIZE(BODY_MAX));
    enum result r;
    do {
        r = take_line(rest, &line) && line.len <= COLUMNS ? buf_append(&text, line) : R_INVALID;
    } while (r == OK && line.len == COLUMNS);
    if (r == OK && !decode(buf_data(&text), ret->body, sizeof ret->body, &ret->body_len))
        r = R_INVALID;
    buf_free(&text);
    return r;
}

enum result archive_lock_find(struct slice data, size_t *ret, enum archive_kind *ret_kind, struct error *err)
{
    size_t first = strlen(FIRST "\n"), end = slice_find_slice(data, SLICE("\n---"));
    if (!slice_starts(data, SLICE(FIRST "\n")))
        return no_backup(data, err);
    if (end >= data.len)
        return malformed(err);
    struct slice rest = slice_skip(data, first), last = slice_skip(data, end + 1);
    size_t line = slice_find(last, '\n');
    if (line >= last.len)
        return malformed(err);
    *ret = end + 1 + line + 1;
    bool by_passphrase = slice_starts(rest, SLICE("-> " SCRYPT " "));
    *ret_kind = by_passphrase ? ARCHIVE_BY_PASSPHRASE : ARCHIVE_BY_CERTIFICATE;
    if (by_passphrase || slice_starts(rest, SLICE("-> " CMS "\n")))
        return OK;
    return slice_starts(rest, SLICE("-> ")) ? no_backup(SLICE_NONE, err) : malformed(err);
}

/* A passphrase is alone, so that nobody else could have made the file (age-encryption.org/v1). */
static enum result open_scrypt(const struct stanza *s, struct slice passphrase, unsigned char *ret, struct error *err)
{
    unsigned char salt[SALT], key[CRYPT_KEY];
    size_t len;
    uint64_t log_n;
    struct slice work = s->arguments, text = slice_cut(&work, ' ');
    if (!decode(text, salt, sizeof salt, &len) || len != SALT || s->body_len != WRAPPED ||
        !slice_to_u64(work, &log_n) || log_n < 1 || *work.ptr == '0')
        return malformed(err);
    if (log_n > LOG_N_MAX)
        return error_set(err, R_LIMIT, "its passphrase asks for more work than %d, the most that is done here",
                         LOG_N_MAX);
    enum result r = wrapping_key(passphrase, salt, (unsigned)log_n, key, err);
    if (r != OK)
        return r;
    bool opened = crypt_open(key, no_nonce, slice_make(s->body, s->body_len), ret);
    explicit_bzero(key, sizeof key);
    if (opened)
        return OK;
    (void)error_set(err, R_DENIED, "another passphrase opens it (or its header was altered)");
    error_remedy(err, "give the passphrase that it was made with");
    return R_DENIED;
}

static enum result open_stanza(const struct stanza *s, const struct archive_key *key, unsigned char *ret,
                               struct error *err)
{
    if (slice_eq(s->type, SLICE(SCRYPT)) && !key->key)
        return open_scrypt(s, key->passphrase, ret, err);
    if (slice_eq(s->type, SLICE(CMS)) && key->key)
        return archive_cms_open(slice_make(s->body, s->body_len), key->key, ret, ARCHIVE_FILE_KEY, err);
    (void)error_set(err, R_DENIED, key->key ? "a passphrase opens it" : "the key of a certificate opens it");
    error_remedy(err, key->key ? "leave --key out" : "name that key: --key FILE");
    return R_DENIED;
}

/* The first stanza that opens. */
static enum result find_key(struct slice rest, const struct archive_key *key, unsigned char *ret, struct error *err)
{
    struct stanza *s = mem_zalloc(sizeof *s);
    enum result r, opened = R_DENIED;
    size_t count = 0;
    bool scrypt = false;
    while ((r = take_stanza(&rest, s)) == OK && ++count <= ARCHIVE_CERTIFICATES_MAX) {
        scrypt = scrypt || slice_eq(s->type, SLICE(SCRYPT));
        if (opened == R_DENIED && !(scrypt && count > 1))
            opened = open_stanza(s, key, ret, err);
    }
    free(s);
    if (r != R_EOF || !count || (scrypt && count > 1))
        return malformed(err);
    if (opened == R_DENIED && key->key && !scrypt)
        error_remedy(err, "name the private key of a certificate that it was made for");
    return opened;
}

enum result archive_lock_open(struct slice header, const struct archive_key *key,
                              unsigned char ret_key[ARCHIVE_FILE_KEY], struct error *err)
{
    unsigned char mac[CRYPT_KEY], told[CRYPT_KEY];
    size_t end = slice_find_slice(header, SLICE("\n---")) + 4, len;
    struct slice last = slice_skip(header, end);
    enum result r = OK;
    if (key->file_key)
        memcpy(ret_key, key->file_key, ARCHIVE_FILE_KEY);
    else
        r = find_key(slice_skip(header, strlen(FIRST "\n")), key, ret_key, err);
    if (r != OK)
        return r;
    if (!slice_starts(last, SLICE(" ")) || !slice_ends(last, SLICE("\n")) ||
        !decode((struct slice){last.ptr + 1, last.len - 2}, told, sizeof told, &len) || len != sizeof told)
        return malformed(err);
    mac_of(ret_key, (struct slice){header.ptr, end}, mac);
    return slice_eq_secret(slice_make(mac, sizeof mac), slice_make(told, sizeof told)) ? OK : malformed(err);
}
