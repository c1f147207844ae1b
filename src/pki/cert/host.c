/* SPDX-License-Identifier: Apache-2.0 */
/* The names of a server's certificate as text for people and documents. Whether a host matches is OpenSSL's to say. */
#include "pki/cert/host.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "base/utf8.h"
#include "pki/cert/cert.h"

enum { DAY_S = 86400 };

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
        (void)snprintf(ret, size, PKI_NO_HOSTS);
}

bool pki_cert_is_for(X509 *leaf, const char *host)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
    bool is_address = address != NULL;
    ASN1_OCTET_STRING_free(address);
    return is_address ? X509_check_ip_asc(leaf, host, 0) == 1 : X509_check_host(leaf, host, 0, 0, NULL) == 1;
}

int pki_cert_notice(int64_t not_after, int64_t now)
{
    static const int days[] = {1, 7, 14, 30, 60};
    if (not_after <= now)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        if (not_after - now <= (int64_t)days[i] * DAY_S)
            return days[i];
    }
    return -1;
}
