/* SPDX-License-Identifier: Apache-2.0 */
/* Which lists that certificates point to may be fetched, how many, and which are known after a restart. Nothing is
 * fetched: the loop does not run. */
#include "kit.h"

#include <unistd.h>

#include "gateway/snapshot/pointed_lists.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HOSTS(anchor, hosts) "{\"anchor\":\"" anchor "\",\"hosts\":[" hosts "]}"
#define BOTH ",\"fetch_hosts\":[" HOSTS(A, "\"a.example\"") "," HOSTS(B, "\"b.example:8080\"") "]"

static char state_folder[] = "/tmp/cmg-pointed-XXXXXX";
static const struct source_events no_events;

static struct pki_list_place place(char anchor, const char *url)
{
    struct pki_list_place p = {.unfollowed = NULL};
    memset(p.anchor, anchor == 'a' ? 0xaa : 0xbb, sizeof p.anchor);
    (void)snprintf(p.url, sizeof p.url, "%s", url);
    return p;
}

static struct pki_list_place numbered(char anchor, int n)
{
    char url[64];
    (void)snprintf(url, sizeof url, "http://%c.example/%d.crl", anchor, n);
    return place(anchor, url);
}

static struct pointed_lists *open_lists(struct kit *k)
{
    struct pointed_lists *p;
    struct error err = {.text = ""};
    if (pointed_lists_new(k->judge.loop, state_folder, &no_events, NULL, &p, &err) != OK)
        fail_msg("%s", err.text);
    return p;
}

static size_t count_of(struct pointed_lists *p, const char *part)
{
    static struct source_state states[BUNDLE_SOURCES_MAX];
    size_t count = pointed_lists_states(p, states, BUNDLE_SOURCES_MAX), ret = 0;
    for (size_t i = 0; i < count; i++)
        ret += strstr(states[i].url, part) != NULL;
    return ret;
}

static void a_list_may_come_from_the_hosts_of_its_own_anchor_alone(void **state)
{
    struct kit *k = *state;
    char host[NET_URL_HOST_SIZE];
    kit_bundle(k, BOTH);
    const struct bundle *b = k->snapshot.bundle;
    struct pki_list_place own = place('a', "http://a.example/x.crl"),
                          others = place('a', "http://b.example:8080/x.crl"),
                          port = place('b', "http://b.example:8080/x.crl"), no_port = place('b', "http://b.example/x");
    assert_true(pointed_lists_may(b, &own, host));
    assert_string_equal(host, "a.example");
    assert_false(pointed_lists_may(b, &others, host));
    assert_string_equal(host, "b.example:8080");
    assert_true(pointed_lists_may(b, &port, host));
    assert_false(pointed_lists_may(b, &no_port, host));
    own.unfollowed = "for a reason";
    assert_false(pointed_lists_may(b, &own, host));
    assert_string_equal(host, "");
}

static void a_list_is_known_once_and_over_a_restart(void **state)
{
    struct kit *k = *state;
    struct pki_list_place x = numbered('a', 1);
    struct pointed_lists *p = open_lists(k);
    kit_bundle(k, BOTH);
    pointed_lists_add(p, &x);
    pointed_lists_add(p, &x);
    assert_int_equal(count_of(p, "a.example"), 1);
    pointed_lists_free(p);
    p = open_lists(k);
    assert_false(pointed_lists_refresh(p, k->snapshot.bundle));
    assert_int_equal(count_of(p, "a.example"), 1);
    pointed_lists_free(p);
}

static void a_list_goes_with_the_permission_of_its_host(void **state)
{
    struct kit *k = *state;
    struct pki_list_place x = numbered('a', 1);
    struct pointed_lists *p = open_lists(k);
    pointed_lists_add(p, &x);
    kit_bundle(k, "");
    assert_true(pointed_lists_refresh(p, k->snapshot.bundle));
    assert_int_equal(count_of(p, "a.example"), 0);
    assert_false(pointed_lists_refresh(p, k->snapshot.bundle));
    pointed_lists_free(p);
}

static void no_anchor_takes_all_the_room(void **state)
{
    struct kit *k = *state;
    struct pointed_lists *p = open_lists(k);
    for (int i = 0; i < BUNDLE_SOURCES_MAX + 3; i++) {
        struct pki_list_place x = numbered('a', i);
        pointed_lists_add(p, &x);
    }
    assert_int_equal(count_of(p, "a.example"), BUNDLE_SOURCES_MAX);
    for (int i = 0; i < 5; i++) {
        struct pki_list_place x = numbered('b', i);
        pointed_lists_add(p, &x);
    }
    assert_int_equal(count_of(p, "b.example"), 5);
    assert_int_equal(count_of(p, "a.example"), BUNDLE_SOURCES_MAX - 5);
    pointed_lists_free(p);
}

static void no_source_of_the_site_has_such_a_name(void **state UNUSED)
{
    assert_true(pointed_lists_is(SLICE("cdp_0123")));
    assert_false(pointed_lists_is(SLICE("cdp-0123")));
}

static int make_folder(void **state)
{
    (void)snprintf(state_folder, sizeof state_folder, "/tmp/cmg-pointed-XXXXXX");
    return mkdtemp(state_folder) && kit_setup(state) == 0 ? 0 : -1;
}

static int drop_folder(void **state)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/pointed.json", state_folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/pointed", state_folder);
    (void)rmdir(path);
    (void)rmdir(state_folder);
    return kit_teardown(state);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, make_folder, drop_folder)
    const struct CMUnitTest tests[] = {
        HELD(a_list_may_come_from_the_hosts_of_its_own_anchor_alone),
        HELD(a_list_is_known_once_and_over_a_restart),
        HELD(a_list_goes_with_the_permission_of_its_host),
        HELD(no_anchor_takes_all_the_room),
        HELD(no_source_of_the_site_has_such_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
