/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/host.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "pki/cert.h"

static void add_char(char *ret, size_t size, char c)
{
    size_t used = strlen(ret);
    if (used + 1 < size) {
        ret[used] = c;
        ret[used + 1] = '\0';
    }
}

static void add_host(char *ret, size_t size, struct slice text)
{
    size_t used = strlen(ret);
    (void)snprintf(ret + used, size - used, "%s", used ? ", " : "");
    for (size_t i = 0; i < text.len; i++) /* an IA5String: what is not printable there names nothing */
        add_char(ret, size, text.ptr[i] > 0x20 && text.ptr[i] < 0x7f ? text.ptr[i] : '?');
}

static void add_address(char *ret, size_t size, const ASN1_OCTET_STRING *address)
{
    char text[INET6_ADDRSTRLEN];
    int len = ASN1_STRING_length(address);
    if ((len == 4 || len == 16) &&
        inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof text))
        add_host(ret, size, slice_of(text));
}

void pki_cert_hosts(X509 *leaf, char *ret, size_t size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    ret[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        if (n->type == GEN_DNS)
            add_host(ret, size,
                     slice_make(ASN1_STRING_get0_data(n->d.dNSName), (size_t)ASN1_STRING_length(n->d.dNSName)));
        else if (n->type == GEN_IPADD)
            add_address(ret, size, n->d.iPAddress);
    }
    GENERAL_NAMES_free(names);
    if (!ret[0])
        (void)snprintf(ret, size, "no name at all");
}

bool pki_cert_is_for(X509 *leaf, const char *host)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    bool is_address = address != NULL;
    ASN1_OCTET_STRING_free(address);
    return is_address ? X509_check_ip_asc(leaf, host, 0) == 1 : X509_check_host(leaf, host, 0, 0, NULL) == 1;
}

const char *pki_cert_server_fault(X509 *leaf, int64_t now)
{
    uint32_t flags = X509_get_extension_flags(leaf);
    if (flags & EXFLAG_CA)
        return "is a CA's certificate: put one that this CA issued for the server there";
    if ((flags & EXFLAG_XKUSAGE) && !(X509_get_extended_key_usage(leaf) & (XKU_SSL_SERVER | XKU_ANYEKU)))
        return "is not for servers, and clients refuse it: have one issued with the extended key usage serverAuth";
    if (pki_cert_not_after(leaf) <= now)
        return "has expired: have a new one issued";
    if (pki_cert_not_before(leaf) > now)
        return "is not valid yet: look whether this machine's clock is right";
    return NULL;
}
