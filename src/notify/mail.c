/* SPDX-License-Identifier: Apache-2.0 */
/* A mail of plain text (RFC 5322, 2045; quoted-printable by libcurl), marked as made by a machine (RFC 3834). */
#include <string.h>
#include <time.h>

#include "notify/internal.h"

static void add_addresses(struct notify_transfer *t)
{
    char shown[NOTIFY_RECIPIENTS_MAX * (NOTIFY_ADDRESS_MAX + 3) + 1] = "";
    struct slice rest = slice_of(t->to->to);
    while (rest.ptr) {
        struct slice one = slice_cut(&rest, ' ');
        size_t used = strlen(shown);
        if (!one.len)
            continue;
        notify_add(&t->recipients, "<%.*s>", SLICE_ARG(one));
        (void)snprintf(shown + used, sizeof shown - used, "%s%.*s", used ? ", " : "", SLICE_ARG(one));
    }
    notify_add(&t->headers, "To: %s", shown);
}

static void add_headers(struct notify_transfer *t, const struct notify_message *m)
{
    char date[64];
    time_t at = (time_t)m->at;
    struct tm tm;
    (void)gmtime_r(&at, &tm);
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm); /* the locale is C's */
    const char *domain = strrchr(t->to->from, '@');
    notify_add(&t->headers, "Date: %s", date);
    notify_add(&t->headers, "From: %s", t->to->from);
    add_addresses(t);
    notify_add(&t->headers, "Subject: %s", m->subject);
    notify_add(&t->headers, "Message-ID: <%s%s>", m->id, domain ? domain : "@localhost");
    notify_add(&t->headers, "Auto-Submitted: auto-generated");
}

static void set_text(struct notify_transfer *t, const struct notify_message *m)
{
    t->mime = curl_mime_init(t->easy);
    curl_mimepart *part = t->mime ? curl_mime_addpart(t->mime) : NULL;
    if (!part || curl_mime_data(part, m->text, CURL_ZERO_TERMINATED) != CURLE_OK ||
        curl_mime_type(part, "text/plain; charset=utf-8") != CURLE_OK ||
        curl_mime_encoder(part, "quoted-printable") != CURLE_OK)
        fatal("out of memory (libcurl)");
    NOTIFY_SET(t, CURLOPT_MIMEPOST, t->mime);
}

void notify_mail_prepare(struct notify_transfer *t, const struct notify_message *m)
{
    add_headers(t, m);
    set_text(t, m);
    NOTIFY_SET(t, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    NOTIFY_SET(t, CURLOPT_HTTPHEADER, t->headers);
    NOTIFY_SET(t, CURLOPT_MAIL_FROM, t->to->from);
    NOTIFY_SET(t, CURLOPT_MAIL_RCPT, t->recipients);
    NOTIFY_SET(t, CURLOPT_USE_SSL, t->to->plain ? (long)CURLUSESSL_NONE : (long)CURLUSESSL_ALL);
    if (strcmp(t->to->auth, "login") == 0) {
        NOTIFY_SET(t, CURLOPT_USERNAME, t->to->user);
        NOTIFY_SET(t, CURLOPT_PASSWORD, t->to->secret);
    }
}
