/* SPDX-License-Identifier: Apache-2.0 */
/* A list that came against the one in use: signed, of the same place, not older. Changes nothing: who asked puts it in.
 * */
#include "pki/list/news.h"

#include <openssl/err.h>

#include "base/clock.h"

enum { CLOCK_LEEWAY = 300 };

/* The same issuer, signing key, distribution point and completeness. */
static bool same_place(const struct pki_crl *a, const struct pki_crl *b)
{
    return !a->base == !b->base && pki_crl_same_scope(a, b);
}

static enum result another_place(const struct pki_crl *present, const struct pki_list_info *x,
                                 const struct pki_list_info *y, struct error *err)
{
    char until[CLOCK_TEXT_SIZE];
    clock_rfc3339(present->next_update, until);
    bool key = strcmp(x->issuer, y->issuer) == 0 && strcmp(x->scope, y->scope) == 0;
    return error_set(
        err, R_DENIED,
        "it is no successor of the list in use, which is good until %s: %s'%.100s' (%.80s), in use is that "
        "of '%.100s' (%.80s)",
        until, key ? "another key signed this one of " : "this one is of ", x->issuer, x->scope, y->issuer, y->scope);
}

/* A delta that adds to nothing here must not take the place of one that does: what that one lists would be lost. */
static enum result check_delta(const struct pki_crl_set *set, const struct pki_crl *fresh,
                               const struct pki_crl *present, struct error *err)
{
    if (!fresh->base || pki_crl_set_fits(set, fresh) || !pki_crl_set_fits(set, present))
        return OK;
    return error_set(err, R_AGAIN,
                     "the complete list that this delta CRL adds to is not here yet; the delta in use stays");
}

/* A fresh list gives way to its successor alone; one that ended also to another one. */
static enum result check_successor(const struct pki_crl_check *q, const struct pki_crl *fresh,
                                   const struct pki_crl *present, struct error *err)
{
    struct pki_list_info x, y;
    pki_list_tell(fresh, &x);
    pki_list_tell(present, &y);
    if (!same_place(fresh, present))
        return present->next_update >= q->now ? another_place(present, &x, &y, err) : OK;
    enum result r = pki_list_not_older(&x.age, &y.age, "the list in use", err);
    return r == OK ? check_delta(q->set, fresh, present, err) : r;
}

/* What can't be read, or is of nobody whom the site trusts any more, is no reason to keep it. */
static enum result check_present(const struct pki_crl_check *q, const struct pki_crl *fresh, struct error *err)
{
    struct pki_crl *present;
    if (pki_crl_new_borrowed(q->present, &present, NULL) != OK)
        return OK;
    enum result r = pki_crl_admit(present, q->from, NULL) == OK ? check_successor(q, fresh, present, err) : OK;
    pki_crl_free(present);
    return r;
}

static enum result check_begun(const struct pki_crl *c, int64_t now, struct error *err)
{
    char when[CLOCK_TEXT_SIZE];
    if (c->this_update <= now + CLOCK_LEEWAY)
        return OK;
    clock_rfc3339(c->this_update, when);
    return error_set(err, R_DENIED, "its thisUpdate %s lies in the future; check the clocks", when);
}

static enum result check(const struct pki_crl_check *q, struct pki_crl *c, struct error *err)
{
    enum result r = pki_crl_admit(c, q->from, err);
    if (r == OK)
        r = check_begun(c, q->now, err);
    return r == OK && q->present.ptr ? check_present(q, c, err) : r;
}

enum result pki_crl_check_news(const struct pki_crl_check *q, struct slice der, struct pki_crl_news *ret,
                               struct error *err)
{
    struct pki_crl *c;
    *ret = (struct pki_crl_news){.unchanged = q->present.ptr && slice_eq(der, q->present)};
    ERR_set_mark();
    enum result r = pki_crl_new_borrowed(der, &c, err);
    if (r == OK) {
        r = ret->unchanged ? pki_crl_read(c, err) : check(q, c, err);
        if (r == OK || r == R_NOTFOUND)
            pki_list_tell(c, &ret->list);
        pki_crl_free(c);
    }
    ERR_pop_to_mark();
    return r;
}
