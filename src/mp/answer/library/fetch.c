/* SPDX-License-Identifier: Apache-2.0 */
/* GET /CCM_Content/<sha256>: a file of the content that some policy brings to the device that asks, whole or a range of
 * it (RFC 9110 14). Its tag is its hash, so it is never another file under the same tag. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/conditional.h"
#include "mp/answer/handlers.h"
#include "mp/answer/settings.h"
#include "mp/library/library.h"
#include "mp/sender/device.h"
#include "mp/server/file_answer.h"
#include "mp/site.h"
#include "mp/targeting/resultant.h"
#include "mp/targeting/target.h"

enum { ETAG_SIZE = DIGEST_HEX + 2, CONTENT_RANGE_SIZE = 80 };

/* Of the path's last segment. */
static bool read_hash(const struct mp_request *r, char ret[DIGEST_HEX])
{
    struct slice rest = slice_skip(r->path, 1);
    (void)slice_cut(&rest, '/');
    return rest.ptr && mp_library_hash(rest, ret);
}

/* R_NOTFOUND: no policy of the device brings it; which other devices' do is not told. */
static enum result is_brought(struct mp_request *r, const struct store_device *d, const char *sha256, struct error *err)
{
    struct store_policy *list;
    size_t count;
    json_t *collections;
    char why[MP_TARGET_WHY_SIZE];
    bool reaches = false;
    enum result result = store_policy_naming(r->site->store, r->arena, sha256, &list, &count, err);
    if (result != OK)
        return result;
    if (count)
        result = mp_collections_of(r->site, r->arena, d, &collections, err);
    if (result != OK)
        return result;
    for (size_t i = 0; i < count && !reaches; i++)
        reaches = mp_target_reaches(&list[i], collections, NULL, why);
    if (count)
        json_decref(collections);
    return reaches ? OK : error_set(err, R_NOTFOUND, "no policy of this device brings a file of this SHA-256");
}

static void answer_beyond(struct mp_request *r, struct http_field tag, uint64_t size)
{
    char range[CONTENT_RANGE_SIZE];
    (void)snprintf(range, sizeof range, "bytes */%" PRIu64, size);
    mp_answer(r, &(struct mp_answer){.status = 416, .fields = {tag, {SLICE("content-range"), slice_of(range)}}});
}

static void answer_file(struct mp_request *r, const char *sha256, uint64_t size)
{
    char etag[ETAG_SIZE], range[CONTENT_RANGE_SIZE];
    uint64_t first, length;
    (void)snprintf(etag, sizeof etag, "\"%s\"", sha256);
    struct http_field tag = {SLICE("etag"), slice_of(etag)};
    struct mp_answer a = {
        .status = 200, .type = "application/octet-stream", .fields = {tag, {SLICE("accept-ranges"), SLICE("bytes")}}};
    if (http_etag_listed(mp_request_field(r, "if-none-match"), tag.value)) {
        mp_answer(r, &(struct mp_answer){.status = 304, .fields = {tag}});
        return;
    }
    enum http_range wanted = http_range_wanted(&r->exchange->request.fields, tag.value, size, &first, &length);
    if (wanted == HTTP_RANGE_BEYOND) {
        answer_beyond(r, tag, size);
        return;
    }
    if (wanted == HTTP_RANGE_PART) {
        a.status = 206;
        (void)snprintf(range, sizeof range, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, first + length - 1, size);
        a.fields[2] = (struct http_field){SLICE("content-range"), slice_of(range)};
    }
    char *path = mp_library_path(r->site->config->state, sha256);
    mp_answer_file(r, &a, path, first, length);
    free(path);
}

static void answer(struct mp_request *r, const struct store_device *d, const char *sha256)
{
    struct error err;
    enum result result = is_brought(r, d, sha256, &err);
    int64_t size = result == OK ? mp_library_size(r->site->config->state, sha256) : -1;
    if (result == R_NOTFOUND)
        mp_refuse(r, MP_REFUSAL_NOT_BROUGHT, err.text);
    else if (result != OK)
        mp_refuse_fault(r, &err);
    else if (size < 0)
        mp_refuse(r, MP_REFUSAL_CONTENT_GONE, NULL);
    else
        answer_file(r, sha256, (uint64_t)size);
}

void mp_handle_content(struct mp_request *r)
{
    struct mp_device device;
    struct mp_denial no;
    char sha256[DIGEST_HEX];
    if (!read_hash(r, sha256)) {
        mp_refuse(r, MP_REFUSAL_UNKNOWN_PATH, "content is at /CCM_Content/ and its SHA-256, 64 hex digits");
        return;
    }
    if (!mp_request_pass(r, mp_device_authenticate(&r->sender, PURPOSE_GENERAL, MP_SIGNED_ALWAYS, &device, &no), &no))
        return;
    if (mp_settings_let_through(r, &device.record))
        answer(r, &device.record, sha256);
    mp_device_done(&device);
}
