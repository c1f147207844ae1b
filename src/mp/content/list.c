/* SPDX-License-Identifier: Apache-2.0 */
/* Kept are those that are being sent, and of others the last ones up to a maximum. */
#include "mp/content/list.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text/encode.h"
#include "mp/site.h"
#include "pki/cert/cert.h"
#include "store/site/trust.h"

enum { LIST_ARENA = 512 * 1024 * 1024, IDLE_BYTES_MAX = 64 * 1024 * 1024 };

struct kept_list {
    TAILQ_ENTRY(kept_list) link;
    char sha256[PKI_HASH_HEX];
    struct mp_text *text;
};

struct mp_lists {
    TAILQ_HEAD(, kept_list) kept; /* the last used first */
};

struct mp_lists *mp_lists_new(void)
{
    struct mp_lists *l = mem_zalloc(sizeof *l);
    TAILQ_INIT(&l->kept);
    return l;
}

static void drop(struct mp_lists *l, struct kept_list *k)
{
    TAILQ_REMOVE(&l->kept, k, link);
    mp_text_unref(k->text);
    free(k);
}

void mp_lists_free(struct mp_lists *l)
{
    struct kept_list *k;
    while (l && (k = TAILQ_FIRST(&l->kept)))
        drop(l, k);
    free(l);
}

static void drop_idle(struct mp_lists *l)
{
    struct kept_list *k, *next;
    size_t idle = 0;
    TAILQ_FOREACH_SAFE(k, &l->kept, link, next) {
        bool is_idle = k->text->references == 1;
        idle += is_idle ? k->text->len : 0;
        if (is_idle && idle > IDLE_BYTES_MAX)
            drop(l, k);
    }
}

static enum result decode_list(const char *base64, struct mp_text **ret, struct error *err)
{
    size_t room = strlen(base64), len;
    char *der = mem_zalloc(room + 1);
    if (decode_base64(slice_of(base64), der, room, &len)) {
        *ret = mp_text_new_bytes(der, len);
        return OK;
    }
    free(der);
    return error_set(err, R_IO, "the store's revocation list is not base64");
}

static enum result read_list(struct mp_site *site, const char *sha256, struct kept_list **ret, struct error *err)
{
    struct arena *a = arena_new(LIST_ARENA);
    struct store_trust t;
    struct mp_text *text = NULL;
    enum result r = store_trust_by_hash(site->store, a, sha256, &t, err);
    if (r == OK)
        r = decode_list(t.data, &text, err);
    arena_free(a);
    if (r != OK)
        return r;
    *ret = mem_zalloc(sizeof **ret);
    cstr_copy((*ret)->sha256, sizeof(*ret)->sha256, sha256);
    (*ret)->text = text;
    TAILQ_INSERT_HEAD(&site->lists->kept, *ret, link);
    return OK;
}

/* NULL: it is not here. */
static struct kept_list *find(struct mp_lists *l, const char *sha256)
{
    struct kept_list *k;
    TAILQ_FOREACH(k, &l->kept, link) {
        if (strcmp(k->sha256, sha256) == 0)
            break;
    }
    if (k) {
        TAILQ_REMOVE(&l->kept, k, link);
        TAILQ_INSERT_HEAD(&l->kept, k, link);
    }
    return k;
}

enum result mp_lists_get(struct mp_site *site, const char *sha256, struct mp_text **ret, struct error *err)
{
    struct kept_list *k = find(site->lists, sha256);
    enum result r = k ? store_trust_has_list(site->store, sha256, err) : read_list(site, sha256, &k, err);
    if (r == OK)
        *ret = mp_text_ref(k->text);
    drop_idle(site->lists);
    return r;
}
