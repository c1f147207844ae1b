/* SPDX-License-Identifier: Apache-2.0 */
/* File systems on disks of this machine, each once: size, and how much is free. A server's are not asked, which may not
 * answer. */
#include <mntent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "client/facts/part.h"

enum { DISKS_MAX = 64, LINE_SIZE = 8192 };

struct seen {
    dev_t devices[DISKS_MAX];
    size_t count;
};

/* The root is told whatever it lies on. */
static bool is_local(const struct mntent *m)
{
    return strcmp(m->mnt_dir, "/") == 0 || strncmp(m->mnt_fsname, "/dev/", 5) == 0 || strcmp(m->mnt_type, "zfs") == 0;
}

static bool is_new(struct seen *s, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode) || s->count == DISKS_MAX)
        return false;
    for (size_t i = 0; i < s->count; i++) {
        if (s->devices[i] == st.st_dev)
            return false;
    }
    s->devices[s->count++] = st.st_dev;
    return true;
}

/* Free for who is not root, rounded up as df(1) does for what is used. */
static void put_disk(json_t *all, const struct mntent *m)
{
    struct statvfs v;
    if (statvfs(m->mnt_dir, &v) != 0 || v.f_blocks == 0)
        return;
    uint64_t size = (uint64_t)v.f_blocks * v.f_frsize, usable = v.f_blocks - v.f_bfree + v.f_bavail;
    json_t *o = json_object();
    client_facts_put_text(o, "filesystem", slice_of(m->mnt_type));
    client_facts_put(o, "size", json_integer((json_int_t)size));
    client_facts_put(o, "free", json_integer(usable ? (json_int_t)((uint64_t)v.f_bavail * 100 / usable) : 0));
    client_facts_put(all, m->mnt_dir, o);
}

json_t *client_facts_disk(const struct client_facts_of *of UNUSED)
{
    char line[LINE_SIZE];
    struct seen seen = {.count = 0};
    struct mntent m;
    json_t *all = json_object();
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    if (!mounts)
        return all;
    while (getmntent_r(mounts, &m, line, sizeof line)) {
        if (is_local(&m) && is_new(&seen, m.mnt_dir))
            put_disk(all, &m);
    }
    (void)endmntent(mounts);
    return all;
}
