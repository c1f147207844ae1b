/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of HTTP/2: a peer that writes its frames by hand, so that it can break every rule. */
#ifndef TESTS_H2_RAW_H
#define TESTS_H2_RAW_H

#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "net/stream.h"

struct raw {
    struct net_stream *s; /* NULL: closed */
    nghttp2_hd_deflater *deflater;
    nghttp2_hd_inflater *inflater;
    struct buf in;
    struct buf piece; /* frames that leave together: see raw_together */
    bool together;
    size_t magic;      /* the client's preface, still to come */
    size_t frames[16]; /* received, by type */
    size_t data_bytes;
    uint32_t reset_code, goaway_code, goaway_last;
    int32_t reset_id;
    int status; /* of the last head received */
    bool ended; /* the other side closed */
    bool deaf;  /* acknowledges nothing */
};

void raw_start(struct raw *r, struct net_stream *s, bool client); /* preface and SETTINGS */
void raw_stop(struct raw *r);
/* What is sent from here on leaves in one piece, with the call with `on` false. */
void raw_together(struct raw *r, bool on);
void raw_frame(struct raw *r, uint8_t type, uint8_t flags, int32_t id, struct slice payload);
/* HEADERS with END_HEADERS; pairs: name, value, …, NULL. */
void raw_headers(struct raw *r, int32_t id, uint8_t flags, const char *const *pairs);
/* An ordinary GET of this path. */
void raw_get(struct raw *r, int32_t id, uint8_t flags, const char *path);
/* The payload of RST_STREAM, WINDOW_UPDATE. */
void raw_u32(struct raw *r, uint8_t type, int32_t id, uint32_t value);
void raw_goaway(struct raw *r, uint32_t last, uint32_t code);

#endif
