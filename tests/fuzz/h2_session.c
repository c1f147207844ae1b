/* SPDX-License-Identifier: Apache-2.0 */
/* See h2_session.h. */
#include "h2_session.h"

#include "../unit/http/fake_loop.h"
#include "../unit/http/loopback_stream.h"

enum { NARROW = 100, QUEUED_MAX = NET_STREAM_HIGH + 256 * 1024 };

void h2_session_on_drain(void *session)
{
    struct h2_session *s = session;
    MUST(s->h && s->drains++ == 0);
}

void h2_session_on_close(void *session, const struct error *why)
{
    struct h2_session *s = session;
    MUST(s->h && why && why->text[0]);
    s->h = NULL;
}

void h2_session_do(struct h2_session *s, enum h2_session_deed deed)
{
    static void (*const deeds[])(struct http_h2 * h) = {
        [H2_SESSION_CLOSE] = http_h2_close,
        [H2_SESSION_DRAIN] = http_h2_drain,
        [H2_SESSION_ABORT] = http_h2_abort,
        [H2_SESSION_LET_IN] = http_h2_let_in,
    };
    if (s->h)
        deeds[deed](s->h);
}

void h2_session_look(const struct h2_session *s)
{
    MUST(!s->h || net_stream_queued(s->ours) <= QUEUED_MAX);
}

void h2_session_start(struct h2_session *s, struct h2_story *story, uint8_t choice, uint8_t cut, bool peer_is_client)
{
    struct net_stream *theirs;
    s->loop = loop_new();
    loopback_pair(s->loop, 0, choice & 4 ? NARROW : 0, &s->ours, &theirs);
    h2_peer_start(&s->peer, theirs, peer_is_client, !(choice & 1));
    story->loop = s->loop;
    story->to = &s->peer;
    story->alone = choice & 2;
    story->cut = cut;
}

void h2_session_stop(struct h2_session *s, uint8_t how)
{
    if (how & 1)
        net_stream_resume(s->peer.s);
    if (how & 2)
        net_stream_shutdown(s->peer.s);
    fake_loop_pass(s->loop, 10 * 1000);
    if (s->h)
        h2_session_do(s, how & 4 ? H2_SESSION_ABORT : H2_SESSION_CLOSE);
    fake_loop_pass(s->loop, 100 * 1000);
    MUST(!s->h);
    h2_peer_stop(&s->peer);
    fake_loop_settle(s->loop);
    loop_free(s->loop);
}
