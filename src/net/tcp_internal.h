/* SPDX-License-Identifier: Apache-2.0 */
/* What tcp.c, listen.c and dial.c share. */
#ifndef NET_TCP_INTERNAL_H
#define NET_TCP_INTERNAL_H

#include "net/tcp.h"

/* A stream for a connected descriptor, which it owns. */
struct net_stream *net_stream_from_fd(struct loop *loop, int fd, bool is_unix, struct slice already_read);

#endif
