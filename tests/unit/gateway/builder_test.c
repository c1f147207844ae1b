/* SPDX-License-Identifier: Apache-2.0 */
/* A signed bundle becomes what all judge by, or is refused and changes nothing; lists that it names come first. */
#include "home.h"

#include "base/host/file.h"
#include "digest/digest.h"
#include "gateway/snapshot/builder.h"

struct seen {
    unsigned bundles, publishes;
    struct error why; /* of the last on_bundle */
};
static struct seen seen;

static void on_bundle(void *owner UNUSED, const struct error *why)
{
    seen.bundles++;
    seen.why = *why;
}

static void on_publish(void *owner UNUSED)
{
    seen.publishes++;
}

static const struct builder_events events = {on_bundle, on_publish};

static struct builder *begin(struct home *h)
{
    seen = (struct seen){.bundles = 0};
    return builder_new(&h->home, &events, NULL);
}

static void give(struct home *h, struct builder *b, char *text)
{
    builder_bundle(b, slice_of(text));
    free(text);
    fake_loop_settle(h->loop);
}

static void assert_taken(const struct home *h, int64_t sequence, unsigned puts)
{
    if (seen.why.code != OK)
        fail_msg("%s", seen.why.text);
    assert_int_equal(snapshot_current_sequence((struct snapshot_current *)(uintptr_t)&h->current), sequence);
    assert_int_equal(h->puts, puts);
    assert_int_equal(seen.publishes, puts);
}

/* --- taking a bundle --- */

static void a_good_bundle_is_kept_and_judged_by(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    char *text = home_sign(h, 3, NULL, "");
    builder_bundle(b, slice_of(text));
    assert_int_equal(seen.bundles, 0); /* not from inside */
    free(text);
    fake_loop_settle(h->loop);
    assert_taken(h, 3, 1);
    assert_int_equal(seen.bundles, 1);
    assert_true(home_has_file(h, "bundle.jws"));
    builder_free(b);
}

static void a_bundle_of_another_root_is_refused_and_not_kept(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    give(h, b, home_forge(h, 3));
    assert_int_equal(seen.why.code, R_DENIED);
    assert_int_equal(seen.publishes, 0);
    assert_false(home_has_file(h, "bundle.jws"));
    builder_free(b);
}

static void a_lower_sequence_is_refused_and_the_bundle_in_place_stays(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    give(h, b, home_sign(h, 5, NULL, ""));
    give(h, b, home_sign(h, 4, NULL, ""));
    assert_int_equal(seen.why.code, R_CONFLICT);
    assert_int_equal(h->puts, 1);
    assert_int_equal(snapshot_current_sequence(&h->current), 5);
    give(h, b, home_sign(h, 5, NULL, "")); /* the same once more is none */
    assert_taken(h, 5, 2);
    builder_free(b);
}

static void an_expired_bundle_is_refused(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    fake_wall_s = NOW + 2 * DAY;
    give(h, b, home_sign(h, 3, NULL, ""));
    assert_int_equal(seen.why.code, R_TIMEOUT);
    assert_int_equal(h->puts, 0);
    builder_free(b);
}

static void a_bundle_that_can_t_be_read_is_refused_and_what_is_new_in_one_is_ignored(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    give(h, b, home_sign(h, 3, NULL, ",\"of_a_newer_site\":1"));
    assert_taken(h, 3, 1);
    give(h, b, home_sign(h, 4, "[7]", ""));
    assert_int_equal(seen.why.code, R_INVALID);
    assert_int_equal(snapshot_current_sequence(&h->current), 3);
    builder_free(b);
}

/* --- over a restart --- */

static void the_last_good_bundle_counts_after_a_restart(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    give(h, b, home_sign(h, 3, NULL, ""));
    builder_free(b);
    snapshot_unref(h->current.snapshot);
    h->current.snapshot = NULL;
    builder_restore(&h->home);
    assert_int_equal(snapshot_current_sequence(&h->current), 3);
}

static void without_a_kept_bundle_or_with_a_damaged_one_there_is_none(void **state)
{
    struct home *h = *state;
    builder_restore(&h->home);
    assert_int_equal(snapshot_current_sequence(&h->current), 0);
    home_write_file(h, "bundle.jws", "half of a bund");
    builder_restore(&h->home);
    assert_int_equal(snapshot_current_sequence(&h->current), 0);
}

/* --- again --- */

static void many_lists_that_are_new_make_one_snapshot_of_the_same_bundle(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    give(h, b, home_sign(h, 3, NULL, ""));
    struct pki_trust *trust = pki_trust_ref(h->current.snapshot->trust);
    const struct bundle *bundle = h->current.snapshot->bundle;
    builder_again(b);
    for (unsigned i = 0; i < 5; i++)
        builder_again(b); /* while the first is being made */
    fake_loop_settle(h->loop);
    assert_int_equal(h->puts, 3);
    assert_int_equal(seen.bundles, 1);
    assert_int_equal(h->current.snapshot->generation, 3);
    assert_ptr_equal(h->current.snapshot->bundle, bundle);
    assert_ptr_equal(h->current.snapshot->trust, trust); /* made of the same things */
    pki_trust_unref(trust);
    builder_free(b);
}

