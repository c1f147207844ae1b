/* SPDX-License-Identifier: Apache-2.0 */
/* When a certificate is judged, where, and how often. What pki/ would find is the test's word (--wrap), and so are the
 * clocks. */
#include "kit.h"

#include "../http/fake_clock.h"
#include "../pki/maker.h"
#include <stdatomic.h>

#include "loop/loop.h"
#include "mp/sender/judging.h"
#include "mp/sender/trust.h"
#include "pki/trust.h"

enum { PEERS = 20, AT_ONCE = 16, OF_ADDRESS = 4, LENGTHY = 4 };

static struct kit_device device;
static EVP_PKEY *ca_key;
static X509 *ca;
static struct mp_peer peers[PEERS];

/* --- what is found --- */

static struct {
    bool lengthy; /* a quick answer finds nothing yet */
    enum verdict_reason reason;
    int quick;        /* how often it was asked so */
    atomic_int long_; /* and at length */
} pki;

void __wrap_pki_trust_answer(const struct pki_trust *t, const struct pki_question *q, struct pki_verdict *ret);
void __wrap_pki_trust_judge(const struct pki_trust *t, X509 *leaf, STACK_OF(X509) * sent, int64_t now,
                            struct pki_verdict *ret);

void __wrap_pki_trust_answer(const struct pki_trust *t, const struct pki_question *q, struct pki_verdict *ret)
{
    assert_non_null(t);
    assert_true(q->quick);
    pki.quick++;
    *ret = (struct pki_verdict){.reason = pki.lengthy ? REASON_CERT_INCOMPLETE_CHAIN : pki.reason,
                                .unfinished = pki.lengthy,
                                .valid_until = q->now + 100};
}

void __wrap_pki_trust_judge(const struct pki_trust *t, X509 *leaf, STACK_OF(X509) * sent, int64_t now,
                            struct pki_verdict *ret)
{
    (void)t, (void)leaf, (void)sent;
    (void)atomic_fetch_add(&pki.long_, 1);
    *ret = (struct pki_verdict){.reason = pki.reason, .valid_until = now + 100};
}

/* --- peers --- */

static int dones, to_come;

static void on_done(struct mp_peer *p)
{
    assert_null(p->judging);
    if (++dones == to_come)
        loop_stop(site.loop);
}

static void wait_for(int count)
{
    to_come = count;
    if (dones < count)
        loop_run(site.loop);
    assert_int_equal(dones, count);
}

static int setup(void **state)
{
    fake_wall_s = NOW;
    fake_mono_ms = 1000;
    memset(&pki, 0, sizeof pki);
    dones = to_come = 0;
    if (kit_open(state) != 0)
        return -1;
    point.choice = CHOICE_MP_HTTPS;
    ca_key = pki_key_new();
    ca = kit_issue(PKI_TLS_CA, "ca", NULL, ca_key, NULL, NULL);
    kit_device_of_ca(&device, "pc.example", ca, ca_key);
    for (size_t i = 0; i < PEERS; i++) {
        peers[i] = (struct mp_peer){.site = &site, .point = &point, .certificate = device.certificate};
        (void)snprintf(peers[i].group, sizeof peers[i].group, "10.0.0.%zu", i);
    }
    return 0;
}

static int teardown(void **state)
{
    for (size_t i = 0; i < PEERS; i++)
        pki_trust_unref(peers[i].judged_by);
    kit_device_free(&device);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    return kit_close(state);
}
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static bool first(size_t i)
{
    return mp_judging_first(&peers[i], on_done);
}

static const struct pki_verdict *verdict_of(size_t i)
{
    struct pki_trust *trust;
    ok(mp_site_trust(&site, &trust, &err));
    return mp_judging_verdict(&peers[i], trust, fake_wall_s);
}

/* --- who is judged --- */

static void who_shows_none_or_is_a_connector_is_not_judged(void **state UNUSED)
{
    EVP_PKEY *key = pki_key_new();
    X509 *own = kit_issue(PKI_DEVICE, "device", NULL, key, NULL, NULL);
    peers[0].certificate = NULL;
    (void)snprintf(peers[1].connector, sizeof peers[1].connector, "cp1");
    peers[2].certificate = own; /* that it made itself, for its tokens */
    assert_true(first(0) && first(1) && first(2));
    point.choice = CHOICE_MP_EHTTP; /* which takes no certificates of a PKI */
    assert_true(first(3));
    assert_int_equal(pki.quick, 0);
    X509_free(own);
    EVP_PKEY_free(key);
}

static void a_quick_verdict_is_there_before_the_first_request(void **state UNUSED)
{
    pki.reason = REASON_CERT_REVOKED;
    assert_true(first(0));
    assert_int_equal(peers[0].verdict.reason, REASON_CERT_REVOKED);
    assert_int_equal(pki.quick, 1);
    assert_null(peers[0].judging);
}

/* --- once a connection --- */

static void a_verdict_is_reached_once_until_it_ends(void **state UNUSED)
{
    assert_true(first(0));
    assert_int_equal(verdict_of(0)->reason, REASON_OK);
    fake_wall_s = NOW + 99;
    pki.reason = REASON_CERT_REVOKED;
    assert_int_equal(verdict_of(0)->reason, REASON_OK);
    assert_int_equal(pki.quick, 1);
    fake_wall_s = NOW + 100;
    assert_int_equal(verdict_of(0)->reason, REASON_CERT_REVOKED);
    assert_int_equal(pki.quick, 2);
    assert_int_equal(verdict_of(0)->reason, REASON_CERT_REVOKED); /* a refusal is kept, too */
    assert_int_equal(pki.quick, 2);
}

