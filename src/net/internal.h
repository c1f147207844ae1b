/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/net share. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include <sys/un.h>

#include "net/tcp.h"

/* A stream for a connected descriptor, which it owns. NULL (and the descriptor closed): it can't be watched. Nothing is
 * read before the loop's next turn. */
struct net_stream *net_socket_stream(struct loop *loop, int fd, struct slice already_read);

/* No delay, keep-alive; accepted sockets inherit it from their listener. Best effort. */
void net_socket_options(int fd);

/* A descriptor of the caller's own for the listening socket at this address that the service manager handed to this
 * process; -1: it handed none. Several may share one; its queue stays when they are closed. */
int net_handed(const struct net_address *at);
int net_handed_unix(const struct sockaddr_un *at);

/* It is to be handed to the next process, too. false: there is no manager. */
bool net_handed_keep(int fd);

#endif
