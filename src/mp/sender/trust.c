/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anchors, intermediates and lists of the store as what certificates are judged by. Reading the lists is what costs, so
 * it is made anew only when its key says that one of its parts is another, not at each change of the bundle.
 */
#include "mp/sender/trust.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "digest/digest.h"
#include "store/sequence.h"
#include "store/site/setting.h"
#include "store/site/trust.h"

enum { ROWS_MAX = 512 * 1024 * 1024 };

/* A CRL is kept as base64 of its DER. */
static enum result add_crl(struct pki_trust *trust, const char *base64, struct error *err)
{
    size_t room = strlen(base64), len;
    char *der = mem_zalloc(room + 1);
    enum result r = decode_base64(slice_of(base64), der, room, &len)
                        ? pki_trust_add_crl(trust, slice_make(der, len), err)
                        : error_set(err, R_INVALID, "the CRL is not base64");
    free(der);
    return r;
}

static enum result add_trust(struct pki_trust *trust, const struct store_trust *t, struct error *err)
{
    if (t->kind == STORE_CRL)
        return add_crl(trust, t->data, err);
    if (t->kind == STORE_ANCHOR)
        return pki_trust_add_anchors(trust, slice_of(t->data), err);
    return pki_trust_add_intermediates(trust, slice_of(t->data), err);
}

static enum result fill_trust(struct mp_site *site, struct pki_trust *trust, struct error *err)
{
    struct arena *a = arena_new(ROWS_MAX);
    struct store_trust *list;
    size_t count;
    enum result r = store_trust_list(site->store, INT64_MAX, a, &list, &count, err);
    for (size_t i = 0; i < count && r == OK; i++) {
        struct error why;
        if (add_trust(trust, &list[i], &why) != OK) /* one that an earlier version took */
            log_msg(LOG_WARN, "mp", "%s %s can't be used: %s", store_trust_kind_name(list[i].kind), list[i].subject,
                    why.text);
    }
    arena_free(a);
    return r;
}

static enum result make_trust(struct mp_site *site, struct error *err)
{
    struct pki_trust_options o = {0};
    char *warnings = NULL;
    enum result r = store_setting_is(site->store, "crl_check", "on", &o.crl_check, err);
    if (r == OK)
        r = store_setting_is(site->store, "on_unavailable", "allow", &o.allow_when_unavailable, err);
    if (r != OK)
        return r;
    struct pki_trust *made = pki_trust_new(&o);
    pki_trust_lists_remedy(made, PKI_REMEDY_UPLOADED);
    r = fill_trust(site, made, err);
    if (r != OK) {
        pki_trust_unref(made);
        return r;
    }
    pki_trust_seal(made, &warnings);
    struct slice rest = slice_of(warnings ? warnings : "");
    while (rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        log_msg(LOG_WARN, "mp", "%" PRIslice, SLICE_ARG(line));
    }
    free(warnings);
    pki_trust_unref(site->trust);
    site->trust = made;
    return OK;
}

/* What the trust is made of, without the lists themselves: so that other changes of the bundle don't read them. */
static enum result trust_key(struct mp_site *site, char ret[PKI_HASH_HEX], struct error *err)
{
    struct arena *a = arena_new(ROWS_MAX);
    struct store_trust *list;
    size_t count;
    struct buf b;
    bool check, allow;
    buf_init(&b, ROWS_MAX);
    enum result r = store_trust_list(site->store, 0, a, &list, &count, err);
    if (r == OK)
        r = store_setting_is(site->store, "crl_check", "on", &check, err);
    if (r == OK)
        r = store_setting_is(site->store, "on_unavailable", "allow", &allow, err);
    if (r == OK)
        r = buf_printf(&b, "%d %d", check, allow);
    for (size_t i = 0; i < count && r == OK; i++)
        r = buf_printf(&b, " %s %s %s %lld", list[i].id, store_trust_kind_name(list[i].kind), list[i].sha256,
                       (long long)list[i].added);
    if (r == OK)
        digest_hex_of(buf_data(&b), ret);
    buf_free(&b);
    arena_free(a);
    return r;
}

enum result mp_site_trust(struct mp_site *site, struct pki_trust **ret, struct error *err)
{
    int64_t sequence;
    char key[PKI_HASH_HEX] = "";
    enum result r = store_sequence_get(site->store, STORE_SEQUENCE_BUNDLE, &sequence, NULL, err);
    if (r == OK && (!site->trust || sequence != site->trust_sequence)) {
        r = trust_key(site, key, err);
        if (r == OK && (!site->trust || strcmp(key, site->trust_key) != 0))
            r = make_trust(site, err);
        if (r == OK)
            memcpy(site->trust_key, key, sizeof key);
    }
    if (r != OK)
        return r;
    site->trust_sequence = sequence;
    *ret = site->trust;
    return OK;
}
