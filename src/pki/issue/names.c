/* SPDX-License-Identifier: Apache-2.0 */
/* Names as objects, never from configuration strings, in which one could smuggle a second one. */
#include "pki/issue/names.h"

#include <openssl/err.h>
#include <string.h>

static bool push_name(GENERAL_NAMES *names, int type, const void *data, size_t len)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    if (!name || !value || !ASN1_STRING_set(value, data, (int)len)) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool push_host(GENERAL_NAMES *names, const char *host)
{
    ERR_set_mark();
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);
    ERR_pop_to_mark();
    if (!ip)
        return push_name(names, GEN_DNS, host, strlen(host));
    bool ok = push_name(names, GEN_IPADD, ASN1_STRING_get0_data(ip), (size_t)ASN1_STRING_length(ip));
    ASN1_OCTET_STRING_free(ip);
    return ok;
}

GENERAL_NAMES *pki_names_new(const char *uri, const char *const *hosts)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool ok = names != NULL;
    if (ok && uri)
        ok = push_name(names, GEN_URI, uri, strlen(uri));
    for (size_t i = 0; ok && hosts && hosts[i]; i++)
        ok = push_host(names, hosts[i]);
    if (ok)
        return names;
    GENERAL_NAMES_free(names);
    return NULL;
}
