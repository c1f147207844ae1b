/* SPDX-License-Identifier: Apache-2.0 */
/* Small texts from outside: addresses, hosts, URLs, forms, hex and base64. */
#include "base/text/encode.h"
#include "fuzz.h"
#include "mp/server/form.h"
#include "net/url.h"

static void try_net(struct slice s)
{
    struct net_address a, again;
    struct net_url url;
    char text[NET_ADDRESS_TEXT], host[NET_HOST_MAX];
    uint16_t port;
    struct error err = {0};
    if (net_address_parse(s, &a, &err) == OK) {
        net_address_format(&a, text);
        MUST(net_address_parse(slice_of(text), &again, &err) == OK && net_address_port(&a) == net_address_port(&again));
    }
    if (net_host_parse(s, 443, host, &port, &err) == OK)
        MUST(host[0]);
    if (net_url_parse(s, &url, &err) == OK)
        MUST(url.host[0] && url.path[0] == '/');
}

static void try_form(struct slice s)
{
    struct arena *a = arena_new(1 << 20);
    struct slice value = SLICE_NONE;
    struct error err = {0};
    if (mp_form_get(s, "a", a, &value, &err) == OK)
        MUST(value.len <= s.len);
    else
        MUST(err.text[0]);
    if (mp_percent_decode(s, true, a, &value, &err) == OK)
        MUST(value.len <= s.len);
    arena_free(a);
}

static void try_decode(struct slice s)
{
    unsigned char bytes[64];
    size_t len = 0;
    if (decode_hex(s, bytes, sizeof bytes, &len))
        MUST(len <= sizeof bytes && 2 * len == s.len);
    if (decode_base64(s, bytes, sizeof bytes, &len))
        MUST(len <= sizeof bytes);
    if (decode_base64url(s, bytes, sizeof bytes, &len))
        MUST(len <= sizeof bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice own = fuzz_own(slice_make(bytes, size));
    try_net(own);
    try_form(own);
    try_decode(own);
    fuzz_own_free(own);
    return 0;
}
