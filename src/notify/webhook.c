/* SPDX-License-Identifier: Apache-2.0 */
/* A POST of JSON; signed as standardwebhooks.com says when the receiver has a key, so that libraries check it. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text/encode.h"
#include "notify/internal.h"

/* "whsec_" stands before a key in base64; any other text is the key itself. */
static size_t read_key(const char *secret, unsigned char ret[NOTIFY_SECRET_MAX])
{
    struct slice text = slice_of(secret), prefix = SLICE("whsec_");
    size_t len;
    if (slice_starts(text, prefix) && decode_base64(slice_skip(text, prefix.len), ret, NOTIFY_SECRET_MAX, &len))
        return len;
    len = text.len < NOTIFY_SECRET_MAX ? text.len : NOTIFY_SECRET_MAX;
    memcpy(ret, text.ptr, len);
    return len;
}

static void sign(struct notify_transfer *t, const struct notify_message *m)
{
    unsigned char key[NOTIFY_SECRET_MAX], mac[EVP_MAX_MD_SIZE];
    char text[BASE64_SIZE(sizeof mac)];
    unsigned mac_len = 0;
    size_t key_len = read_key(t->to->secret, key), size = strlen(m->id) + strlen(m->json) + 32;
    char *signed_text = mem_zalloc(size);
    int len = snprintf(signed_text, size, "%s.%" PRId64 ".%s", m->id, m->at, m->json);
    if (!HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)signed_text, (size_t)len, mac, &mac_len))
        fatal("OpenSSL makes no HMAC");
    OPENSSL_cleanse(key, sizeof key);
    (void)encode_base64(slice_make((const char *)mac, mac_len), text);
    notify_add(&t->headers, "webhook-id: %s", m->id);
    notify_add(&t->headers, "webhook-timestamp: %" PRId64, m->at);
    notify_add(&t->headers, "webhook-signature: v1,%s", text);
    free(signed_text);
}

void notify_webhook_prepare(struct notify_transfer *t, const struct notify_message *m)
{
    notify_add(&t->headers, "Content-Type: application/json");
    notify_add(&t->headers, "Expect:"); /* the body is small: no 100 Continue is waited for */
    if (strcmp(t->to->auth, "bearer") == 0)
        notify_add(&t->headers, "Authorization: Bearer %s", t->to->secret);
    if (strcmp(t->to->auth, "hmac") == 0)
        sign(t, m);
    NOTIFY_SET(t, CURLOPT_PROTOCOLS_STR, "http,https");
    NOTIFY_SET(t, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    NOTIFY_SET(t, CURLOPT_HTTPHEADER, t->headers);
    NOTIFY_SET(t, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(m->json));
    NOTIFY_SET(t, CURLOPT_POSTFIELDS, m->json);
}
