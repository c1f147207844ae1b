/* SPDX-License-Identifier: Apache-2.0 */
/* Holding the CRLs and their index. Which may be used at all is in list/admit.c, what follows from them in list/ask.c.
 */
#include "pki/list/set.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/host/mapping.h"
#include "base/mem.h"
#include "pki/list/index.h"

enum { CRLS_MAX = 4096, DROPPED_MAX = 64, CRL_BYTES_MAX = 512 * 1024 * 1024 };

struct dropped {
    X509_NAME *issuer;
    char *why;
};

struct pki_crl_set {
    struct pki_crl **crls; /* after sealing: the usable ones */
    size_t count;
    struct pki_crl_index *index;         /* NULL until sealed */
    struct dropped dropped[DROPPED_MAX]; /* the first ones, to be told of */
    size_t dropped_count;
    char *remedy; /* of those that are added now */
};

struct pki_crl_set *pki_crl_set_new(void)
{
    return mem_zalloc(sizeof(struct pki_crl_set));
}

void pki_crl_set_free(struct pki_crl_set *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        pki_crl_free(s->crls[i]);
    for (size_t i = 0; i < s->dropped_count; i++) {
        X509_NAME_free(s->dropped[i].issuer);
        free(s->dropped[i].why);
    }
    free(s->remedy);
    free(s->crls);
    pki_crl_index_free(s->index);
    free(s);
}

/* --- adding --- */

static enum result add_one(struct pki_crl_set *s, enum result r, struct pki_crl *crl, struct error *err)
{
    if (r == OK && s->count == CRLS_MAX) {
        pki_crl_free(crl);
        return error_set(err, R_LIMIT, "more than %d CRLs", CRLS_MAX);
    }
    if (r != OK)
        return r;
    s->crls = mem_resize(s->crls, s->count + 1, sizeof *s->crls);
    crl->remedy = s->remedy ? mem_strdup(s->remedy) : NULL;
    s->crls[s->count++] = crl;
    return OK;
}

static enum result add_der(struct pki_crl_set *s, struct slice der, struct error *err)
{
    struct pki_crl *crl;
    enum result r = pki_crl_new(der, &crl, err);
    return add_one(s, r, crl, err);
}

enum result pki_crl_set_add_file(struct pki_crl_set *s, const char *path, struct error *err)
{
    struct pki_crl *crl;
    if (s->index)
        return error_set(err, R_INVALID, "the trust is sealed");
    ERR_set_mark();
    enum result r = pki_crl_new_file(path, &crl, err);
    ERR_pop_to_mark();
    return add_one(s, r, crl, err);
}

static int no_pass_phrase(char *buf UNUSED, int size UNUSED, int writing UNUSED, void *arg UNUSED)
{
    return -1;
}

static enum result add_pem(struct pki_crl_set *s, struct slice pem, struct error *err)
{
    enum result r = OK;
    size_t found = 0;
    BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    if (!bio)
        fatal("pki: out of memory");
    while (r == OK) {
        unsigned char *der = NULL;
        long len = 0;
        if (!PEM_bytes_read_bio(&der, &len, NULL, PEM_STRING_X509_CRL, bio, no_pass_phrase, NULL)) {
            if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
                r = error_set(err, R_INVALID, "CRL %zu of the PEM is malformed", found + 1);
            else if (found == 0)
                r = error_set(err, R_INVALID, "the PEM holds no CRL");
            break;
        }
        r = add_der(s, slice_make(der, (size_t)len), err);
        OPENSSL_free(der);
        found++;
    }
    BIO_free(bio);
    return r;
}

