/* SPDX-License-Identifier: Apache-2.0 */
/* Roles by user and group, and the access control list of the socket (access.h). */
#include "mp/admin/socket/access.h"

#include <errno.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/tcp.h"

enum { GROUP_ROOM = 1024 * 1024, PEER_GROUPS = 1024 };

const char *mp_role_name(enum mp_role role)
{
    static const char *const names[] = {[MP_NO_ROLE] = "no role",
                                        [MP_READER] = "reader",
                                        [MP_OPERATOR] = "operator",
                                        [MP_ADMINISTRATOR] = "administrator"};
    return names[role];
}

/* --- groups --- */

static enum result find(const char *text, unsigned *ret, struct error *err)
{
    uint64_t number;
    *ret = MP_NO_GROUP;
    if (slice_to_u64(slice_of(text), &number) && number < MP_NO_GROUP) {
        *ret = (unsigned)number;
        return OK;
    }
    struct group entry, *found;
    char *room = mem_zalloc(GROUP_ROOM);
    int failed = getgrnam_r(text, &entry, room, GROUP_ROOM, &found);
    if (!failed && found)
        *ret = entry.gr_gid;
    free(room);
    /* some name services say so of a group that isn't there (getgrnam(3)) */
    bool absent = failed == ENOENT || failed == ESRCH || failed == EBADF || failed == EPERM;
    return !failed || absent ? OK : error_set(err, R_INVALID, "the group %s: %s", text, strerror(failed));
}

enum result mp_admin_groups_find(const struct mp_config *config, struct mp_admin_groups *ret, struct error *err)
{
    enum result r = OK;
    ret->gid[MP_NO_ROLE] = MP_NO_GROUP;
    for (size_t i = MP_READER; i < MP_ROLES && r == OK; i++)
        r = find(config->groups[i], &ret->gid[i], err);
    return r;
}

/* --- the socket --- */

/* The form in which the kernel takes a list: acl(5), linux/posix_acl_xattr.h; named groups in the order of their
 * numbers. The mask is what stat shows as the group's bits. */
struct list {
    struct posix_acl_xattr_header header;
    struct posix_acl_xattr_entry entries[MP_ROLES + 4];
    size_t count;
};

static void put(struct list *l, uint16_t tag, uint16_t permissions, uint32_t id)
{
    l->entries[l->count++] = (struct posix_acl_xattr_entry){htole16(tag), htole16(permissions), htole32(id)};
}

static int by_number(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

enum result mp_admin_groups_admit(const struct mp_admin_groups *g, const char *socket, struct error *err)
{
    enum { RW = ACL_READ | ACL_WRITE };
    struct mp_admin_groups sorted = *g;
    struct list l = {.header = {htole32(POSIX_ACL_XATTR_VERSION)}};
    qsort(sorted.gid, MP_ROLES, sizeof *sorted.gid, by_number);
    put(&l, ACL_USER_OBJ, RW, (uint32_t)ACL_UNDEFINED_ID);
    put(&l, ACL_GROUP_OBJ, RW, (uint32_t)ACL_UNDEFINED_ID);
    for (size_t i = 0; i < MP_ROLES && sorted.gid[i] != MP_NO_GROUP; i++) {
        if (i == 0 || sorted.gid[i] != sorted.gid[i - 1])
            put(&l, ACL_GROUP, RW, sorted.gid[i]);
    }
    if (l.count == 2)
        return OK; /* none of the groups is there: owner and group are enough */
    put(&l, ACL_MASK, RW, (uint32_t)ACL_UNDEFINED_ID);
    put(&l, ACL_OTHER, 0, (uint32_t)ACL_UNDEFINED_ID);
    if (setxattr(socket, "system.posix_acl_access", &l, sizeof l.header + l.count * sizeof *l.entries, 0) == 0)
        return OK;
    return error_set(err, R_IO, "%s: an access control list for the groups can't be set: %s", socket, strerror(errno));
}

/* --- callers --- */

enum mp_role mp_admin_role_of(const struct mp_admin_groups *g, unsigned own, unsigned uid, const unsigned *gids,
                              size_t gid_count)
{
    enum mp_role role = uid == 0 || uid == own ? MP_ADMINISTRATOR : MP_NO_ROLE;
    for (size_t i = 0; i < gid_count; i++) {
        for (enum mp_role given = MP_ADMINISTRATOR; given > role; given--) {
            if (gids[i] == g->gid[given] && gids[i] != MP_NO_GROUP)
                role = given;
        }
    }
    return role;
}

bool mp_admin_role_of_peer(const struct mp_admin_groups *g, const struct net_stream *s, unsigned *ret_uid,
                           enum mp_role *ret)
{
    unsigned gids[PEER_GROUPS + 1];
    if (!net_unix_peer(s, ret_uid, &gids[0]))
        return false;
    size_t count = net_unix_peer_groups(s, gids + 1, PEER_GROUPS);
    *ret = mp_admin_role_of(g, geteuid(), *ret_uid, gids, 1 + (count < PEER_GROUPS ? count : PEER_GROUPS));
    return true;
}
