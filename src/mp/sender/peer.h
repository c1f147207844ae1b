/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of a connection to a management point, as far as it is judged: the certificate it showed, and the
 * verdict on it. Part of a connection (mp/server/listener.h), which makes and ends it. */
#ifndef MP_SENDER_PEER_H
#define MP_SENDER_PEER_H

#include <openssl/x509.h>

#include "mp/site.h"
#include "net/address.h"
#include "pki/cert/cert.h"

struct mp_peer {
    struct mp_site *site;
    const struct mp_config_point *point; /* that it came to */
    char address[NET_ADDRESS_TEXT];      /* with its port */
    char group[NET_ADDRESS_TEXT];        /* without; or its IPv6 /64: whom a stranger's share is counted against */
    X509 *certificate;                   /* what it showed; NULL: none; owned */
    char sha256[PKI_HASH_HEX];           /* of it (mp_peer_sha256) */
    STACK_OF(X509) * chain;              /* borrowed from the stream */
    char connector[PKI_ROLE_ID_MAX];     /* of its role certificate; "": it showed none */
    struct mp_judging *judging;          /* while its certificate is judged, before the first request */
    struct pki_trust *judged_by;         /* that `verdict` on the certificate is by; own reference, NULL: none yet */
    struct pki_verdict verdict;
};

/* Of its certificate, hashed once a connection. */
static inline const char *mp_peer_sha256(struct mp_peer *p)
{
    if (!*p->sha256)
        pki_cert_sha256_hex(p->certificate, p->sha256);
    return p->sha256;
}

#endif
