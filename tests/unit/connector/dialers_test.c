/* SPDX-License-Identifier: Apache-2.0 */
/* Which gateways a connector dials, by the bootstrap file and the documents; what it announces to them; and whom it
 * takes for one of them. tunnel/dial.h is the test's. */
#include "kit.h"

#include "../bundle/roles.h"
#include "base/mem.h"
#include "connector/gateway/dialers.h"

#define NOW INT64_C(1800000000)

struct tunnel_dialer {
    struct tunnel_dialer_options o;
    char announced[256]; /* "id id …" */
    const struct tunnel_dialer_events *events;
    void *owner;
    bool drained, idle;
};

struct fixture {
    struct roles roles;
    struct connector_config config;
    struct role_identity identity;
    struct site_known known;
    struct upstreams upstreams;
    struct dialers ds;
    unsigned news, up; /* up: dialers that stand */
    const char *asked_by;
};

static struct fixture *fix;

/* --- stand-ins --- */

const struct role_identity *renewer_identity(const struct renewer *r UNUSED)
{
    return &fix->identity;
}

void tunnel_dialer_set_endpoints(struct tunnel_dialer *d, const char *const *endpoints, size_t count)
{
    d->announced[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(d->announced);
        (void)snprintf(d->announced + used, sizeof d->announced - used, "%s%s", i ? " " : "", endpoints[i]);
    }
}

struct tunnel_dialer *tunnel_dialer_new(struct loop *loop UNUSED, const struct tunnel_dialer_options *o,
                                        const char *const *endpoints, size_t count,
                                        const struct tunnel_dialer_events *events, void *owner)
{
    struct tunnel_dialer *d = mem_zalloc(sizeof *d);
    d->o = *o;
    d->events = events;
    d->owner = owner;
    tunnel_dialer_set_endpoints(d, endpoints, count);
    fix->up++;
    return d;
}

void tunnel_dialer_set_tls(struct tunnel_dialer *d, struct tls_context *tls)
{
    d->o.tls = tls;
}

void tunnel_dialer_drain(struct tunnel_dialer *d)
{
    d->drained = true;
}

bool tunnel_dialer_idle(const struct tunnel_dialer *d)
{
    return d->idle;
}

void tunnel_dialer_free(struct tunnel_dialer *d)
{
    fix->up -= d != NULL;
    free(d);
}

/* --- set-up --- */

static void on_news(void *ctx)
{
    ((struct fixture *)ctx)->news++;
}

static void on_request(void *owner, const char *gateway_id, struct http_exchange *x)
{
    ((struct fixture *)owner)->asked_by = gateway_id;
    assert_null(x);
}

static int setup(void **state)
{
    struct error err = {.text = ""};
    struct fixture *f = fix = mem_zalloc(sizeof *f);
    roles_make(&f->roles, NOW);
    f->identity = roles_identity(&f->roles, "connector", "cp1", NOW - ROLES_DAY, NOW + ROLES_DAY);
    roles_bootstrap(&f->roles, "cp1", &f->identity, &f->config.bootstrap);
    f->known = (struct site_known){.config = &f->config, .on_news = on_news, .ctx = f};
    f->ds.known = &f->known;
    f->ds.upstreams = &f->upstreams;
    f->ds.on_request = on_request;
    f->ds.owner = f;
    if (dialers_begin(&f->ds, &err) != OK)
        fail_msg("%s", err.text);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    dialers_end(&f->ds);
    upstreams_free(&f->upstreams);
    role_identity_free(&f->identity);
    bootstrap_free(&f->config.bootstrap);
    roles_end(&f->roles);
    assert_int_equal(f->up, 0);
    free(f);
    kit_servers_reset();
    return 0;
}

static const struct connector_gateway gw1 = {.id = "gw1", .host = "one.example", .port = 443};
static const struct connector_gateway gw2 = {.id = "gw2", .host = "two.example", .port = 8443};

static void apply(struct fixture *f, const struct connector_gateway *list, size_t count)
{
    const struct connector_document d = {.gateways = list, .gateway_count = count};
    dialers_apply(&f->ds, &d);
}

/* The one that stands for this gateway, or NULL. */
static struct tunnel_dialer *dialer_of(const struct fixture *f, const char *id)
{
    for (size_t i = 0; i < f->ds.count; i++) {
        if (f->ds.list[i].tunnels && strcmp(f->ds.list[i].gateway.at.id, id) == 0)
            return f->ds.list[i].tunnels;
    }
    return NULL;
}

/* --- who it is --- */

/* What is said of a peer that shows this role's certificate, where gw1 was dialled; "": it is taken. */
static const char *judged(const struct fixture *f, const struct roles *by, const char *kind, const char *id,
                          int64_t not_after, int64_t withdrawn)
{
    static struct error err;
    struct dialed_gateway meant = {.at.id = "gw1", .withdrawn = withdrawn};
    struct roles_pair p = roles_issue(by, kind, id, NOW - 10 * ROLES_DAY, not_after);
    STACK_OF(X509) *chain = sk_X509_new_null();
    (void)sk_X509_push(chain, p.cert);
    (void)sk_X509_push(chain, by->ca.cert);
    err.text[0] = '\0';
    enum result r = dialers_judge(f->ds.judge, &meant, p.cert, chain, NOW, &err);
    assert_true(r == OK || r == R_DENIED);
    sk_X509_free(chain);
    roles_drop(&p);
    return r == OK ? "" : err.text;
}

