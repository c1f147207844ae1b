/* SPDX-License-Identifier: Apache-2.0 */
#include "tunnel/device.h"

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

bool tunnel_device_read(struct slice text, struct tunnel_device *ret)
{
    *ret = (struct tunnel_device){.client_id = text};
    if (!cut_last(&ret->client_id, &ret->certificate) || !cut_last(&ret->client_id, &ret->peer) ||
        !cut_last(&ret->client_id, &ret->method))
        return false;
    if (slice_eq(ret->certificate, SLICE("-")))
        ret->certificate = SLICE_NONE;
    return true;
}
