/* SPDX-License-Identifier: Apache-2.0 */
/* Installed packages and their versions, as dpkg's database has them: {"bash": "5.2.37-2"}. */
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "client/facts/part.h"

enum { STATUS_MAX = 64 * 1024 * 1024, NAME_SIZE = 256 };

struct package {
    struct slice name, version, architecture;
    bool installed;
};

static void read_line(struct package *p, struct slice line)
{
    struct slice value = line, key = slice_cut(&value, ':');
    value = slice_trim(value);
    if (slice_eq(key, SLICE("Package")))
        p->name = value;
    else if (slice_eq(key, SLICE("Version")))
        p->version = value;
    else if (slice_eq(key, SLICE("Architecture")))
        p->architecture = value;
    else if (slice_eq(key, SLICE("Status")))
        p->installed = slice_ends(value, SLICE(" installed"));
}

/* One that is there for a second architecture is named with it. */
static void put_package(json_t *all, const struct package *p)
{
    char name[NAME_SIZE];
    if (!p->installed || !p->name.len || !p->version.len || p->name.len + p->architecture.len + 2 > sizeof name)
        return;
    (void)snprintf(name, sizeof name, "%" PRIslice, SLICE_ARG(p->name));
    if (json_object_get(all, name))
        (void)snprintf(name, sizeof name, "%" PRIslice ":%" PRIslice, SLICE_ARG(p->name), SLICE_ARG(p->architecture));
    client_facts_put_text(all, name, p->version);
}

json_t *client_facts_package(const struct client_facts_of *of UNUSED)
{
    char *text;
    size_t len;
    struct package p = {.installed = false};
    json_t *all = json_object();
    if (file_read("/var/lib/dpkg/status", STATUS_MAX, &text, &len, NULL) != OK)
        return all;
    struct slice rest = slice_make(text, len);
    while (rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        if (line.len && line.ptr[0] != ' ')
            read_line(&p, line);
        if (line.len && rest.len)
            continue;
        put_package(all, &p);
        p = (struct package){.installed = false};
    }
    free(text);
    return all;
}
