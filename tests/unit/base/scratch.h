/* SPDX-License-Identifier: Apache-2.0 */
/* A scratch folder for a test, and small helpers around it. */
#ifndef TESTS_BASE_SCRATCH_H
#define TESTS_BASE_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/host/file.h"

static int scratch_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static UNUSED int scratch_make(void **state)
{
    char name[] = "/tmp/cmg-test-XXXXXX";
    *state = mkdtemp(name) ? strdup(name) : NULL;
    return *state ? 0 : -1;
}

static UNUSED int scratch_drop(void **state)
{
    int r = nftw(*state, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return r;
}

static UNUSED void scratch_put(const char *dir, const char *name, const char *text, mode_t mode)
{
    struct error err;
    char *path = file_join(dir, name);
    if (file_write(path, slice_of(text), mode, &err) != OK)
        fatal("%s", err.text);
    free(path);
}

#endif
