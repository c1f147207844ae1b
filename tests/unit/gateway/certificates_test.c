/* SPDX-License-Identifier: Apache-2.0 */
/* Which server certificate a name gets, what may stand beside it, and how new files take the place of old ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../http/fake_clock.h"
#include "../http/fake_loop.h"
#include "base/mem.h"
#include "gateway/client/certificate_watch.h"
#include "gateway/client/certificates.h"
#include "served.h"

static int setup(void **state)
{
    *state = mem_zalloc(sizeof(struct served));
    served_init(*state);
    fake_wall_s = NOW;
    return 0;
}

static int teardown(void **state)
{
    served_done(*state);
    free(*state);
    return 0;
}

static struct certificates *load(const struct served *s)
{
    struct certificates *c;
    struct error err = {.text = ""};
    if (certificates_load(&s->config, &c, &err) != OK)
        fail_msg("%s", err.text);
    return c;
}

/* --- choice --- */

static void an_exact_name_goes_before_a_wildcard_and_none_gets_the_first(void **state)
{
    struct served *s = *state;
    served_add(s, "DNS:first.gw.example", NULL, 0);
    served_add(s, "DNS:*.gw.example", NULL, 0);
    served_add(s, "DNS:exact.gw.example", NULL, 0);
    struct certificates *c = load(s);
    struct tls_context *first = certificates_choose(c, SLICE("first.gw.example")),
                       *wild = certificates_choose(c, SLICE("other.gw.example")),
                       *exact = certificates_choose(c, SLICE("EXACT.gw.example"));
    assert_true(first != wild && wild != exact && exact != first);
    assert_ptr_equal(certificates_choose(c, SLICE("a.b.gw.example")), first); /* a wildcard is one label */
    assert_ptr_equal(certificates_choose(c, SLICE("")), first);
    assert_ptr_equal(certificates_choose(c, SLICE("elsewhere.invalid")), first);
    certificates_unref(c);
}

static void of_two_for_one_name_the_first_is_shown_by_itself(void **state)
{
    struct served *s = *state;
    served_add(s, "DNS:one.example", NULL, 0);
    served_add(s, "DNS:gw.example", NULL, 0);
    served_add(s, "DNS:gw.example", NULL, 0); /* the same kind of key: it can't stand beside */
    struct certificates *c = load(s);
    assert_true(certificates_same(c, SLICE("gw.example"), SLICE("GW.example")));
    assert_false(certificates_same(c, SLICE("gw.example"), SLICE("one.example")));
    certificates_unref(c);
}

static void the_one_that_has_others_beside_it_is_chosen(void **state)
{
    struct served *s = *state;
    served_add(s, "DNS:gw.example,DNS:more.example", NULL, 0); /* no RSA one is for both names */
    served_add(s, "DNS:gw.example", NULL, 0);
    served_add(s, "DNS:gw.example", "RSA-2048", 0);
    struct certificates *c = load(s);
    assert_ptr_not_equal(certificates_choose(c, SLICE("gw.example")), certificates_choose(c, SLICE("more.example")));
    certificates_unref(c);
}

static void with_one_certificate_any_host_is_the_same(void **state)
{
    struct served *s = *state;
    served_add(s, "DNS:gw.example", NULL, 0);
    struct certificates *c = load(s);
    assert_true(certificates_same(c, SLICE("gw.example"), SLICE("elsewhere.invalid")));
    assert_int_equal(certificates_count(c), 1);
    assert_int_equal(X509_cmp(certificates_at(c, 0), s->pairs[0].cert), 0);
    certificates_unref(c);
}

/* --- loading --- */

static void a_fault_names_the_file_that_has_it(void **state)
{
    struct served *s = *state;
    struct certificates *c;
    struct error err = {.text = ""};
    served_add(s, "DNS:gw.example", NULL, 0);
    served_add(s, "DNS:own.example", NULL, 0);
    served_spoil(s, 1);
    assert_int_not_equal(certificates_load(&s->config, &c, &err), OK);
    assert_non_null(strstr(err.text, s->certificates[1]));
    assert_null(strstr(err.text, s->certificates[0]));
}

static void there_are_so_many_and_no_more(void **state)
{
    struct served *s = *state;
    struct certificates *c;
    struct error err = {.text = ""};
    for (unsigned i = 0; i <= CERTIFICATES_MAX; i++)
        served_add(s, "DNS:gw.example", NULL, 0);
    assert_int_equal(certificates_load(&s->config, &c, &err), R_LIMIT);
    s->config.server_certificates.count--;
    c = load(s);
    assert_int_equal(certificates_count(c), CERTIFICATES_MAX);
    certificates_unref(c);
    s->config.server_certificates.count++;
}

/* --- new files --- */

static unsigned shown_changes;

static void on_change(void *ctx UNUSED)
{
    shown_changes++;
}

struct watching {
    struct loop *loop;
    struct shown_certificates shown;
    struct certificate_watch *watch;
};

