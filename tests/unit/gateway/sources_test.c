/* SPDX-License-Identifier: Apache-2.0 */
/* What a refusal says of the lists that certificates point to, and which sources there are. Nothing is fetched: the
 * loop turns once, at the end, for what was posted; and the place is one of loopback that nobody serves. */
#include "kit.h"

#include <unistd.h>

#include "base/mem.h"
#include "gateway/snapshot/sources.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HOSTS ",\"fetch_hosts\":[{\"anchor\":\"" A "\",\"hosts\":[\"127.0.0.1:9\"]}]"
#define NAMED ",\"sources\":[{\"id\":\"root-crl\",\"kind\":\"crl\",\"via\":\"connector\",\"refresh_s\":0}]"

static char state_folder[] = "/tmp/cmg-sources-XXXXXX";
static struct gateway_config config = {.state = state_folder};
static struct gateway_tunnels no_tunnels;
static struct snapshot_current current;
static struct snapshot_home home;
static struct sources *sources;

static void on_nothing(void *owner UNUSED)
{
}

static const struct sources_events events = {on_nothing, on_nothing};

static int setup(void **state)
{
    struct error err = {.text = ""};
    (void)snprintf(state_folder, sizeof state_folder, "/tmp/cmg-sources-XXXXXX");
    if (!mkdtemp(state_folder) || kit_setup(state) != 0)
        return -1;
    struct kit *k = *state;
    snapshot_current_init(&current, NULL, NULL);
    k->snapshot.refs = 64; /* never freed by others: it is the kit's */
    snapshot_current_put(&current, &k->snapshot);
    home = (struct snapshot_home){k->judge.loop, &no_tunnels, &config, &current};
    if (sources_new(&home, &events, NULL, &sources, &err) != OK)
        fail_msg("%s", err.text);
    return 0;
}

static void on_posted(void *loop)
{
    loop_stop(loop);
}

static int teardown(void **state)
{
    struct kit *k = *state;
    char path[128];
    loop_post(k->judge.loop, on_posted, k->judge.loop);
    loop_run(k->judge.loop); /* what was posted before */
    sources_free(sources);
    (void)snprintf(path, sizeof path, "%s/pointed.json", state_folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/pointed", state_folder);
    (void)rmdir(path);
    (void)snprintf(path, sizeof path, "%s/" SNAPSHOT_SOURCES, state_folder);
    (void)rmdir(path);
    (void)rmdir(state_folder);
    return kit_teardown(state);
}

/* What a refusal's detail ends with when a certificate points to this place. */
static const char *told(const struct kit *k, const char *url, const char *unfollowed)
{
    static struct pki_verdict v;
    struct pki_list_places places = {.count = 1};
    memset(places.list[0].anchor, 0xaa, sizeof places.list[0].anchor);
    (void)snprintf(places.list[0].url, sizeof places.list[0].url, "%s", url);
    places.list[0].unfollowed = unfollowed;
    memset(&v, 0, sizeof v);
    cstr_copy(v.detail, sizeof v.detail, "no list");
    sources_want_lists(sources, k->snapshot.bundle, &places, &v);
    return v.detail;
}

static void a_refusal_says_that_the_list_is_being_fetched(void **state)
{
    struct kit *k = *state;
    kit_bundle(k, HOSTS);
    assert_string_equal(told(k, "http://127.0.0.1:9/x.crl", NULL),
                        "no list; the list that it points to is fetched from 127.0.0.1:9");
}

static void a_refusal_says_that_the_site_does_not_let_the_list_be_fetched(void **state)
{
    struct kit *k = *state;
    kit_bundle(k, HOSTS);
    const char *detail = told(k, "http://b.example/x.crl", NULL);
    assert_non_null(strstr(detail,
                           "no list; the site does not let the list that it points to be fetched from b.example: "
                           "cmg trust fetch-hosts aaaaaaaa"));
    assert_non_null(strstr(detail, "aa b.example"));
}

static void a_refusal_says_why_a_pointer_is_not_followed(void **state)
{
    struct kit *k = *state;
    assert_string_equal(told(k, "ldap://a.example/x", "it is LDAP"),
                        "no list; it points to a list (it is LDAP): cmg trust add --crl-source crl-7bbbafef "
                        "--via connector --url 'ldap://a.example/x'");
    assert_string_equal(told(k, "gopher:x", NULL),
                        "no list; it points to gopher:x (this is no URL of a form that is followed)");
}

static void the_site_s_sources_come_and_go_with_its_bundle(void **state)
{
    struct kit *k = *state;
    struct source_state states[4];
    assert_int_equal(sources_states(sources, states, 4), 0);
    kit_bundle(k, NAMED);
    sources_refresh(sources);
    assert_int_equal(sources_states(sources, states, 4), 1);
    assert_string_equal(states[0].id, "root-crl");
    assert_false(states[0].pointed);
    kit_bundle(k, "");
    sources_refresh(sources);
    assert_int_equal(sources_states(sources, states, 4), 0);
}

static void metrics_name_each_source_and_that_it_was_never_fetched(void **state)
{
    struct kit *k = *state;
    struct buf text;
    buf_init(&text, 8192);
    kit_bundle(k, NAMED);
    sources_refresh(sources);
    assert_int_equal(sources_metrics(sources, &text), OK);
    assert_int_equal(buf_append(&text, slice_make("", 1)), OK);
    assert_non_null(strstr(buf_data(&text).ptr, "cmg_source_age_seconds{source=\"root-crl\",kind=\"crl\"} -1\n"));
    assert_non_null(strstr(buf_data(&text).ptr, "cmg_source_failures{source=\"root-crl\",kind=\"crl\"} 0\n"));
    buf_free(&text);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(a_refusal_says_that_the_list_is_being_fetched),
        HELD(a_refusal_says_that_the_site_does_not_let_the_list_be_fetched),
        HELD(a_refusal_says_why_a_pointer_is_not_followed),
        HELD(the_site_s_sources_come_and_go_with_its_bundle),
        HELD(metrics_name_each_source_and_that_it_was_never_fetched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
