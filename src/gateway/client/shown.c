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

void shown_certificates_note_unread(struct shown_certificates *s, const char *why)
{
    (void)pthread_mutex_lock(&s->lock);
    (void)snprintf(s->unread, sizeof s->unread, "%s", why);
    (void)pthread_mutex_unlock(&s->lock);

    s->on_change(s->ctx);
}

void shown_certificates_unread(struct shown_certificates *s, char ret[ERROR_TEXT_MAX])
{
    (void)pthread_mutex_lock(&s->lock);
    memcpy(ret, s->unread, sizeof s->unread);
    (void)pthread_mutex_unlock(&s->lock);
}
