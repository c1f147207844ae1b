/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the HTTP/2 adapter share: the session, the part of a stream that both roles have, and the head
 * being received. h2.c has the lives, h2/write.c bytes out, h2/events.c what nghttp2 tells, h2/head.c heads,
 * h2/server.c exchanges, h2/client.c calls, h2/flow.c windows, h2/health.c clocks and limits.
 *
 * The user is called from two places alone: inside nghttp2_session_mem_recv (he may submit there, which only queues),
 * and from reap and report_sent in h2.c, outside nghttp2. Never inside nghttp2_session_mem_send.
 */
#ifndef HTTP_H2_INTERNAL_H
#define HTTP_H2_INTERNAL_H

#include <bsd/sys/queue.h>
#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "base/limit/bucket.h"
#include "http/h2/h2.h"

enum {
    H2_WINDOW_FIRST = 64 * 1024,
    H2_WINDOW_MAX = 4 * 1024 * 1024,
    H2_OUT_MAX = 128 * 1024 * 1024, /* handlers keep to HTTP_WRITE_AHEAD; whole answers from memory may be larger */
    H2_NV_MAX = HTTP_FIELDS_MAX + 8,
    H2_SKIPPED = 8,
    H2_STREAM_COST = 1024, /* of a stream beside its head, about: nghttp2's part, ours, an answer that waits */
};

struct h2_ids {
    int32_t from, to; /* both inclusive */
};

/* A head while its field lines arrive. Header blocks never interleave, so a session needs one. */
struct h2_head {
    struct arena *arena; /* of the stream; NULL: nobody wants it */
    struct http_fields fields;
    struct slice method, scheme, authority, path, protocol, host;
    struct slice cookie; /* of several crumbs: their number is cookies */
    size_t cookies, bytes, lines;
    int64_t content_length;
    int status;
    bool expect_continue, te_trailers;
    bool malformed;  /* the stream is reset (RFC 9113 8.1.1); as newer nghttp2 (1.64) does by itself for an `@` */
    int refuse;      /* not acceptable: this status would say so */
    const char *why; /* and this text */
};

LIST_HEAD(h2_streams, h2_stream);
SLIST_HEAD(h2_stack, h2_stream);

struct h2_stream {
    struct http_h2 *h;
    LIST_ENTRY(h2_stream) all;
    SLIST_ENTRY(h2_stream) as_closed, as_sent, as_over;
    struct arena *arena;
    struct buf out;                     /* written by the user, not yet in a frame */
    const struct http_fields *trailers; /* to send behind it; in the arena */
    size_t sent;                        /* in frames, not yet reported */
    size_t unconsumed;                  /* delivered, not yet credited */
    size_t window;                      /* that the peer was given */
    size_t head_bytes;                  /* of its request, counted in h->heads */
    size_t arrived;                     /* bytes within the round trip that began at epoch_us */
    uint64_t epoch_us, progress_ms;
    uint64_t early_ms; /* our answer ended then, before the request did; 0: it did not */
    size_t unwanted;   /* bytes of the request that came afterwards */
    uint32_t error_code;
    int32_t id;
    bool over;       /* for the user: no callback any more */
    bool closed;     /* nghttp2 has forgotten it */
    bool eof;        /* the user's last byte is in `out` */
    bool deferred;   /* nghttp2 waits for resume_data */
    bool head_sent;  /* our HEADERS left */
    bool local_end;  /* our END_STREAM left */
    bool remote_end; /* the peer's END_STREAM came */
    bool peer_reset; /* RST_STREAM came */
    bool unsent;     /* our request never left */
    bool reset;      /* RST_STREAM was submitted by us */
    bool faultless;  /* for what is no fault of the peer's */
    bool in_sent;
    bool websocket; /* asks for it */
    bool switched;  /* and has it: it may be silent for long */
};

