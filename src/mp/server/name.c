/* SPDX-License-Identifier: Apache-2.0 */
#include "mp/server/name.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#include "pki/cert/identity.h"

/* The name itself, or what a DNS name begins with. */
static bool says(struct slice name, struct slice told)
{
    struct slice rest = name;
    return told.len && (slice_eq_nocase(name, told) || slice_eq_nocase(slice_cut(&rest, '.'), told));
}

static bool any_dns_name_says(X509 *cert, struct slice told)
{
    bool found = false;
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            found = says(slice_make((const char *)ASN1_STRING_get0_data(name->d.dNSName),
                                    (size_t)ASN1_STRING_length(name->d.dNSName)),
                         told);
    }
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
