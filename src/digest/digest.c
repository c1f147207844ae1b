/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's digest with the one thing said once that was said after each call: that it failed. */
#include "digest/digest.h"

#include <openssl/evp.h>

#include "base/error.h"

static void must(bool done)
{
    if (!done)
        fatal("SHA-256 failed");
}

void digest_of(struct slice data, unsigned char ret[DIGEST_SIZE])
{
    must(EVP_Digest(data.ptr ? data.ptr : "", data.len, ret, NULL, EVP_sha256(), NULL) == 1);
}

void digest_hex_of(struct slice data, char ret[DIGEST_HEX])
{
    unsigned char hash[DIGEST_SIZE];
    digest_of(data, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), ret);
}

/* An EVP_MD_CTX by another name: nothing of OpenSSL is seen above. */
static EVP_MD_CTX *context_of(struct digest *d)
{
    return (EVP_MD_CTX *)(void *)d;
}

struct digest *digest_new(void)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    must(md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
    return (struct digest *)(void *)md;
}

void digest_add(struct digest *d, struct slice part)
{
    must(part.len == 0 || EVP_DigestUpdate(context_of(d), part.ptr, part.len) == 1);
}

void digest_add_counted(struct digest *d, struct slice part)
{
    uint64_t len = part.len;
    digest_add(d, slice_make(&len, sizeof len));
    digest_add(d, part);
}

void digest_end(struct digest *d, unsigned char ret[DIGEST_SIZE])
{
    must(EVP_DigestFinal_ex(context_of(d), ret, NULL) == 1);
    digest_free(d);
}

void digest_free(struct digest *d)
{
    EVP_MD_CTX_free(context_of(d));
}
