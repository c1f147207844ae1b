/* SPDX-License-Identifier: Apache-2.0 */
/* From paths and what for to folders that are let in; then both halves are closed, files first: their calls are none
 * of those that stay. */
#include "sandbox/sandbox.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "sandbox/internal.h"

enum { FOLDER_MODE = 0750 };

struct sandbox {
    struct sandbox_files files;
};

static void allow_place(void *ctx, enum sandbox_use use, const char *path)
{
    sandbox_allow(ctx, use, path);
}

struct sandbox *sandbox_new(void)
{
    struct sandbox *s = mem_zalloc(sizeof *s);
    s->files = sandbox_files_open();
    sandbox_places(allow_place, s);
    sandbox_files_allow(&s->files, "/dev/null", true);
    if (SANDBOX_INSTRUMENTED)
        sandbox_files_allow(&s->files, "/", true);
    return s;
}

/* The file itself, too: below a folder that is mounted from elsewhere it may have no folder of its own. */
static void allow_with_folder(struct sandbox *s, const char *path, bool write)
{
    char folder[PATH_MAX];
    const char *end = strrchr(path, '/');
    size_t len = end ? (size_t)(end - path) : 0;
    sandbox_files_allow(&s->files, path, write);
    if (len == 0 || len >= sizeof folder)
        return;
    (void)snprintf(folder, sizeof folder, "%.*s", (int)len, path);
    sandbox_files_allow(&s->files, folder, write);
}

static void allow_file(struct sandbox *s, const char *path, bool write)
{
    char real[PATH_MAX];
    allow_with_folder(s, path, write);
    if (realpath(path, real))
        allow_with_folder(s, real, write);
}

void sandbox_allow(struct sandbox *s, enum sandbox_use use, const char *path)
{
    bool write = use == SANDBOX_WRITE_FILE || use == SANDBOX_WRITE_FOLDER || use == SANDBOX_WRITE_THERE;
    struct error later; /* who opens it tells what is wrong with it */
    if (!path || !path[0] || use == SANDBOX_READ_ONCE)
        return;
    if (use == SANDBOX_WRITE_FILE)
        (void)!file_make_parent(path, FOLDER_MODE, &later);
    if (use == SANDBOX_WRITE_FOLDER)
        (void)!file_make_dirs(path, FOLDER_MODE, &later);
    if (use == SANDBOX_READ_FILE || use == SANDBOX_WRITE_FILE)
        allow_file(s, path, write);
    else
        sandbox_files_allow(&s->files, path, write);
}

struct sandbox_kept sandbox_enter(struct sandbox *s)
{
    struct sandbox_kept kept = {.whole = true};
    struct error err;
    (void)snprintf(kept.files, sizeof kept.files, "landlock %d", s->files.version);
    (void)snprintf(kept.calls, sizeof kept.calls, "seccomp");
    if (sandbox_files_enter(&s->files, &err) != OK) {
        (void)snprintf(kept.files, sizeof kept.files, "%s", err.text);
        kept.whole = false;
    }
    if (sandbox_calls_enter(&err) != OK) {
        (void)snprintf(kept.calls, sizeof kept.calls, "%s", err.text);
        kept.whole = false;
    }
    free(s);
    return kept;
}