static struct watching watch(const struct served *s)
{
    struct watching w = {.loop = loop_new()};
    shown_changes = 0;
    shown_certificates_init(&w.shown, load(s), on_change, NULL);
    return w;
}

static void begin(struct watching *w, const struct served *s)
{
    w->watch = certificate_watch_new(w->loop, &s->config, &w->shown);
}

static void end(struct watching *w)
{
    certificate_watch_free(w->watch);
    certificates_unref(w->shown.certificates);
    loop_free(w->loop);
}

static bool shows(struct watching *w, const struct pair *p)
{
    struct certificates *c = shown_certificates_get(&w->shown);
    bool ret = X509_cmp(certificates_at(c, 0), p->cert) == 0;
    certificates_unref(c);
    return ret;
}

static void a_changed_file_is_shown_within_ten_seconds(void **state)
{
    struct served *s = *state;
    served_add(s, "DNS:gw.example", NULL, 0);
    struct watching w = watch(s);
    begin(&w, s);
    fake_loop_pass(w.loop, 60 * 1000);
    assert_int_equal(shown_changes, 0);
    served_renew(s, 0, "DNS:gw.example", 0);
    assert_false(shows(&w, &s->pairs[0]));
    fake_loop_pass(w.loop, 10 * 1000);
    assert_true(shows(&w, &s->pairs[0]));
    end(&w);
}

static void a_file_that_can_t_be_used_changes_nothing_and_is_told_until_it_can(void **state)
{
    struct served *s = *state;
    char why[ERROR_TEXT_MAX];
    served_add(s, "DNS:gw.example", NULL, 0);
    struct watching w = watch(s);
    begin(&w, s);
    served_spoil(s, 0);
    fake_loop_pass(w.loop, 10 * 1000);
    assert_true(shows(&w, &s->pairs[0]));
    shown_certificates_unread(&w.shown, why);
    assert_non_null(strstr(why, s->certificates[0]));
    unsigned before = shown_changes;
    fake_loop_pass(w.loop, 60 * 1000);
    assert_int_equal(shown_changes, before); /* told once */
    served_renew(s, 0, "DNS:gw.example", 0);
    fake_loop_pass(w.loop, 10 * 1000);
    shown_certificates_unread(&w.shown, why);
    assert_string_equal(why, "");
    assert_true(shows(&w, &s->pairs[0]));
    end(&w);
}

static void asked_to_it_reads_files_that_did_not_change(void **state)
{
    struct served *s = *state;
    served_add(s, "DNS:gw.example", NULL, 0);
    struct watching w = watch(s);
    begin(&w, s);
    certificate_watch_reload(w.watch);
    assert_int_equal(shown_changes, 1); /* others are shown; that there is no fault, as before, is no news */
    assert_true(shows(&w, &s->pairs[0]));
    end(&w);
}

static void who_uses_the_old_ones_keeps_them(void **state)
{
    struct served *s = *state;
    served_add(s, "DNS:gw.example", NULL, 0);
    struct watching w = watch(s);
    struct certificates *mine = shown_certificates_get(&w.shown);
    shown_certificates_put(&w.shown, load(s));
    assert_int_equal(shown_changes, 1);
    assert_int_equal(X509_cmp(certificates_at(mine, 0), s->pairs[0].cert), 0);
    certificates_unref(mine);
    end(&w);
}

/* --- what clients hold against them --- */

static void a_check_tells_each_that_can_t_be_used_and_warns_of_one_that_clients_refuse(void **state)
{
    struct served *s = *state;
    static struct conf_faults good, expired, spoilt;
    served_add(s, "DNS:gw.example", NULL, 0);
    served_add(s, "DNS:own.example", NULL, 0);
    certificates_check(&s->config, &good);
    assert_int_equal(good.count, 0);
    served_renew(s, 1, "DNS:own.example", NOW - 3600);
    certificates_check(&s->config, &expired);
    assert_int_equal(expired.count, 0);
    assert_true(expired.warning_count > good.warning_count);
    served_spoil(s, 0);
    served_spoil(s, 1);
    certificates_check(&s->config, &spoilt);
    assert_int_equal(spoilt.count, 2); /* not the first alone */
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(an_exact_name_goes_before_a_wildcard_and_none_gets_the_first),
        HELD(of_two_for_one_name_the_first_is_shown_by_itself),
        HELD(the_one_that_has_others_beside_it_is_chosen),
        HELD(with_one_certificate_any_host_is_the_same),
        HELD(a_fault_names_the_file_that_has_it),
        HELD(there_are_so_many_and_no_more),
        HELD(a_changed_file_is_shown_within_ten_seconds),
        HELD(a_file_that_can_t_be_used_changes_nothing_and_is_told_until_it_can),
        HELD(asked_to_it_reads_files_that_did_not_change),
        HELD(who_uses_the_old_ones_keeps_them),
        HELD(a_check_tells_each_that_can_t_be_used_and_warns_of_one_that_clients_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