enum result pki_crl_set_add(struct pki_crl_set *s, struct slice data, struct error *err)
{
    size_t before = s->count;
    if (s->index)
        return error_set(err, R_INVALID, "the trust is sealed");
    if (data.len == 0 || data.len > CRL_BYTES_MAX)
        return error_set(err, data.len ? R_LIMIT : R_INVALID, "a CRL has 1 to %d bytes, this one %zu", CRL_BYTES_MAX,
                         data.len);
    ERR_set_mark();
    bool pem = data.len < 2 || data.ptr[0] != 0x30 || !((unsigned char)data.ptr[1] & 0x80); /* as in cert.c */
    enum result r = pem ? add_pem(s, data, err) : add_der(s, data, err);
    ERR_pop_to_mark();
    while (r != OK && s->count > before)
        pki_crl_free(s->crls[--s->count]);
    return r;
}

void pki_crl_set_remedy(struct pki_crl_set *s, const char *remedy)
{
    free(s->remedy);
    s->remedy = remedy ? mem_strdup(remedy) : NULL;
}

/* --- sealing --- */

struct indexing {
    struct pki_crl_index *index;
    uint32_t crl;
};

static void index_entry(void *arg, uint32_t offset, struct slice serial)
{
    struct indexing *i = arg;
    pki_crl_index_add(i->index, i->crl, offset, serial);
}

static void build_index(struct pki_crl_set *s)
{
    size_t entries = 0;
    for (size_t i = 0; i < s->count; i++)
        entries += s->crls[i]->der.entries.count;
    s->index = pki_crl_index_new(entries);
    for (size_t i = 0; i < s->count; i++) {
        struct indexing x = {s->index, (uint32_t)i};
        pki_crl_entries_each(&s->crls[i]->der.entries, index_entry, &x);
    }
    pki_crl_index_seal(s->index);
}

/* A list that another one of its place outdates is dropped: the complete one that is older. Of two whose numbers and
 * dates contradict each other both speak, and deltas are what they are to a complete one. True: `crl` needs no place
 * of its own, or took that of the older one. */
static bool outdated(struct pki_crl_set *s, size_t at, struct pki_crl *crl, struct buf *warnings)
{
    struct pki_crl *other = s->crls[at];
    if (!crl->base != !other->base || !pki_crl_same_scope(crl, other))
        return false;
    int order = pki_crl_compare_age(crl, other);
    if (pki_crl_same(crl, other)) {
        pki_crl_free(crl);
        return true;
    }
    if (crl->base || order == 0)
        return false;
    if (order < 0)
        pki_crl_warn(crl, warnings, "it is older than another one of this issuer (lower cRLNumber or thisUpdate)");
    if (order > 0)
        s->crls[at] = crl;
    pki_crl_free(order > 0 ? other : crl);
    return true;
}

static void keep_newest(struct pki_crl_set *s, size_t *kept, struct pki_crl *crl, struct buf *warnings)
{
    for (size_t i = 0; i < *kept; i++) {
        if (outdated(s, i, crl, warnings))
            return;
    }
    s->crls[(*kept)++] = crl;
}

/* Among the deltas to a complete CRL, newest first. */
static void add_delta(const struct pki_crl_set *s, struct pki_crl *complete, size_t delta)
{
    size_t at = complete->delta_count++;
    complete->deltas = mem_resize(complete->deltas, complete->delta_count, sizeof *complete->deltas);
    for (; at > 0 && ASN1_INTEGER_cmp(s->crls[complete->deltas[at - 1]]->number, s->crls[delta]->number) < 0; at--)
        complete->deltas[at] = complete->deltas[at - 1];
    complete->deltas[at] = delta;
}

/* Is it outdated, because a complete CRL holds what it says? */
static bool is_in_complete(const struct pki_crl_set *s, const struct pki_crl *delta)
{
    bool ret = false;
    for (size_t i = 0; i < s->count && !ret; i++) {
        const struct pki_crl *c = s->crls[i];
        ret = !c->base && c->number && pki_crl_same_scope(delta, c) && ASN1_INTEGER_cmp(delta->number, c->number) <= 0;
    }
    return ret;
}

