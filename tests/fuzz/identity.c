/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's certificate and key, from files that may hold anything. The input: how they are given, two bytes of length
 * of the first file, the first, the second (the key, or the password of the PKCS#12).
 */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "tls/identity_file.h"

enum { KEY, PASSWORD, ALONE, WAYS };

struct file {
    int fd;
    char path[32];
};

static struct file put(struct slice text)
{
    struct file f = {.fd = memfd_create("identity", 0)};
    MUST(f.fd >= 0 && write(f.fd, text.ptr, text.len) == (ssize_t)text.len);
    (void)snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = slice_make(bytes, size);
    uint8_t way = fuzz_choice(&in) % WAYS;
    size_t len = (size_t)fuzz_choice(&in) << 8;
    len |= fuzz_choice(&in);
    struct slice first = {in.ptr, len < in.len ? len : in.len};
    struct file one = put(first), other = put(slice_skip(in, first.len));
    const struct tls_identity_files files = {.certificate = one.path,
                                             .key = way == KEY ? other.path : NULL,
                                             .password_file = way == PASSWORD ? other.path : NULL};
    struct tls_identity_text text = {0};
    struct error err = {0};
    if (tls_identity_read(&files, &text, &err) == OK)
        MUST(!text.certificate[text.certificate_len] && !text.key[text.key_len]); /* as texts may be read */
    else
        MUST(err.text[0]);
    tls_identity_text_free(&text);
    close(one.fd);
    close(other.fd);
    return 0;
}
