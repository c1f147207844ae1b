/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked about a request's sender, and who it turns out to be. */
#ifndef GATEWAY_JUDGE_QUESTION_H
#define GATEWAY_JUDGE_QUESTION_H

#include "base/limit/crowd.h"
#include "bundle/bundle.h"
#include "choices/choices.h"
#include "http/message.h"

/* How its way to the endpoint says who it is (PROTOCOL 6): the two kinds of paths, or by host, which takes either. */
enum judge_route { ROUTE_MUTUAL, ROUTE_SERVER, ROUTE_HOST };

struct authenticate_question {
    enum judge_route route;
    const struct bundle_endpoint *endpoint; /* NULL: the gateway's own metadata */
    enum token_purpose purpose;
    const struct http_request *request;
    int64_t now; /* wall seconds */
};

struct identity {
    enum choice_client method;
    char client_id[80];       /* CMG-Client-Id */
    struct slice certificate; /* pki only: credential_field(); borrowed for the call */
    bool foreign; /* a token of the site that the endpoint's server belongs to: Authorization goes on to it */
};

struct authentication {
    struct identity identity;
    char subject[256];          /* for logs: the certificate's name, or the token's subject */
    char holder[CROWD_KEY_MAX]; /* whose connections this one counts among; "": its identity says it */
};

#endif
