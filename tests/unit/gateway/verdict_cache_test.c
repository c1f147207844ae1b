/* SPDX-License-Identifier: Apache-2.0 */
/* Cached verdicts: they hold for one generation and their time, and the cache never outgrows its maximum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/judge/verdict_cache.h"

static void key_of(unsigned n, unsigned char key[VERDICT_KEY_SIZE])
{
    memset(key, 0, VERDICT_KEY_SIZE);
    memcpy(key, &n, sizeof n);
}

static void put(struct verdict_cache *c, unsigned n, uint64_t generation, int64_t until)
{
    unsigned char key[VERDICT_KEY_SIZE];
    struct cached_verdict v = {.generation = generation, .valid_until = until};
    key_of(n, key);
    verdict_cache_put(c, key, &v);
}

static bool has(struct verdict_cache *c, unsigned n, uint64_t generation, int64_t now)
{
    unsigned char key[VERDICT_KEY_SIZE];
    key_of(n, key);
    return verdict_cache_get(c, key, generation, now) != NULL;
}

static void a_verdict_ends_with_its_generation(void **state)
{
    (void)state;
    struct verdict_cache *c = verdict_cache_new(8);
    put(c, 1, 5, 1000);
    assert_true(has(c, 1, 5, 10));
    assert_false(has(c, 1, 6, 10));
    assert_false(has(c, 1, 5, 10)); /* and is forgotten */
    verdict_cache_free(c);
}

static void a_verdict_ends_with_its_time(void **state)
{
    (void)state;
    struct verdict_cache *c = verdict_cache_new(8);
    put(c, 1, 5, 1000);
    assert_true(has(c, 1, 5, 999));
    assert_false(has(c, 1, 5, 1000));
    verdict_cache_free(c);
}

static void the_least_recently_used_goes_first(void **state)
{
    (void)state;
    struct verdict_cache *c = verdict_cache_new(3);
    put(c, 1, 1, 1000);
    put(c, 2, 1, 1000);
    put(c, 3, 1, 1000);
    assert_true(has(c, 1, 1, 0));
    put(c, 4, 1, 1000);
    assert_true(has(c, 1, 1, 0));
    assert_false(has(c, 2, 1, 0));
    put(c, 4, 1, 1000); /* the same again takes no further place */
    assert_true(has(c, 3, 1, 0));
    verdict_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verdict_ends_with_its_generation),
        cmocka_unit_test(a_verdict_ends_with_its_time),
        cmocka_unit_test(the_least_recently_used_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
