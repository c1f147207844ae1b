/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing a list's place by what signed it. Judging the list itself is pki/list; what devices are judged by is made
 * of the places in sender/trust.c. */
#include "mp/content/crl.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "digest/digest.h"
#include "pki/list/read.h"

enum { ROWS_MAX = 512 * 1024 * 1024 };

/* --- reading --- */

enum result mp_crls_read(struct slice data, struct mp_crls *ret, struct error *err)
{
    *ret = (struct mp_crls){0};
    if (slice_find_slice(data, SLICE("-----BEGIN")) != SIZE_MAX)
        return pki_crls_read(data, MP_CRLS_MAX, &ret->list, &ret->count, err);
    char *der = mem_zalloc(data.len + 1);
    size_t len;
    enum result r = decode_base64(data, der, data.len, &len)
                        ? pki_crls_read(slice_make(der, len), 1, &ret->list, &ret->count, err)
                        : error_set(err, R_INVALID, "this is no CRL (PEM, or base64 of DER)");
    free(der);
    return r;
}

void mp_crls_free(struct mp_crls *c)
{
    pki_crls_free(c->list, c->count);
    *c = (struct mp_crls){0};
}

/* --- places --- */

static const char *arena_text(struct arena *a, const char *text)
{
    return arena_printf(a, "%s", text).ptr;
}

static void hex_of(const unsigned char hash[PKI_SHA256], char ret[PKI_HASH_HEX])
{
    (void)encode_hex(slice_make(hash, PKI_SHA256), ret);
}

/* Each delta has a place of its own, until a complete list holds what it says. */
static void id_of(const struct pki_list_info *l, const char *complete, char ret[PKI_HASH_HEX])
{
    char text[2 * PKI_HASH_HEX + sizeof l->age.number];
    (void)snprintf(text, sizeof text, "%s delta %s", complete, l->age.number);
    if (l->delta)
        digest_hex_of(slice_of(text), ret);
    else
        cstr_copy(ret, PKI_HASH_HEX, complete);
}

/* One whose signer is not known can't take the place of one that verifies. */
static void complete_of(const struct pki_list_info *l, bool proven, char ret[PKI_HASH_HEX])
{
    char text[PKI_HASH_HEX + 16];
    hex_of(proven ? l->place : l->claimed, ret);
    (void)snprintf(text, sizeof text, "unproven %s", ret);
    if (!proven)
        digest_hex_of(slice_of(text), ret);
}

/* --- judging --- */

/* Anchors and intermediates alone: lists are judged one by one. */
static enum result signers(struct mp_site *site, struct arena *a, struct pki_trust **ret, struct error *err)
{
    struct pki_trust_options o = {.crl_check = true};
    struct store_trust *list;
    size_t count;
    struct pki_trust *t = *ret = pki_trust_new(&o);
    enum result r = store_trust_list(site->store, 0, a, &list, &count, err);
    for (size_t i = 0; i < count && r == OK; i++) {
        if (list[i].kind == STORE_ANCHOR)
            r = pki_trust_add_anchors(t, slice_of(list[i].data), err);
        else if (list[i].kind == STORE_INTERMEDIATE)
            r = pki_trust_add_intermediates(t, slice_of(list[i].data), err);
    }
    pki_trust_seal(t, NULL);
    return r;
}

static const struct store_trust *find(const struct store_trust *list, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].id, id) == 0)
            return &list[i];
    }
    return NULL;
}

static bool is_delta_to(const struct store_trust *t, const char *complete)
{
    return t->complete[0] && strcmp(t->complete, complete) == 0;
}

/* --- putting --- */

struct putting {
    struct mp_site *site;
    struct arena *arena;
    const struct pki_list_info *list;
    bool proven;
    char id[PKI_HASH_HEX], complete[PKI_HASH_HEX], sha256[PKI_HASH_HEX];
    struct store_trust *rows; /* what is there */
    size_t count;
};

static struct pki_list_age age_of(const struct store_trust *t)
{
    struct pki_list_age ret = {.this_update = t->this_update};
    cstr_copy(ret.number, sizeof ret.number, t->number);
    return ret;
}

static enum result check_age(const struct putting *p, struct error *err)
{
    const struct store_trust *there = find(p->rows, p->count, p->id), *complete = find(p->rows, p->count, p->complete);
    if (there && p->proven) {
        struct pki_list_age age = age_of(there);
        struct error why;
        if (pki_list_not_older(&p->list->age, &age, "the list in use", &why) != OK)
            return error_set(err, R_CONFLICT, "%s", why.text);
    }
    if (p->list->delta && complete) {
        struct pki_list_age age = age_of(complete);
        if (!pki_list_number_above(&p->list->age, &age))
            return error_set(err, R_CONFLICT,
                             "it is a delta CRL, and the complete list that is here holds what it says (a higher "
                             "cRLNumber)");
    }
    return OK;
}

static enum result remove_row(struct putting *p, const struct store_trust *t, struct error *err)
{
    enum result r = store_trust_remove(p->site->store, t->id, err);
    return r == R_NOTFOUND ? OK : r;
}

/* What it makes needless: deltas whose word it holds, the oldest of too many deltas, the same list that waited for its
 * CA. */
static enum result tidy(struct putting *p, struct error *err)
{
    char claimed[PKI_HASH_HEX], waiting[PKI_HASH_HEX];
    const struct store_trust *oldest = NULL;
    size_t deltas = 0;
    enum result r = OK;
    complete_of(p->list, false, claimed);
    id_of(p->list, claimed, waiting);
    for (size_t i = 0; i < p->count && r == OK; i++) {
        const struct store_trust *t = &p->rows[i];
        struct pki_list_age age = age_of(t);
        if (is_delta_to(t, p->complete)) {
            deltas++;
            if (!oldest || t->this_update < oldest->this_update)
                oldest = t;
            if (!p->list->delta && !pki_list_number_above(&age, &p->list->age))
                r = remove_row(p, t, err);
        } else if (p->proven && strcmp(t->id, waiting) == 0) {
            r = remove_row(p, t, err);
        }
    }
    return r == OK && p->list->delta && deltas > MP_DELTAS_MAX ? remove_row(p, oldest, err) : r;
}

