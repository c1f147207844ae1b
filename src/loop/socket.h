/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets on the loop: what src/net needs of libuv's streams, and nothing above it should use. TCP and Unix alike. */
#ifndef LOOP_SOCKET_H
#define LOOP_SOCKET_H

#include <sys/socket.h>

#include "base/slice.h"
#include "loop/loop.h"

struct loop_socket;

struct loop_socket_events {
    void (*on_data)(void *ctx, struct slice data); /* borrowed: the loop's one read buffer */
    void (*on_end)(void *ctx);
    void (*on_written)(void *ctx); /* a queued write has left; ask loop_socket_queued */
    void (*on_error)(void *ctx, const struct error *why);
};

/* A connected descriptor, owned from now on. Not reading yet. */
struct loop_socket *loop_socket_adopt(struct loop *loop, int fd, bool is_unix);
void loop_socket_set_events(struct loop_socket *s, const struct loop_socket_events *events, void *ctx);
void loop_socket_read(struct loop_socket *s, bool on);
/* Tries at once; what the kernel does not take is copied and queued. */
void loop_socket_write(struct loop_socket *s, struct slice data);
size_t loop_socket_queued(const struct loop_socket *s);
void loop_socket_shutdown(struct loop_socket *s); /* after what is queued */
void loop_socket_close(struct loop_socket *s);    /* no callbacks after it; frees */
int loop_socket_fd(const struct loop_socket *s);

struct loop_listener;
/* A bound, listening descriptor, owned from now on; on_accept gets connected descriptors of its own. */
struct loop_listener *loop_listener_adopt(struct loop *loop, int fd, void (*on_accept)(void *ctx, int fd), void *ctx);
int loop_listener_fd(const struct loop_listener *l);
void loop_listener_close(struct loop_listener *l);

struct loop_connect;
/* One attempt to one address. Exactly one callback, later: fd >= 0, or fd -1 and why. */
struct loop_connect *loop_connect_start(struct loop *loop, const struct sockaddr *to, socklen_t len,
                                        void (*on_done)(void *ctx, int fd, const struct error *why), void *ctx);
void loop_connect_cancel(struct loop_connect *c); /* no callback then */

#endif
