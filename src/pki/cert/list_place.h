/* SPDX-License-Identifier: Apache-2.0 */
/* Where the certificates of a chain say that their revocation lists are (RFC 5280 4.2.1.13, 4.2.1.15). Only of chains
 * that reached an anchor, and by which anchor: nobody else's URLs count (PROTOCOL 3). */
#ifndef PKI_CERT_LIST_PLACE_H
#define PKI_CERT_LIST_PLACE_H

#include <openssl/x509.h>

#include "pki/cert/cert.h"

enum { PKI_LIST_PLACES_MAX = 8, PKI_LIST_URL_SIZE = 512 };

struct pki_list_place {
    unsigned char anchor[PKI_SHA256]; /* of the anchor's certificate */
    char url[PKI_LIST_URL_SIZE];      /* http://…, printable ASCII; of one that is not followed: for people, cut */
    const char *unfollowed;           /* NULL; or why it is not followed */
};

struct pki_list_places {
    struct pki_list_place list[PKI_LIST_PLACES_MAX];
    size_t count;
};

/* Those of `cert`, complete lists and deltas. What is there already or one too many is left out. */
void pki_list_places_add(struct pki_list_places *p, X509 *cert, X509 *anchor);

/* Of one that is not followed: "it points to …", why that is not followed, and the command that names it as a source
 * instead, with the URL in it where there is room for it. */
void pki_list_place_way_out(const struct pki_list_place *p, char *ret, size_t size);

#endif
