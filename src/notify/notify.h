/* SPDX-License-Identifier: Apache-2.0 */
/* A message to whoever has to know: by webhook (POST of JSON) or by mail (SMTP), by libcurl, bounded in time and size,
 * without redirects. Blocks: for a thread of the pool. */
#ifndef NOTIFY_NOTIFY_H
#define NOTIFY_NOTIFY_H

#include <stdatomic.h>

#include "base/error.h"
#include "base/slice.h"

enum {
    NOTIFY_CONNECT_S = 10,
    NOTIFY_WHOLE_S = 30,
    NOTIFY_ANSWER_MAX = 64 * 1024, /* of a webhook; a longer answer breaks the transfer off */
    NOTIFY_RECIPIENTS_MAX = 16,
    NOTIFY_ADDRESS_MAX = 254, /* RFC 5321 4.5.3.1.3 */
    NOTIFY_URL_MAX = 1024,
    NOTIFY_SECRET_MAX = 4096,
    NOTIFY_TOLD_SIZE = 256
};

/* Texts: "" for what there is none of. All borrowed. */
struct notify_receiver {
    const char *kind;   /* "webhook", "mail" */
    const char *url;    /* https://…; smtp://host[:port], smtps://host[:port] */
    const char *ca_pem; /* by which its server is judged, and by nothing else; "": the system's CAs */
    const char *auth;   /* webhook: "none", "bearer", "hmac"; mail: "none", "login" */
    const char *user;   /* of login */
    const char *secret; /* of auth */
    const char *from;   /* mail */
    const char *to;     /* mail: addresses with blanks between */
    bool plain;         /* smtp without STARTTLS; without it, a server that offers none is refused */
};

struct notify_message {
    const char *id; /* unique, of letters and digits: Message-ID, webhook-id */
    const char *subject, *text, *json;
    int64_t at; /* wall seconds */
};

/* Can it be used at all? R_INVALID with what it must be: https (http to this machine alone), addresses without anything
 * that could become a line of its own, no login over a line that others read. */
MUST_USE enum result notify_check(const struct notify_receiver *to, struct error *err);

/* OK: the server took it; `told` is what it answered ("204", "250 2.0.0 Ok: queued"), printable. R_TIMEOUT, R_DENIED
 * (the login or the secret), R_IO, R_INVALID (another answer). `stop` (NULL allowed): once true, it ends soon. */
MUST_USE enum result notify_send(const struct notify_receiver *to, const struct notify_message *m,
                                 const atomic_bool *stop, char told[NOTIFY_TOLD_SIZE], struct error *err);

#endif