static void without_a_bundle_there_is_nothing_to_make_again(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    builder_again(b);
    fake_loop_settle(h->loop);
    assert_int_equal(h->puts, 0);
    assert_int_equal(seen.publishes, 0);
    builder_free(b);
}

static void a_builder_that_goes_publishes_nothing_more(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    char *text = home_sign(h, 3, NULL, "");
    builder_bundle(b, slice_of(text));
    free(text);
    builder_free(b);
    fake_loop_settle(h->loop);
    assert_int_equal(h->puts + seen.bundles + seen.publishes, 0);
}

/* --- lists that it names --- */

struct named {
    struct slice der;
    char hex[DIGEST_HEX], json[200], target[100];
};

static struct named name_list(const struct home *h)
{
    struct named n = {.der = MAKE_CRL(.issuer = &h->k->root)};
    digest_hex_of(n.der, n.hex);
    (void)snprintf(n.json, sizeof n.json, "[{\"sha256\":\"%s\",\"size\":%zu}]", n.hex, n.der.len);
    (void)snprintf(n.target, sizeof n.target, "/crl/%s", n.hex);
    return n;
}

static void answer_list(struct way_call *c, struct slice der)
{
    way_head(c, 200, NULL);
    c->call.events->on_body(c->call.ctx, der);
    way_end(c);
}

static void a_bundle_waits_for_the_lists_that_it_names(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    struct named n = name_list(h);
    give(h, b, home_sign(h, 3, n.json, ""));
    assert_int_equal(seen.bundles, 0);
    assert_string_equal(way_open()->target, n.target);
    assert_string_equal(way_open()->authority, "site");
    answer_list(way_open(), n.der);
    fake_loop_settle(h->loop);
    assert_taken(h, 3, 1);
    assert_false(snapshot_lacks_lists(h->current.snapshot));

    give(h, b, home_sign(h, 4, n.json, "")); /* it is there now */
    assert_int_equal(way_calls(), 1);
    assert_taken(h, 4, 2);
    free((char *)(uintptr_t)n.der.ptr);
    builder_free(b);
}

static void a_bundle_whose_lists_can_t_be_had_is_in_use_without_them_and_told_so(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    struct named n = name_list(h);
    give(h, b, home_sign(h, 3, n.json, ""));
    way_answer(way_open(), 404, "");
    fake_loop_settle(h->loop);
    assert_int_equal(seen.why.code, R_AGAIN);
    assert_int_equal(seen.bundles, 1);
    assert_int_equal(snapshot_current_sequence(&h->current), 3);
    assert_true(snapshot_lacks_lists(h->current.snapshot));
    free((char *)(uintptr_t)n.der.ptr);
    builder_free(b);
}

static void a_list_that_a_bundle_no_longer_names_leaves_the_disk(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    struct named n = name_list(h);
    char file[120];
    (void)snprintf(file, sizeof file, "crls/%s.crl", n.hex);
    give(h, b, home_sign(h, 3, n.json, ""));
    answer_list(way_open(), n.der);
    fake_loop_settle(h->loop);
    assert_true(home_has_file(h, file));
    give(h, b, home_sign(h, 4, NULL, ""));
    assert_false(home_has_file(h, file));
    free((char *)(uintptr_t)n.der.ptr);
    builder_free(b);
}

static void a_kept_list_that_was_damaged_meanwhile_is_not_used_after_a_restart(void **state)
{
    struct home *h = *state;
    struct builder *b = begin(h);
    struct named n = name_list(h);
    char file[120];
    (void)snprintf(file, sizeof file, "crls/%s.crl", n.hex);
    give(h, b, home_sign(h, 3, n.json, ""));
    answer_list(way_open(), n.der);
    fake_loop_settle(h->loop);
    builder_free(b);
    snapshot_unref(h->current.snapshot);
    h->current.snapshot = NULL;

    char *same_length = malloc(n.der.len + 1);
    memset(same_length, 'x', n.der.len);
    same_length[n.der.len] = '\0';
    home_write_file(h, file, same_length);
    free(same_length);
    builder_restore(&h->home);
    assert_true(snapshot_lacks_lists(h->current.snapshot));
    assert_false(home_has_file(h, file));
    free((char *)(uintptr_t)n.der.ptr);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, home_setup, home_teardown)
    const struct CMUnitTest tests[] = {
        HELD(a_good_bundle_is_kept_and_judged_by),
        HELD(a_bundle_of_another_root_is_refused_and_not_kept),
        HELD(a_lower_sequence_is_refused_and_the_bundle_in_place_stays),
        HELD(an_expired_bundle_is_refused),
        HELD(a_bundle_that_can_t_be_read_is_refused_and_what_is_new_in_one_is_ignored),
        HELD(the_last_good_bundle_counts_after_a_restart),
        HELD(without_a_kept_bundle_or_with_a_damaged_one_there_is_none),
        HELD(many_lists_that_are_new_make_one_snapshot_of_the_same_bundle),
        HELD(without_a_bundle_there_is_nothing_to_make_again),
        HELD(a_builder_that_goes_publishes_nothing_more),
        HELD(a_bundle_waits_for_the_lists_that_it_names),
        HELD(a_bundle_whose_lists_can_t_be_had_is_in_use_without_them_and_told_so),
        HELD(a_list_that_a_bundle_no_longer_names_leaves_the_disk),
        HELD(a_kept_list_that_was_damaged_meanwhile_is_not_used_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