static void the_gateway_that_was_dialled_is_taken(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(judged(f, &f->roles, "gateway", "gw1", NOW + ROLES_DAY, 0), "");
}

static void a_gateway_opens_its_own_place_alone(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(judged(f, &f->roles, "gateway", "gw2", NOW + ROLES_DAY, 0),
                        "the peer is gateway gw2, expected gw1");
}

static void a_role_of_another_kind_is_no_gateway(void **state)
{
    struct fixture *f = *state;
    assert_string_not_equal(judged(f, &f->roles, "connector", "gw1", NOW + ROLES_DAY, 0), "");
    assert_string_not_equal(judged(f, &f->roles, "mp", "gw1", NOW + ROLES_DAY, 0), "");
}

static void a_gateway_of_another_root_is_refused(void **state)
{
    struct fixture *f = *state;
    struct roles other;
    roles_make(&other, NOW);
    assert_string_not_equal(judged(f, &other, "gateway", "gw1", NOW + ROLES_DAY, 0), "");
    roles_end(&other);
}

static void a_gateway_whose_certificate_has_expired_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_string_not_equal(judged(f, &f->roles, "gateway", "gw1", NOW - 1, 0), "");
}

static void a_withdrawn_certificate_is_refused_and_its_successor_taken(void **state)
{
    struct fixture *f = *state;
    int64_t end = NOW + ROLES_DAY;
    assert_non_null(strstr(judged(f, &f->roles, "gateway", "gw1", end, end), "withdrawn"));
    assert_non_null(strstr(judged(f, &f->roles, "gateway", "gw1", end - 1, end), "withdrawn"));
    assert_string_equal(judged(f, &f->roles, "gateway", "gw1", end + 1, end), "");
}

/* --- which are dialled --- */

static void a_document_s_gateways_are_dialled_where_it_says(void **state)
{
    struct fixture *f = *state;
    const struct connector_gateway list[] = {gw1, gw2};
    apply(f, list, 2);
    assert_int_equal(f->up, 2);
    assert_string_equal(dialer_of(f, "gw2")->o.host, "two.example");
    assert_int_equal(dialer_of(f, "gw2")->o.port, 8443);
    assert_string_equal(dialer_of(f, "gw2")->o.connector_id, "cp1");
}

static void one_that_stays_keeps_its_tunnels(void **state)
{
    struct fixture *f = *state;
    const struct connector_gateway list[] = {gw2, gw1};
    apply(f, &gw1, 1);
    struct tunnel_dialer *before = dialer_of(f, "gw1");
    apply(f, list, 2);
    assert_ptr_equal(dialer_of(f, "gw1"), before);
    assert_int_equal(f->up, 2);
}

static void one_that_is_gone_is_hung_up_at_once(void **state)
{
    struct fixture *f = *state;
    const struct connector_gateway list[] = {gw1, gw2};
    apply(f, list, 2);
    apply(f, &gw2, 1);
    assert_null(dialer_of(f, "gw1"));
    assert_non_null(dialer_of(f, "gw2"));
}

static void one_that_moved_is_dialled_at_its_new_place_alone(void **state)
{
    struct fixture *f = *state;
    const struct connector_gateway host = {.id = "gw1", .host = "new.example", .port = 443};
    const struct connector_gateway port = {.id = "gw1", .host = "new.example", .port = 444};
    apply(f, &gw1, 1);
    apply(f, &host, 1);
    assert_string_equal(dialer_of(f, "gw1")->o.host, "new.example");
    apply(f, &port, 1);
    assert_int_equal(dialer_of(f, "gw1")->o.port, 444);
    assert_int_equal(f->up, 1);
}

static void one_whose_certificate_is_withdrawn_loses_its_tunnels(void **state)
{
    struct fixture *f = *state;
    struct connector_gateway withdrawn = gw1;
    withdrawn.withdrawn = NOW + ROLES_DAY;
    apply(f, &gw1, 1);
    f->ds.list[0].workers = 7;
    apply(f, &withdrawn, 1);
    assert_int_equal(f->up, 1);
    assert_int_equal(f->ds.list[0].workers, 0); /* it is another one */
    assert_int_equal(f->ds.list[0].gateway.withdrawn, NOW + ROLES_DAY);
}

static void there_is_a_most_and_places_come_free(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i <= DIALERS_MAX; i++) {
        struct dialed_gateway g = {.at.port = (uint16_t)(i + 1)};
        (void)snprintf(g.at.id, sizeof g.at.id, "gw%d", i);
        dialers_dial(&f->ds, &g);
    }
    assert_int_equal(f->up, DIALERS_MAX);
    apply(f, &gw2, 1);
    assert_int_equal(f->up, 1);
    assert_int_equal(f->ds.count, DIALERS_MAX);
}

