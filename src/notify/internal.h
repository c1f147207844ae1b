/* SPDX-License-Identifier: Apache-2.0 */
/* One transfer of libcurl and what both kinds make of it: of this folder only. */
#ifndef NOTIFY_INTERNAL_H
#define NOTIFY_INTERNAL_H

#include <curl/curl.h>

#include "der/judged.h"
#include "notify/notify.h"

struct notify_transfer {
    const struct notify_receiver *to;
    const atomic_bool *stop;
    CURL *easy;
    struct curl_slist *headers, *recipients;
    curl_mime *mime;
    size_t answered;             /* bytes of the body */
    char last[NOTIFY_TOLD_SIZE]; /* mail: the server's last line */
    char detail[CURL_ERROR_SIZE];
    struct der_judged judged;  /* why those of the server were refused */
    struct error certificates; /* why those of the server were not even read */
};

/* An option that this libcurl lacks ends the process: none may be missing silently. */
#define NOTIFY_SET(t, option, value)                                                                                   \
    do {                                                                                                               \
        if (curl_easy_setopt((t)->easy, (option), (value)) != CURLE_OK)                                                \
            fatal("libcurl does not take " #option);                                                                   \
    } while (0)

/* Ends the process when memory lacks. */
void notify_add(struct curl_slist **list, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What is peculiar to each kind: webhook.c, mail.c. */
void notify_webhook_prepare(struct notify_transfer *t, const struct notify_message *m);
void notify_mail_prepare(struct notify_transfer *t, const struct notify_message *m);

#endif
