/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and reads the field CMG-Device. Both ends are in this file, so that they can't differ. Pure. */
#include "tunnel/device.h"

static const uint64_t tops = 0x8080808080808080;

/* Sets or clears the top bit of each byte, eight at a time; returns `tops` when all of them were set. */
static uint64_t flip(char *text, size_t len)
{
    uint64_t eight, set = tops;
    for (; len >= sizeof eight; text += sizeof eight, len -= sizeof eight) {
        memcpy(&eight, text, sizeof eight);
        set &= eight;
        eight ^= tops;
        memcpy(text, &eight, sizeof eight);
    }
    for (; len; text++, len--) {
        set &= ~(uint64_t)0xff | (unsigned char)*text;
        *text = (char)(*text ^ (char)tops);
    }
    return set;
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
    struct slice text = arena_join(a, parts, ARRAY_LEN(parts));
    if (text.ptr && d->certificate.ptr) /* ours, just made */
        (void)flip((char *)(uintptr_t)text.ptr + text.len - d->certificate.len, d->certificate.len);
    return text;
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
    *text = arena_dup(a, *text);
    if (!text->ptr)
        return R_LIMIT;
    return flip((char *)(uintptr_t)text->ptr, text->len) == tops ? OK : R_INVALID; /* ours, just made */
}

enum result tunnel_device_read(struct slice text, struct arena *a, struct tunnel_device *ret)
{
    *ret = (struct tunnel_device){.client_id = text};
    if (!cut_last(&ret->client_id, &ret->certificate) || !cut_last(&ret->client_id, &ret->peer) ||
        !cut_last(&ret->client_id, &ret->method))
        return R_INVALID;
    if (!slice_eq(ret->certificate, SLICE("-")))
        return read_certificate(&ret->certificate, a);
    ret->certificate = SLICE_NONE;
    return OK;
}
