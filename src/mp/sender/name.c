/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing names as they stand in a certificate. Pure. */
#include "mp/sender/name.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/utf8.h"
#include "pki/cert/identity.h"

/* The name itself, or what a DNS name begins with. */
static bool says(struct slice name, struct slice told)
{
    struct slice rest = name;
    return told.len && (slice_eq_nocase(name, told) || slice_eq_nocase(slice_cut(&rest, '.'), told));
}

/* Empty when it is of another kind. */
static struct slice dns_name(const GENERAL_NAME *name)
{
    if (name->type != GEN_DNS)
        return SLICE_NONE;
    return slice_make((const char *)ASN1_STRING_get0_data(name->d.dNSName),
                      (size_t)ASN1_STRING_length(name->d.dNSName));
}

static bool any_dns_name_says(X509 *cert, struct slice told)
{
    bool found = false;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
        found = says(dns_name(sk_GENERAL_NAME_value(names, i)), told);
    GENERAL_NAMES_free(names);
    return found;
}

bool mp_name_of_certificate(X509 *cert, const char *told, char ret[MP_NAME_SIZE])
{
    bool names = pki_identity(cert, ret, MP_NAME_SIZE);
    if ((names && says(slice_of(ret), slice_of(told))) || any_dns_name_says(cert, slice_of(told)))
        names = snprintf(ret, MP_NAME_SIZE, "%s", told) < MP_NAME_SIZE;
    return names;
}

/* --- all of them --- */

static bool has(const struct mp_names *all, struct slice name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (slice_eq_nocase(name, slice_of(all->items[i])))
            return true;
    }
    return false;
}

/* What no device could tell (mp/registration.c) is left out. */
static bool add(struct mp_names *all, struct slice name)
{
    if (!name.len || !utf8_all_shown(name) || has(all, name))
        return true;
    if (all->count == MP_NAMES_MAX)
        return false;
    all->count += slice_to_cstr(name, all->items[all->count], MP_NAME_SIZE);
    return true;
}

static bool add_with_label(struct mp_names *all, struct slice name)
{
    struct slice rest = name;
    return add(all, name) && add(all, slice_cut(&rest, '.'));
}

bool mp_names_of_certificate(X509 *cert, struct mp_names *ret)
{
    char subject[MP_NAME_SIZE];
    ret->count = 0;
    bool whole = !pki_identity(cert, subject, sizeof subject) || add_with_label(ret, slice_of(subject));
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && whole; i++)
        whole = add_with_label(ret, dns_name(sk_GENERAL_NAME_value(names, i)));
    GENERAL_NAMES_free(names);
    return whole;
}
