/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of the header, each as soon as it is there: who speaks something else is told so at its first byte. */
#include "net/told.h"

#include <arpa/inet.h>

#define SIGNATURE SLICE("\r\n\r\n\0\r\nQUIT\n")

enum { SIGNATURE_LEN = 12, FIXED_LEN = 16, VERSION_2 = 2, STREAM = 1, V4_LEN = 12, V6_LEN = 36 };
enum { AT_VERSION = 12, AT_FAMILY = 13, AT_LEN = 14 };
enum command { LOCAL = 0, PROXY = 1 };
enum family { UNSPECIFIED = 0, INET = 1, INET6 = 2 };

static unsigned byte_at(struct slice s, size_t i)
{
    return (unsigned char)s.ptr[i];
}

static enum result no_header(struct slice begin, struct error *err)
{
    if (slice_starts(begin, SLICE("PROXY ")) || slice_starts(SLICE("PROXY "), begin))
        return error_set(err, R_INVALID,
                         "it speaks version 1 of the PROXY protocol, which is not read: let it send "
                         "version 2 (send-proxy-v2)");
    if (byte_at(begin, 0) == 0x16)
        return error_set(err, R_INVALID,
                         "it begins with TLS, without a header of the PROXY protocol: let it send one (send-proxy-v2), "
                         "or take its address out of proxy_protocol: from");
    return error_set(err, R_INVALID, "it does not begin with a header of the PROXY protocol, version 2");
}

static void take_v4(const char *at, struct net_address *ret)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    memcpy(&a.sin_addr, at, sizeof a.sin_addr);
    memcpy(&a.sin_port, at + 8, sizeof a.sin_port);
    ret->len = sizeof a;
    memcpy(&ret->storage, &a, sizeof a);
}

static void take_v6(const char *at, struct net_address *ret)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    memcpy(&a.sin6_addr, at, sizeof a.sin6_addr);
    memcpy(&a.sin6_port, at + 32, sizeof a.sin6_port);
    ret->len = sizeof a;
    memcpy(&ret->storage, &a, sizeof a);
}

/* Of a whole header: family and addresses. */
static enum result take_client(struct slice header, struct net_told *ret, struct error *err)
{
    static const struct {
        size_t len;
        void (*take)(const char *at, struct net_address *ret);
    } kinds[] = {[INET] = {V4_LEN, take_v4}, [INET6] = {V6_LEN, take_v6}};
    unsigned family = byte_at(header, AT_FAMILY) >> 4, transport = byte_at(header, AT_FAMILY) & 0xf;
    if (family == UNSPECIFIED)
        return OK;
    if (family > INET6 || transport != STREAM)
        return error_set(err, R_INVALID, "its header of the PROXY protocol tells of something else than TCP (0x%02x)",
                         byte_at(header, AT_FAMILY));
    if (header.len - FIXED_LEN < kinds[family].len)
        return error_set(err, R_INVALID, "its header of the PROXY protocol has no room for its addresses");
    kinds[family].take(header.ptr + FIXED_LEN, &ret->client);
    ret->kind = NET_TOLD_CLIENT;
    return OK;
}

enum result net_told_read(struct slice begin, struct net_told *ret, struct error *err)
{
    size_t signature = begin.len < SIGNATURE_LEN ? begin.len : SIGNATURE_LEN;
    *ret = (struct net_told){.kind = NET_TOLD_NOBODY};
    if (!slice_starts(SIGNATURE, slice_make(begin.ptr, signature)))
        return no_header(begin, err);
    if (begin.len <= AT_VERSION)
        return error_set(err, R_AGAIN, "its header of the PROXY protocol did not end");
    unsigned version = byte_at(begin, AT_VERSION) >> 4, command = byte_at(begin, AT_VERSION) & 0xf;
    if (version != VERSION_2 || command > PROXY)
        return error_set(err, R_INVALID,
                         "its header of the PROXY protocol has version %u and command %u, which don't "
                         "exist",
                         version, command);
    if (begin.len < FIXED_LEN)
        return error_set(err, R_AGAIN, "its header of the PROXY protocol did not end");
    ret->len = FIXED_LEN + (byte_at(begin, AT_LEN) << 8 | byte_at(begin, AT_LEN + 1));
    if (ret->len > NET_TOLD_MAX)
        return error_set(err, R_LIMIT, "its header of the PROXY protocol has %zu bytes, at most %d are read", ret->len,
                         NET_TOLD_MAX);
    if (begin.len < ret->len)
        return error_set(err, R_AGAIN, "its header of the PROXY protocol did not end");
    return command == LOCAL ? OK : take_client(slice_make(begin.ptr, ret->len), ret, err);
}
