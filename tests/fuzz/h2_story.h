/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The peer of an HTTP/2 session as an input tells it: a list of steps, one byte each and what it needs behind it, so
 * that most inputs are frames that a session reads on from, in pieces that hold several of them. The low four bits of
 * a step's byte choose:
 *
 *   0-9 a frame of this type: flags, stream, then what its payload is made of (h2_story.c)
 *   10 the last frame again, several times      11 so many bytes as they are     12 what was told leaves as one piece
 *   13 the session's user does something: what, with which of his streams        14 time passes
 *   15 the peer's end: pauses, reads again, ends its direction, breaks
 *
 * Bit 4 makes a frame a wild one: any flags, any length, streams that never were.
 */
#ifndef TESTS_FUZZ_H2_STORY_H
#define TESTS_FUZZ_H2_STORY_H

#include "base/buf.h"
#include "fuzz.h"
#include "loop/loop.h"
#include "net/stream.h"

#define H2_STORY_GENERATION "0f1e2d3c-4b5a-4697-8877-665544332211"

/* The peer's end of one connection; what it reads is looked at: whole frames, SETTINGS first, the ids of GOAWAY never
 * grow, nothing comes behind a fault that was told. */
struct h2_peer {
    struct net_stream *s; /* NULL: closed, or none yet */
    struct buf in;
    size_t magic; /* bytes of the client's preface still to come */
    size_t frames, goaways;
    uint32_t last_id;
    bool complained, broken;
};

/* `client`: the peer is the client. With `greets`, its preface, SETTINGS and their ACK leave at once. */
void h2_peer_start(struct h2_peer *p, struct net_stream *s, bool client, bool greets);
void h2_peer_stop(struct h2_peer *p);

struct h2_story {
    struct loop *loop;
    struct h2_peer *to;                                  /* may be changed by `act`; NULL: what leaves is lost */
    void (*act)(void *ctx, uint8_t what, uint8_t which); /* the user does something */
    void (*look)(void *ctx);                             /* all has settled: what must hold */
    void *ctx;
    bool alone;  /* each frame leaves by itself */
    uint8_t cut; /* pieces of so many bytes; 0: whole */
    struct buf out, last;
    size_t frames; /* so far */
};

/* All of `in`; then everything has settled. */
void h2_story_tell(struct h2_story *s, struct slice in);

#endif
