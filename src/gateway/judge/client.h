/* SPDX-License-Identifier: Apache-2.0 */
/* What one client's connection showed, and what let its requests in: all of a connection that the judge sees. */
#ifndef GATEWAY_JUDGE_CLIENT_H
#define GATEWAY_JUDGE_CLIENT_H

#include "gateway/judge/credential.h"
#include "gateway/judge/grant.h"
#include "gateway/judge/judge.h"
#include "gateway/judge/rejudge.h"
#include "net/address.h"

struct judge_client {
    struct gateway_judge *judge;
    struct credential credential;
    char peer[NET_ADDRESS_TEXT]; /* address without port */

    /* What let requests in here, so that its end ends the connection even while it is idle. Both may have: a request
     * that is under way by certificate stays one when another comes with a token. */
    int64_t certificate_until; /* wall seconds; 0: no request came by certificate */
    struct grant *token;       /* the last one that let a request in; NULL: none did */
    struct rejudge rejudge;
    void (*review)(struct judge_client *c); /* its verdict was reached again: does it still hold? */
};

#endif
