/* SPDX-License-Identifier: Apache-2.0 */
/* State messages that the site has not heard yet: STATE/messages.json. What happens while there is no way to the site
 * waits here; of very many the oldest are dropped. */
#ifndef CLIENT_STATE_MESSAGES_H
#define CLIENT_STATE_MESSAGES_H

#include "base/error.h"
#include "json/json.h"

enum { CLIENT_MESSAGES_MAX = 512, CLIENT_MESSAGE_DETAIL_MAX = 2048 };

struct client_message {
    const char *kind, *subject; /* "policy", its name; docs/protocol/wire.md 6 */
    const char *state;          /* "started", "applied", "failed" */
    struct slice detail;        /* any bytes: words, the tail of what a program said; of more the end is told */
    int64_t version;
};

MUST_USE enum result client_messages_add(const char *dir, const struct client_message *list, size_t count,
                                         struct error *err);
/* Those that wait, the oldest first, as they are sent; the caller json_decref()s. A file that is damaged is an empty
 * one. */
json_t *client_messages_load(const char *dir);
/* The first `count` of them were heard. */
MUST_USE enum result client_messages_drop(const char *dir, size_t count, struct error *err);

#endif
