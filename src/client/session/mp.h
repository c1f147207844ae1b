/* SPDX-License-Identifier: Apache-2.0 */
/* Management points that are asked directly, and whom their certificates must prove them to be. */
#ifndef CLIENT_SESSION_MP_H
#define CLIENT_SESSION_MP_H

#include "client/state/fqdns.h"
#include "pki/cert/cert.h"
#include "web/http.h"

enum { CLIENT_MPS_MAX = 16 };

#define CLIENT_MP_NOT_BY_ROOT "it must show the site's own certificate, and shows one of another issuer"

struct client_mp {
    struct client_fqdn at; /* .role: its id, "" while unknown */
    char *anchors;         /* PEM that the site told of; NULL: none; owned */
    bool by_root;          /* the site told: its certificate is the site's own (Enhanced HTTP) */
    bool answered;         /* in this session */
    char why[256];         /* it is not to be used in this session; "": it may be */
    unsigned char pin[PKI_SHA256];
    char proven[64]; /* the id in the role certificate that the last connection showed; "": it showed another one */
};
struct client_inside {
    struct client_mp items[CLIENT_MPS_MAX];
    size_t count;
    char *anchors; /* PEM of MPCA; NULL: not set; owned */
};

/* How a request to this management point judges its certificate: to be copied into the request. */
void client_mp_trust(const struct client_inside *in, struct client_mp *mp, struct web_request *r);

void client_inside_free(struct client_inside *in);

#endif
