/* SPDX-License-Identifier: Apache-2.0 */
/* Told, not refused: a load balancer or address translation may stand before the gateway, and the certificate's files
 * can be replaced later. */
#include "gateway/join/look.h"

#include "join/here.h"
#include "pki/cert/cert.h"
#include "pki/cert/host.h"

static void look_at_machine(struct join_report *report, const struct join_string *string)
{
    enum join_here where = join_here(string->host);
    if (where == JOIN_UNKNOWN)
        join_todo(report, "the name %s does not resolve: give it an address record that leads to this machine",
                  string->host);
    else if (where == JOIN_ELSEWHERE)
        join_todo(report,
                  "the name %s does not lead to an address of this machine: if nothing forwards port %u to it, this "
                  "string is another machine's",
                  string->host, (unsigned)string->port);
}

static X509 *leaf_of(const struct tls_identity_files *files)
{
    struct tls_identity_text text;
    X509 *leaf = NULL;
    if (tls_identity_take(files, &text, NULL) != OK ||
        pki_cert_read(slice_make(text.certificate, text.certificate_len), &leaf, NULL) != OK)
        leaf = NULL;
    tls_identity_text_free(&text);
    return leaf;
}

static void look_at_certificate(struct join_report *report, const char *host, const struct tls_identity_files *brought)
{
    enum { HOSTS_SHOWN = 400 };
    char hosts[HOSTS_SHOWN];
    X509 *leaf = leaf_of(brought);
    if (leaf && !pki_cert_is_for(leaf, host)) {
        pki_cert_hosts(leaf, hosts, sizeof hosts);
        join_todo(
            report,
            "the certificate %s is for %s, and devices ask for %s, so they will refuse it: get one for this name, "
            "and put it into that file, or name its files in server_certificates of gateway.yaml",
            brought->certificate, hosts, host);
    }
    X509_free(leaf);
}

void gateway_join_look(struct join_report *report, const struct join_string *string,
                       const struct tls_identity_files *brought)
{
    look_at_machine(report, string);
    if (brought->certificate)
        look_at_certificate(report, string->host, brought);
}