static void without_a_key_nothing_is_dialled_and_the_place_stays_free(void **state)
{
    struct fixture *f = *state;
    f->identity.key_pem[0] = '\0';
    apply(f, &gw1, 1);
    assert_int_equal(f->up, 0);
}

/* --- announcements --- */

static void the_site_its_sources_and_every_endpoint_are_announced(void **state)
{
    struct fixture *f = *state;
    static const struct connector_endpoint endpoints[] = {{.id = "e1", .host = "a", .port = 80, .base_path = ""},
                                                          {.id = "e2", .host = "b", .port = 80, .base_path = ""}};
    struct connector_document d = {.endpoints = endpoints, .endpoint_count = 2};
    apply(f, &gw1, 1);
    assert_string_equal(dialer_of(f, "gw1")->announced, "site source");
    upstreams_replace(&f->upstreams, NULL, &f->config, NULL, &d);
    dialers_announce(&f->ds);
    assert_string_equal(dialer_of(f, "gw1")->announced, "site source e1 e2");
    const struct connector_gateway list[] = {gw1, gw2};
    apply(f, list, 2);
    assert_string_equal(dialer_of(f, "gw2")->announced, "site source e1 e2");
}

/* --- what comes of tunnels --- */

static void a_tunnel_s_state_is_news_and_its_cause_stays_until_it_is_up(void **state)
{
    struct fixture *f = *state;
    struct error why;
    apply(f, &gw1, 1);
    struct dialer *d = &f->ds.list[0];
    (void)error_set(&why, R_IO, "connection refused");
    d->tunnels->events->on_tunnel(d, "", 0, 0, false, &why);
    assert_string_equal(d->why, "connection refused");
    assert_int_equal(d->workers, 0);
    d->tunnels->events->on_tunnel(d, "gw1", 1, 4, true, NULL);
    assert_string_equal(d->why, "");
    assert_int_equal(d->workers, 4);
    d->tunnels->events->on_tunnel(d, "", 0, 0, false, &why); /* says nothing of workers */
    assert_int_equal(d->workers, 4);
    assert_int_equal(f->news, 3);
}

static void a_request_comes_with_the_gateway_that_was_dialled(void **state)
{
    struct fixture *f = *state;
    apply(f, &gw2, 1);
    f->ds.list[0].tunnels->events->on_request(&f->ds.list[0], NULL);
    assert_string_equal(f->asked_by, "gw2");
}

/* --- life --- */

static void a_new_role_certificate_is_shown_by_the_next_tunnels(void **state)
{
    struct fixture *f = *state;
    apply(f, &gw1, 1);
    struct tls_context *before = f->ds.list[0].tls;
    struct tls_context *held = tls_context_ref(before); /* so that its address is not used again */
    dialers_renewed(&f->ds);
    assert_ptr_not_equal(f->ds.list[0].tls, before);
    assert_ptr_equal(f->ds.list[0].tunnels->o.tls, f->ds.list[0].tls);
    f->identity.key_pem[0] = '\0';
    struct tls_context *good = f->ds.list[0].tls;
    dialers_renewed(&f->ds);
    assert_ptr_equal(f->ds.list[0].tls, good); /* one that can't be shown is not */
    tls_context_unref(held);
}

static void it_is_idle_when_every_drained_one_is(void **state)
{
    struct fixture *f = *state;
    const struct connector_gateway list[] = {gw1, gw2};
    assert_true(dialers_idle(&f->ds));
    apply(f, list, 2);
    dialers_drain(&f->ds);
    assert_true(dialer_of(f, "gw1")->drained && dialer_of(f, "gw2")->drained);
    dialer_of(f, "gw1")->idle = true;
    assert_false(dialers_idle(&f->ds));
    dialer_of(f, "gw2")->idle = true;
    assert_true(dialers_idle(&f->ds));
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(the_gateway_that_was_dialled_is_taken),
        HELD(a_gateway_opens_its_own_place_alone),
        HELD(a_role_of_another_kind_is_no_gateway),
        HELD(a_gateway_of_another_root_is_refused),
        HELD(a_gateway_whose_certificate_has_expired_is_refused),
        HELD(a_withdrawn_certificate_is_refused_and_its_successor_taken),
        HELD(a_document_s_gateways_are_dialled_where_it_says),
        HELD(one_that_stays_keeps_its_tunnels),
        HELD(one_that_is_gone_is_hung_up_at_once),
        HELD(one_that_moved_is_dialled_at_its_new_place_alone),
        HELD(one_whose_certificate_is_withdrawn_loses_its_tunnels),
        HELD(there_is_a_most_and_places_come_free),
        HELD(without_a_key_nothing_is_dialled_and_the_place_stays_free),
        HELD(the_site_its_sources_and_every_endpoint_are_announced),
        HELD(a_tunnel_s_state_is_news_and_its_cause_stays_until_it_is_up),
        HELD(a_request_comes_with_the_gateway_that_was_dialled),
        HELD(a_new_role_certificate_is_shown_by_the_next_tunnels),
        HELD(it_is_idle_when_every_drained_one_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
