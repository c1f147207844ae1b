/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a temporary folder, for the tests of this folder. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

/* cmocka wants these first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "store/sequence.h"
#include "store/store.h"

struct fixture {
    char dir[64], path[96];
    struct store *store;
    struct arena *arena;
    struct error err;
};

static inline void fixture_remove(const struct fixture *f)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", f->path, endings[i]);
        (void)unlink(path);
    }
    (void)rmdir(f->dir);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    (void)snprintf(f->dir, sizeof f->dir, "%s", "/tmp/opencmg-store-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    (void)snprintf(f->path, sizeof f->path, "%s/site.db", f->dir);
    if (store_open(f->path, &f->store, &f->err) != OK) {
        print_error("%s\n", f->err.text);
        return -1;
    }
    f->arena = arena_new(1024 * 1024);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    arena_free(f->arena);
    fixture_remove(f);
    free(f);
    return 0;
}

#define ok(f, expression)                                                                                              \
    do {                                                                                                               \
        if ((expression) != OK)                                                                                        \
            fail_msg("%s: %s", #expression, (f)->err.text);                                                            \
    } while (0)

static inline int64_t sequence(struct fixture *f, const char *name)
{
    int64_t value = -1;
    ok(f, store_sequence_get(f->store, name, &value, NULL, &f->err));
    return value;
}

#endif
