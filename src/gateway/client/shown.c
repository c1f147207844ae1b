/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that takes the lock of the server certificates in use. Each worker holds a reference of its own, which
 * it gets anew when on_change has told it to. */
#include "gateway/client/shown.h"

void shown_certificates_init(struct shown_certificates *s, struct certificates *first, void (*on_change)(void *ctx),
                             void *ctx)
{
    memset(s, 0, sizeof *s);
    (void)pthread_mutex_init(&s->lock, NULL);
    s->certificates = first;
    s->on_change = on_change;
    s->ctx = ctx;
}

struct certificates *shown_certificates_get(struct shown_certificates *s)
{
    (void)pthread_mutex_lock(&s->lock);
    struct certificates *ret = certificates_ref(s->certificates);
    (void)pthread_mutex_unlock(&s->lock);
    return ret;
}

void shown_certificates_put(struct shown_certificates *s, struct certificates *fresh)
{
    (void)pthread_mutex_lock(&s->lock);
    struct certificates *old = s->certificates;
    s->certificates = fresh;
    (void)pthread_mutex_unlock(&s->lock);

    certificates_unref(old);
    s->on_change(s->ctx);
}

/* Whoever looks at it again and again tells nobody as long as it is the same. */
static void note(struct shown_certificates *s, char text[ERROR_TEXT_MAX], const char *why)
{
    (void)pthread_mutex_lock(&s->lock);
    bool same = strcmp(text, why) == 0;
    (void)snprintf(text, ERROR_TEXT_MAX, "%s", why);
    (void)pthread_mutex_unlock(&s->lock);

    if (!same)
        s->on_change(s->ctx);
}

static void read_note(struct shown_certificates *s, const char text[ERROR_TEXT_MAX], char ret[ERROR_TEXT_MAX])
{
    (void)pthread_mutex_lock(&s->lock);
    memcpy(ret, text, ERROR_TEXT_MAX);
    (void)pthread_mutex_unlock(&s->lock);
}

void shown_certificates_note_unread(struct shown_certificates *s, const char *why)
{
    note(s, s->unread, why);
}

void shown_certificates_unread(struct shown_certificates *s, char ret[ERROR_TEXT_MAX])
{
    read_note(s, s->unread, ret);
}

void shown_certificates_note_unissued(struct shown_certificates *s, const char *why)
{
    note(s, s->unissued, why);
}

void shown_certificates_unissued(struct shown_certificates *s, char ret[ERROR_TEXT_MAX])
{
    read_note(s, s->unissued, ret);
}
