/* SPDX-License-Identifier: Apache-2.0 */
/* The one computation of RFC 6455 4.2.2, and how long a frame is. Frames are not looked into: behind the handshake they
 * are a body. */
#include "http/websocket.h"

#include <openssl/evp.h>

#include "base/error.h"
#include "base/rand.h"

void http_websocket_key(char ret[HTTP_WEBSOCKET_KEY_SIZE])
{
    unsigned char key[HTTP_WEBSOCKET_KEY];
    rand_id_bytes(key, sizeof key); /* against caches on the way, no secret */
    (void)encode_base64(slice_make(key, sizeof key), ret);
}

bool http_websocket_key_valid(struct slice key)
{
    unsigned char bytes[HTTP_WEBSOCKET_KEY];
    size_t n;
    return decode_base64(key, bytes, sizeof bytes, &n) && n == sizeof bytes;
}

void http_websocket_accept(struct slice key, char ret[HTTP_WEBSOCKET_ACCEPT_SIZE])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */
    char text[HTTP_WEBSOCKET_KEY_SIZE - 1 + sizeof guid - 1];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    memcpy(text, key.ptr, HTTP_WEBSOCKET_KEY_SIZE - 1);
    memcpy(text + HTTP_WEBSOCKET_KEY_SIZE - 1, guid, sizeof guid - 1);
    if (!EVP_Digest(text, sizeof text, digest, &n, EVP_sha1(), NULL))
        fatal("OpenSSL makes no SHA-1 (for WebSocket's handshake)");
    (void)encode_base64(slice_make(digest, n), ret);
}

/* As far as its first two bytes tell. */
static unsigned head_size(const struct http_websocket_frames *f)
{
    if (f->got < 2)
        return 2;
    unsigned length = f->head[1] & 0x7f, mask = f->head[1] & 0x80 ? 4 : 0;
    return 2 + (length == 127 ? 8 : length == 126 ? 2 : 0) + mask;
}

static uint64_t payload_size(const struct http_websocket_frames *f)
{
    unsigned length = f->head[1] & 0x7f, bytes = length == 127 ? 8 : length == 126 ? 2 : 0;
    uint64_t n = bytes ? 0 : length;
    for (unsigned i = 0; i < bytes; i++)
        n = n << 8 | f->head[2 + i];
    return n;
}

size_t http_websocket_frame_part(struct http_websocket_frames *f, struct slice data)
{
    size_t used = 0;
    while (f->left == 0 && used < data.len) {
        f->head[f->got++] = (unsigned char)data.ptr[used++];
        if (f->got < head_size(f))
            continue;
        f->got = 0;
        f->left = payload_size(f);
        if (f->left == 0)
            return used;
    }
    size_t rest = data.len - used < f->left ? data.len - used : (size_t)f->left;
    f->left -= rest;
    return used + rest;
}