static void another_trust_has_another_verdict(void **state UNUSED)
{
    assert_true(first(0));
    struct pki_trust *other = pki_trust_new(&(struct pki_trust_options){0});
    pki.reason = REASON_CERT_REVOKED;
    assert_int_equal(mp_judging_verdict(&peers[0], other, fake_wall_s)->reason, REASON_CERT_REVOKED);
    assert_ptr_equal(peers[0].judged_by, other);
    pki_trust_unref(other);
}

static void what_takes_long_within_a_request_is_put_off(void **state UNUSED)
{
    pki.lengthy = true;
    const struct pki_verdict *v = verdict_of(0);
    assert_int_equal(v->reason, REASON_TOO_MANY_REQUESTS);
    assert_non_null(strstr(v->detail, "connect again"));
    assert_int_equal(atomic_load(&pki.long_), 0); /* nobody waits for it in the loop */
}

/* --- in the pool --- */

static void what_takes_long_is_judged_in_the_pool(void **state UNUSED)
{
    pki.lengthy = true;
    pki.reason = REASON_CERT_REVOKED;
    assert_false(first(0));
    assert_non_null(peers[0].judging);
    wait_for(1);
    assert_int_equal(peers[0].verdict.reason, REASON_CERT_REVOKED);
    assert_int_equal(verdict_of(0)->reason, REASON_CERT_REVOKED);
    assert_int_equal(pki.quick, 1);
    assert_int_equal(atomic_load(&pki.long_), 1);
}

static void a_connection_that_went_hears_nothing_and_costs_nobody_its_memory(void **state UNUSED)
{
    pki.lengthy = true;
    assert_false(first(0));
    mp_judging_cancel(&peers[0]);
    mp_judging_cancel(&peers[0]);
    peers[0].certificate = NULL; /* the connection has freed its own */
    assert_false(first(1));
    wait_for(1);                         /* the other's alone */
    while (!LIST_EMPTY(&site.judging)) { /* it ends without it */
        assert_false(first(1));
        wait_for(dones + 1);
    }
    assert_null(peers[0].judged_by);
}

static void of_one_address_four_are_judged_at_once(void **state UNUSED)
{
    pki.lengthy = true;
    for (size_t i = 0; i <= OF_ADDRESS; i++)
        (void)snprintf(peers[i].group, sizeof peers[i].group, "192.0.2.1");
    for (size_t i = 0; i < OF_ADDRESS; i++)
        assert_false(first(i));
    assert_true(first(OF_ADDRESS));
    assert_int_equal(peers[OF_ADDRESS].verdict.reason, REASON_TOO_MANY_REQUESTS);
    assert_false(first(OF_ADDRESS + 1)); /* of another one */
    wait_for(OF_ADDRESS + 1);
    assert_false(first(OF_ADDRESS)); /* there is room again */
    wait_for(OF_ADDRESS + 2);
    assert_int_equal(peers[OF_ADDRESS].verdict.reason, REASON_OK);
}

static void of_all_sixteen_are_judged_at_once(void **state UNUSED)
{
    pki.lengthy = true;
    for (size_t i = 0; i < AT_ONCE; i++)
        assert_false(first(i));
    assert_true(first(AT_ONCE));
    assert_int_equal(peers[AT_ONCE].verdict.reason, REASON_TOO_MANY_REQUESTS);
    wait_for(AT_ONCE);
}

/* --- what a connector asserts --- */

static struct pki_verdict asserted(void)
{
    struct pki_verdict v;
    ok(mp_judging_asserted(&site, device.certificate, NULL, &v, &err));
    return v;
}

static void of_what_is_asserted_few_are_judged_at_length(void **state UNUSED)
{
    assert_int_equal(asserted().reason, REASON_OK);
    assert_int_equal(atomic_load(&pki.long_), 0);
    pki.lengthy = true;
    for (int i = 0; i < LENGTHY; i++)
        assert_int_equal(asserted().reason, REASON_OK);
    assert_int_equal(asserted().reason, REASON_TOO_MANY_REQUESTS);
    assert_int_equal(atomic_load(&pki.long_), LENGTHY);
    fake_mono_ms += 500; /* two a second */
    assert_int_equal(asserted().reason, REASON_OK);
    assert_int_equal(asserted().reason, REASON_TOO_MANY_REQUESTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_shows_none_or_is_a_connector_is_not_judged),
        TEST(a_quick_verdict_is_there_before_the_first_request),
        TEST(a_verdict_is_reached_once_until_it_ends),
        TEST(another_trust_has_another_verdict),
        TEST(what_takes_long_within_a_request_is_put_off),
        TEST(what_takes_long_is_judged_in_the_pool),
        TEST(a_connection_that_went_hears_nothing_and_costs_nobody_its_memory),
        TEST(of_one_address_four_are_judged_at_once),
        TEST(of_all_sixteen_are_judged_at_once),
        TEST(of_what_is_asserted_few_are_judged_at_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
