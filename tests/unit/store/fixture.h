/* SPDX-License-Identifier: Apache-2.0 */
/* A store of its own for each test of this folder. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

/* cmocka wants these first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/sequence.h"
#include "where.h"

struct fixture {
    struct store_where where;
    struct store *store;
    struct arena *arena;
    struct error err;
};

static inline int fixture_setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    if (store_where_new(&f->where, &f->err) != OK || store_open(f->where.url, true, &f->store, &f->err) != OK) {
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
    store_where_remove(&f->where);
    free(f);
    return 0;
}

#define ok(f, expression)                                                                                              \
    do {                                                                                                               \
        if ((expression) != OK)                                                                                        \
            fail_msg("%s: %s", #expression, (f)->err.text);                                                            \
    } while (0)

/* Numbers follow the time; from above it they are counted one by one. */
#define COUNTED_FROM ((int64_t)1 << 40)

static inline void count_sequences(struct fixture *f)
{
    static const char *const names[] = {"site", "bundle", "location", "policies"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ok(f,
           store_exec(f->store, "INSERT INTO sequence (name, value, changed) VALUES ($1, $2, $3)",
                      STORE_PARAMS(STORE_T(names[i]), STORE_N(COUNTED_FROM), STORE_N(clock_wall_s())), NULL, &f->err));
}

static inline int64_t raw_sequence(struct fixture *f, const char *name)
{
    int64_t value = -1;
    ok(f, store_sequence_get(f->store, name, &value, NULL, &f->err));
    return value;
}

/* How many were given since count_sequences. */
static inline int64_t sequence(struct fixture *f, const char *name)
{
    return raw_sequence(f, name) - COUNTED_FROM;
}

#endif
