/* SPDX-License-Identifier: Apache-2.0 */
/* The server certificates that are shown now, below their lock, and why newer ones could not be used. One for the
 * process; set by the control loop's thread, read by any. */
#ifndef GATEWAY_CLIENT_SHOWN_H
#define GATEWAY_CLIENT_SHOWN_H

#include <pthread.h>

#include "gateway/client/certificates.h"

struct shown_certificates {
    pthread_mutex_t lock;
    struct certificates *certificates; /* below the lock */
    char unread[ERROR_TEXT_MAX];       /* below the lock; so is the next one */
    char unissued[ERROR_TEXT_MAX];
    void (*on_change)(void *ctx); /* others are shown, or the text is another; in the thread that set them */
    void *ctx;
};

/* Takes over the reference. Nobody is told of these first ones. */
void shown_certificates_init(struct shown_certificates *s, struct certificates *first, void (*on_change)(void *ctx),
                             void *ctx);

/* A reference of the caller's own. */
struct certificates *shown_certificates_get(struct shown_certificates *s);

/* From the next handshake on (takes over the reference). */
void shown_certificates_put(struct shown_certificates *s, struct certificates *fresh);

/* Why the files, read anew, could not be used; "": they are. */
void shown_certificates_note_unread(struct shown_certificates *s, const char *why);
void shown_certificates_unread(struct shown_certificates *s, char ret[ERROR_TEXT_MAX]);

/* Why the CA gave no next one the last time that it was asked (obtain/acme.h); "": it was not, or did. */
void shown_certificates_note_unissued(struct shown_certificates *s, const char *why);
void shown_certificates_unissued(struct shown_certificates *s, char ret[ERROR_TEXT_MAX]);

#endif