static const char *warning_of(const struct putting *p)
{
    const struct store_trust *complete = find(p->rows, p->count, p->complete);
    char when[CLOCK_TEXT_SIZE];
    clock_rfc3339(p->list->next_update, when);
    if (!p->proven)
        return arena_printf(p->arena,
                            "no anchor or intermediate bears the name of its issuer '%s': it is of no use until that "
                            "CA's certificate is here (cmg trust add --intermediate FILE)",
                            p->list->issuer)
            .ptr;
    if (p->list->next_update < clock_wall_s())
        return arena_printf(p->arena,
                            "it expired %s: it still revokes, and lets nobody in; give the CA's newest one (cmg trust "
                            "add --crl FILE)",
                            when)
            .ptr;
    if (p->list->delta && !complete)
        return "it is a delta CRL, and the complete list that it adds to is not among the uploaded ones: it is of use "
               "where a source gives that";
    return "";
}

static enum result put(struct putting *p, struct slice der, struct mp_crl_taken *ret, struct error *err)
{
    const struct pki_list_info *l = p->list;
    complete_of(l, p->proven, p->complete);
    id_of(l, p->complete, p->id);
    enum result r = store_trust_list(p->site->store, 0, p->arena, &p->rows, &p->count, err);
    if (r == OK)
        r = check_age(p, err);
    if (r != OK)
        return r;
    digest_hex_of(der, p->sha256);
    struct store_trust t = {.id = arena_text(p->arena, p->id),
                            .kind = STORE_CRL,
                            .subject = arena_text(p->arena, l->issuer),
                            .number = arena_text(p->arena, l->age.number),
                            .not_after = l->next_update,
                            .sha256 = arena_text(p->arena, p->sha256),
                            .size = (int64_t)der.len,
                            .this_update = l->age.this_update,
                            .scope = arena_text(p->arena, l->scope),
                            .complete = l->delta ? arena_text(p->arena, p->complete) : "",
                            .unproven = !p->proven,
                            .fetch_hosts = ""};
    char *text = mem_zalloc(BASE64_SIZE(der.len));
    (void)encode_base64(der, text);
    *ret = (struct mp_crl_taken){.row = t, .warning = warning_of(p)};
    t.data = text;
    r = store_trust_put(p->site->store, &t, err);
    free(text);
    return r == OK ? tidy(p, err) : r;
}

static enum result judge_and_put(struct mp_site *site, struct arena *a, const struct pki_trust *trust, struct slice der,
                                 struct mp_crl_taken *ret, struct error *err)
{
    struct pki_crl_news news;
    enum result r = pki_trust_check_crl(trust, der, SLICE_NONE, clock_wall_s(), &news, err);
    if (r != OK && r != R_NOTFOUND)
        return r;
    struct putting p = {.site = site, .arena = a, .list = &news.list, .proven = r == OK};
    return put(&p, der, ret, err);
}

enum result mp_crl_put(struct mp_site *site, struct arena *a, struct slice der, struct mp_crl_taken *ret,
                       struct error *err)
{
    struct pki_trust *trust;
    enum result r = signers(site, a, &trust, err);
    if (r == OK)
        r = judge_and_put(site, a, trust, der, ret, err);
    pki_trust_unref(trust);
    return r;
}

/* --- settling --- */

/* One that an earlier version took without judging it, and that can't be used: it stays to be told of. */
static enum result give_up(struct mp_site *site, const struct store_trust *t, struct error *err)
{
    struct store_trust x = *t;
    x.scope = "unknown";
    x.unproven = true;
    return t->scope[0] ? OK : store_trust_put(site->store, &x, err);
}

/* It goes from the place that it had to the one that is its own. An older one than what is there just goes. */
static enum result settle(struct mp_site *site, struct arena *a, const struct pki_trust *trust,
                          const struct store_trust *t, struct error *err)
{
    struct mp_crl_taken taken;
    struct pki_crl_news news;
    char *der = mem_zalloc(strlen(t->data) + 1);
    size_t len = 0;
    enum result r = OK;
    if (!decode_base64(slice_of(t->data), der, strlen(t->data), &len))
        len = 0;
    enum result judged = pki_trust_check_crl(trust, slice_make(der, len), SLICE_NONE, clock_wall_s(), &news, NULL);
    if (judged == OK || (judged == R_NOTFOUND && !t->scope[0])) {
        r = store_trust_remove(site->store, t->id, err);
        if (r == OK)
            r = judge_and_put(site, a, trust, slice_make(der, len), &taken, err);
        r = r == R_CONFLICT ? OK : r;
    } else if (judged != R_NOTFOUND) {
        r = give_up(site, t, err);
    }
    free(der);
    return r;
}

enum result mp_crl_settle(struct mp_site *site, struct error *err)
{
    struct arena *a = arena_new(ROWS_MAX);
    struct store_trust *list;
    struct pki_trust *trust = NULL;
    size_t count;
    enum result r = store_trust_unsettled(site->store, a, &list, &count, err);
    if (r == OK && count > 0)
        r = signers(site, a, &trust, err);
    for (size_t i = 0; r == OK && i < count; i++)
        r = settle(site, a, trust, &list[i], err);
    pki_trust_unref(trust);
    arena_free(a);
    return r;
}
