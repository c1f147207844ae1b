/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what on the admin socket (docs/operations.md): root and the user of cmg-mp are administrators, three
 * groups give the roles, nobody else has one. The caller's user and groups are the kernel's word (SO_PEERCRED,
 * SO_PEERGROUPS).
 */
#ifndef MP_ADMIN_SOCKET_ACCESS_H
#define MP_ADMIN_SOCKET_ACCESS_H

#include "mp/config.h"
#include "net/stream.h"

#define MP_NO_GROUP UINT32_MAX

struct mp_admin_groups {
    unsigned gid[MP_ROLES]; /* MP_NO_GROUP: there is none on this machine */
};

/* Looks the configured groups up. R_INVALID: the name service failed; a group that isn't there is no fault. */
MUST_USE enum result mp_admin_groups_find(const struct mp_config *config, struct mp_admin_groups *ret,
                                          struct error *err);
/* Lets the groups open the socket, by an access control list: it stays 0660 and its owner's. R_IO: the file system has
 * none. */
MUST_USE enum result mp_admin_groups_admit(const struct mp_admin_groups *g, const char *socket, struct error *err);

/* The highest role of a user with these groups, where cmg-mp runs as `own`. */
enum mp_role mp_admin_role_of(const struct mp_admin_groups *g, unsigned own, unsigned uid, const unsigned *gids,
                              size_t gid_count);
/* Of the other side of a stream of the socket; false: it can't be told. */
MUST_USE bool mp_admin_role_of_peer(const struct mp_admin_groups *g, const struct net_stream *s, unsigned *ret_uid,
                                    enum mp_role *ret);

const char *mp_role_name(enum mp_role role); /* "no role", "reader", "operator", "administrator" */

#endif
