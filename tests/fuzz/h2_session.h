/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of the two targets that hold an HTTP/2 session itself: it ends once, and nothing is done with it then. */
#ifndef TESTS_FUZZ_H2_SESSION_H
#define TESTS_FUZZ_H2_SESSION_H

#include "h2_story.h"
#include "h2_users.h"
#include "http/h2/h2.h"

struct h2_session {
    struct http_h2 *h; /* NULL: closed */
    struct loop *loop;
    struct net_stream *ours;
    struct h2_peer peer;
    size_t drains;
    bool small_line;
};

/* For http_h2_events; `s` is the owner. */
void h2_session_on_drain(void *s);
void h2_session_on_close(void *s, const struct error *why);

void h2_session_do(struct h2_session *s, enum h2_session_deed deed);
/* What is queued for a peer that does not read has a maximum. */
void h2_session_look(const struct h2_session *s);

/* Makes the line; then the caller makes s->h on s->ours. `choice`: bit 0, the peer says its preface itself; bit 1, each
 * frame leaves alone; bit 2, the line is narrow. */
void h2_session_start(struct h2_session *s, struct h2_story *story, uint8_t choice, uint8_t cut, bool peer_is_client);
/* Time passes, then everything is closed and freed. */
void h2_session_stop(struct h2_session *s, uint8_t how);

#endif