/* Gives each complete CRL the deltas to it; warns of a delta to none. */
static void pair_deltas(struct pki_crl_set *s, struct buf *warnings)
{
    for (size_t d = 0; d < s->count; d++) {
        bool used = !s->crls[d]->base;
        for (size_t i = 0; i < s->count; i++) {
            if (!pki_crl_delta_fits(s->crls[d], s->crls[i]))
                continue;
            add_delta(s, s->crls[i], d);
            used = true;
        }
        if (!used)
            pki_crl_warn(s->crls[d], warnings,
                         is_in_complete(s, s->crls[d])
                             ? "it is a delta CRL, and older than the complete one that it builds on"
                             : "it is a delta CRL, and the complete one that it builds on is not here");
    }
}

static void drop(struct pki_crl_set *s, struct pki_crl *crl, const char *why, struct buf *warnings)
{
    pki_crl_warn(crl, warnings, why);
    if (s->dropped_count < DROPPED_MAX) {
        struct dropped *d = &s->dropped[s->dropped_count++];
        *d = (struct dropped){X509_NAME_dup(pki_crl_issuer(crl)), slice_dup(slice_of(why))};
        if (!d->issuer)
            fatal("pki: out of memory");
    }
    pki_crl_free(crl);
}

void pki_crl_set_seal(struct pki_crl_set *s, const struct pki_crl_signers *from, struct buf *warnings)
{
    size_t kept = 0;
    if (s->index)
        return;
    ERR_set_mark();
    for (size_t i = 0; i < s->count; i++) {
        struct pki_crl *crl = s->crls[i];
        struct error err = {0};
        if (pki_crl_admit(crl, from, &err) == OK)
            keep_newest(s, &kept, crl, warnings);
        else
            drop(s, crl, err.text, warnings);
    }
    s->count = kept;
    pair_deltas(s, warnings);
    ERR_pop_to_mark();
    build_index(s);
    for (size_t i = 0; i < s->count; i++)
        map_release_pages(s->crls[i]->map);
}

/* --- asking --- */

size_t pki_crl_set_count(const struct pki_crl_set *s)
{
    return s->count;
}

const struct pki_crl *pki_crl_set_at(const struct pki_crl_set *s, size_t i)
{
    return s->crls[i];
}

bool pki_crl_set_fits(const struct pki_crl_set *s, const struct pki_crl *delta)
{
    bool ret = false;
    for (size_t i = 0; i < s->count && !ret; i++)
        ret = pki_crl_delta_fits(delta, s->crls[i]);
    return ret;
}

const char *pki_crl_set_dropped(const struct pki_crl_set *s, const X509_NAME *issuer)
{
    for (size_t i = 0; i < s->dropped_count; i++) {
        if (X509_NAME_cmp(s->dropped[i].issuer, issuer) == 0)
            return s->dropped[i].why;
    }
    return NULL;
}

struct look_up {
    const struct pki_crl_set *set;
    const X509_NAME *issuer;
    enum pki_crl_entry_state found;
};

/* The index knows hashes: here the entry itself is compared. One that is listed ends the search, for it outweighs one
 * of the same number that was removed. */
static bool confirm(void *arg, uint32_t crl, uint32_t offset, struct slice serial)
{
    struct look_up *l = arg;
    const struct pki_crl *c = l->set->crls[crl];
    struct pki_crl_entry e = pki_crl_entry_at(&c->der.entries, offset);
    const X509_NAME *whose = pki_crl_entry_issuer(&c->der.entries, offset);
    if (!pki_crl_serial_eq(e.serial, serial) || X509_NAME_cmp(whose ? whose : pki_crl_issuer(c), l->issuer) != 0)
        return false;
    l->found = e.removed ? PKI_CRL_REMOVED : PKI_CRL_LISTED;
    return !e.removed;
}

enum pki_crl_entry_state pki_crl_set_look_up(const struct pki_crl_set *s, size_t i, const X509_NAME *issuer,
                                             struct slice serial)
{
    struct look_up l = {s, issuer, PKI_CRL_ABSENT};
    (void)pki_crl_index_has(s->index, (uint32_t)i, serial, confirm, &l);
    return l.found;
}
