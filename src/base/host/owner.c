/* SPDX-License-Identifier: Apache-2.0 */
/* Giving files to the owner of a folder, and becoming that owner (owner.h). */
#include "base/host/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

enum { ENTRY_ROOM = 1024 * 1024 };

/* false: nothing is to be done. */
static bool is_of_another(const char *folder, struct stat *ret)
{
    return geteuid() == 0 && stat(folder, ret) == 0 && ret->st_uid != 0;
}

static enum result give(const char *path, uid_t user, gid_t group, struct error *err)
{
    if (lchown(path, user, group) == 0)
        return OK;
    return error_set(err, R_IO, "%s: can't be given to user %ld, group %ld: %s", path, (long)user, (long)group,
                     strerror(errno));
}

enum result owner_give(const char *path, const char *as, struct error *err)
{
    struct stat st;
    return is_of_another(as, &st) ? give(path, st.st_uid, st.st_gid, err) : OK;
}

enum result owner_give_group(const char *path, const char *as, struct error *err)
{
    struct stat st;
    return is_of_another(as, &st) ? give(path, (uid_t)-1, st.st_gid, err) : OK;
}

/* A number without a name has its main group alone. */
static int take_groups(uid_t user, gid_t group)
{
    struct passwd entry, *found = NULL;
    char *room = mem_zalloc(ENTRY_ROOM);
    int failed = getpwuid_r(user, &entry, room, ENTRY_ROOM, &found);
    int ret = !failed && found ? initgroups(found->pw_name, group) : setgroups(1, &group);
    free(room);
    return ret;
}

static enum result become(const char *folder, const struct stat *st, struct error *err)
{
    if (take_groups(st->st_uid, st->st_gid) == 0 && setresgid(st->st_gid, st->st_gid, st->st_gid) == 0 &&
        setresuid(st->st_uid, st->st_uid, st->st_uid) == 0)
        return OK;
    return error_set(err, R_IO, "%s: its owner, user %ld, can't be taken on: %s", folder, (long)st->st_uid,
                     strerror(errno));
}

enum result owner_become(const char *folder, struct error *err)
{
    struct stat st;
    return is_of_another(folder, &st) ? become(folder, &st, err) : OK;
}

/* The folder, or the nearest above it that is there, without links; malloc'ed, NULL: it can't be told. */
static char *real_nearest(const char *folder)
{
    char *at = mem_strdup(folder), *real;
    while (!(real = realpath(at, NULL)) && errno == ENOENT && strchr(at, '/'))
        *strrchr(at, '/') = '\0';
    free(at);
    return real ? real : realpath(*folder == '/' ? "/" : ".", NULL);
}

/* In a user namespace (user_namespaces(7)) files may be of users whom nobody in it can become. */
static bool can_be(uid_t user)
{
    bool can = seteuid(user) == 0 || errno != EINVAL;
    owner_return();
    return can;
}

/* From the top: nobody but root changes what stands above the first part that is another's. */
enum result owner_become_along(const char *folder, struct error *err)
{
    struct stat st;
    enum result r = OK;
    char *real = geteuid() == 0 ? real_nearest(folder) : NULL;
    for (char *end = real; end && r == OK && geteuid() == 0;) {
        end = strchr(end + 1, '/');
        if (end)
            *end = '\0';
        if (lstat(real, &st) == 0 && st.st_uid != 0 && can_be(st.st_uid))
            r = become(real, &st, err);
        if (end)
            *end = '/';
    }
    free(real);
    return r;
}

enum result owner_act_as(const char *folder, struct error *err)
{
    struct stat st;
    if (!is_of_another(folder, &st))
        return OK;
    if (setegid(st.st_gid) == 0 && seteuid(st.st_uid) == 0)
        return OK;
    enum result r = error_set(err, R_IO, "%s: its owner, user %ld, can't be acted as: %s", folder, (long)st.st_uid,
                              strerror(errno));
    owner_return();
    return r;
}

/* Who could become another one by its effective id alone, is still itself by its real one. */
void owner_return(void)
{
    if (seteuid(getuid()) != 0 || setegid(getgid()) != 0)
        fatal("this process can't act as itself again: %s", strerror(errno));
}