struct h2_role {
    bool server;
    void (*on_head)(struct h2_stream *s, struct h2_head *head, bool end);
    void (*on_body)(struct h2_stream *s, struct slice data);
    void (*on_end)(struct h2_stream *s); /* END_STREAM on DATA */
    void (*on_sent)(struct h2_stream *s, size_t n);
    void (*on_gone)(struct h2_stream *s, const struct error *why); /* why NULL: by s->error_code. Not when over */
    bool (*stalled)(const struct h2_stream *s);                    /* waits for bytes of the peer's body */
    void (*free)(struct h2_stream *s);
};
extern const struct h2_role h2_role_server, h2_role_client;

struct http_h2 {
    struct loop *loop;
    struct net_stream *stream;
    struct http_h2_options o;
    const struct http_h2_events *events;
    void *owner;
    const struct h2_role *role;
    nghttp2_session *ng;
    struct loop_deferred step;
    struct loop_timer *timer;
    struct h2_streams streams;    /* all */
    struct h2_stack closed, sent; /* nghttp2 has forgotten them; bytes of them are to be reported */
    struct h2_stack over;         /* whose heads can go (server) */
    size_t open;                  /* in `streams` */
    size_t active;                /* not over for the user */
    size_t heads;                 /* bytes of the requests' heads of all streams (server) */
    size_t unsent;                /* bytes of answers in `out` of all streams */
    bool let_in;                  /* else these are counted, too: */
    size_t kept, kept_first;      /* bytes that nghttp2 has now, and had at first */
    size_t told;                  /* that the owner knows of */
    struct h2_head head;
    /* flow */
    size_t grown;      /* of all windows over their first size */
    size_t unconsumed; /* of all streams */
    size_t withheld;   /* connection credit not given back while `unconsumed` is over the budget */
    uint64_t now_us, rtt_us, rtt_at_us, rtt_seen_us, rtt_ping_us;
    /* health */
    uint64_t received_ms, idle_ms;          /* instants */
    uint64_t ping_ms, notice_ms, linger_ms; /* instants; 0: not under way */
    uint64_t early_ms;                      /* when the first of the early answered streams is looked at; 0: none */
    struct bucket useless, updates, resets; /* what a peer's frames cost that do nothing */
    struct bucket refused;                  /* its streams for which there was no room */
    /* ends */
    bool greeted;                   /* our preface has been written */
    bool in_step, dirty, receiving; /* receiving: inside nghttp2_session_mem_recv */
    bool closing;                   /* ended by the next step, with goaway_code, because of `why` */
    bool spent;                     /* nghttp2 has failed: `ng` may be deleted, nothing else */
    uint32_t goaway_code;
    int32_t last_id;                   /* server: of the last request that was taken */
    int32_t newest_id;                 /* server: the largest that a HEADERS came with; -1: none */
    struct h2_ids skipped[H2_SKIPPED]; /* the last ones below it that none came with */
    size_t skipped_count;
    bool draining, peer_draining;  /* GOAWAY sent, received */
    bool final_due;                /* that one goes with the next flush */
    uint64_t stopped_ms;           /* since then heads of new requests are not read any more; 0: they are */
    bool goaway_final, told_drain; /* the second GOAWAY (RFC 9113 6.8) left; on_drain was called */
    struct error why, peer_complaint, our_complaint;
};

/* --- h2.c --- */
void h2_schedule(struct http_h2 *h);
/* The session ends by its next step, with this GOAWAY code, because of this. The first reason stays. May be called
 * anywhere: nghttp2 is not touched, and reads nothing more (its callbacks fail). */
void h2_fail(struct http_h2 *h, uint32_t goaway, enum result code, const char *fmt, ...) PRINTF_LIKE(4, 5);
void h2_stream_init(struct http_h2 *h, struct h2_stream *s, int32_t id);
void h2_stream_over(struct h2_stream *s);
void h2_stream_hold(struct h2_stream *s, size_t head_bytes); /* so much is its head now */
void h2_stream_write(struct h2_stream *s, struct slice data);
void h2_stream_finish(struct h2_stream *s);
void h2_stream_reset(struct h2_stream *s, uint32_t code);
/* Usable still: neither closed by the peer nor part of a session that ends. */
static inline bool h2_stream_live(const struct h2_stream *s)
{
    return !s->closed && !s->h->closing;
}
struct http_h2 *h2_new(struct loop *loop, struct net_stream *stream, const struct http_h2_options *o,
                       const struct http_h2_events *events, void *owner, const struct h2_role *role);

