/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads the field CMG-Device. Both ends are in this file, so that they can't differ. Pure. */
#include "tunnel/device.h"

static const uint64_t tops = 0x8080808080808080;

/* Copies with the top bit of each byte turned, eight bytes at a time; returns `tops` when all had theirs set. */
static uint64_t turn(char *to, const char *from, size_t len)
{
    uint64_t eight, set = tops;
    for (; len >= sizeof eight; to += sizeof eight, from += sizeof eight, len -= sizeof eight) {
        memcpy(&eight, from, sizeof eight);
        set &= eight;
        eight ^= tops;
        memcpy(to, &eight, sizeof eight);
    }
    for (; len; to++, from++, len--) {
        set &= ~(uint64_t)0xff | (unsigned char)*from;
        *to = (char)(*from ^ (char)tops);
    }
    return set;
}

void tunnel_device_mark(struct slice certificate, char *ret)
{
    (void)turn(ret, certificate.ptr, certificate.len);
}

/* What differs most between devices stands first: HPACK compares the values that it knows one by one. */
struct slice tunnel_device_write(const struct tunnel_device *d, struct arena *a)
{
    const struct slice parts[] = {d->client_id,
                                  SLICE(" "),
                                  d->method,
                                  SLICE(" "),
                                  d->peer,
                                  SLICE(" "),
                                  d->certificate.ptr ? d->certificate : SLICE("-")};
    return arena_join(a, parts, ARRAY_LEN(parts));
}

/* What stands behind the last blank, which is taken off with it. */
static bool cut_last(struct slice *rest, struct slice *ret)
{
    const char *blank = rest->len ? memrchr(rest->ptr, ' ', rest->len) : NULL;
    if (!blank)
        return false;
    size_t before = (size_t)(blank - rest->ptr);
    *ret = slice_skip(*rest, before + 1);
    rest->len = before;
    return ret->len > 0;
}

/* Nothing but what came with its top bit set is a certificate. */
static enum result read_certificate(struct slice *text, struct arena *a)
{
    char *plain = arena_alloc(a, text->len);
    if (!plain)
        return R_LIMIT;
    bool marked = turn(plain, text->ptr, text->len) == tops;
    text->ptr = plain;
    return marked ? OK : R_INVALID;
}

enum result tunnel_device_read(struct slice text, struct arena *a, struct tunnel_device *ret)
{
    *ret = (struct tunnel_device){.client_id = text};
    if (!cut_last(&ret->client_id, &ret->certificate) || !cut_last(&ret->client_id, &ret->peer) ||
        !cut_last(&ret->client_id, &ret->method) || !ret->client_id.len)
        return R_INVALID;
    if (!slice_eq(ret->certificate, SLICE("-")))
        return read_certificate(&ret->certificate, a);
    ret->certificate = SLICE_NONE;
    return OK;
}