/* --- h2/write.c --- */
extern const nghttp2_data_source_read_callback h2_read_out; /* source.ptr: the h2_stream */
int h2_send_data(nghttp2_session *ng, nghttp2_frame *frame, const uint8_t *head, size_t n, nghttp2_data_source *source,
                 void *user);
void h2_flush(struct http_h2 *h); /* until nothing is left or the stream is congested */
void h2_write_goaway(struct http_h2 *h);

/* --- h2/events.c --- */
nghttp2_session_callbacks *h2_callbacks(void);

/* --- h2/server.c --- */
struct h2_stream *h2_server_begin(struct http_h2 *h, int32_t id);

/* --- h2/head.c --- */
void h2_head_begin(struct h2_head *head, struct arena *a);
void h2_head_add(struct h2_head *head, nghttp2_rcbuf *name, nghttp2_rcbuf *value);
void h2_head_refuse(struct h2_head *head, int status, const char *why);
void h2_head_request(struct h2_head *head, struct http_request *ret, bool end);
void h2_head_response(struct h2_head *head, struct http_response *ret, bool end);

enum { H2_HEADER_TABLE = 4096 }; /* RFC 7541's own size */
struct h2_nv {
    nghttp2_nv list[H2_NV_MAX];
    size_t count, table; /* bytes of the session's table of what repeats */
    char length[24], status[4];
};
/* False: too many fields. They borrow from `r` and from themselves. */
MUST_USE bool h2_nv_request(struct h2_nv *nv, const struct http_h2 *h, const struct http_request *r);
MUST_USE bool h2_nv_response(struct h2_nv *nv, const struct http_h2 *h, const struct http_response *r);
MUST_USE bool h2_nv_fields(struct h2_nv *nv, const struct http_h2 *h, const struct http_fields *f);

/* --- h2/flow.c --- */
void h2_flow_start(struct http_h2 *h);
void h2_flow_clock(struct http_h2 *h);
void h2_flow_received(struct h2_stream *s, size_t n);
void h2_flow_dropped(struct http_h2 *h, size_t n); /* received for nobody */
void h2_flow_consumed(struct h2_stream *s, size_t n);
void h2_flow_ended(struct h2_stream *s);
void h2_flow_pong(struct http_h2 *h);

/* --- h2/health.c --- */
enum h2_ping { H2_PING_RTT = 1, H2_PING_HEALTH, H2_PING_DRAIN };
void h2_health_start(struct http_h2 *h);
void h2_health_refused(struct http_h2 *h); /* a stream of who was let in */
void h2_health_stopped(struct http_h2 *h); /* http_h2_stop: from now on */
void h2_health_stop(struct http_h2 *h);
void h2_health_ping(struct http_h2 *h, enum h2_ping what);
void h2_health_pong(struct http_h2 *h, const uint8_t payload[8]);
void h2_health_received_frame(struct http_h2 *h, const nghttp2_frame *frame);
void h2_health_priority(struct http_h2 *h); /* which nghttp2 drops without a word */
void h2_health_sent_frame(struct http_h2 *h, const nghttp2_frame *frame);
/* Waits for the answer to a PING, or a second, before that. */
void h2_health_notice(struct http_h2 *h);
void h2_health_final_goaway(struct http_h2 *h);
void h2_health_say_final(struct http_h2 *h); /* just before a flush */
void h2_health_early(struct h2_stream *s);   /* its answer is sent; the request's rest is awaited a little */
void h2_health_unwanted(struct h2_stream *s, size_t n);
void h2_health_linger(struct http_h2 *h); /* our end is sent; the peer's is awaited a little */

#endif
